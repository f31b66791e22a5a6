"""Blocks of code in the documents, and the marks that say how each is tested.

A mark is an HTML comment before a block; at the top of a page it is for all of them:

    <!-- not run: REASON -->        a board, hours, a data set
    <!-- tested by: tests/... -->   a test runs it, with what it needs
    <!-- file: NAME -->             the block is a file that later ones read
    <!-- from: PATH -->             the block is a part of that file of the checkout
    <!-- in: FOLDER -->             it is run there
    <!-- exit: CODE, REASON -->     its last command ends with that code
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
MARKS = ("not run", "tested by", "file", "from", "in", "exit")
BY_MARK = {"not run": "not run", "tested by": "elsewhere", "from": "part", "file": "file"}
BY_LANGUAGE = {
    **dict.fromkeys(("sh", "bash", "shell", "console"), "commands"),
    **dict.fromkeys(("python", "py"), "python"),
    **dict.fromkeys(("toml", "json", "yaml"), "data"),
    **dict.fromkeys(("text", "diff"), "shown"),  # what a person sees, nothing to run
}
COMMAND_LINE = r"^\s*(autokd|pip|python3?|make|cd|git|npm|ssh\S*) "


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code.

    Attributes:
        page: Path of the document below the root.
        line: Of its first line of code.
        language: Of a fence; empty for an indented block.
        marks: By their kind.
    """

    page: str
    line: int
    language: str
    text: str
    marks: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def kind(self) -> str:
        """How it is tested: by its marks, else by what it is."""
        by_mark = next((kind for mark, kind in BY_MARK.items() if mark in self.marks), None)
        if by_mark is not None:
            return by_mark
        if self.language == "":
            lines = re.search(COMMAND_LINE, self.text, re.MULTILINE)
            code = re.search(r"^(import|from) \w", self.text, re.MULTILINE)
            return "commands" if lines else "unknown" if code else "shown"
        return BY_LANGUAGE.get(self.language, "unknown")

    def commands(self) -> Iterator[list[str]]:
        """Give the words of each command line; lines that end in a backslash are joined."""
        for line in self.text.replace("\\\n", " ").splitlines():
            words = shlex.split(line.strip().removeprefix("$ "), comments=True)
            if words:
                yield words


def blocks_of(path: Path) -> list[Block]:
    """Give the blocks of a document, in their order."""
    tokens = MarkdownIt("commonmark").enable("table").parse(path.read_text(encoding="utf-8"))
    page = path.relative_to(ROOT).as_posix()
    of_page = _marks(tokens[0]) if tokens and tokens[0].type == "html_block" else {}
    found, before = [], {}
    for token in tokens:
        if token.type == "html_block":
            before |= _marks(token)
        elif token.type in ("fence", "code_block"):
            assert token.map is not None
            language = token.info.split()[0] if token.info.split() else ""
            line = token.map[0] + (2 if token.type == "fence" else 1)
            found.append(Block(page, line, language, token.content, {**of_page, **before}))
            before = {}
        elif token.type.endswith("_open"):
            before = {}
    return found


def pages() -> list[Path]:
    """Give the documents whose blocks are tested: the README, and all below docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _marks(token: Token) -> dict[str, str]:
    comments = re.findall(r"<!--\s*(.*?)\s*-->", token.content, re.DOTALL)
    pairs = (comment.partition(":") for comment in comments)
    return {kind: " ".join(text.split()) for kind, _, text in pairs if kind in MARKS}
