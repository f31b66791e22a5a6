"""The site is whole, builds without a warning, and asks no other server for anything."""

import importlib.util
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from tests.docs.blocks import ROOT

DOCS = ROOT / "docs"
EXTERNAL = re.compile(r"(?:https?:)?//")
# What a browser fetches by itself; the href of <a> and of a canonical link it does not.
LOADS = {"src", "srcset", "data", "poster", "action"}
LOADED_LINKS = {
    "stylesheet",
    "icon",
    "preload",
    "modulepreload",
    "prefetch",
    "preconnect",
    "manifest",
}


def settings() -> dict[str, object]:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    found = yaml.safe_load(text)
    assert isinstance(found, dict)
    return found


def entries(nav: object) -> list[str]:
    """Give the paths of a navigation, from top to bottom."""
    if isinstance(nav, str):
        return [nav]
    rows = nav.values() if isinstance(nav, dict) else nav
    assert not isinstance(nav, (int, float))
    return [path for row in rows for path in entries(row)]


def test_every_document_has_its_place_in_the_navigation():
    there = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
    named = entries(settings()["nav"])
    assert sorted(named) == there


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    if importlib.util.find_spec("mkdocs") is None or importlib.util.find_spec("material") is None:
        pytest.skip("no mkdocs-material here; pip install '.[docs]' brings it")
    place = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(place)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "WARNING" not in done.stderr
    return place


class Fetches(HTMLParser):
    """Collects what a browser fetches for a page, and the classes of its elements."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.classes: set[str] = set()
        self.style = ""
        self._in_style = False

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        self.classes |= set(given.get("class", "").split())
        self.urls += [given[name] for name in LOADS & set(given)]
        if tag == "link" and LOADED_LINKS & set(given.get("rel", "").split()):
            self.urls.append(given.get("href", ""))
        self.style += given.get("style", "")
        self._in_style = tag == "style"

    def handle_data(self, data):
        self.style += data if self._in_style else ""


def test_the_parser_sees_what_a_browser_would_fetch():
    page = Fetches()
    page.feed(
        '<link rel="stylesheet" href="https://a/x.css"><script src="//b/y.js"></script>'
        '<link rel="canonical" href="https://c"><a href="https://d">d</a>'
        "<style>@import url(https://e/z.css)</style>"
    )
    assert page.urls == ["https://a/x.css", "//b/y.js"]
    assert EXTERNAL.search(page.style)


def test_the_site_asks_no_other_server(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(list(DOCS.rglob("*.md"))) - 1
    for path in pages:
        page = Fetches()
        page.feed(path.read_text(encoding="utf-8"))
        outside = [url for url in page.urls if EXTERNAL.match(url)]
        assert outside == [], path.name
        assert not EXTERNAL.search(page.style), path.name
        # For these the theme's script would ask unpkg.com and api.github.com.
        assert not {"mermaid", "md-source"} & page.classes, path.name


def test_no_style_of_the_site_asks_another_server(site):
    styles = list(site.rglob("*.css"))
    assert styles
    for path in styles:
        text = path.read_text(encoding="utf-8")
        asked = re.findall(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^)'\"]+)", text)
        assert asked == [], path.name


def test_a_file_outside_the_documents_is_in_the_site(site):
    text = (site / "ci.html").read_text(encoding="utf-8")
    link = re.search(r'href="([^"]*github-workflow\.yml)"', text)
    assert link is not None
    workflow = site / link[1]
    assert workflow.read_bytes() == (ROOT / "deploy/examples/github-workflow.yml").read_bytes()


def test_what_is_made_is_in_the_site(site):
    commands = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    assert "--max-accuracy-drop" in commands
    messages = (site / "reference" / "messages.html").read_text(encoding="utf-8")
    assert "a classifier needs two" in messages
    python = (site / "reference" / "python.html").read_text(encoding="utf-8")
    assert "Go on with a run that was stopped" in python


def test_marks_of_tests_are_not_in_the_site(site):
    for path in site.rglob("*.html"):
        assert "<!-- not run:" not in path.read_text(encoding="utf-8"), path.name


def test_the_extra_for_the_site_names_what_the_settings_use():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = " ".join(project["optional-dependencies"]["docs"])
    for package in ("mkdocs-material", "mkdocstrings-python"):
        assert package in extra
    assert Path(ROOT / str(settings()["hooks"][0])).is_file()
