"""Times students that no calibration has seen, and says how close they were predicted.

    autokd devices calibrate DEVICE --target T
    python -m tools.latency.unseen DEVICE --target T --journal FILE

The students are drawn from the `edge` space, for images of 32, 64 and 96 px, under limits of ten
thousand to a million parameters, from another stream than those of the calibration. Each is
exported with random weights and timed shortly in each of eight rounds, in turns with a reference
graph; the median of the rounds at the pace of a free machine is what its prediction is held
against, as in the calibration. For comparison the plain median of the eight is told too, as it is
and with the mean pace of the session known. FILE keeps what was measured, so an interrupted call
goes on.

The machine must do nothing else, and must be the one that was calibrated, with the same number of
threads. 100 students take about a quarter of an hour. The last line says whether 80 % lie within
10 % and the rank correlation is 0.98 or more; the exit code is 4 when not.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
from scipy.stats import spearmanr

from autokd.core.device import load_profile
from autokd.core.measurement import LatencyMeasurement
from autokd.core.progress import silent
from autokd.errors import AutoKDError, MeasurementError
from autokd.measure.calibrate import (
    WARMUP_SECONDS,
    Timing,
    time_graphs,
    undisturbed_ms,
    undisturbed_reference_ms,
)
from autokd.measure.target import measure_on, open_target
from autokd.pipeline.calibrate import choose_reference
from autokd.pipeline.untrained import write_untrained
from autokd.space.latency import latency_model, predict_latency_ms
from autokd.space.operators import layer_costs
from autokd.space.probe_set import Probe, draw_students

SEED = 20  # the calibration draws from seed 0
SHARE, RANK = 0.8, 0.98
GATE_FAILED = 4


def main(arguments: Sequence[str] | None = None) -> None:
    """Time, predict and print.

    Raises:
        SystemExit: Something that was given is wrong, or the predictions are not good enough.
    """
    given = _parse(arguments)
    try:
        profile = load_profile(given.device)
        drawn = draw_students(profile, given.students, seed=given.seed)
        # Named by their seed, too, so that a journal never gives the timing of another student.
        students = [replace(one, name=f"{one.name}-of-{given.seed}") for one in drawn]
        timings = _time(students, given)
        measured = undisturbed_ms(timings)
        if len(measured) < 2:
            msg = f"{given.target}: no two students were measured validly; end other work there."
            raise MeasurementError(msg)
        kept = [student for student in students if student.name in measured]
        predicted = [predict_latency_ms(layer_costs(s.program), profile) for s in kept]
        factor = latency_model(profile).interval_factor.value
    except AutoKDError as fault:
        raise SystemExit(str(fault)) from None
    truth = [measured[student.name] for student in kept]
    print(agreement(timings))
    print(pace(timings))
    plain = plain_ms(timings)
    others = np.array(predicted) / [plain[student.name] for student in kept]
    for known, factor_of_session in (("", 1.0), (", mean pace known", np.median(others))):
        share = np.mean(np.abs(others / factor_of_session - 1) <= 0.1)
        print(f"within 10 % of the plain median of the rounds{known}: {share:.0%}")
    if not report(np.array(predicted), np.array(truth), factor, dropped=len(students) - len(kept)):
        raise SystemExit(GATE_FAILED)


def agreement(timings: Sequence[Timing]) -> str:
    """Say how far the two halves of the session agree about the same files."""
    half = max(timing.round for timing in timings) // 2
    early = undisturbed_ms([timing for timing in timings if timing.round <= half])
    late = undisturbed_ms([timing for timing in timings if timing.round > half])
    ratios = np.array([late[name] / early[name] for name in early if name in late])
    if not len(ratios):
        return "the halves of the session have no file in common"
    return (
        f"later rounds over earlier ones, {len(ratios)} files: within 10 % "
        f"{np.mean(np.abs(ratios - 1) <= 0.1):.0%}, {ratios.min():.2f} to {ratios.max():.2f}"
    )


def pace(timings: Sequence[Timing]) -> str:
    """Say how far the pace of the machine moved, by the reference graph."""
    found = [timing.reference_ms for timing in timings if timing.reference_ms is not None]
    times = np.quantile(found, (0.1, 0.5, 0.9)) / undisturbed_reference_ms(timings)
    shown = ", ".join(f"{time:.2f}" for time in times)
    return f"time of the reference over that of a free machine, tenths 1, 5 and 9: {shown}"


def plain_ms(timings: Sequence[Timing]) -> dict[str, float]:
    """Give the median of the medians of each graph that was measured validly at least once."""
    found: dict[str, list[float]] = {}
    for timing in timings:
        if timing.p50_ms is not None:
            found.setdefault(timing.graph, []).append(timing.p50_ms)
    return {name: median(times) for name, times in found.items()}


def report(
    predicted_ms: np.ndarray, measured_ms: np.ndarray, interval_factor: float, *, dropped: int
) -> bool:
    """Print how close predictions (n,) are to measurements (n,); give whether close enough."""
    errors = np.abs(predicted_ms / measured_ms - 1)
    share = float(np.mean(errors <= 0.1))
    rank = float(spearmanr(predicted_ms, measured_ms).statistic)
    logs = np.log(predicted_ms / measured_ms)
    covered = float(np.mean(np.abs(logs) <= np.log(interval_factor)))
    worst = int(np.argmax(errors))
    low, high = measured_ms.min(), measured_ms.max()
    print(f"{len(errors)} students from {low:.2f} to {high:.2f} ms", end="")
    print(f", {dropped} left out as never measured validly")
    for part in (0.05, 0.1, 0.25):
        print(f"within {part:4.0%}: {np.mean(errors <= part):4.0%}")
    print(f"median error {np.median(errors):.1%}, bias x{np.exp(np.median(logs)):.3f}")
    print(f"worst: {predicted_ms[worst]:.2f} ms for {measured_ms[worst]:.2f} ms measured")
    print(f"inside the 80 % interval, x{interval_factor:g} either way: {covered:.0%}")
    good = share >= SHARE and rank >= RANK
    print(f"rank correlation {rank:.4f}; {share:.0%} within 10 %: ", end="")
    print("good enough" if good else f"NOT good enough (at least {RANK} and {SHARE:.0%})")
    return good


def _time(students: Sequence[Probe], given: argparse.Namespace) -> list[Timing]:
    profile = load_profile(given.device)
    beside = choose_reference(profile, students)
    with (
        tempfile.TemporaryDirectory(prefix="autokd-") as folder,
        open_target(given.target, profile, accept_host_key=given.accept_host_key) as target,
    ):
        files = {
            s.name: write_untrained(Path(folder) / f"{s.name}.onnx", s.program, profile.export)
            for s in students
        }

        def measure(path: Path, reference: Path) -> LatencyMeasurement:
            return measure_on(
                target,
                path,
                profile,
                seconds=given.seconds,
                threads=given.threads,
                max_warmup_seconds=WARMUP_SECONDS,
                reference=reference,
            )

        return time_graphs(files, beside.name, measure, journal=given.journal, progress=silent)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("device")
    parser.add_argument("--target", required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--students", type=int, default=100)
    parser.add_argument("--seed", type=int, default=SEED, help="draws other students")
    parser.add_argument("--seconds", type=float, default=0.4)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--accept-host-key")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
