"""What ``autokd doctor`` says of plug-ins: read from their packages, none is imported."""

from autokd.cli.checks import Finding
from autokd.core.plugins import Declared, declared_plugins


def check_plugins() -> list[Finding]:
    """List the plug-ins of this Python; one that nobody can name is a warning.

    A fault is never more than that: it harms no run but those that name the plug-in.
    """
    declared = declared_plugins()
    return [_check(one, declared) for one in declared]


def _check(one: Declared, declared: tuple[Declared, ...]) -> Finding:
    what = f"{one.kind} plug-in"
    found = f"{one.name}: {one.value} of {one.distribution} {one.version}"
    if one.fault is not None:
        advice = f"It cannot be used: {one.fault}. Rename it there, or uninstall the package."
        return Finding("warn", what, found, advice)
    others = [o.distribution for o in declared if (o.kind, o.name) == (one.kind, one.name)]
    if len(others) > 1:
        advice = f"{' and '.join(others)} have one of this name each: uninstall one of them."
        return Finding("warn", what, found, advice)
    return Finding("ok", what, found)
