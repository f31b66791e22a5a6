"""What the documents say of commands, options, exit codes and files is so."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from autokd import errors
from autokd.cli.main import cli

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
SKIPPED = {
    ".venv",
    ".runtimes",
    ".git",
    "demo",
    "runs",
    "build",
    "dist",
    "node_modules",
    ".pytest_cache",
}


def documents() -> list[Path]:
    found = ROOT.rglob("*.md")
    return sorted(p for p in found if not SKIPPED & set(p.relative_to(ROOT).parts))


def commands(group: click.Group = cli, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    """Give the full name of every command, ``devices list`` for a command in a group."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


COMMANDS = dict(commands())


def command_lines(path: Path) -> Iterator[list[str]]:
    """Give the words of each command line of autokd in the blocks of code of a document."""
    text = path.read_text(encoding="utf-8")
    fenced = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    indented = re.findall(r"^(?: {4}|\t).*$", text, re.MULTILINE)
    block = "\n".join([*fenced, *indented]).replace("\\\n", " ")
    for line in block.splitlines():
        typed = line.strip().removeprefix("$ ")
        if typed.startswith("autokd"):  # any other may be a sentence with an apostrophe
            words = shlex.split(typed, comments=True, posix=False)
            if words[0] == "autokd":
                yield words[1:]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_in_the_readme(name: str) -> None:
    assert re.search(rf"autokd {name}\b", README.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_and_each_of_its_options_have_help(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    options = [p for p in command.params if isinstance(p, click.Option)]
    assert [o.name for o in options if not o.help] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_a_test(name: str) -> None:
    words = r'",\s*"'.join(name.split())
    files = [*ROOT.glob("tests/cli/test_*.py"), *ROOT.glob("tests/e2e/test_*.py")]
    assert any(re.search(rf'"{words}"', p.read_text(encoding="utf-8")) for p in files)


@pytest.mark.parametrize("path", documents(), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_command_line_in_a_document_can_be_typed(path: Path) -> None:
    for words in command_lines(path):
        name = next(
            (n for n in (" ".join(words[:2]), words[0] if words else "") if n in COMMANDS), None
        )
        known = {o for p in (COMMANDS[name] if name else cli).params for o in p.opts}
        given = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert name or words[:1] in ([], ["--help"], ["--version"]), words
        assert given <= known | {"--help"}, words


def test_the_exit_codes_of_the_readme_are_those_of_the_errors() -> None:
    rows = re.findall(r"^\| *(\d[\d /]*) *\|", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(int(n) for row in rows for n in re.findall(r"\d+", row)) == sorted(
        errors.EXIT_NAMES
    )


def test_the_exit_codes_of_the_help_are_those_of_the_errors() -> None:
    rows = re.findall(r"^  (\d+)\s+(.*)", cli.epilog or "", re.MULTILINE)
    numbers = {int(n) for code, text in rows for n in [code, *re.findall(r"\d{3}", text)]}
    assert numbers == set(errors.EXIT_NAMES)


def targets() -> list[tuple[Path, str]]:
    found = []
    for path in documents():
        text = re.sub(
            r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
        )
        text = re.sub(r"`[^`\n]*`", "", text)
        found += [(path, link) for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    return [(path, link) for path, link in found if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize(("path", "link"), targets(), ids=lambda v: str(v).rpartition("/")[2])
def test_a_link_leads_to_a_file_and_a_heading(path: Path, link: str) -> None:
    name, _, anchor = link.partition("#")
    target = (path.parent / name).resolve() if name else path
    assert target.exists(), f"{path.name}: {link}"
    if anchor:
        heads = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
        slugs = {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in heads}
        assert anchor in slugs, f"{path.name}: {link}"
