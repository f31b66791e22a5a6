"""Every command and snippet of the documents runs, or says why it cannot."""

import json
import os
import re
import textwrap
import tomllib
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, Block, blocks_of, pages
from tests.docs.desk import desk, finished, pictures, teacher, type_command  # noqa: F401

PAGES = pages()
# Timings on a machine with other work may not count, which is no fault of the page.
TIMES = {"bench", "compare"}
# Look at this machine only, so once for all pages is enough.
ONCE = {"doctor", "devices"}
_done: set[tuple[str, ...]] = set()


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def runs(block: Block) -> bool:
    return block.kind in ("file", "python", "commands")


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_each_block_is_run_or_says_why_not(path):
    unknown = [f"{b.place}: {b.language}" for b in blocks_of(path) if b.kind == "unknown"]
    assert unknown == [], "put '<!-- not run: REASON -->' before it, see tests/docs/blocks.py"


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_a_reason_is_given_in_words(path):
    for block in blocks_of(path):
        if block.kind == "not run":
            assert re.search(r"\w{2}.* .*\w", block.marks["not run"]), block.place


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_a_block_that_is_tested_elsewhere_is_there(path):
    for block in blocks_of(path):
        if block.kind == "elsewhere":
            test = (ROOT / block.marks["tested by"]).read_text(encoding="utf-8")
            names_page = Path(block.page).name in test
            assert names_page or all(f'"{words[1]}"' in test for words in block.commands()), (
                f"{block.place}: that test has nothing of it"
            )


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_a_part_of_a_file_is_as_it_is_there(path):
    for block in blocks_of(path):
        if block.kind == "part":
            whole = (ROOT / block.marks["from"]).read_text(encoding="utf-8")
            assert block.text in whole, block.place


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_data_can_be_read(path):
    for block in blocks_of(path):
        is_toml = Path(block.marks.get("file", "")).suffix == ".toml"
        if block.kind not in ("data", "part") and not is_toml:
            continue
        if block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "json":
            json.loads(block.text)
        elif block.language == "yaml":
            yaml = pytest.importorskip("yaml", reason="pip install pyyaml")
            assert yaml.safe_load(textwrap.dedent(block.text)), block.place


@pytest.mark.parametrize("path", [p for p in PAGES if any(map(runs, blocks_of(p)))], ids=named)
def test_a_page_runs_from_top_to_bottom(path, desk, monkeypatch):  # noqa: F811
    space: dict[str, object] = {"__name__": "page"}
    for block in blocks_of(path):
        if not runs(block):
            continue
        with monkeypatch.context() as here:
            if "in" in block.marks:
                here.chdir(block.marks["in"])
            _run(block, space)


def _run(block: Block, space: dict[str, object]) -> None:
    if block.kind == "file":
        place = Path(block.marks["file"])
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(block.text, encoding="utf-8")
    elif block.kind == "python":
        # Its lines are those of the page, for a traceback that leads there.
        source = "\n" * (block.line - 1) + block.text
        exec(compile(source, block.page, "exec"), space)  # noqa: S102 - our own page
    else:
        lines = list(block.commands())
        wanted = int(block.marks.get("exit", "0").partition(",")[0])
        for number, words in enumerate(lines, 1):
            _type(words, block.place, code=wanted if number == len(lines) else 0)


def _type(words: list[str], place: str, *, code: int) -> None:
    match words:
        case ["autokd", *rest]:
            _call(rest, place, code)
        case ["cd", folder]:
            os.chdir(folder)
        case ["make", target]:
            rules = (ROOT / "Makefile").read_text(encoding="utf-8")
            assert re.search(rf"^{target}:", rules, re.MULTILINE), f"{place}: no such target"
        case _:
            pytest.fail(
                f"{place}: {' '.join(words)!r} is not run; mark it '<!-- not run: REASON -->'"
            )


def _call(words: list[str], place: str, wanted: int) -> None:
    if words[0] == "compress" and "--dry-run" not in words:
        # Settings, teacher, images and limits are for real; hours of search are not.
        words = [*words, "--dry-run"]
    if words[0] in ONCE and tuple(words) in _done:
        return
    code, said = type_command(words)
    _done.add(tuple(words))
    assert code == wanted or (code == 7 and words[0] in TIMES), f"{place}: exit code {code}\n{said}"
