"""``autokd compress`` and ``resume``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from autokd.cli.github import annotate_warnings, append_step_summary
from autokd.cli.options import (
    data_options,
    export_options,
    json_option,
    limit_options,
    search_options,
    target_options,
    teacher_options,
)
from autokd.cli.output import current_output, note, note_error
from autokd.cli.progress import make_display
from autokd.errors import DeviceError, InfeasibleError, InputError

if TYPE_CHECKING:
    from autokd.core.config import RunConfig
    from autokd.core.results import Report


@click.command()
@teacher_options
@limit_options
@target_options
@data_options
@search_options
@export_options
@click.option("--out", metavar="RUN", help="Run folder. [default: runs/DEVICE-TIME]")
@click.option("--config", metavar="FILE", help="Settings. [default: ./autokd.toml if there]")
@click.option("--dry-run", is_flag=True, help="Only say how many students fit the limits.")
@click.option("--save-config", metavar="FILE", help="Write the settings of this run to a file.")
@json_option
def compress(
    out: str | None,
    config: str | None,
    *,
    dry_run: bool,
    save_config: str | None,
    accept_host_key: str | None,
    **given: Any,
) -> None:
    """Make a small student of a teacher that fits a device.

    Settings come from autokd.toml in the working folder, and from options, which win. The student
    is written as an ONNX file for the device's runtime, with a report.
    """
    from autokd.cli.settings import read_settings, save_settings
    from autokd.core.device import load_profile
    from autokd.core.run_folder import new_run_folder
    from autokd.measure.target import meet_target

    settings = read_settings(given, config)
    profile = load_profile(settings.device)
    run = None if dry_run else new_run_folder(out, profile.id, name="--out")
    if save_config is not None:
        save_settings(settings, Path(save_config))
    if run is None:
        _dry_run(settings)
        return
    if settings.target is None and accept_host_key is not None:
        message = "--accept-host-key: goes with --target ssh://...; give that too, or leave it out."
        raise click.UsageError(message, click.get_current_context(silent=True))
    meet_target(settings.target, profile, accept_host_key=accept_host_key, say=note)
    note(f"run folder: {run}")
    with make_display() as display:
        display.say("loading torch ...")
        from autokd import pipeline

        # From here on there is something to go on with.
        current_output().run = run
        report = pipeline.compress(settings, run, progress=display.progress, say=display.say)
    _print_report(report, run)


@click.command()
@click.argument("run", metavar="RUN")
@json_option
def resume(run: str) -> None:
    """Go on with a run that was stopped, from what is in its folder."""
    folder = existing_run(run)
    with make_display() as display:
        display.say("loading torch ...")
        from autokd import pipeline

        current_output().run = folder
        report = pipeline.resume(folder, progress=display.progress, say=display.say)
    _print_report(report, folder)


def existing_run(run: str) -> Path:
    """Give the folder of a run.

    Raises:
        InputError: It is no run folder.
    """
    folder = Path(run)
    if not folder.is_dir():
        message = f"{folder}: no such run folder; 'autokd compress' prints the name of a run first."
        raise InputError(message)
    if not (folder / "config.toml").is_file():
        message = (
            f"{folder}: is no run folder (it has no config.toml); give the --out of 'compress'."
        )
        raise InputError(message)
    return folder


def _dry_run(settings: "RunConfig") -> None:
    from autokd.cli.result import render_feasibility
    from autokd.core.shortfall import explain_infeasible

    with make_display() as display:
        display.say("loading torch ...")
        from autokd import pipeline

        found = pipeline.dry_run(settings, progress=display.progress, say=display.say)
    output = current_output()
    output.text(render_feasibility(found))
    if found.fitting == 0:
        output.partial["feasibility"] = found.model_dump(mode="json")
        raise InfeasibleError(explain_infeasible(found))
    output.record(found)


def _print_report(report: "Report", run: Path) -> None:
    from autokd.cli.result import render_result

    output = current_output()
    output.text(render_result(report, run))
    output.record(report)
    append_step_summary(run / "summary.md")
    annotate_warnings(report.warnings)
    if report.exit.code:
        _end_as_reported(report, run)


def _end_as_reported(report: "Report", run: Path) -> NoReturn:
    """End with the code of a report that is whole but for something that was asked for."""
    is_device = report.exit.code == DeviceError.exit_code and report.warnings
    reason = report.warnings[-1] if is_device else report.winners[0].chosen_reason
    note_error(f"{run / 'report.html'} is written, but: {reason}")
    raise click.exceptions.Exit(report.exit.code)
