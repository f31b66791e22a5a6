"""House rules that no linter checks."""

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    p for folder in ("autokd", "deploy", "tools") for p in (ROOT / folder).rglob("*.py")
)
PACKAGE = [p for p in MODULES if p.is_relative_to(ROOT / "autokd") and p.stem[:2] != "__"]

MOST_LINES = 400
LONGER = {"deploy/bench.py": 645}  # goes to a board as one file, so it cannot be divided


@functools.cache
def all_tests() -> str:
    return "\n".join(p.read_text(encoding="utf-8") for p in sorted((ROOT / "tests").rglob("*.py")))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGER.get(named(path), MOST_LINES)


@pytest.mark.parametrize("path", [p for p in MODULES if p.stat().st_size], ids=named)
def test_a_module_begins_with_its_docstring(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_has_a_name_of_its_own(path: Path) -> None:
    assert not re.search("util|helper|misc|common|manager", path.stem)


@pytest.mark.parametrize("path", PACKAGE, ids=named)
def test_a_module_has_its_test(path: Path) -> None:
    """Its mirror under tests/, or a test elsewhere that imports it by name."""
    inside = path.relative_to(ROOT / "autokd").with_suffix("")
    if (ROOT / "tests" / inside.parent / f"test_{inside.name}.py").exists():
        return
    part, name = ".".join(("autokd", *inside.parent.parts)), inside.name
    uses = re.compile(rf"{re.escape(part)}\.{name}\b|from {re.escape(part)} import .*\b{name}\b")
    assert uses.search(all_tests()), "no test names it"


@pytest.mark.parametrize("path", [*MODULES, *ROOT.glob("profiles/*")], ids=named)
def test_no_path_of_somebodys_machine_is_written_down(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"""["'\s(](/home|/root|/Users|/work|/tmp)/""", text)


def test_tests_lie_in_folders_without_init() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []
