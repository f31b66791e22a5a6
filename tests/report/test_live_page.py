"""The served page: the file, and what lets it follow a run."""

import re

import pytest

from autokd.core.run_status import RunStatus
from autokd.report.html import render_html
from autokd.report.live_page import LiveView, live_script, render_live


def make_view(report, *, state="running", stage="search", version="v1", **changes) -> LiveView:
    fields = {
        "run": "runs/a<b>",
        "state": state,
        "stage": stage,
        "trials_by_state": {},
        "rungs": (),
        "best_accuracy": None,
        "spent_seconds": 72.0,
        "budget_seconds": 600.0,
    }
    return LiveView(RunStatus.model_validate(fields | changes), report, version)


@pytest.fixture(scope="module")
def unfinished(make_report):
    return make_report(winners=())


def policy_of(page: str) -> dict[str, str]:
    (content,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    rules = [rule.strip().partition(" ") for rule in content.split(";")]
    return {name: sources for name, _, sources in rules}


def test_the_page_of_a_run_that_is_done_is_the_file(report) -> None:
    assert render_live(make_view(report, state="done")) == render_html(report)


def test_a_served_page_may_run_one_script_of_its_server_and_ask_that_and_no_more(report) -> None:
    file = policy_of(render_html(report))
    served = policy_of(render_live(make_view(report)))
    assert served["default-src"] == file["default-src"] == "'none'"
    assert served["script-src"].split()[0] == "'self'"
    assert "unsafe" not in served["script-src"]
    assert served["connect-src"] == "'self'"
    assert {k: v for k, v in served.items() if k not in ("script-src", "connect-src")} == {
        k: v for k, v in file.items() if k != "script-src"
    }


def test_a_served_page_asks_no_other_server(report) -> None:
    page = render_live(make_view(report))
    sources = re.findall(r'(?:src|href|action)="([^"]+)"', page)
    assert [one for one in sources if not one.startswith(("#", "data:"))] == ["live.js"]
    assert b"http" not in live_script()
    assert re.findall(rb'fetch\("([^"]*)"', live_script()) == [b"state", b"./"]


def test_a_served_page_carries_its_version_and_reloads_where_scripts_are_off(report) -> None:
    page = render_live(make_view(report, version="running-search-7"))
    assert '<meta name="autokd-version" content="running-search-7">' in page
    assert '<noscript><meta http-equiv="refresh" content="30"></noscript>' in page


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "Live: searching, 1m 12s of 10m 00s at the last change."),
        ({"budget_seconds": None}, "Live: searching, 1m 12s at the last change."),
        ({"stage": "finalists"}, "Live: training finalists at full length, 1m 12s of"),
        ({"state": "stopped"}, "again after &#x27;autokd resume runs/a&lt;b&gt;&#x27;."),
    ],
)
def test_the_strip_above_the_page_says_what_goes_on(unfinished, changes, text) -> None:
    page = render_live(make_view(unfinished, **changes))
    (strip,) = re.findall(r"<aside.*?</aside>", page)
    assert text in strip


@pytest.mark.parametrize(
    ("state", "headline"),
    [
        ("running", "The run is looking at teacher and data."),
        ("stopped", "The run stopped before its search."),
    ],
)
def test_before_there_is_a_report_the_page_says_so(state, headline) -> None:
    page = render_live(make_view(None, state=state, stage="preflight"))
    assert f"<h1>{headline}</h1>" in page
    assert "runs/a&lt;b&gt;" in page
    assert "a<b>" not in page
    assert policy_of(page)["script-src"] == "'self'"
