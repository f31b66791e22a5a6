"""``autokd devices``: list, show and check device profiles."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from autokd.cli.group import LazyCommand, LazyGroup
from autokd.cli.options import json_option
from autokd.cli.output import current_output, render_table, wrap
from autokd.errors import ProfileError

if TYPE_CHECKING:
    from autokd.core.device import DeviceProfile

_HERE = "autokd.cli.devices"
COMMANDS = {
    "list": LazyCommand(_HERE, "list_devices", "List the devices that are known."),
    "show": LazyCommand(_HERE, "show", "Show one profile with its sources."),
    "check": LazyCommand(_HERE, "check", "Check a profile of your own."),
    "new": LazyCommand(
        "autokd.cli.new_device", "new", "Write a profile of your own from a probe of a board."
    ),
    "calibrate": LazyCommand(
        "autokd.cli.calibrate", "calibrate", "Time a device and fit its profile to that."
    ),
}


_COLUMNS = ("id", "onnxruntime", "opset/IR", "memory", "latency", "estimates")


@click.group(cls=LazyGroup, table=COMMANDS, invoke_without_command=True)
@click.pass_context
def devices(ctx: click.Context) -> None:
    """List, show and check device profiles."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@click.command()
@json_option
def list_devices() -> None:
    """List the devices that are known, your own in ~/.config/autokd/profiles included."""
    from autokd.core.device import list_profiles, load_profile

    profiles = [load_profile(name) for name in list_profiles()]
    output = current_output()
    output.text(render_table(_COLUMNS, [_row(profile) for profile in profiles]))
    text = (
        "onnxruntime, opset and IR are those of the default runtime and of the file that is "
        "exported; memory and latency are the limits that hold unless you set others; the last "
        "column counts the numbers that nobody looked up or measured. 'autokd devices show ID' has "
        "the source of each."
    )
    output.text("\n" + wrap(text))
    output.data([profile.model_dump(mode="json") for profile in profiles])


@click.command()
@click.argument("device", metavar="D")
@json_option
def show(device: str) -> None:
    """Show the profile of D with the source of every number."""
    from autokd.core.device import load_profile

    profile = load_profile(device)
    output = current_output()
    output.text("\n".join(_lines(profile)))
    output.record(profile)


@click.command()
@click.argument("file", metavar="FILE")
def check(file: str) -> None:
    """Check the profile in FILE: keys, units, and whether it agrees with itself."""
    from autokd.core.device import load_profile

    if not file.endswith(".toml"):
        message = f"{file}: a profile is a file that ends in .toml; give such a one."
        raise ProfileError(message)
    profile = load_profile(file)
    estimates = [name for name, is_estimate in _numbers(profile) if is_estimate]
    output = current_output()
    output.text(f"{file}: {profile.name} is a valid profile.")
    if estimates:
        output.text(wrap(f"{len(estimates)} numbers are estimates: {', '.join(estimates)}."))


def _row(profile: "DeviceProfile") -> tuple[str, ...]:
    from autokd.core.shortfall import limit_text

    limits = profile.default_limits()
    marks = [is_estimate for _, is_estimate in _numbers(profile)]
    return (
        profile.id,
        profile.runtime.version if profile.runtime else "none",
        f"{profile.export.opset}/{profile.export.ir}",
        *(
            "-" if getattr(limits, name) is None else limit_text(name, getattr(limits, name))
            for name in ("max_memory_bytes", "max_latency_ms")
        ),
        f"{sum(marks)} of {len(marks)}",
    )


def _numbers(record: Any, prefix: str = "") -> Iterator[tuple[str, bool]]:
    """Give each sourced number's dotted key, and whether it is an estimate."""
    from autokd.core.sourced import Sourced

    for name, value in _items(record):
        is_default = name not in getattr(record, "model_fields_set", {name})
        if is_default:  # what a file leaves out is nobody's to look up
            continue
        if isinstance(value, Sourced):
            yield prefix + name, value.is_estimate
        elif not isinstance(value, (str, int, float)):
            yield from _numbers(value, f"{prefix}{name}.")


def _items(part: Any) -> Iterator[tuple[str, Any]]:
    """Give keys and values of a record, a table or a list; a list's member goes by its id."""
    from pydantic import BaseModel

    if isinstance(part, BaseModel):
        yield from ((name, getattr(part, name)) for name in type(part).model_fields)
    elif isinstance(part, dict):
        yield from part.items()
    elif isinstance(part, tuple):
        yield from ((getattr(inner, "id", str(i)), inner) for i, inner in enumerate(part))


def _lines(record: Any, prefix: str = "") -> list[str]:
    """Give the keys of a profile line by line: plain ones, then each table under its name."""
    from pydantic import BaseModel

    from autokd.core.sourced import Sourced

    rows: list[tuple[str, str]] = []
    tables: list[str] = []
    for name, value in _items(record):
        full = prefix + name
        if isinstance(value, Sourced):
            rows.append((name, f"{value.value:g}  ({value.source})"))
        elif isinstance(value, (BaseModel, dict)):
            inner = _lines(value, f"{full}.")
            tables += ["", f"[{full}]", *inner] if inner[:1] != [""] else inner
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            for item in value:
                tables += ["", f"[[{full}]]", *_lines(item, f"{full}.")]
        elif value not in (None, ()):
            rows.append((name, ", ".join(value) if isinstance(value, tuple) else str(value)))
    return [*render_table(("", ""), rows).splitlines(), *tables]
