"""What a GitHub job shows: a summary on its page, a few lines beside the code."""

import os
from pathlib import Path

from autokd.cli.output import note

# GitHub keeps 10 lines of a kind from a step; what matters is in the first.
MOST_LINES = 3


def append_step_summary(summary: str | Path) -> None:
    """Add Markdown, or a file of it, to the page of a GitHub job.

    A job that cannot show it has not failed.
    """
    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if not target:
        return
    try:
        text = summary.read_text(encoding="utf-8") if isinstance(summary, Path) else summary
        with Path(target).open("a", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as fault:
        note(f"the summary was not added to GITHUB_STEP_SUMMARY ({fault}).")


def annotate_warnings(texts: tuple[str, ...]) -> None:
    """Write the first few warnings as workflow commands; nothing outside a GitHub job."""
    if not in_github_job():
        return
    for text in texts[:MOST_LINES]:
        note(workflow_command("warning", text))


def in_github_job() -> bool:
    """Whether a GitHub runner reads what is written."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def workflow_command(level: str, text: str) -> str:
    """Give the line that a GitHub runner turns into an annotation.

    Percent and ends of lines are written as the runner reads them, so a text is one command.
    """
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{level} title=autokd::{escaped}"
