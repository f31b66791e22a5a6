"""From finalists to winners: exported, checked on real images, timed, in the best precision."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autokd.core.codec import save_record
from autokd.core.comparison import ImageOutcomes, outcomes_file
from autokd.core.device import DeviceProfile
from autokd.core.progress import Progress, Say
from autokd.core.results import ExportResult, Winner
from autokd.core.trial import Trial
from autokd.data.images import Dataset, ImageSet
from autokd.distill.batches import TrainingData
from autokd.export.package import ExportedStudent
from autokd.export.verify import run_onnx
from autokd.pipeline.departures import Departures, TeacherClasses, find_departures
from autokd.pipeline.exporting import Exporter
from autokd.pipeline.precisions import Precisions, settle_precision
from autokd.pipeline.variants import Source
from autokd.pipeline.winner_timing import WinnerTiming


@dataclass(frozen=True, slots=True)
class Delivery:
    """Winners, best first, what the steps took, and why the last timing that failed did."""

    winners: tuple[Winner, ...]
    teacher_test_accuracy: float | None
    export_seconds: float
    measure_seconds: float
    timing_failure: str | None = None


def deliver(  # noqa: PLR0913 - all that a run has by now
    exporter: Exporter,
    finalists: tuple[Trial, ...],
    *,
    profile: DeviceProfile,
    dataset: Dataset,
    training: Callable[[], TrainingData],
    teacher_classes: TeacherClasses,
    load_test: Callable[[], tuple[ImageSet | None, float | None, np.ndarray | None]],
    progress: Progress,
    say: Say,
) -> Delivery:
    """Export finalists, settle the precision of each, and score the files in onnxruntime.

    The test split is read last, after the order of the winners and their precisions are settled.

    Args:
        exporter: Of this run.
        finalists: Best first.
        profile: The device.
        dataset: Training images to calibrate on, and validation images to check and choose on.
        training: Opens what the best student can be trained on with integers.
        teacher_classes: Gives what the teacher takes the validation images for.
        load_test: Gives the test images, and the teacher's accuracy and classes on them.
        progress: Told of each step.
        say: Told what was measured.

    Raises:
        ExportError: A file is not what the board loads, or does not compute the same.
        StorageError: The disk is full or refuses.
    """
    began = time.monotonic()
    exported = []
    for done, trial in enumerate(finalists):
        progress("exporting", done, len(finalists))
        exported.append(
            exporter.export(
                trial,
                exporter.run / "winners" / str(done + 1),
                images=dataset.validation,
                target=profile.export,
                device=profile.id,
            )
        )
    progress("exporting", len(finalists), len(finalists))
    export_seconds = time.monotonic() - began
    began = time.monotonic()
    settled = []
    with WinnerTiming(exporter.config.target, profile, say) as timing:
        # Training with integers is worth its time for the best student, where INT8 may be chosen.
        asked = exporter.config.export.precision != "auto"
        tunes = asked or timing.is_device or profile.runtime is None
        for done, (trial, found) in enumerate(zip(finalists, exported, strict=True)):
            progress("settling the precision", done, len(finalists))
            source = Source(
                trial=trial,
                exported=found,
                profile=profile,
                config=exporter.config.export,
                train=dataset.train,
                validation=dataset.validation,
                training=training if done == 0 and tunes else None,
                seed=exporter.config.seed,
            )
            settled.append(settle_precision(exporter, source, timer=timing, say=say))
    progress("settling the precision", len(finalists), len(finalists))
    measure_seconds = time.monotonic() - began
    began = time.monotonic()
    named, departures = teacher_classes(), []
    for rank, trial in enumerate(finalists, 1):
        progress("comparing with the teacher", rank - 1, len(finalists))
        departures.append(
            find_departures(
                exporter, trial, rank, validation=dataset.validation, teacher_classes=named
            )
        )
    progress("comparing with the teacher", len(finalists), len(finalists))
    test, teacher_accuracy, teacher_test_classes = load_test()
    winners = []
    for rank, (trial, found, made) in enumerate(zip(finalists, exported, settled, strict=True), 1):
        progress("scoring in onnxruntime", rank - 1, len(finalists))
        scores = _TestImages(exporter, trial, test, teacher_test_classes)
        winner = _winner(exporter, rank, trial, found, made, scores)
        winners.append(_with_departures(winner, departures[rank - 1]))
    progress("scoring in onnxruntime", len(finalists), len(finalists))
    export_seconds += time.monotonic() - began
    return Delivery(
        tuple(winners), teacher_accuracy, export_seconds, measure_seconds, timing.failure
    )


@dataclass(frozen=True, slots=True)
class _TestImages:
    """The test split as one winner is fed it."""

    exporter: Exporter
    trial: Trial
    test: ImageSet | None
    teacher_classes: np.ndarray | None

    def score(self, path: Path) -> tuple[float | None, float | None]:
        """Give accuracy, and agreement with the teacher; None without labels or images.

        Which images were named rightly is kept beside the file, for `autokd compare`.
        """
        if self.test is None or not len(self.test):
            return None, None
        images = self.exporter.board_images(self.test, self.trial)
        named = run_onnx(path, images).argmax(axis=1)
        labels = self.test.labels.numpy()
        known = labels >= 0
        accuracy = None
        if known.any():
            right = (named == labels)[known]
            accuracy = float(right.mean())
            digest = self.exporter.plan.data.digest
            kept = ImageOutcomes.of(right.tolist(), data_digest=digest, split="test")
            save_record(kept, outcomes_file(path))
        if self.teacher_classes is None:
            return accuracy, None
        return accuracy, float((named == self.teacher_classes).mean())


def _with_departures(winner: Winner, found: Departures) -> Winner:
    return winner.model_copy(update={"classes": found.classes, "strip": found.strip})


def _winner(
    exporter: Exporter,
    rank: int,
    trial: Trial,
    found: ExportedStudent,
    made: Precisions,
    test: _TestImages,
) -> Winner:
    candidate = trial.candidate
    last = trial.observations[-1]
    labelled = exporter.plan.data.labelled
    alone = candidate.distill.model_copy(update={"alpha": 1.0})  # what no labels leave
    test_accuracy, test_agreement = scored = test.score(found.path)
    chosen = next(v for v in made.variants if v.file and v.precision == made.chosen)
    if made.chosen != "fp32":
        scored = test.score(exporter.run / str(chosen.file))
    tested = chosen.model_copy(update={"test_accuracy": scored[0], "test_agreement": scored[1]})
    return Winner(
        rank=rank,
        trial_id=trial.trial_id,
        genotype=exporter.space.genotype(candidate),
        distill=candidate.distill if labelled else alone,
        member_seed=candidate.member_seed,
        cost=candidate.cost,
        violations=exporter.plan.limits.violations(
            candidate.cost.model_copy(update={"size_bytes": chosen.size_bytes})
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
            validation_accuracy=made.variants[0].validation_accuracy,
            test_accuracy=test_accuracy,
            test_agreement=test_agreement,
        ),
        measurement=made.measurement,
        variants=tuple(tested if v is chosen else v for v in made.variants),
        chosen=made.chosen,
        chosen_reason=made.reason,
    )
