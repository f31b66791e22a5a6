"""``autokd bench``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from autokd.cli.options import json_option, target_options
from autokd.cli.output import current_output, render_table
from autokd.cli.progress import make_display
from autokd.core.units import format_bytes, format_duration, parse_duration_seconds
from autokd.errors import ConfigError, MeasurementError

if TYPE_CHECKING:
    from autokd.core.measurement import LatencyMeasurement, SustainedResult


@click.command()
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@click.option("--device", metavar="D", required=True, help="Its profile gives the threads.")
@target_options
@click.option("--threads", type=click.IntRange(1, 256), metavar="N", help="Not the profile's.")
@click.option("--sustained", metavar="TIME", help="Go on, such as 30m, to see what heat does.")
@json_option
def bench(
    models: tuple[str, ...],
    *,
    device: str,
    target: str | None,
    accept_host_key: str | None,
    threads: int | None,
    sustained: str | None,
) -> None:
    """Time ONNX files on a board, or on this host, which is not the board.

    Prints percentiles of the time of one image, and whether they count.
    """
    from autokd.core.device import load_profile
    from autokd.measure.target import LOCAL, measure_on, open_target

    profile = load_profile(device)
    seconds = _read_duration(sustained)
    output = current_output()
    measured: dict[str, LatencyMeasurement] = {}
    with make_display() as display:
        where = open_target(
            target or LOCAL, profile, accept_host_key=accept_host_key, say=display.say
        )
        with where:
            for done, model in enumerate(models):
                display.progress("timing", done, len(models))
                measured[model] = measure_on(
                    where, Path(model), profile, threads=threads, sustained_seconds=seconds
                )
                output.partial["measurements"] = [
                    {"model": name, **found.model_dump(mode="json")}
                    for name, found in measured.items()
                ]
            display.progress("timing", len(models), len(models))
    output.text("\n\n".join(render_measurement(*pair) for pair in measured.items()))
    _raise_on_invalid(measured)
    output.data(output.partial["measurements"])


def _read_duration(sustained: str | None) -> float | None:
    if sustained is None:
        return None
    try:
        return parse_duration_seconds(sustained)
    except ConfigError as fault:
        message = f"--sustained: {fault}"
        raise ConfigError(message) from None


def render_measurement(model: str, found: "LatencyMeasurement") -> str:
    """Give one measurement as a short table, with what it stands for above it."""
    where = found.host if found.is_device else f"{found.host}: this host, not the board"
    verdict = "VALID" if found.valid else f"INVALID: {found.reason}"
    p99 = "-" if found.p99_ms is None else f"{found.p99_ms:.3f}"
    times = (found.p50_ms, found.p90_ms, found.min_ms, found.mean_ms, found.std_ms)
    p50, p90, least, mean, std = (f"{value:.3f}" for value in times)
    table = render_table(
        ("p50 ms", "p90 ms", "p99 ms", "min ms", "mean ms", "std ms"),
        [(p50, p90, p99, least, mean, std)],
    )
    runner = f"{found.runtime}, {found.provider}, {found.threads} threads, {found.samples} samples"
    lines = [model, where, runner, table, *_facts(found), verdict]
    if found.sustained is not None:
        lines.append(_render_course(found.sustained))
    return "\n".join(lines)


def _facts(found: "LatencyMeasurement") -> list[str]:
    lines = []
    if found.peak_memory_bytes is not None and found.runtime_memory_bytes is not None:
        peak, own = format_bytes(found.peak_memory_bytes), format_bytes(found.runtime_memory_bytes)
        lines.append(f"memory: {peak} at most, {own} of it before the model was loaded")
    if found.throttled not in (None, "none"):
        lines.append(f"power and heat: {found.throttled}")
    others = {name: n for name, n in found.node_placement.items() if name != found.provider}
    if others:
        shown = ", ".join(f"{n} nodes on {name}" for name, n in others.items())
        lines.append(f"not on {found.provider}: {shown}")
    return lines


def _render_course(course: "SustainedResult") -> str:
    window = course.window_seconds
    rows = [
        (
            format_duration(window * (number + 1)),
            f"{p50:.3f}",
            "-" if heat is None else f"{heat:.1f}",
            "-" if clock is None else f"{clock:.0f}",
        )
        for number, (p50, heat, clock) in enumerate(
            zip(course.p50_ms, course.temp_c, course.freq_mhz, strict=True)
        )
    ]
    table = render_table(("after", "p50 ms", "C", "MHz"), rows)
    change = f"the last tenth of {format_duration(course.seconds)} is {course.slowdown_pct:+.1f} %"
    return f"sustained: {change} against the first\n{table}"


def _raise_on_invalid(measured: "dict[str, LatencyMeasurement]") -> None:
    invalid = {model: found.reason for model, found in measured.items() if not found.valid}
    if not invalid:
        return
    reasons = "; ".join(f"{model}: {reason}" for model, reason in invalid.items())
    message = (
        f"{len(invalid)} of {len(measured)} measurements are INVALID ({reasons}). "
        "End other work on that machine and measure again."
    )
    raise MeasurementError(message)
