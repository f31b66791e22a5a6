"""What ``autokd doctor --teacher --data`` looks at: what a run would meet before it trains."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from autokd.cli.checks import Finding
from autokd.core.progress import Progress
from autokd.errors import AutoKDError, ProfileError

if TYPE_CHECKING:
    from autokd.core.config import RunConfig
    from autokd.core.results import Feasibility
    from autokd.data.images import Dataset
    from autokd.teacher.outputs import Teacher

_MESSAGE = "The message says what to do."
# So few of the members that were drawn, and the search has little to choose from.
_SCARCE = 0.05


def check_inputs(
    given: Mapping[str, Any], device: str | None, *, progress: Progress
) -> list[Finding]:
    """Load images and teacher as a run does, score the teacher, and see what fits the device.

    Args:
        given: Options by name, as `autokd.cli.options` declares them; None is not given.
        device: None judges the inputs alone.
        progress: Told when work takes long.

    Raises:
        ConfigError: A value breaks a rule, here or in ``autokd.toml``.
    """
    from autokd.cli.settings import read_settings

    if given.get("teacher") is None:
        # Settings without a teacher are none, and images alone are asked about; it is not read.
        config = read_settings({**given, "teacher": "none", "device": device or "host"}, None)
        dataset, findings = _check_data(config, progress)
        return findings
    config = read_settings({**given, "device": device or "host"}, None)
    dataset, findings = _check_data(config, progress)
    if dataset is None:
        return findings
    teacher, more = _check_teacher(config, dataset, progress)
    findings += more
    if teacher is not None and device is not None:
        findings += _check_fit(config, dataset, teacher)
    return findings


def _check_data(config: "RunConfig", progress: Progress) -> "tuple[Dataset | None, list[Finding]]":
    from autokd.core.cache import cache_folder
    from autokd.data.dataset import load_dataset

    try:
        dataset = load_dataset(
            config.data, seed=config.seed, progress=progress, cache=cache_folder()
        )
    except AutoKDError as fault:
        return None, [Finding("fail", "data", str(fault), _MESSAGE)]
    found = (
        f"{config.data.path}: {len(dataset.train):,} images to train, "
        f"{len(dataset.validation):,} to validate, {dataset.test_images:,} to test, "
        f"{len(dataset.class_names) or 'no'} classes, {dataset.train.px} px"
    )
    findings = [Finding("ok", "data", found)]
    if dataset.unreadable:
        text = f"{len(dataset.unreadable)} cannot be read, such as {dataset.unreadable[0]}"
        findings = [Finding("warn", "data", f"{found}; {text}", "Copy these again, or leave them.")]
    return dataset, [*findings, _check_accuracy_gate(config, dataset)]


def _check_accuracy_gate(config: "RunConfig", dataset: "Dataset") -> Finding:
    """Check that what INT8 may lose is more than what one image weighs."""
    allowed, images = config.export.max_accuracy_drop, len(dataset.validation)
    text = f"one of {images:,} validation images is {100 / images:.2g} points; "
    text += f"a precision may lose {100 * allowed:g}"
    if images * allowed < 1:
        advice = (
            "An int8 file that is ruined cannot be told from one that is sound: give more "
            "validation images, or a larger --max-accuracy-drop."
        )
        return Finding("warn", "gate on accuracy", text, advice)
    return Finding("ok", "gate on accuracy", text)


def _check_teacher(
    config: "RunConfig", dataset: "Dataset", progress: Progress
) -> "tuple[Teacher | None, list[Finding]]":
    from autokd.pipeline.given_teacher import find_teacher
    from autokd.teacher.preflight import preflight

    try:
        teacher = find_teacher(config.teacher, dataset, module=None, run=None, progress=progress)
        score = preflight(teacher, dataset.validation, flip=config.data.flip, progress=progress)
    except AutoKDError as fault:
        return None, [Finding("fail", "teacher", str(fault), _MESSAGE)]
    right = "no labels to score it by" if score.accuracy is None else f"{score.accuracy:.1%} right"
    card = teacher.card
    text = f"{card.file}: {card.arch or card.kind}, {right} on validation images"
    if score.warnings:
        return teacher, [Finding("warn", "teacher", text, warning) for warning in score.warnings]
    return teacher, [Finding("ok", "teacher", text)]


def _check_fit(config: "RunConfig", dataset: "Dataset", teacher: "Teacher") -> Iterator[Finding]:
    """Check that there are students within the limits, before anything is trained."""
    from autokd.core.device import load_profile
    from autokd.pipeline.inputs import Inputs
    from autokd.pipeline.survey import survey_space

    try:
        profile = load_profile(config.device)
    except ProfileError:
        return  # the check of the device says so
    yield judge_fit(survey_space(Inputs(config, profile, dataset, teacher))[1])


def judge_fit(found: "Feasibility") -> Finding:
    """Give the finding about how many members of the space fit the limits."""
    from autokd.core.shortfall import explain_infeasible, limit_name

    if not found.fitting:
        return Finding("fail", "students that fit", explain_infeasible(found), _MESSAGE)
    text = f"{found.fitting} of {found.drawn} that were drawn"
    if found.fitting < _SCARCE * found.drawn:
        binding = f" on {limit_name(found.binding)}" if found.binding else ""
        advice = f"The search has little to choose from: raise the limit{binding}."
        return Finding("warn", "students that fit", text, advice)
    return Finding("ok", "students that fit", text)
