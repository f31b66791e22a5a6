"""``autokd bench``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from autokd.cli.options import json_option
from autokd.cli.output import current_output, render_table
from autokd.cli.progress import make_display
from autokd.errors import MeasurementError

if TYPE_CHECKING:
    from autokd.core.results import LatencyMeasurement


@click.command()
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@click.option("--device", metavar="D", required=True, help="Its profile gives the threads.")
@json_option
def bench(models: tuple[str, ...], *, device: str) -> None:
    """Time ONNX files on this host, which is not the board.

    Prints percentiles of the time of one image, and whether they count.
    """
    from autokd.core.device import load_profile
    from autokd.measure.local import measure_local

    profile = load_profile(device)
    output = current_output()
    measured: dict[str, LatencyMeasurement] = {}
    with make_display() as display:
        for done, model in enumerate(models):
            display.progress("timing", done, len(models))
            measured[model] = measure_local(Path(model), profile)
            output.partial["measurements"] = [
                {"model": name, **found.model_dump(mode="json")} for name, found in measured.items()
            ]
        display.progress("timing", len(models), len(models))
    output.text("\n\n".join(render_measurement(*pair) for pair in measured.items()))
    _raise_on_invalid(measured)
    output.data(output.partial["measurements"])


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
    return "\n".join((model, where, runner, table, verdict))


def _raise_on_invalid(measured: "dict[str, LatencyMeasurement]") -> None:
    invalid = {model: found.reason for model, found in measured.items() if not found.valid}
    if not invalid:
        return
    reasons = "; ".join(f"{model}: {reason}" for model, reason in invalid.items())
    message = (
        f"{len(invalid)} of {len(measured)} measurements are INVALID ({reasons}). "
        "End other work on this machine and measure again."
    )
    raise MeasurementError(message)
