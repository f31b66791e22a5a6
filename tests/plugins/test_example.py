"""The example package: its files, and the pages that show them."""

import re
import tomllib
from pathlib import Path

import pytest

from autokd.core.plugins import GROUPS, declared_plugins
from tests.plugins.declare import EXAMPLE, EXAMPLE_ENTRIES, declare_example

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "plugins"
BLOCK = re.compile(r"<!-- from: (\S+) -->\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_what_the_tests_declare_is_what_the_package_declares(tmp_path, monkeypatch):
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    entries = {kind: project["entry-points"][group] for kind, group in GROUPS.items()}
    assert entries == EXAMPLE_ENTRIES
    declare_example(monkeypatch, tmp_path)
    found = [one for one in declared_plugins() if one.distribution == project["name"]]
    assert [one.kind for one in found] == list(GROUPS)
    assert {one.version for one in found} == {project["version"]}
    assert [one.fault for one in found] == [None] * 4


@pytest.mark.parametrize("name", ["index", *GROUPS])
def test_each_page_shows_code_as_it_is_tested(name):
    blocks = BLOCK.findall((PAGES / f"{name}.md").read_text(encoding="utf-8"))
    assert blocks
    for place, text in blocks:
        assert text in (ROOT / place).read_text(encoding="utf-8"), place


@pytest.mark.parametrize("kind", GROUPS)
def test_each_kind_has_its_contract_on_its_page(kind):
    assert f"`check_{kind}`" in (PAGES / f"{kind}.md").read_text(encoding="utf-8")
