"""What ``autokd doctor --run`` looks at in a run: what its report holds against the student."""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from autokd.cli.checks import Finding, Level
from autokd.errors import AutoKDError

if TYPE_CHECKING:
    from autokd.core.measurement import LatencyMeasurement
    from autokd.core.results import Report, VariantResult, Winner

# The median of a steady processor moves by less within a long run.
_MOST_SLOWDOWN_PCT = 5.0
# Fewer pairs say nothing of an order.
_FEWEST_TIMED = 4


def check_run(folder: Path) -> list[Finding]:
    """Judge a run by its report and its files, or say where it stands when it has no report."""
    from autokd.cli.file_checks import check_files
    from autokd.core.codec import load_record
    from autokd.core.results import Report

    results = folder / "results.json"
    try:
        if not results.is_file():
            return [_check_state(folder)]
        report = load_record(Report, results)
    except AutoKDError as fault:
        return [Finding("fail", "run", str(fault), "The message says what to do.")]
    return [*judge_report(report), *check_files(report, folder)]


def judge_report(report: "Report") -> list[Finding]:
    """Give what a report holds against its best student; nothing of files is read."""
    found = [Finding("ok", "run", report.verdict), _check_time_limit(report)]
    if not report.winners:
        return found
    winner = report.winners[0]
    chosen = winner.chosen_variant
    measured = (chosen and chosen.measurement) or winner.measurement
    found += [*_check_int8(report, winner), _check_place(measured)]
    if measured is not None:
        found += _check_timing(report, winner, measured)
    return [*found, _check_kd_gain(report)]


def _check_state(folder: Path) -> Finding:
    from autokd import pipeline

    state = pipeline.read_status(folder).state
    if state == "running":
        return Finding("ok", "run", f"{folder}: a process works on it")
    advice = f"Nothing is lost: go on with 'autokd resume {folder}'."
    return Finding("warn", "run", f"{folder}: stopped before its report", advice)


def _check_time_limit(report: "Report") -> Finding:
    """Find that nothing made the student fast: fewer operations alone do not."""
    macs = {trial.trial_id: trial.candidate.cost.macs for trial in report.trials}
    timed = [(macs[one.trial_id], one.measured_ms) for one in report.timed if one.trial_id in macs]
    text, pairs = "", [p for p in combinations(timed, 2) if p[0][0] != p[1][0]]
    if len(timed) >= _FEWEST_TIMED and pairs:
        against = sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for a, b in pairs)
        text = f"; of {len(pairs)} pairs timed the one with fewer MACs was slower in {against}"
    limit = report.limits.max_latency_ms
    if limit is None:
        advice = "Fewer parameters alone make no student faster: give --max-latency-ms next time."
        return Finding("warn", "limit on time", f"none{text}", advice)
    return Finding("ok", "limit on time", f"{limit:g} ms{text}")


def _check_int8(report: "Report", winner: "Winner") -> Iterator[Finding]:
    tried = [variant for variant in winner.variants if variant.precision == "int8"]
    for variant in tried[:1]:
        yield _check_int8_time(winner, variant)
        yield _check_int8_accuracy(report, winner, variant)


def _check_int8_time(winner: "Winner", variant: "VariantResult") -> Finding:
    if variant.ratio is None and winner.chosen == "int8":
        advice = "Nothing says that int8 is faster there: give --target to have it timed."
        return Finding("warn", "time of int8", "not timed", advice)
    if variant.ratio is None:
        return Finding("ok", "time of int8", f"not timed, so {winner.chosen} was chosen")
    text = f"{variant.ratio:.2f} of the time of fp32"
    if variant.ratio < 1:
        return Finding("ok", "time of int8", text)
    if winner.chosen == "int8":
        advice = "fp32 is the faster there: leave --precision on auto, which times both."
        return Finding("warn", "time of int8", text, advice)
    return Finding("ok", "time of int8", f"{text}, so {winner.chosen} was chosen")


def _check_int8_accuracy(report: "Report", winner: "Winner", variant: "VariantResult") -> Finding:
    allowed = report.config.export.max_accuracy_drop
    text = f"{100 * variant.drop:.1f} points lost, {100 * allowed:.1f} allowed"
    if variant.drop <= allowed:
        return Finding("ok", "accuracy of int8", text)
    if winner.chosen == "int8":
        advice = "Use student.onnx, which is fp32, or leave --precision on auto."
        return Finding("fail", "accuracy of int8", text, advice)
    return Finding("ok", "accuracy of int8", f"{text}, so {winner.chosen} was chosen")


