"""Times a set of graphs on a target, so that an interruption loses one of them at most.

Every graph is timed shortly in each of many rounds, each time in turns of milliseconds with one and
the same reference graph. What disturbs a machine for a while slows both, so their ratio stays; two
processes of one graph differ by where its memory lies, so the median over the rounds counts. Each
measurement is written down as it ends; the next call goes on from there.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles

from autokd.core.measurement import LatencyMeasurement
from autokd.core.progress import Progress
from autokd.core.record import Record
from autokd.core.record_lines import append_line, read_lines
from autokd.errors import MeasurementError

ROUNDS = 8
WARMUP_SECONDS = 0.15

Measure = Callable[[Path, Path], LatencyMeasurement]


class Timing(Record):
    """One measurement of one graph.

    Attributes:
        graph: Its name.
        reference: Name of the graph beside it.
        round: From 0 up.
        p50_ms: Median latency of one image; None when the measurement does not count.
        reference_ms: That of the reference.
        ratio: The graph's time over that of the reference, median over their turns.
        runtime: Package and version that ran.
        threads: That it ran with.
        reason: Why it does not count.
    """

    graph: str
    reference: str
    round: int
    p50_ms: float | None = None
    reference_ms: float | None = None
    ratio: float | None = None
    runtime: str | None = None
    threads: int | None = None
    reason: str | None = None


def time_graphs(
    files: Mapping[str, Path],
    reference: str,
    measure: Measure,
    *,
    journal: Path,
    progress: Progress,
) -> list[Timing]:
    """Give the timings of all graphs, round by round.

    Args:
        files: ONNX file of each graph by name.
        reference: Which of them all are timed in turns with.
        measure: Times the first file on the target, in turns with the second.
        journal: Where each timing is written as it ends, and read at the start. Those beside
            another reference are left alone.
        progress: Told of each.

    Raises:
        DeviceError: The target cannot be reached, or refuses.
        StorageError: The journal cannot be written.
    """
    known = {(t.graph, t.round): t for t in read_lines(journal, Timing) if t.reference == reference}
    found: list[Timing] = []
    total = ROUNDS * len(files)
    for number in range(ROUNDS):
        for name, path in files.items():
            progress("timing", len(found), total)
            timing = known.get((name, number))
            if timing is None:
                timing = Timing(graph=name, reference=reference, round=number)
                timing = _measured(timing, measure, path, files[reference])
                append_line(journal, timing)
            found.append(timing)
    progress("timing", total, total)
    return found


def undisturbed_ms(timings: Sequence[Timing]) -> dict[str, float]:
    """Give the latency of each graph that was measured at all, at the pace of a free machine.

    It is the median of its ratios to the reference times `undisturbed_reference_ms`. Where nothing
    disturbs the machine it is the plain median.
    """
    pace = undisturbed_reference_ms(timings)
    ratios: dict[str, list[float]] = {}
    for timing in timings:
        if timing.ratio is not None:
            ratios.setdefault(timing.graph, []).append(timing.ratio)
    return {graph: median(found) * pace for graph, found in ratios.items()}


def undisturbed_reference_ms(timings: Sequence[Timing]) -> float:
    """Give what one in ten timings of the reference graph stays below; nan without two of them."""
    found = [timing.reference_ms for timing in timings if timing.reference_ms is not None]
    return quantiles(found, n=10)[0] if len(found) > 1 else math.nan


def _measured(timing: Timing, measure: Measure, path: Path, reference: Path) -> Timing:
    """Give ``timing`` with what ``measure`` finds."""
    try:
        found = measure(path, reference)
    except MeasurementError as fault:
        return timing.model_copy(update={"reason": str(fault)})
    told = {
        "runtime": found.runtime,
        "threads": found.threads,
        "reason": found.lasting_reason,
    }
    if found.lasting_reason is None:
        told |= {
            "p50_ms": found.p50_ms,
            "reference_ms": found.reference_p50_ms,
            "ratio": found.reference_ratio,
        }
    return timing.model_copy(update=told)
