"""From finalists to winners: exported, checked on real images, timed on this host."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from autokd.core.config import RunConfig
from autokd.core.device import DeviceProfile, ExportTarget
from autokd.core.progress import Progress
from autokd.core.results import ExportResult, LatencyMeasurement, Winner
from autokd.core.trial import Trial
from autokd.data.augment import resize, to_input
from autokd.data.images import ImageSet
from autokd.errors import DeviceError, ExportError, MeasurementError
from autokd.export.package import ExportedStudent, TrainedStudent, export_winner
from autokd.export.verify import run_onnx
from autokd.measure.local import measure_local
from autokd.models.network import StudentNetwork
from autokd.pipeline.plan import RunPlan
from autokd.pipeline.students import FINAL_RUNG
from autokd.space.students import StudentSpace

Say = Callable[[str], None]

PARITY_IMAGES = 256
BENCH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """Winners, best first, and what the steps took."""

    winners: tuple[Winner, ...]
    teacher_test_accuracy: float | None
    export_seconds: float
    measure_seconds: float


@dataclass(frozen=True, slots=True)
class Exporter:
    """Exports trained students of one run."""

    config: RunConfig
    plan: RunPlan
    space: StudentSpace
    run: Path

    def export(
        self, trial: Trial, folder: Path, *, images: ImageSet, target: ExportTarget, device: str
    ) -> ExportedStudent:
        """Write the folder of ``trial`` and hold the file against the student on real images.

        Raises:
            ExportError: The file is not what the board loads, or does not compute the same.
        """
        program = self.space.program(trial.candidate)
        network = self._network(trial)
        shown = self.board_images(
            images.subset(torch.arange(min(PARITY_IMAGES, len(images)))), trial
        )
        with torch.inference_mode():
            reference = network(
                to_input(
                    torch.from_numpy(shown),
                    channels=program.image_channels,
                    mean=self.plan.mean,
                    std=self.plan.std,
                )
            )
        genotype = self.space.genotype(trial.candidate)
        student = TrainedStudent(
            program=program,
            weights={name: value.numpy() for name, value in network.state_dict().items()},
            genotype=genotype,
            mean=self.plan.mean,
            std=self.plan.std,
            class_names=self.plan.data.classes,
            metadata={
                "device": device,
                "genotype": genotype.digest,
                "teacher_sha256": self.plan.teacher.sha256,
                "data_digest": self.plan.data.digest,
                "trial": str(trial.trial_id),
                "seed": str(self.config.seed),
            },
        )
        return export_winner(
            folder, student, target=target, images=shown, reference=reference.numpy()
        )

    def board_images(self, images: ImageSet, trial: Trial) -> np.ndarray:
        """Give images (n, px, px, c) as the board feeds them to the student of ``trial``."""
        return resize(images.images, trial.candidate.family.input_px).numpy()

    def _network(self, trial: Trial) -> StudentNetwork:
        path = self.run / "trials" / str(trial.trial_id) / f"rung{FINAL_RUNG}.safetensors"
        network = StudentNetwork(self.space.program(trial.candidate))
        try:
            weights = safetensors.torch.load_file(path)
        except (OSError, safetensors.SafetensorError) as fault:
            msg = f"{path}: the trained weights cannot be read ({fault}); begin a new run."
            raise ExportError(msg) from None
        network.load_state_dict(weights, strict=False)
        return network.eval()


def deliver(
    exporter: Exporter,
    finalists: tuple[Trial, ...],
    *,
    profile: DeviceProfile,
    validation: ImageSet,
    load_test: Callable[[], tuple[ImageSet | None, float | None, np.ndarray | None]],
    progress: Progress,
    say: Say,
) -> Delivery:
    """Export finalists, score the files in onnxruntime and time them on this host.

    The test split is read here, after the order of the winners is settled.

    Args:
        exporter: Of this run.
        finalists: Best first.
        profile: The device.
        validation: Images that parity is checked on.
        load_test: Gives the test images, and the teacher's accuracy and classes on them.
        progress: Told of each step.
        say: Told what was measured.

    Raises:
        ExportError: A file is not what the board loads, or does not compute the same.
    """
    began = time.monotonic()
    folders = [exporter.run / "winners" / str(rank) for rank in range(1, len(finalists) + 1)]
    exported = []
    for done, (trial, folder) in enumerate(zip(finalists, folders, strict=True)):
        progress("exporting", done, len(finalists))
        exported.append(
            exporter.export(
                trial, folder, images=validation, target=profile.export, device=profile.id
            )
        )
    progress("exporting", len(finalists), len(finalists))
    test, teacher_accuracy, teacher_classes = load_test()
    scores = []
    for done, (trial, found) in enumerate(zip(finalists, exported, strict=True)):
        progress("scoring in onnxruntime", done, len(finalists))
        scores.append(_score(exporter, trial, found.path, validation, test, teacher_classes))
    progress("scoring in onnxruntime", len(finalists), len(finalists))
    export_seconds = time.monotonic() - began
    began = time.monotonic()
    winners = []
    for rank, (trial, found, score) in enumerate(zip(finalists, exported, scores, strict=True), 1):
        progress("timing on this host", rank - 1, len(finalists))
        measured = _measure(found.path, folders[rank - 1], profile, say)
        winners.append(_winner(exporter, rank, trial, found, score, measured))
    progress("timing on this host", len(finalists), len(finalists))
    return Delivery(tuple(winners), teacher_accuracy, export_seconds, time.monotonic() - began)


@dataclass(frozen=True, slots=True)
class _Score:
    """Accuracies of a file in onnxruntime; None without labels or images."""

    validation: float | None
    test: float | None
    test_agreement: float | None


def _score(
    exporter: Exporter,
    trial: Trial,
    path: Path,
    validation: ImageSet,
    test: ImageSet | None,
    teacher_classes: np.ndarray | None,
) -> _Score:
    named = run_onnx(path, exporter.board_images(validation, trial)).argmax(axis=1)
    on_validation = _accuracy(named, validation)
    if test is None or not len(test):
        return _Score(on_validation, None, None)
    named = run_onnx(path, exporter.board_images(test, trial)).argmax(axis=1)
    agreement = None if teacher_classes is None else float((named == teacher_classes).mean())
    return _Score(on_validation, _accuracy(named, test), agreement)


def _accuracy(named: np.ndarray, images: ImageSet) -> float | None:
    """Give the fraction of the images with a label that are right, None when none has one."""
    labels = images.labels.numpy()
    known = labels >= 0
    return float((named == labels)[known].mean()) if known.any() else None


def _measure(
    path: Path, folder: Path, profile: DeviceProfile, say: Say
) -> LatencyMeasurement | None:
    """Time a file here; a host that cannot is a note in the report, not the end of a run."""
    try:
        return measure_local(path, profile, seconds=BENCH_SECONDS, sample=folder / "sample.npz")
    except (DeviceError, MeasurementError) as fault:
        say(f"not timed on this host: {fault}")
        return None


def _winner(
    exporter: Exporter,
    rank: int,
    trial: Trial,
    found: ExportedStudent,
    score: _Score,
    measured: LatencyMeasurement | None,
) -> Winner:
    candidate = trial.candidate
    last = trial.observations[-1]
    labelled = exporter.plan.data.labelled
    alone = candidate.distill.model_copy(update={"alpha": 1.0})  # what no labels leave
    return Winner(
        rank=rank,
        trial_id=trial.trial_id,
        genotype=exporter.space.genotype(candidate),
        distill=candidate.distill if labelled else alone,
        member_seed=candidate.member_seed,
        cost=candidate.cost,
        violations=exporter.plan.limits.violations(
            candidate.cost.model_copy(update={"size_bytes": found.size_bytes})
        ),
        epochs=last.fidelity.images / exporter.plan.data.train_images,
        train_seconds=sum(seen.train_seconds for seen in trial.observations),
        validation_accuracy=last.accuracy if labelled else None,
        validation_agreement=last.agreement,
        export=ExportResult(
            file=str(found.path.relative_to(exporter.run)),
            sha256=found.sha256,
            size_bytes=found.size_bytes,
            opset=found.opset,
            ir=found.ir,
            input=found.input,
            export_seconds=found.export_seconds,
            parity_images=found.parity.images,
            parity_max_error=found.parity.max_error,
            agreement=found.parity.agreement,
            validation_accuracy=score.validation,
            test_accuracy=score.test,
            test_agreement=score.test_agreement,
        ),
        measurement=measured,
    )
