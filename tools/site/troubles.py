"""docs/troubleshooting.md as a table of what it says, and the list of all messages."""

import re
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from tools.site.messages import Message, collect_messages, matches

PAGE = Path("docs") / "troubleshooting.md"


@dataclass(frozen=True, slots=True)
class Trouble:
    """An entry of the page.

    Attributes:
        heading: The message, with an ellipsis for what is filled in.
        paths: Modules that it is said to come from.
        exit_code: None for a warning, which ends nothing.
        text: Cause and what to do.
    """

    heading: str
    paths: tuple[str, ...]
    exit_code: int | None
    text: str


def read_troubles(page: str) -> list[Trouble]:
    """Give the entries of the page, whose headings are messages in backticks.

    Raises:
        ValueError: An entry has no line with exit code and place under its heading.
    """
    found = []
    for part in re.split(r"^### ", page, flags=re.MULTILINE)[1:]:
        head, _, text = part.partition("\n")
        place = re.match(
            r"\n(?:Exit code (\d+)|A warning), from (.+?)\.\n\n(?=\S)", text, re.DOTALL
        )
        name = re.fullmatch(r"`(.+)`", head.strip())
        if place is None or name is None:
            msg = f"{head}: needs backticks, and 'Exit code N, from `path`.' as first paragraph."
            raise ValueError(msg)
        paths = tuple(re.findall(r"`([^`]+)`", place[2]))
        code = None if place[1] is None else int(place[1])
        found.append(Trouble(name[1], paths, code, text[place.end() :].strip()))
    return found


def render_messages(root: Path) -> str:
    """Give all messages in markdown, a table for each part of the package."""
    troubles = read_troubles((root / PAGE).read_text(encoding="utf-8"))
    parts = []
    by_part = groupby(collect_messages(root), key=lambda m: m.path.split("/")[1])
    for part, messages in by_part:
        rows = dict.fromkeys(_row(message, troubles) for message in messages)
        head = f"## {part.removesuffix('.py')}\n\n| message | code | from |\n|---|---|---|"
        parts.append("\n".join([head, *rows]))
    return "\n\n".join(parts)


def _row(message: Message, troubles: list[Trouble]) -> str:
    text = message.text.strip().replace("|", "\\|").replace("`", "'")
    place = f"`{message.path.removeprefix('autokd/')}`"
    known = next((t for t in troubles if is_of(t, message)), None)
    if known is not None:
        place += f", [more](../troubleshooting.md#{slug_of(known.heading)})"
    return f"| `{text}` | {message.exit_code} | {place} |"


def is_of(trouble: Trouble, message: Message) -> bool:
    """Whether an entry is about a message."""
    return message.path in trouble.paths and matches(trouble.heading, message.text)


def slug_of(heading: str) -> str:
    """Give the anchor that mkdocs makes of a heading in backticks."""
    from markdown.extensions.toc import slugify

    slug: str = slugify(heading, "-")
    return slug
