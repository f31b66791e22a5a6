"""Makes the precisions of one winner, each written, checked and scored on validation images."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch

from autokd.core.codec import write_atomically
from autokd.core.config import ExportConfig
from autokd.core.device import DeviceProfile
from autokd.core.precision import Int8Form, Precision
from autokd.core.progress import Say
from autokd.core.results import VariantResult
from autokd.core.seeds import derive_seed
from autokd.core.trial import Trial
from autokd.data.images import ImageSet
from autokd.distill.batches import TrainingData
from autokd.distill.quantised import QuantisedStudent, train_quantised
from autokd.errors import TrainingError
from autokd.export.accuracy import Judge, VariantScore
from autokd.export.float16 import half_model
from autokd.export.graph import read_graph, with_constants
from autokd.export.int8_search import Int8Try, search_int8
from autokd.export.microcontroller import full_integer_model
from autokd.export.onnx import OPERATORS
from autokd.export.package import ExportedStudent
from autokd.export.quantise import quantised_model
from autokd.export.verify import INT8_OPERATORS, check_file
from autokd.pipeline.choice import offered_precisions
from autokd.pipeline.exporting import Exporter

CALIBRATION_IMAGES = 256
FILES = {"fp32": "student.onnx", "fp16": "student.fp16.onnx", "int8": "student.int8.onnx"}

# Training with integers may take so much of the time that the student was trained, which is some
# 5 % of a run's budget.
TUNING_SHARE = 0.15
_SLOWER = 3.0  # a step with integers than one without


@dataclass(frozen=True, slots=True)
class Source:
    """A winner whose fp32 file is made, and what its other precisions are made of.

    Attributes:
        trial: It.
        exported: Its fp32 file.
        profile: The device.
        config: What was asked for.
        train: Images to calibrate on.
        validation: Images that decide whether a precision keeps its accuracy.
        training: Opens what it can be trained on; None where it is not to be.
        seed: Root seed of the run.
    """

    trial: Trial
    exported: ExportedStudent
    profile: DeviceProfile
    config: ExportConfig
    train: ImageSet
    validation: ImageSet
    training: Callable[[], TrainingData] | None
    seed: int


class VariantMaker:
    """Makes the precisions of one winner beside its fp32 file."""

    def __init__(self, exporter: Exporter, source: Source, *, say: Say) -> None:
        """Let the fp32 file name the classes of the validation images.

        Raises:
            ExportError: The file does not load.
        """
        self._exporter = exporter
        self._source = source
        self._say = say
        images = exporter.board_images(source.validation, source.trial)
        labels = source.validation.labels.numpy()
        self._judge = Judge.of(source.exported.path, images, labels)
        self._graph = read_graph(source.exported.path)

    def make(self) -> list[VariantResult]:
        """Give what was tried, fp32 first; the best of each precision has a file.

        Raises:
            ExportError: A file is not what the board loads.
            StorageError: The disk is full or refuses.
        """
        return [self._result("fp32"), *self._fp16(), *self._int8()]

    def _fp16(self) -> list[VariantResult]:
        if not self._wanted("fp16"):
            return []
        self._write("fp16", half_model(self._graph).SerializeToString())
        return [self._result("fp16")]

    def _int8(self) -> list[VariantResult]:
        if not self._wanted("int8"):
            return []
        self._say("quantising the student ...")
        # Where a device computes with nothing but integers, no node can be left out of them.
        most = 1.0 if self._source.profile.takes else self._source.config.max_accuracy_drop
        *others, best = search_int8(
            self._graph,
            self._calibration_images(),
            form=self._form(),
            judge=self._judge,
            max_drop=most,
        )
        tried = [self._tried(one) for one in others]
        kept = self._kept(best)
        if kept.passed or self._source.training is None:
            return [*tried, kept]
        tuned = self._tuned(best)
        if tuned is None:
            return [*tried, kept]
        if tuned.drop < kept.drop:
            return [*tried, _without_file(kept), tuned]
        return [*tried, _without_file(tuned), self._kept(best)]

    def _kept(self, best: Int8Try) -> VariantResult:
        """Write the best that calibration alone found."""
        model = best.model
        if self._source.profile.takes is not None:
            model = full_integer_model(self._graph, best.ranges, form=best.form)
        self._write("int8", model.SerializeToString())
        return self._result("int8", form=best.form, method=best.method, excluded=best.excluded)

    def _tuned(self, best: Int8Try) -> VariantResult | None:
        """Train with integers from the student's weights, and write what comes of it."""
        source, form = self._source, self._form()
        assert source.training is not None  # noqa: S101 - the caller looked
        self._say(
            f"INT8 loses {100 * best.score.drop:.2f} points, "
            f"{100 * source.config.max_accuracy_drop:.2f} are allowed; training with integers ..."
        )
        data, candidate = source.training(), source.trial.candidate
        program = self._exporter.space.program(candidate)
        seconds = TUNING_SHARE * sum(o.train_seconds for o in source.trial.observations)
        pace = max(o.images_per_second for o in source.trial.observations)
        try:
            found = train_quantised(
                QuantisedStudent(self._graph.nodes, self._graph.constants, best.ranges, form=form),
                data,
                candidate.distill,
                px=program.input_px,
                channels=program.image_channels,
                steps=max(1, int(seconds * pace / (_SLOWER * data.batch_size))),
                most_seconds=max(1.0, seconds),
                seed=derive_seed(source.seed, "integers", source.trial.trial_id),
            )
        except TrainingError as fault:
            self._say(f"training with integers failed: {fault}")
            return None
        tuned = read_graph(with_constants(self._graph.model, found.constants))
        integers = full_integer_model if source.profile.takes else quantised_model
        made = integers(tuned, found.ranges, form=form)
        self._write("int8", made.SerializeToString())
        note = f"{found.steps} steps of training with integers"
        return self._result("int8", form=form, method="trained", note=note)

    def _wanted(self, precision: Precision) -> bool:
        asked = self._source.config.precision
        return asked in ("auto", precision) and precision in offered_precisions(
            self._source.profile
        )

    def _form(self) -> Int8Form:
        profile = self._source.profile
        takes = profile.takes.int8 if profile.takes else None
        form = profile.runtime.int8 if profile.runtime else takes
        assert form is not None  # noqa: S101 - a profile that lists int8 has its form
        return form

    def _calibration_images(self) -> np.ndarray:
        train = self._source.train
        few = torch.linspace(0, len(train) - 1, min(CALIBRATION_IMAGES, len(train)))
        chosen = train.subset(few.round().to(torch.int64))
        return self._exporter.board_images(chosen, self._source.trial)

    def _write(self, precision: Precision, content: bytes) -> None:
        path = self._path(precision)
        write_atomically(path, content)
        operators = INT8_OPERATORS if precision == "int8" else OPERATORS
        check_file(path, self._source.profile.export, operators=operators)

    def _path(self, precision: Precision) -> Path:
        return self._source.exported.path.with_name(FILES[precision])

    def _result(self, precision: Precision, **how: object) -> VariantResult:
        """Score the file of a precision."""
        path = self._path(precision)
        content = path.read_bytes()
        return self._record(
            self._judge.file(path),
            precision=precision,
            file=str(path.relative_to(self._exporter.run)),
            sha256=sha256(content).hexdigest(),
            size_bytes=len(content),
            validation_images=len(self._judge.images),
            **how,
        )

    def _tried(self, one: Int8Try) -> VariantResult:
        return self._record(
            one.score,
            precision="int8",
            form=one.form,
            method=one.method,
            excluded=one.excluded,
            file=None,
            sha256=None,
            size_bytes=one.model.ByteSize(),
            validation_images=one.images,
        )

    def _record(self, score: VariantScore, **fields: object) -> VariantResult:
        return VariantResult.model_validate(
            {
                "validation_accuracy": score.accuracy,
                "agreement": score.agreement,
                "drop": score.drop,
                "passed": score.drop <= self._source.config.max_accuracy_drop,
                **fields,
            }
        )


def _without_file(variant: VariantResult) -> VariantResult:
    return variant.model_copy(update={"file": None, "sha256": None})
