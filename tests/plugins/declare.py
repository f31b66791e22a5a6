"""Packages that declare plug-ins, as pip leaves them: a folder of metadata beside the modules."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from autokd.core.plugins import GROUPS, load_plugin
from autokd.distill.losses import _plugin_loss
from autokd.space.definition import plugin_space

EXAMPLE = Path(__file__).parent / "example_package"
EXAMPLE_ENTRIES = {
    "loss": {"logit-mse": "autokd_example.loss:logit_mse"},
    "strategy": {"hill-climb": "autokd_example.strategy:HillClimb"},
    "space": {"residual-chain": "autokd_example.space:RESIDUAL_CHAIN"},
    "target": {"interpreter": "autokd_example.target:Interpreter"},
}


def declare(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    entries: Mapping[str, Mapping[str, str]],
    modules: Mapping[str, str] | None = None,
    *,
    distribution: str = "other-package",
    version: str = "2.1",
) -> None:
    """Put a package on the path until the end of the test.

    Args:
        monkeypatch: Of the test.
        folder: To write to; each package needs one of its own.
        entries: By kind, ``module:attribute`` by name.
        modules: Their text by name.
        distribution: As pip has it.
        version: Of it.
    """
    write_metadata(folder, entries, distribution=distribution, version=version)
    for name, text in (modules or {}).items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(folder)
    for cache in (load_plugin, _plugin_loss, plugin_space):
        cache.cache_clear()


def declare_example(monkeypatch: pytest.MonkeyPatch, folder: Path, *, version: str = "1.0") -> None:
    """Put the example package on the path, as it is in its folder."""
    monkeypatch.syspath_prepend(EXAMPLE / "src")
    declare(monkeypatch, folder, EXAMPLE_ENTRIES, distribution="autokd-example", version=version)


def write_metadata(
    folder: Path,
    entries: Mapping[str, Mapping[str, str]],
    *,
    distribution: str,
    version: str,
) -> None:
    """Write what pip writes when it installs a package; an older version is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = distribution.replace("-", "_")
    for old in folder.glob(f"{stem}-*.dist-info"):
        for path in old.iterdir():
            path.unlink()
        old.rmdir()
    place = folder / f"{stem}-{version}.dist-info"
    place.mkdir()
    text = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
    (place / "METADATA").write_text(text, encoding="utf-8")
    lines = []
    for kind, named in entries.items():
        lines.append(f"[{GROUPS[kind]}]")
        lines += [f"{name} = {value}" for name, value in named.items()]
    (place / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
