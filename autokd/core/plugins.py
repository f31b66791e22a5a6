"""Plug-ins: found by what their packages declare, imported when they are named and never before.

A package declares a plug-in as an entry point, in the ``pyproject.toml`` that it is built from::

    [project.entry-points."autokd.losses"]
    soft-targets = "my_package.losses:soft_targets"

Only the declarations are read here, so a package that cannot be imported harms no run but those
that name it. Settings hold names alone: what runs is what somebody installed in this Python.

References:
    https://packaging.python.org/en/latest/specifications/entry-points/
"""

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, get_args

from autokd.core.config import RunConfig, StrategyName
from autokd.core.family import Preset
from autokd.core.plugin_record import NAME_RULE, Plugin, PluginKind, is_name
from autokd.core.trial import LossName
from autokd.errors import AutoKDError, PluginError

GROUPS: Mapping[PluginKind, str] = {
    "loss": "autokd.losses",
    "strategy": "autokd.strategies",
    "space": "autokd.spaces",
    "target": "autokd.targets",
}
SHIPPED: Mapping[PluginKind, tuple[str, ...]] = {
    "loss": get_args(LossName),
    "strategy": get_args(StrategyName),
    "space": get_args(Preset),
    "target": ("local", "ssh", "adb"),  # the last is refused in words, and is nobody else's either
}

# Where a setting stands: the kind of plug-in that it names -> what a message begins with.
Place = Callable[[PluginKind], str]


@dataclass(frozen=True, slots=True)
class Declared:
    """A plug-in that an installed package declares.

    Attributes:
        kind: What it says to be.
        name: As it is declared; `fault` says so when nobody can ask for it.
        distribution: The package.
        version: Of the package.
        value: ``module:attribute``, which is imported when the plug-in is named.
    """

    kind: PluginKind
    name: str
    distribution: str
    version: str
    value: str

    @property
    def fault(self) -> str | None:
        """Why it cannot be used whatever it does; None when nothing is known against it."""
        if self.name in SHIPPED[self.kind]:
            return f"autokd has a {self.kind} {self.name!r} of its own"
        return None if is_name(self.name) else NAME_RULE

    @property
    def plugin(self) -> Plugin:
        """What a run keeps of it."""
        return Plugin(
            kind=self.kind,
            name=self.name,
            distribution=self.distribution,
            version=self.version,
        )


def declared_plugins() -> tuple[Declared, ...]:
    """List the plug-ins of all installed packages, by kind and name; nothing is imported."""
    kinds = {group: kind for kind, group in GROUPS.items()}
    found: dict[tuple[str, str, str], Declared] = {}
    for package in metadata.distributions():
        for entry in _entries(package):
            if entry.group not in kinds:
                continue
            # A package that lies twice on the path is imported from its first place.
            found.setdefault(
                (entry.group, entry.name, package.name),
                Declared(
                    kinds[entry.group], entry.name, package.name, package.version, entry.value
                ),
            )
    order = list(GROUPS)
    return tuple(sorted(found.values(), key=lambda d: (order.index(d.kind), d.name)))


def find_plugin(kind: PluginKind, name: str, *, place: str | None = None) -> Declared | None:
    """Give the plug-in of a name, without importing it; None for what autokd ships.

    Args:
        kind: What it must be.
        name: By which it is asked for.
        place: Where it was asked for, which the message begins with.

    Raises:
        PluginError: There is none, there are two, or its name is one that autokd ships.
    """
    place = place or f"{kind} {name!r}"
    declared = declared_plugins()
    found = [one for one in declared if (one.kind, one.name) == (kind, name)]
    if len(found) > 1:
        owners = " and ".join(f"{one.distribution} {one.version}" for one in found)
        msg = f"{place}: {owners} have a {kind} {name!r} each; uninstall one of them."
        raise PluginError(msg)
    if found and found[0].fault is not None:
        one = found[0]
        msg = (
            f"{place}: {one.distribution} {one.version} has a {kind} {name!r} that cannot be used: "
            f"{one.fault}. Uninstall {one.distribution}, or rename the entry point in it."
        )
        raise PluginError(msg)
    if found:
        return found[0]
    if name in SHIPPED[kind]:
        return None
    known = [*SHIPPED[kind], *(o.name for o in declared if o.kind == kind and o.fault is None)]
    msg = (
        f"{place}: there is no {kind} {name!r}; there are {', '.join(map(repr, known))}. Give one "
        "of them, or install the package that has it into this Python."
    )
    raise PluginError(msg)


