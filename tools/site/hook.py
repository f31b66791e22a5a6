"""What mkdocs calls while it builds: files outside docs/, made pages, and marks of tests."""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from tools.site.commands import render_commands
from tools.site.settings import render_settings
from tools.site.troubles import render_messages

ROOT = Path(__file__).parents[2]
SOURCES = "files"  # of the site: files of the checkout that a page links to

_LINK = re.compile(r"(?<=\]\()(?P<path>\.\./[^)\s#]+)(?=[)#])")
_MARK = re.compile(
    r"^ *<!-- (?:not run|tested by|file|from|in|exit): .*?-->\n", re.DOTALL | re.MULTILINE
)
MADE = {
    "<!-- commands -->": render_commands,
    "<!-- messages -->": render_messages,
    "<!-- settings -->": render_settings,
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files outside docs/ that a page links to, since a site has docs/ alone."""
    outside: dict[str, None] = {}
    for page in files.documentation_pages():
        for found in _LINK.finditer(page.content_string):
            outside.setdefault(_outside(found["path"], page.src_uri) or "")
    for path in filter(None, outside):
        source = ROOT / path
        if not source.is_file():
            msg = f"{path}: a page links to it, and it is no file; link to one."
            raise FileNotFoundError(msg)
        files.append(File.generated(config, f"{SOURCES}/{path}", abs_src_path=str(source)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Make what a page asks for, lead links to the files, and take the marks of tests out."""
    for mark, render in MADE.items():
        if mark in markdown:
            markdown = markdown.replace(mark, render(ROOT))
    here = page.file.src_uri

    def lead(found: re.Match[str]) -> str:
        path = _outside(found["path"], here)
        if path is None:
            return found["path"]
        return posixpath.relpath(f"{SOURCES}/{path}", posixpath.dirname(here) or ".")

    return _MARK.sub("", _LINK.sub(lead, markdown))


def _outside(link: str, page: str) -> str | None:
    """Give the path below the root that a link of a page leads to; None for one within docs/."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), link))
    return None if path.startswith("docs/") else path
