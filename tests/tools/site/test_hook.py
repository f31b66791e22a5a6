"""What is done to a page before it becomes HTML."""

from types import SimpleNamespace

import pytest

pytest.importorskip("mkdocs", reason="pip install '.[docs]' brings it")

from tools.site.hook import on_page_markdown


def made(text, uri="page.md"):
    page = SimpleNamespace(file=SimpleNamespace(src_uri=uri))
    return on_page_markdown(text, page, None, None)


def test_a_link_out_of_the_documents_leads_to_the_file_in_the_site():
    link = "[a](../deploy/action.yml) and [b](../README.md#try-it)"
    assert made(link) == "[a](files/deploy/action.yml) and [b](files/README.md#try-it)"


def test_a_page_in_a_folder_finds_it_too():
    text = made("[a](../../deploy/action.yml), [b](../start.md)", "plugins/loss.md")
    assert text == "[a](../files/deploy/action.yml), [b](../start.md)"


def test_marks_of_tests_are_taken_out_and_other_comments_stay():
    text = "a\n\n<!-- not run: needs a\nboard -->\n\n    ssh board\n\n<!-- of mine -->\n"
    assert made(text) == "a\n\n\n    ssh board\n\n<!-- of mine -->\n"


def test_a_page_that_asks_for_it_gets_all_commands():
    assert "Usage: autokd compress" in made("# Commands\n\n<!-- commands -->\n")
