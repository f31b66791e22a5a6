"""``autokd devices``: list, show and check device profiles."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from autokd.cli.group import LazyCommand, LazyGroup
from autokd.cli.options import json_option
from autokd.cli.output import current_output, render_table, wrap
from autokd.errors import ProfileError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from autokd.core.device import DeviceProfile

_HERE = "autokd.cli.devices"
COMMANDS = {
    "list": LazyCommand(_HERE, "list_devices", "List the devices that are known."),
    "show": LazyCommand(_HERE, "show", "Show one profile with its sources."),
    "check": LazyCommand(_HERE, "check", "Check a profile of your own."),
}


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
    rows = [
        (
            profile.id,
            f"{profile.runtime.package} {profile.runtime.version}",
            f"{profile.export.opset}/{profile.export.ir}",
            f"{profile.name}; {_limits(profile)}; {_estimates(profile)}",
        )
        for profile in profiles
    ]
    output = current_output()
    output.text(render_table(("id", "runtime", "opset/IR", "name; limits; estimates"), rows))
    output.text("\n'autokd devices show ID' has the source of every number.")
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
        message = f"{file}: a profile is a file that ends in .toml."
        raise ProfileError(message)
    profile = load_profile(file)
    estimates = [name for name, is_estimate in _numbers(profile) if is_estimate]
    output = current_output()
    output.text(f"{file}: {profile.name} is a valid profile.")
    if estimates:
        output.text(wrap(f"{len(estimates)} numbers are estimates: {', '.join(estimates)}."))


def _limits(profile: "DeviceProfile") -> str:
    from autokd.core.shortfall import limit_name, limit_text

    limits = profile.default_limits().model_dump(exclude_none=True)
    return ", ".join(f"{limit_name(name)} {limit_text(name, limits[name])}" for name in limits)


def _estimates(profile: "DeviceProfile") -> str:
    marks = [is_estimate for _, is_estimate in _numbers(profile)]
    return f"{sum(marks)} of {len(marks)} numbers are estimates"


def _numbers(record: "BaseModel", prefix: str = "") -> Iterator[tuple[str, bool]]:
    """Give each sourced number's dotted key, and whether it is an estimate."""
    from pydantic import BaseModel

    from autokd.core.sourced import Sourced

    for name in type(record).model_fields:
        value = getattr(record, name)
        if isinstance(value, Sourced):
            yield prefix + name, value.is_estimate
        elif isinstance(value, BaseModel):
            yield from _numbers(value, f"{prefix}{name}.")


def _lines(record: "BaseModel") -> list[str]:
    """Give the keys of a profile line by line: plain ones, then each table under its name."""
    from pydantic import BaseModel

    from autokd.core.sourced import Sourced

    rows: list[tuple[str, str]] = []
    tables: list[str] = []
    for name in type(record).model_fields:
        value = getattr(record, name)
        if isinstance(value, Sourced):
            rows.append((name, f"{value.value:g}  ({value.source})"))
        elif isinstance(value, BaseModel):
            tables += ["", f"[{name}]", *_lines(value)]
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            for item in value:
                tables += ["", f"[[{name}]]", *_lines(item)]
        elif value not in (None, ()):
            rows.append((name, ", ".join(value) if isinstance(value, tuple) else str(value)))
    return [*render_table(("", ""), rows).splitlines(), *tables]
