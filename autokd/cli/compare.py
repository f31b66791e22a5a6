"""``autokd compare``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autokd.cli.github import annotate_warnings, append_step_summary
from autokd.cli.options import json_option
from autokd.cli.output import current_output, note, render_table, wrap
from autokd.cli.progress import make_display
from autokd.errors import AutoKDError, ConfigError, DeviceError, GateError, MeasurementError

if TYPE_CHECKING:
    from autokd.core.comparison import Comparison, Pair
    from autokd.core.measurement import LatencyMeasurement
    from autokd.measure.interleaved import Side as SideName
    from autokd.report.compare_inputs import Side

NO_GATE = "none"


def parse_fraction(
    ctx: click.Context,  # noqa: ARG001 - click's signature
    param: click.Parameter,
    value: str | None,
) -> float | None:
    """Give 0.05 for ``5%`` and for ``0.05``; a click callback. ``5`` could mean either."""
    if value is None:
        return None
    word = value.strip()
    try:
        number = float(word.removesuffix("%"))
    except ValueError:
        number = -1.0
    fraction = number / 100 if word.endswith("%") else number
    if not 0 <= fraction < 1:
        option = param.opts[0]
        also = f" For {value} percent write {value}%." if 1 <= number < 100 else ""
        message = f"{option} {value}: must be a percentage such as 5% or a fraction such as 0.05."
        raise ConfigError(message + also)
    return fraction


def parse_regression(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Give a fraction above zero, or None for ``none``; a click callback."""
    fraction = None if value == NO_GATE else parse_fraction(ctx, param, value)
    if fraction == 0:
        message = f"{param.opts[0]} {value}: no two timings are equal; give at least 1%."
        raise ConfigError(message)
    return fraction


@click.command()
@click.argument("baseline", metavar="BASELINE")
@click.argument("current", metavar="CURRENT")
@click.option(
    "--max-latency-regression",
    default="5%",
    show_default=True,
    callback=parse_regression,
    metavar="P",
    help="Slower than this fails; 'none' is no gate.",
)
@click.option(
    "--max-accuracy-drop",
    callback=parse_fraction,
    metavar="X",
    help="A larger drop fails, such as 0.5%.",
)
@click.option(
    "--min-accuracy",
    callback=parse_fraction,
    metavar="X",
    help="CURRENT below this fails, such as 90%.",
)
@click.option(
    "--max-size-growth", callback=parse_fraction, metavar="P", help="A file grown by more fails."
)
@click.option("--target", metavar="T", help="Time both there: local or ssh://[user@]host[:port].")
@click.option("--device", metavar="D", help="Profile of the target. [default: of the run, or host]")
@click.option("--accept-host-key", metavar="SHA256:..", help="Key of a board not known yet.")
@click.option("--junit", metavar="FILE", help="Write one test case a check.")
@json_option
def compare(
    baseline: str,
    current: str,
    *,
    target: str | None,
    device: str | None,
    accept_host_key: str | None,
    junit: str | None,
    **limits: float | None,
) -> None:
    """Hold CURRENT against BASELINE: latency, accuracy, size.

    Each is a run folder, a results.json, a benchmark.json, what 'autokd bench --json' printed, or
    an .onnx file. ONNX files are timed now, in turns; those of runs too with --target. A regression
    of latency fails only when a second run confirms it. Exit codes: 0 pass, 4 a gate failed, 5 not
    comparable, 7 the measurement does not count.
    """
    from autokd.report.compare import Gates, compare_sides, require_what_gates_read
    from autokd.report.compare_inputs import read_side

    before, after = read_side(Path(baseline)), read_side(Path(current))
    gates = Gates(**limits)
    require_what_gates_read(before, after, gates)
    rounds: Sequence[tuple[Pair, ...]] = ()
    if gates.max_latency_regression is not None and _is_timed(before, after, target):
        rounds = _time_both(
            before,
            after,
            limit=gates.max_latency_regression,
            target=target or "local",
            device=device,
            accept_host_key=accept_host_key,
        )
    elif target or device or accept_host_key:
        message = "--target, --device and --accept-host-key: nothing is timed; leave them out."
        raise ConfigError(message)
    _tell(compare_sides(before, after, gates, rounds), junit)


def _is_timed(before: "Side", after: "Side", target: str | None) -> bool:
    """Whether both are timed now.

    Raises:
        ConfigError: They must be, and a model is missing.
    """
    bare = [side for side in (before, after) if side.measurement is None and side.model is not None]
    if target is None and len(bare) < 2:
        return False
    for side in (before, after):
        if side.model is None:
            message = (
                f"{side.name}: has no ONNX file here to time on {target or 'this host'}; "
                "give the run folder with its winners, or the .onnx file."
            )
            raise ConfigError(message)
    return True


def _time_both(
    before: "Side",
    after: "Side",
    *,
    limit: float,
    target: str,
    device: str | None,
    accept_host_key: str | None,
) -> "list[tuple[Pair, ...]]":
    from autokd.core.device import load_profile
    from autokd.measure.interleaved import BLOCK_SECONDS, WARMUP_SECONDS, time_round
    from autokd.measure.target import measure_on, open_target
    from autokd.report.compare_latency import is_settled, needs_second_round

    profile = load_profile(device or after.device or before.device or "host")
    sides = {"baseline": before, "current": after}
    with open_target(target, profile, accept_host_key=accept_host_key) as place:

        def time_block(name: "SideName") -> "LatencyMeasurement":
            side = sides[name]
            assert side.model is not None  # noqa: S101 - _is_timed() looked
            return measure_on(
                place,
                side.model,
                profile,
                seconds=BLOCK_SECONDS,
                sample=side.sample,
                max_warmup_seconds=WARMUP_SECONDS,
            )

        with make_display() as display:
            display.say(f"timing both in turns on {place.name}")
            rounds: list[tuple[Pair, ...]] = []
            for what in ("timing in turns", "confirming"):
                rounds.append(
                    time_round(
                        time_block,
                        lambda pairs: is_settled(pairs, limit),
                        progress=display.progress,
                        what=what,
                    )
                )
                if not needs_second_round(rounds[-1], limit):
                    break
    return rounds


def _tell(comparison: "Comparison", junit: str | None) -> None:
    from autokd.core.codec import write_atomically
    from autokd.report.compare_text import (
        VERDICTS,
        comparison_junit,
        comparison_markdown,
        comparison_rows,
    )

    output = current_output()
    if junit is not None:
        write_atomically(Path(junit), comparison_junit(comparison))
    append_step_summary(comparison_markdown(comparison))
    rows = [(row[0], row[-1], *row[1:4]) for row in comparison_rows(comparison)]
    table = render_table(("check", "outcome", "baseline", "current", "change"), rows)
    texts = [f"{check.name}: {check.text}" for check in comparison.checks]
    output.text("\n\n".join([table, *map(wrap, texts)]))
    output.partial["comparison"] = comparison.model_dump(mode="json")
    fault = _FAULTS.get(comparison.outcome)
    if fault is not None:
        why = " ".join(c.text for c in comparison.checks if c.outcome == comparison.outcome)
        message = f"{comparison.current}: {VERDICTS[comparison.outcome]}. {why}"
        raise fault(message)
    if len(comparison.rounds) > 1:  # suspected, and not confirmed
        annotate_warnings(tuple(c.text for c in comparison.checks if c.name.startswith("latency")))
    note(f"{comparison.current}: {VERDICTS['pass']}.")
    output.record(comparison)


_FAULTS: dict[str, type[AutoKDError]] = {
    "failed": GateError,
    "not_comparable": DeviceError,
    "invalid": MeasurementError,
}
