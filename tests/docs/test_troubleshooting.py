"""docs/troubleshooting.md speaks of messages that are really in the code."""

import pytest

from autokd import errors
from tests.docs.blocks import ROOT
from tools.site.messages import collect_messages, literal_texts, matches
from tools.site.troubles import PAGE, Trouble, is_of, read_troubles

TROUBLES = read_troubles((ROOT / PAGE).read_text(encoding="utf-8"))
MESSAGES = collect_messages(ROOT)


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda t: t.heading[:60])
def test_a_heading_is_a_message_of_the_place_that_it_names(trouble: Trouble):
    for path in trouble.paths:
        texts = literal_texts((ROOT / path).read_text(encoding="utf-8"))
        raised = [m.text for m in MESSAGES if m.path == path]
        assert any(matches(trouble.heading, text) for text in [*texts, *raised]), path


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda t: t.heading[:60])
def test_the_exit_code_is_that_of_the_error(trouble: Trouble):
    codes = {message.exit_code for message in MESSAGES if is_of(trouble, message)}
    assert codes <= {trouble.exit_code}
    # A warning is raised nowhere.
    assert bool(codes) == (trouble.exit_code is not None)


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda t: t.heading[:60])
def test_an_entry_says_more_than_the_message(trouble: Trouble):
    assert len(trouble.text.split()) >= 4


def test_no_message_has_two_entries():
    headings = [trouble.heading for trouble in TROUBLES]
    assert len(headings) == len(set(headings))


def test_every_way_to_end_has_an_entry():
    """But for defects, and for gates of `compare`, which give a table instead of a message."""
    ended = {trouble.exit_code for trouble in TROUBLES} - {None}
    assert ended >= set(errors.EXIT_NAMES) - {0, 143}


def test_every_kind_of_error_has_an_entry():
    said = {m.error for m in MESSAGES if any(is_of(t, m) for t in TROUBLES)}
    classes = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.AutoKDError)
    }
    raised = {m.error for m in MESSAGES} & classes
    assert raised - said <= {"ProfileError", "AutoKDError"}
