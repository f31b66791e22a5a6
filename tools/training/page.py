"""Measurements as a page of Markdown. No time stands there without its ratio."""

from collections.abc import Iterable, Sequence

from tools.training.measurements import Measurements, Way
from tools.training.ratios import (
    Figure,
    Spread,
    figure_of,
    floor_ratio,
    images_per_second,
    peak_memory,
    ratio,
    seconds_of_training,
    seconds_to_target,
    spread,
    with_cache,
)
from tools.training.stopwatch import READINGS_PER_EPOCH

LETTERS: dict[Way, str] = {"plain": "a", "torchdistill": "b", "autokd": "c"}
_NAMES: dict[Way, str] = {
    "plain": "plain PyTorch loop",
    "torchdistill": "torchdistill",
    "autokd": "autokd, cached logits",
}
_MIB = 2**20


def make_page(measurements: Measurements, *, cache_students: int) -> str:
    """Give the page.

    Args:
        measurements: Of at least one whole round.
        cache_students: Students over which the making of the cache is spread.
    """
    parts = [
        _conditions(measurements),
        *_speed(measurements, cache_students),
        *_accuracy(measurements, cache_students),
        *_memory(measurements),
        *_floor(measurements),
    ]
    return "\n\n".join(parts) + "\n"


def _conditions(measurements: Measurements) -> str:
    settings, machine, cache = measurements.settings, measurements.machine, measurements.cache
    assert cache is not None
    ways = ", ".join(f"({LETTERS[way]}) {_NAMES[way]}" for way in settings.ways)
    workers = f", loading processes: {settings.workers}" if settings.workers else ""
    library = f", torchdistill {machine.torchdistill}" if "torchdistill" in settings.ways else ""
    return (
        f"Ways, in turn: {ways}. Each ratio is taken inside a round; given are the median "
        f"and, in brackets, the smallest and the largest; rounds: {len(measurements.rounds())}.\n\n"
        f"{cache.images:,} images, batches of {cache.batch_images}, T {settings.temperature:g}, "
        f"weight of the teacher {settings.alpha:g}, threads: {settings.threads}{workers}, windows "
        f"of {settings.window_seconds:g} s. {machine.processor}, {machine.cores} cores, Python "
        f"{machine.python}, torch {machine.torch}{library}."
    )


def _speed(measurements: Measurements, cache_students: int) -> Iterable[str]:
    settings, cache = measurements.settings, measurements.cache
    assert cache is not None
    others = _others(measurements)
    seconds = seconds_of_training(measurements)
    paid = with_cache(measurements, cache_students, seconds)
    yield "### Images per second"
    yield _table(
        [
            "student",
            "parameters",
            *(f"({LETTERS[way]})" for way in settings.ways),
            *(f"(c)/({LETTERS[way]})" for way in others),
            *(f"(c)/({LETTERS[way]}), cache paid" for way in others),
        ],
        (
            [
                student,
                f"{_params(measurements, student):,}",
                *(_median(measurements, student, way, images_per_second) for way in settings.ways),
                *(
                    _shown(ratio(measurements, student, ("autokd", way), images_per_second))
                    for way in others
                ),
                *(_shown(ratio(measurements, student, (way, "autokd"), paid)) for way in others),
            ]
            for student in settings.students
        ),
    )
    if "plain" in others:
        epochs = spread(
            settings.epochs * cache.seconds / own
            for student in settings.students
            for number in measurements.rounds()
            if (own := figure_of(measurements, number, student, "plain", seconds))
        )
        cached = f"views of each image: {cache.views}"
        yield (
            f"The cache ({cached}) took as long as {_shown(epochs)} epochs "
            f"of (a). It is made once; 'cache paid' spreads it over {cache_students} students of "
            f"{settings.epochs} epochs each."
        )


def _accuracy(measurements: Measurements, cache_students: int) -> Iterable[str]:
    settings, others = measurements.settings, _others(measurements)
    if settings.target_accuracy is None:
        return
    seconds = seconds_to_target(measurements)
    paid = with_cache(measurements, cache_students, seconds)
    yield f"### Seconds of training to {settings.target_accuracy:.0%} of the validation images"
    yield _table(
        [
            "student",
            *(f"({LETTERS[way]})" for way in settings.ways),
            *(f"({LETTERS[way]})/(c)" for way in others),
            *(f"({LETTERS[way]})/(c), cache paid" for way in others),
        ],
        (
            [
                student,
                *(_median(measurements, student, way, seconds) for way in settings.ways),
                *(
                    _shown(ratio(measurements, student, (way, "autokd"), figure))
                    for figure in (seconds, paid)
                    for way in others
                ),
            ]
            for student in settings.students
        ),
    )
    yield (
        f"First of {READINGS_PER_EPOCH} readings an epoch at or above the target, scoring "
        f"not counted; each way with its own schedule over {settings.epochs} epochs."
    )


def _memory(measurements: Measurements) -> Iterable[str]:
    settings, others = measurements.settings, _others(measurements)
    yield "### Peak resident memory, MiB"
    yield _table(
        [
            "student",
            *(f"({LETTERS[way]})" for way in settings.ways),
            *(f"(c)/({LETTERS[way]})" for way in others),
        ],
        (
            [
                student,
                *(
                    _median(measurements, student, way, lambda timing: peak_memory(timing) / _MIB)
                    for way in settings.ways
                ),
                *(
                    _shown(ratio(measurements, student, ("autokd", way), peak_memory))
                    for way in others
                ),
            ]
            for student in settings.students
        ),
    )


def _floor(measurements: Measurements) -> Iterable[str]:
    if not measurements.floors:
        return
    yield "### A step of (c), without data and update, over its convolutions alone"
    yield _table(
        ["student", "step/convolutions"],
        (
            [student, _shown(floor_ratio(measurements, student))]
            for student in measurements.settings.students
        ),
    )


def _others(measurements: Measurements) -> tuple[Way, ...]:
    """Give the ways that the engine is compared with; none where it was not run itself."""
    ways = measurements.settings.ways
    return tuple(way for way in ways if way != "autokd") if "autokd" in ways else ()


def _params(measurements: Measurements, student: str) -> int:
    return next(t.params for t in measurements.timings if t.student == student)


def _median(measurements: Measurements, student: str, way: Way, figure: Figure) -> str:
    rounds = measurements.rounds()
    found = spread(figure_of(measurements, n, student, way, figure) for n in rounds)
    return "never" if found is None else f"{_figures(found.median)}{_missed(found)}"


def _figures(value: float) -> str:
    """Give three figures, and all before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _shown(found: Spread | None) -> str:
    if found is None:
        return "-"
    return f"{found.median:.2f} ({found.low:.2f} to {found.high:.2f}){_missed(found)}"


def _missed(found: Spread) -> str:
    return f", {found.rounds} of {found.of} rounds" if found.rounds < found.of else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
