"""Entries of the page on troubles, and the list of all messages."""

import re

import pytest

from tests.docs.blocks import ROOT
from tools.site.troubles import read_troubles, render_messages

ENTRY = """\
# Page

### `…: is gone`

Exit code 5, from `a/b.py` and `a/c.py`.

It was taken away.
Look for it.

### `…: is strange`

A warning, from `a/d.py`.

Nothing.
"""


def test_an_entry_has_heading_places_code_and_text():
    first, second = read_troubles(ENTRY)
    assert (first.heading, first.paths) == ("…: is gone", ("a/b.py", "a/c.py"))
    assert first.exit_code == 5
    assert first.text == "It was taken away.\nLook for it."
    assert second.exit_code is None


@pytest.mark.parametrize(
    ("old", "new"), [("Exit code 5, from", "From"), ("`…: is gone`", "is gone")]
)
def test_an_entry_without_its_form_is_refused(old, new):
    with pytest.raises(ValueError, match="is gone"):
        read_troubles(ENTRY.replace(old, new))


def test_the_list_leads_to_the_entry_of_a_message():
    pytest.importorskip("markdown", reason="pip install '.[docs]' brings it")
    text = render_messages(ROOT)
    row = next(line for line in text.splitlines() if "architectures alike" in line)
    assert re.search(r"\| 2 \| `teacher/recognise\.py`, \[more\]\(\.\./troubleshooting\.md#", row)
    assert all(line.count(" | ") == 2 for line in text.splitlines() if line.startswith("| `"))