def _check_place(measured: "LatencyMeasurement | None") -> Finding:
    if measured is None:
        advice = "Time the file where it will run: autokd bench FILE --device D --target ssh://..."
        return Finding("warn", "timed on", "nothing", advice, is_device=True)
    where = f"{measured.host}, {measured.runtime}"
    if not measured.is_device:
        advice = "These times are not the board's: autokd bench FILE --device D --target ssh://..."
        return Finding("warn", "timed on", where, advice, is_device=True)
    return Finding("ok", "timed on", where, is_device=True)


def _check_timing(
    report: "Report", winner: "Winner", measured: "LatencyMeasurement"
) -> Iterator[Finding]:
    yield _check_validity(measured)
    yield _check_heat(measured)
    yield _check_provider(report, measured)
    if measured.is_device:
        yield from _check_prediction(winner)
        yield from _check_limit_kept(report, measured)


def _check_validity(measured: "LatencyMeasurement") -> Finding:
    text = f"p50 {measured.p50_ms:.3g} ms, p90 {measured.p90_ms:.3g} ms, first run "
    text += f"{measured.first_ms:.3g} ms, {measured.samples} samples"
    if not measured.valid:
        advice = "End other work on that machine and call 'autokd bench' there again."
        text = f"{text}, INVALID: {measured.reason}"
        # Of another machine than the board it says nothing either way.
        level: Level = "fail" if measured.is_device else "warn"
        return Finding(level, "timing", text, advice, is_device=True)
    return Finding("ok", "timing", text, is_device=True)


def _check_heat(measured: "LatencyMeasurement") -> Finding:
    course = measured.sustained
    if course is not None and course.slowdown_pct > _MOST_SLOWDOWN_PCT:
        text = f"{course.slowdown_pct:+.0f} % slower after {course.seconds:.0f} s"
        advice = "Cool it better, or plan with the slower time."
        return Finding("warn", "heat in the run", text, advice, is_device=True)
    if measured.throttled not in (None, "none"):
        advice = "Give it a better supply and a fan, and time the student again."
        return Finding("warn", "heat in the run", str(measured.throttled), advice, is_device=True)
    text = "not throttled" if measured.throttled else "not told there"
    return Finding("ok", "heat in the run", text, is_device=True)


def _check_provider(report: "Report", measured: "LatencyMeasurement") -> Finding:
    from autokd.core.device import load_profile

    try:
        runtime = load_profile(report.device).runtime
    except AutoKDError:
        runtime = None  # a profile of a person's own may have moved since
    wanted = runtime.providers[0] if runtime and measured.is_device else measured.provider
    strays = sum(n for name, n in measured.node_placement.items() if name != measured.provider)
    text = measured.provider + (f", but {strays} nodes elsewhere" if strays else "")
    if measured.provider != wanted:
        advice = f"The profile asks for {wanted}: install the onnxruntime that has it."
        return Finding("fail", "provider", text, advice, is_device=True)
    if strays:
        advice = "Copies between the two cost time: take a runtime that has every operator."
        return Finding("warn", "provider", text, advice, is_device=True)
    return Finding("ok", "provider", text, is_device=True)


def _check_prediction(winner: "Winner") -> Iterator[Finding]:
    interval, measured = winner.cost.latency_interval_ms, winner.measurement
    if interval is None or measured is None or winner.cost.is_measured or not measured.valid:
        return
    low, middle, high = interval
    text = f"{middle:.3g} ms predicted ({low:.3g} to {high:.3g}), {measured.p50_ms:.3g} measured"
    if low <= measured.p50_ms <= high:
        yield Finding("ok", "prediction", text, is_device=True)
        return
    advice = "The profile does not fit this board: autokd devices calibrate D --target T."
    yield Finding("warn", "prediction", text, advice, is_device=True)


def _check_limit_kept(report: "Report", measured: "LatencyMeasurement") -> Iterator[Finding]:
    limit = report.limits.max_latency_ms
    if limit is not None and measured.valid and measured.p50_ms > limit:
        text = f"{measured.p50_ms:.3g} ms on the board, at most {limit:g}"
        advice = "Search with --target: each student is timed there before it is trained."
        yield Finding("fail", "limit kept", text, advice, is_device=True)


def _check_kd_gain(report: "Report") -> Finding:
    gain = report.kd_gain
    if gain is None:
        return Finding("ok", "gain by the teacher", "not measured in this run")
    text = f"{100 * gain.gain:+.1f} points over {gain.seeds} seeds"
    if gain.gain <= 0:
        advice = "The teacher taught nothing: look at its accuracy, or give a longer --budget."
        return Finding("warn", "gain by the teacher", text, advice)
    return Finding("ok", "gain by the teacher", text)
