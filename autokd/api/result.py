"""What a run gives to a Python program or a notebook."""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autokd.core.codec import load_record
from autokd.core.genotype import Genotype
from autokd.core.results import Report, Winner
from autokd.core.trial import Trial
from autokd.errors import ExportError, InputError
from autokd.report.picture import Picture, draw_front
from autokd.report.tables import compare_with_teacher

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from autokd.models.normalised import NormalisedStudent


@dataclass(frozen=True, slots=True, repr=False)
class Student:
    """A student of a run, with its files.

    Attributes:
        run: Folder of the run.
        report: Of the run.
        record: All that was found of it.
    """

    run: Path
    report: Report
    record: Winner

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.run / "winners" / str(self.record.rank)

    @property
    def path(self) -> Path:
        """The ONNX file for the board, in the precision that was chosen."""
        chosen = self.record.chosen_variant
        return self.folder / Path(str(chosen.file) if chosen else self.record.export.file).name

    @property
    def accuracy(self) -> float | None:
        """Accuracy of `path` in onnxruntime over the whole test split; None without labels."""
        return self.record.test_accuracy

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the logits."""
        return self.report.data.classes

    def predict(self, images: Any) -> "NDArray[np.int64]":
        """Give the class number of each image, (n,), as the file for the board names it.

        Args:
            images: As `logits` takes them.

        Raises:
            DataError: They are no images.
            ExportError: The file does not load.
        """
        named: NDArray[np.int64] = self.logits(images).argmax(axis=1)
        return named

    def logits(self, images: Any) -> "NDArray[np.float32]":
        """Give the logits, (n, classes), that onnxruntime computes from `path` on this machine.

        Images are cut to their middle square and brought to the student's size as in the run.

        Args:
            images: An array of bytes (n, h, w) or (n, h, w, 1 or 3), or a sequence of images as a
                dataset has them, see `autokd.data.given`.

        Raises:
            DataError: They are no images.
            ExportError: The file does not load.
        """
        import numpy as np
        import torch

        from autokd.data.augment import resize
        from autokd.data.decode import pixels_of
        from autokd.data.given import as_picture
        from autokd.export.verify import run_onnx

        data = self.report.data
        pictures = [as_picture(image, f"images[{n}]") for n, image in enumerate(images)]
        shape = (len(pictures), data.image_px, data.image_px, data.image_channels)
        pixels = np.empty(shape, np.uint8)
        for row, picture in enumerate(pictures):
            pixels[row] = pixels_of(picture, px=data.image_px, channels=data.image_channels)
        fitting = resize(torch.from_numpy(pixels), self.record.genotype.input_px).numpy()
        return run_onnx(self.path, fitting)

    def to_torch(self) -> "NormalisedStudent":
        """Give the student in fp32 as a module in evaluation mode, with its trained weights.

        It takes float32 images (n, channels, px, px) with values in 0..1, not normalised, of the
        side ``input_px``, and gives logits (n, classes).

        Raises:
            ExportError: Its weights cannot be read.
        """
        import safetensors
        from safetensors.torch import load_file

        from autokd.models.network import StudentNetwork
        from autokd.models.normalised import NormalisedStudent
        from autokd.pipeline.plan import RunPlan
        from autokd.space.lowering import lower

        genotype = load_record(Genotype, self.folder / "genotype.json", error=InputError)
        plan = load_record(RunPlan, self.run / "plan.json")
        network = StudentNetwork(lower(genotype))
        path = self.folder / "student.safetensors"
        try:
            network.load_state_dict(load_file(path))
        except (OSError, safetensors.SafetensorError) as fault:
            msg = f"{path}: the weights cannot be read ({fault}); export the student again."
            raise ExportError(msg) from None
        student = NormalisedStudent(
            network,
            mean=plan.mean,
            std=plan.std,
            class_names=self.classes,
            input_px=genotype.input_px,
        )
        return student.eval()

    def __repr__(self) -> str:
        return f"<autokd student {self.record.rank}: {self.path}>"


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """A run that has ended.

    Attributes:
        run: Its folder.
        report: All that was found, as in ``results.json``.
    """

    run: Path
    report: Report

    @property
    def students(self) -> tuple[Student, ...]:
        """All students that were exported, best first."""
        return tuple(Student(self.run, self.report, winner) for winner in self.report.winners)

    @property
    def best(self) -> Student:
        """The first of `students`."""
        return self.students[0]

    @property
    def front(self) -> tuple[Trial, ...]:
        """Trials that no other beats in both accuracy and use of the limits, by their number."""
        return tuple(t for t in self.report.trials if t.trial_id in self.report.front)

    def plot(self, against: str = "limits") -> Picture:
        """Draw accuracy against what it costs, with every trial.

        Args:
            against: ``limits`` (the use of the tightest), ``params``, ``latency``, ``memory`` or
                ``size``.

        Raises:
            ConfigError: ``against`` is something else.
        """
        return draw_front(self.report, against=against)

    def __repr__(self) -> str:
        return f"<autokd result {self.run}: {self.report.verdict}>"

    def _repr_html_(self) -> str:
        rows = [
            f"<tr><td>{escape(row.label)}</td><td>{escape(row.student.text)}</td>"
            f"<td>{escape(row.teacher.text)}</td><td>{escape(row.limit.text)}</td></tr>"
            for row in compare_with_teacher(self.report, self.report.winners[0])
        ]
        return (
            f"<p>{escape(self.report.verdict)}</p>"
            "<table><thead><tr><th></th><th>student</th><th>teacher</th><th>limit</th></tr></thead>"
            f"<tbody>{''.join(rows)}</tbody></table>"
            f"<p><code>{escape(str(self.best.path))}</code></p>"
        )
