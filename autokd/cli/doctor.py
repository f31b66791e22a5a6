"""``autokd doctor``."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autokd.cli.options import json_option, target_options, teacher_options
from autokd.cli.output import current_output, note, render_table
from autokd.cli.progress import make_display
from autokd.errors import AutoKDError, DeviceError, InputError

if TYPE_CHECKING:
    from autokd.cli.checks import Finding


@click.command()
@click.option("--device", metavar="D", help="Check the profile of this device too.")
@target_options
@teacher_options
@click.option("--data", metavar="PATH", help="Check these images, and what the teacher says.")
@click.option("--size", type=int, metavar="PX", help="Side that images are brought to.")
@click.option("--run", metavar="RUN", help="Check a run, and the files of its best student.")
@json_option
def doctor(
    device: str | None,
    *,
    target: str | None,
    accept_host_key: str | None,
    run: str | None,
    **given: Any,
) -> None:
    """Check this machine, and all that is given, before a run or after it.

    Looks at packages, disk, cores and cache; at the profile of a device; at a board, on which it
    times a small student; at images and teacher, as a run would; at a run that ended.

    A check that fails gives exit code 2, or 5 when it is about the device.
    """
    from autokd.cli import checks
    from autokd.cli.compress import existing_run
    from autokd.cli.device_checks import check_device
    from autokd.cli.plugin_checks import check_plugins
    from autokd.core.cache import cache_folder

    folder = None if run is None else existing_run(run)
    note("importing packages ...")
    packages = checks.probe_packages(checks.PACKAGES)
    findings = [
        checks.check_python(),
        *(checks.check_package(name, package) for name, package in packages.items()),
        checks.check_disk("disk", Path.cwd()),
        checks.check_disk("disk of cache", cache_folder()),
        checks.check_cache(cache_folder()),
        checks.check_processor(_workers()),
        *(check_device(device, packages) if device is not None else []),
        *_target(target, device, accept_host_key),
        *_inputs(given, device),
        *_run(folder),
        *check_plugins(),
    ]
    rows = [
        (finding.level, finding.what, " ".join(filter(None, (finding.found, _advice(finding)))))
        for finding in findings
    ]
    output = current_output()
    output.text(render_table(("", "", ""), rows))
    output.partial["checks"] = [asdict(finding) for finding in findings]
    _raise_on_failure(findings)
    output.data(output.partial)


def _target(target: str | None, device: str | None, accept_host_key: str | None) -> "list[Finding]":
    if target is None:
        return []
    from autokd.cli.target_checks import check_target
    from autokd.core.device import load_profile
    from autokd.errors import ProfileError

    note(f"asking {target} ...")
    try:
        profile = None if device is None else load_profile(device)
    except ProfileError:
        return []  # the check of the device says so
    return check_target(target, profile, accept_host_key=accept_host_key)


def _inputs(given: Mapping[str, Any], device: str | None) -> "Iterator[Finding]":
    if given.get("teacher") is None and given.get("data") is None:
        return
    from autokd.cli.input_checks import check_inputs

    with make_display() as display:
        display.say("loading torch ...")
        yield from check_inputs(given, device, progress=display.progress)


def _run(folder: Path | None) -> "list[Finding]":
    if folder is None:
        return []
    from autokd.cli.run_checks import check_run

    note(f"reading {folder} ...")
    return check_run(folder)


def _advice(finding: "Finding") -> str:
    return f"-- {finding.advice}" if finding.advice else ""


def _raise_on_failure(findings: "list[Finding]") -> None:
    failed = [finding for finding in findings if finding.level == "fail"]
    if not failed:
        return
    names = ", ".join(finding.what for finding in failed)
    message = (
        f"{len(failed)} of {len(findings)} checks failed: {names}. See the advice beside each."
    )
    kind: type[AutoKDError] = InputError
    if any(finding.is_device for finding in failed):
        kind = DeviceError
    raise kind(message)


def _workers() -> int | None:
    """Give the number of workers in ``autokd.toml``; None without one, or when it is malformed."""
    from autokd.cli.settings import CONFIG_NAME
    from autokd.core.codec import load_toml

    path = Path(CONFIG_NAME)
    if not path.is_file():
        return None
    try:
        search = load_toml(path).get("search", {})
    except InputError as fault:
        note(f"{fault}")
        return None
    workers = search.get("workers") if isinstance(search, dict) else None
    return workers if isinstance(workers, int) and workers > 0 else None
