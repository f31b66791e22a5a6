"""``report.html`` in a real browser: quiet, usable by keyboard, and without barriers."""

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autokd.report.html import render_html
from tests.report.full_report import fill_report

CHROMIUM = os.environ.get("AUTOKD_CHROMIUM") or shutil.which("chromium")
LACKING = next(
    (
        name
        for name in ("playwright", "axe_playwright_python")
        if importlib.util.find_spec(name) is None
    ),
    None,
)
SIZES = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1280, 800)}
SLOWEST_SECONDS = 1.0

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(LACKING is not None, reason=f"{LACKING} is not installed"),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def pages(make_report, tmp_path_factory) -> dict[str, Path]:
    """Give the files: of a run that ended, of one that goes on, and of a long one."""
    folder = tmp_path_factory.mktemp("run")
    full = fill_report(make_report(), folder)
    running = make_report(winners=(), kd_gain=None)
    written = {}
    for name, report in (("full", full), ("running", running), ("bare", make_report())):
        written[name] = folder / f"{name}.html"
        written[name].write_text(render_html(report, folder), encoding="utf-8")
    long, written["long"] = tmp_path_factory.mktemp("long"), folder / "long.html"
    written["long"].write_text(render_html(fill_report(make_report(count=300), long), long))
    written["blank"] = folder / "blank.html"
    written["blank"].write_text("<!doctype html><title>blank</title>")
    return written


@pytest.fixture
def opened(browser, pages):
    """Opens a page; nothing may be asked for and nothing said on the console."""
    contexts, heard = [], []
    own = {path.as_uri() for path in pages.values()}

    def open_page(name: str = "full", size: str = "desktop", **options: Any) -> Any:
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height}, bypass_csp=False, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: heard.append(said.text))
        page.on("pageerror", lambda fault: heard.append(str(fault)))
        page.on("request", lambda asked: asked.url in own or heard.append(asked.url))
        url = pages[name].as_uri()
        page.goto(url, wait_until="load")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [one for one in heard if not one.startswith("data:")] == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["full", "running"])
def test_nothing_reaches_out_of_the_page(opened, name, size) -> None:
    page = opened(name, size)
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]


@pytest.mark.parametrize(
    ("name", "scheme"),
    [("full", "light"), ("full", "dark"), ("running", "light"), ("bare", "light")],
)
def test_axe_finds_no_barrier(browser, pages, name, scheme) -> None:
    from axe_playwright_python.sync_playwright import Axe

    # The page lets no script run; axe is one.
    context = browser.new_context(bypass_csp=True, color_scheme=scheme)
    page = context.new_page()
    page.goto(pages[name].as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    found = Axe().run(page)
    context.close()
    assert found.violations_count == 0, found.generate_report()


def shown_card(page: Any) -> str:
    cards = page.locator(".card").all()
    above = [c for c in cards if c.evaluate("e => getComputedStyle(e).visibility") == "visible"]
    top = max(above, key=lambda card: int(card.evaluate("e => getComputedStyle(e).zIndex")))
    return str(top.locator("p").inner_text())


def test_hovering_shows_a_trial_and_a_click_keeps_it(opened) -> None:
    page = opened()
    assert shown_card(page).startswith("Student 1,")
    point = page.locator(".pt.last").first
    name = point.get_attribute("aria-label")
    point.hover()
    assert shown_card(page) == name
    page.mouse.move(0, 0)
    assert shown_card(page).startswith("Student 1,")
    point.click()
    page.mouse.move(0, 0)
    assert shown_card(page) == name


def test_arrow_keys_go_through_the_points(opened) -> None:
    page = opened()
    order = page.eval_on_selector_all(".pt", "all => all.map(e => e.getAttribute('aria-label'))")
    page.locator("#student-1").focus()
    at = next(n for n, name in enumerate(order) if name.startswith("Student 1,"))
    page.keyboard.press("ArrowLeft")
    assert shown_card(page) == order[at - 1]
    page.keyboard.press("ArrowLeft")
    assert shown_card(page) == order[at - 2]


def test_another_axis_moves_the_points_and_its_ticks(opened) -> None:
    page = opened(reduced_motion="reduce")
    places = "all => all.map(e => e.offsetLeft)"
    before = page.eval_on_selector_all(".pt", places)
    assert page.locator(".axis-name.below.at-0").is_visible()
    page.get_by_role("radio", name="File size").check()
    assert page.locator(".axis-name.below.at-2").is_visible()
    assert not page.locator(".axis-name.below.at-0").is_visible()
    assert page.eval_on_selector_all(".pt", places) != before
    wanted = page.eval_on_selector_all(
        ".pt", "all => all.map(e => +e.style.getPropertyValue('--x2'))"
    )
    width = page.locator(".explorer .canvas").evaluate("e => e.clientWidth")
    found = page.eval_on_selector_all(".pt", "all => all.map(e => e.offsetLeft + 7.5)")
    assert found == pytest.approx([share / 100 * width for share in wanted], abs=1.6)


def test_it_works_where_scripts_are_off(opened) -> None:
    page = opened(java_script_enabled=False)
    page.get_by_role("radio", name="Memory").check()
    assert page.locator(".axis-name.below.at-1").is_visible()


@pytest.mark.parametrize("size", SIZES)
def test_the_card_covers_nothing_else(opened, size) -> None:
    page = opened(size=size)
    box = page.locator(".explorer").bounding_box()
    for point in page.locator(".pt").all():
        point.evaluate("e => { e.checked = true }")  # some lie below others
        card = page.locator(".pt:checked + .card")
        inside = card.evaluate("e => e.scrollHeight <= e.clientHeight + 1")
        place = card.bounding_box()
        assert inside, card.inner_text()
        assert place["y"] + place["height"] <= box["y"] + box["height"] + 0.5
        assert place["x"] + place["width"] <= box["x"] + box["width"] + 0.5


def test_a_long_report_opens_in_less_than_a_second(opened) -> None:
    """Of processor time, since others may work on the machine."""
    page = opened("blank")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(page.url.replace("blank.html", "long.html"))
    page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    metrics = session.send("Performance.getMetrics")["metrics"]
    took = {metric["name"]: metric["value"] for metric in metrics}
    assert took["Nodes"] > 10_000
    assert 0 < took["ProcessTime"] < SLOWEST_SECONDS


def test_print_shows_all_charts_and_no_controls(opened) -> None:
    page = opened()
    page.emulate_media(media="print")
    assert not page.locator(".explorer").is_visible()
    assert not page.locator("nav").is_visible()
    charts = page.locator(".printed .plot").all()
    assert len(charts) == 4
    assert all(chart.is_visible() for chart in charts)
    pdf = page.pdf(format="A4")
    pages_printed = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert 3 <= pages_printed <= 20
