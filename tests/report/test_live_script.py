"""The script of the served page in a real browser, which is told what to show next."""

import re
import shutil
import subprocess

import pytest

from autokd.report import serve
from tests.report.test_live_page import make_view

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")


@pytest.fixture
def follow(tmp_path, monkeypatch):
    """Give the page as it stands after it was shown ``views``, one more each time it asks."""

    def run(views, *, fault=None, milliseconds=30_000):
        asked = []
        answer = serve._Pages.answer

        def next_view(pages, path):
            if path == "/state":
                asked.append(path)
                if len(asked) < len(views):
                    pages.show(views[len(asked)])
                elif fault:
                    pages.fault = fault
            return answer(pages, path)

        monkeypatch.setattr(serve._Pages, "answer", next_view)
        with serve.ReportServer(views[0], port=0) as server:
            done = subprocess.run(
                [
                    str(CHROMIUM),
                    "--headless",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--no-first-run",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                    f"--user-data-dir={tmp_path / 'profile'}",
                    "--enable-logging=stderr",
                    f"--virtual-time-budget={milliseconds}",
                    "--dump-dom",
                    server.url,
                ],
                capture_output=True,
                text=True,
                timeout=120,
                check=True,
            )
        console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
        return done.stdout, len(asked), console

    return run


def simple_page(body: str, version: str | None = "v1") -> str:
    """Give a page with what the script needs; one without a version is the last."""
    meta = f'<meta name="autokd-version" content="{version}">' if version else ""
    strip = '<aside class="live"><p role="status">Live</p></aside>' if version else ""
    script = '<script src="live.js" defer></script>' if version else ""
    return (
        f"<!doctype html><html lang=en><head><title>{version}</title><style>/*{version}*/</style>"
        f"{meta}{script}</head><body>{strip}<main>{body}</main></body></html>"
    )


def test_the_page_follows_the_run_to_its_report_and_then_asks_no_more(follow, report) -> None:
    early = report.model_copy(update={"verdict": "Still running: nothing yet."})
    views = [
        make_view(None, version="v1", stage="preflight"),
        make_view(early, version="v2"),
        make_view(report, version="v3", state="done", stage="export"),
    ]
    page, asked, console = follow(views)
    assert console == []
    assert report.verdict in page
    assert 'class="live"' not in page
    assert page.count("<style>") == 1
    assert asked == 2


def test_a_page_in_which_nothing_is_new_stays_as_it_is(follow, report) -> None:
    view = make_view(report)
    page, asked, console = follow([view, view])
    assert console == []
    assert re.sub(r"\s+", "", page).count("<main>") == 1
    assert asked > 5
    assert "This page follows it." in page


def test_what_a_person_opened_stays_open_and_what_they_closed_stays_closed(
    follow, report, monkeypatch
) -> None:
    bodies = {
        "v1": "<details open><summary>All 3 trials</summary>old</details>"
        "<details><summary>1 failed trial</summary>old</details>",
        "v2": "<details><summary>All 4 trials</summary>new</details>"
        "<details open><summary>1 failed trial</summary>new</details>"
        "<details open><summary>Another</summary>new</details>",
    }
    monkeypatch.setattr(serve, "render_live", lambda v: simple_page(bodies[v.version], v.version))
    page, _, console = follow([make_view(report, version=v) for v in ("v1", "v2")])
    assert console == []
    assert re.findall(r"<details( open=\"\")?>", page) == [' open=""', "", ' open=""']
    assert page.count("new") == 3
    assert "old" not in page
    assert "<title>v2</title>" in page
    assert ("/*v2*/" in page, "/*v1*/" in page) == (True, False)


def test_a_fault_is_shown_and_the_page_stays(follow, report) -> None:
    view = make_view(report)
    page, _, _ = follow([view], fault="ledger.sqlite: is damaged.")
    assert "ledger.sqlite: is damaged." in page
    assert "What is shown is the last that was seen." in page
    assert 'class="live lost"' in page
    assert "<main>" in page
