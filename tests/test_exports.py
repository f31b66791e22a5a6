"""The public names of autokd are those that ``__all__`` lists and the README explains."""

import ast
import re
from pathlib import Path

import pytest

import autokd

ROOT = Path(__file__).parents[1]


def readme_names() -> set[str]:
    """Give the code words of the first column of the README's table that is headed "Name"."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = re.search(
        r"^\| *Name *\|.*\n\|[-| :]+\n((?:\|.*\n)+)", text, re.MULTILINE | re.IGNORECASE
    )
    assert table, "README.md has no table with the first column 'Name'"
    return set(re.findall(r"^\| *`(?:autokd\.)?(\w+)", table[1], re.MULTILINE))


def test_the_readme_lists_the_public_names() -> None:
    assert readme_names() == set(autokd.__all__)


def test_public_names_are_sorted_and_appear_once() -> None:
    assert list(autokd.__all__) == sorted(set(autokd.__all__))


@pytest.mark.parametrize("name", autokd.__all__)
def test_a_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(autokd, name)
    assert isinstance(value, str) or value.__doc__
    assert name in dir(autokd)


def test_a_wrong_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'autokd' has no attribute 'compres'"):
        autokd.compres  # noqa: B018 - looked up for its error


def test_names_for_the_type_checker_are_the_public_ones() -> None:
    source = (ROOT / "autokd" / "__init__.py").read_text(encoding="utf-8")
    typed = {
        alias.asname or alias.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("autokd.")
        for alias in node.names
    }
    assert typed == set(autokd.__all__) - {"__version__"}