@lru_cache(maxsize=64)
def load_plugin(kind: PluginKind, name: str) -> tuple[Plugin, Any]:
    """Import a plug-in, and give it with its name and version.

    Raises:
        PluginError: There is none of this name, or it cannot be imported.
    """
    found = find_plugin(kind, name)
    if found is None:
        msg = f"{kind} {name!r}: comes with autokd, and is no plug-in; name another."
        raise PluginError(msg)
    with blaming(found.plugin, doing="being imported"):
        return found.plugin, _import(found)


@contextmanager
def blaming(
    plugin: Plugin, *, doing: str, error: type[AutoKDError] = PluginError
) -> Iterator[None]:
    """Say of anything that goes wrong inside that it was ``plugin``, and in which line.

    Errors of autokd pass: a plug-in raises those on purpose.

    Raises:
        AutoKDError: As ``error``.
    """
    try:
        yield
    except AutoKDError:
        raise
    except Exception as fault:
        frame = traceback.extract_tb(fault.__traceback__)[-1]
        msg = (
            f"{plugin}: failed while {doing}: {type(fault).__name__}: {str(fault) or 'no message'} "
            f"({Path(frame.filename).name}, line {frame.lineno}). The fault is the plug-in's: "
            f"correct or upgrade {plugin.distribution}, or leave the plug-in out."
        )
        raise error(msg) from fault


def blaming_if_plugin(kind: PluginKind, name: str, *, doing: str) -> AbstractContextManager[None]:
    """Give `blaming` for a plug-in, and nothing for what autokd ships.

    Raises:
        PluginError: There is no such plug-in, or it cannot be imported.
    """
    if name in SHIPPED[kind]:
        return nullcontext()
    return blaming(load_plugin(kind, name)[0], doing=doing)


def scheme_of(target: str | None) -> str:
    """Give the kind of a target: ``ssh`` of ``ssh://board``, ``local`` of ``local`` and of None."""
    return "local" if target is None else target.partition("://")[0]


def with_plugins(config: RunConfig, *, place: Place) -> RunConfig:
    """Give settings that say which plug-ins they name, in which version.

    Args:
        config: Of a run. Versions that it has already must be the installed ones; entries for
            what it does not name are dropped.
        place: Names a setting in messages.

    Raises:
        PluginError: A name is nobody's, or another version is installed.
    """
    plugins = tuple(
        found.plugin
        for kind, name in _names(config).items()
        if (found := find_plugin(kind, name, place=place(kind))) is not None
    )
    kept = {(one.kind, one.name): one for one in config.plugins}
    for plugin in plugins:
        begun = kept.get((plugin.kind, plugin.name), plugin)
        if begun != plugin:
            msg = (
                f"{place(plugin.kind)}: the settings are for {begun}, and {plugin.distribution} "
                f"{plugin.version} is installed, which may do something else. Install "
                f"{begun.distribution} {begun.version}, or begin a new run with settings that "
                "have no [[plugins]]."
            )
            raise PluginError(msg)
    return config.model_copy(update={"plugins": plugins})


def _names(config: RunConfig) -> dict[PluginKind, str]:
    search, scheme = config.search, scheme_of(config.target)
    named: dict[PluginKind, str] = {
        "loss": search.loss,
        "strategy": search.strategy,
        "space": search.space,
    }
    # What is no address at all is told by who opens it.
    if config.target is not None and "://" in config.target and scheme not in SHIPPED["target"]:
        named["target"] = scheme
    return named


def _entries(package: metadata.Distribution) -> list[metadata.EntryPoint]:
    """Give the entry points of a package; none when somebody's file cannot be read."""
    try:
        return list(package.entry_points)
    except Exception:  # noqa: BLE001 - any package of this Python may be damaged, and most are not ours
        return []


def _import(found: Declared) -> Any:
    return metadata.EntryPoint(found.name, found.value, GROUPS[found.kind]).load()
