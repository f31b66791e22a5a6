"""The page of a run as a server shows it: ``report.html`` that follows the run.

The file itself has no script and asks for nothing. What is served has one, from the same server,
that asks whether something changed.
"""

import html
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from autokd.core.results import Report
from autokd.core.run_status import STAGE_WORDS, RunStatus
from autokd.core.units import format_duration
from autokd.report.html import render_html

SCRIPT_FILE = "live.js"
RELOAD_SECONDS = 30  # where scripts are off

_POLICY = re.compile(r'(<meta http-equiv="Content-Security-Policy" content=")([^"]*)(">)')

_STYLE = """\
<style>
.live { border-bottom: 1px solid #8884; font: 0.875rem/1.5 system-ui, sans-serif; }
.live p { max-width: 1120px; margin: 0 auto; padding: 10px 32px; }
.live p::before { content: ""; display: inline-block; width: 9px; height: 9px; margin-right: 9px;
  border-radius: 50%; background: #2a8a5f; }
.live.still p::before { background: #9a6b00; }
.live.lost p::before { background: #b3402e; }
@media (max-width: 700px) { .live p { padding: 10px 16px; } }
@media print { .live { display: none; } }
</style>
"""

_WAITING = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>autokd: {name}</title>
<style>
body {{ margin: 0; font: 16px/1.55 system-ui, sans-serif; }}
main {{ max-width: 1120px; margin: 0 auto; padding: 40px 32px; }}
h1 {{ font-size: 1.5rem; line-height: 1.25; }}
@media (max-width: 700px) {{ main {{ padding: 24px 16px; }} }}
</style>
</head>
<body>
<main>
<h1>{headline}</h1>
<p>The report begins when it is known what fits the device. The run is in {run}.</p>
</main>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class LiveView:
    """What there is to show of a run at one moment.

    Attributes:
        report: None as long as nothing can be reported.
        version: Another word as soon as something is new.
    """

    status: RunStatus
    report: Report | None
    version: str


def render_live(view: LiveView) -> str:
    """Give the page; that of a run that is done is its ``report.html``, letter by letter."""
    status, report = view.status, view.report
    page = _waiting(status) if report is None else render_html(report, Path(status.run))
    if status.state == "done":
        return page
    policy = _POLICY.search(page)
    assert policy is not None, "the page states what it may load"  # noqa: S101
    page = page.replace(policy[0], f"{policy[1]}{_with_own_script(policy[2])}{policy[3]}", 1)
    head = (
        f'<meta name="autokd-version" content="{html.escape(view.version)}">\n'
        f'<script src="{SCRIPT_FILE}" defer></script>\n'
        f'<noscript><meta http-equiv="refresh" content="{RELOAD_SECONDS}"></noscript>\n'
    )
    page = page.replace("</head>", f"{_STYLE}{head}</head>", 1)
    return page.replace("<body>", f"<body>\n{_strip(status)}", 1)


def live_script() -> bytes:
    """Give the script that follows the run."""
    return (files("autokd.report") / SCRIPT_FILE).read_bytes()


def _with_own_script(policy: str) -> str:
    """Let a page load a script from its own server and ask it, and nothing else."""
    rules = [rule.strip() for rule in policy.split(";") if rule.strip()]
    scripts = [rule for rule in rules if rule.split()[0] == "script-src"]
    rest = [rule for rule in rules if rule not in scripts]
    sources = " ".join(scripts[0].split()[1:]) if scripts else ""
    return "; ".join([*rest, f"script-src 'self' {sources}".strip(), "connect-src 'self'"])


def _strip(status: RunStatus) -> str:
    still = " still" if status.state == "stopped" else ""
    text = html.escape(_strip_text(status))
    return (
        f'<aside class="live{still}" aria-label="State of the run">'
        f'<p role="status">{text}</p></aside>\n'
    )


def _strip_text(status: RunStatus) -> str:
    if status.state == "stopped":
        return f"Stopped. This page follows the run again after 'autokd resume {status.run}'."
    spent = format_duration(status.spent_seconds)
    if status.budget_seconds is not None:
        spent = f"{spent} of {format_duration(status.budget_seconds)}"
    return f"Live: {STAGE_WORDS[status.stage]}, {spent} at the last change. This page follows it."


def _waiting(status: RunStatus) -> str:
    going_on = f"The run is {STAGE_WORDS[status.stage]}"
    headline = going_on if status.state == "running" else "The run stopped before its search"
    run = html.escape(status.run)
    return _WAITING.format(name=run, headline=f"{headline}.", run=run)
