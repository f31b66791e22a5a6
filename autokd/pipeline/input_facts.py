"""What is told of images and teacher before the search, in a line and in the report."""

from autokd.core.results import DataResult, TeacherResult
from autokd.data.dataset import Dataset
from autokd.pipeline.inputs import Inputs, class_names
from autokd.teacher.preflight import PreflightScore


def teacher_line(inputs: Inputs, score: PreflightScore) -> str:
    """Say in a line what the teacher is, and how it scores."""
    card = inputs.teacher.card
    name = card.arch or card.kind
    size = "parameters not counted" if card.params is None else f"{card.params:,} parameters"
    if score.accuracy is None:
        return f"teacher: {name}, {size}; no labels, so nothing to score."
    return (
        f"teacher: {name}, {size}, {score.accuracy:.2%} of "
        f"{len(inputs.dataset.validation):,} validation images right."
    )


def unreadable_warning(dataset: Dataset) -> tuple[str, ...]:
    """Say how many images were left out, if any."""
    if not dataset.unreadable:
        return ()
    return (f"{len(dataset.unreadable)} images could not be read and were left out.",)


def data_result(inputs: Inputs, *, flip: bool) -> DataResult:
    """Give what the report says of the images; ``flip`` is whether they are mirrored."""
    dataset = inputs.dataset
    return DataResult(
        path=inputs.config.data.path,
        digest=dataset.digest,
        classes=class_names(inputs),
        image_px=dataset.train.px,
        image_channels=dataset.train.channels,
        train_images=len(dataset.train),
        validation_images=len(dataset.validation),
        test_images=dataset.test_images,
        labelled=dataset.validation.labelled,
        flip=flip,
        unreadable=dataset.unreadable,
    )


def teacher_result(inputs: Inputs, score: PreflightScore) -> TeacherResult:
    """Give what the report says of the teacher; its score on test images comes last of all."""
    card = inputs.teacher.card
    return TeacherResult(
        file=card.file,
        sha256=card.sha256,
        kind=card.kind,
        arch=card.arch,
        params=card.params,
        size_bytes=card.size_bytes,
        macs=card.macs,
        validation_accuracy=score.accuracy,
        test_accuracy=None,
        mirrored_accuracy=score.mirrored_accuracy,
    )
