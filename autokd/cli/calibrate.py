"""``autokd devices calibrate``."""

from typing import TYPE_CHECKING

import click

from autokd.cli.options import json_option
from autokd.cli.output import current_output, render_table, wrap
from autokd.cli.progress import make_display

if TYPE_CHECKING:
    from autokd.core.latency import LatencyModel


@click.command()
@click.argument("device", metavar="D")
@click.option("--target", metavar="T", required=True, help="local, or ssh://[user@]host[:port].")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.1, max=60),
    default=0.4,
    show_default=True,
    help="To time each of the 42 graphs beside the reference, in each of 8 rounds.",
)
@click.option("--threads", type=click.IntRange(1, 256), help="Instead of the profile's.")
@click.option(
    "--accept-host-key", metavar="SHA256:...", help="Fingerprint of a board not known yet."
)
@json_option
def calibrate(
    device: str, *, target: str, seconds: float, threads: int | None, accept_host_key: str | None
) -> None:
    """Time small graphs on the device D and fit its profile to them.

    Your copy of the profile in ~/.config/autokd/profiles gets the new numbers; if D is a path, that
    file does. An interrupted calibration goes on where it was when called again.
    """
    from autokd.core.device import load_profile
    from autokd.measure.target import open_target
    from autokd.pipeline.calibrate import calibrate as run_calibration
    from autokd.pipeline.calibrate import save_calibrated

    profile = load_profile(device)
    profile.required_runtime()
    with (
        open_target(target, profile, accept_host_key=accept_host_key) as opened,
        make_display() as display,
    ):
        done = run_calibration(
            profile, opened, seconds=seconds, threads=threads, progress=display.progress
        )
    path = save_calibrated(device, done.profile)
    done.journal.unlink(missing_ok=True)
    output = current_output()
    output.text(_summary(done.model))
    for name, reason in done.dropped.items():
        output.text(wrap(f"left out: {name}, never measured validly: {reason}"))
    output.text(f"\n{path} is written; --device {device} uses it from now on.")
    output.data({"path": str(path), "latency": done.model.model_dump(mode="json")})


def _summary(model: "LatencyModel") -> str:
    record = model.calibration
    assert record is not None  # noqa: S101 - it was just made
    names = [name for name in type(model).model_fields if name != "calibration"]
    rows = [(name, f"{getattr(model, name).value:g}") for name in names]
    where = f"{record.graphs} graphs on {record.target}, {record.runtime}, {record.threads} threads"
    held_out = (
        f"students that were left out of the fit: {record.within_10_percent:.0%} predicted within "
        f"10 %, median error {record.median_error:.1%}, rank correlation "
        f"{record.rank_correlation:.3f}"
    )
    return "\n".join((where, render_table(("coefficient", "value"), rows), "", held_out))
