"""Error texts are found in source, without running it."""

import ast

import pytest

import autokd
from tests.docs.blocks import ROOT
from tools.site.messages import collect_messages, literal_texts, matches

SOURCE = '''
from autokd.errors import ConfigError, DeviceError

RULE = "must be a number"


class CableError(DeviceError):
    """Of a cable."""


def plain(value):
    raise ConfigError(f"--size {value}: {RULE}.")


def by_name(path):
    msg = f"{path}: is {'long' if path else 'short'}"
    msg += "; cut it."
    raise CableError(msg)


def in_branches(kind, count):
    where = f"{kind}/{count}"
    if kind == "a":
        msg = f"{where}: is an a."
    elif kind == "b":
        msg = f"{where}: is a b."
    else:
        return
    raise ConfigError(msg)


def in_turn(kind):
    if kind == "a":
        msg = "first."
        raise ConfigError(msg)
    msg = "second."
    raise ConfigError(msg)


def explain(found):
    msg = f"none of {found} fits."
    return msg if found else "nothing was drawn."


def asked(found):
    raise ConfigError(explain(found))


def untold(fault):
    raise ConfigError(str(fault))


def not_ours():
    raise ValueError("of Python")
'''


@pytest.fixture
def found(tmp_path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "module.py").write_text(SOURCE)
    return collect_messages(tmp_path, "package")


def test_every_text_of_a_raise_is_found_once(found):
    assert [message.text for message in found] == [
        "--size …: must be a number.",
        "…: is …",
        "…/…: is a b.",
        "…/…: is an a.",
        "first.",
        "second.",
        "none of … fits.",
        "nothing was drawn.",
    ]


def test_the_exit_code_follows_the_tree_of_errors(found):
    assert {(m.error, m.exit_code) for m in found} == {("ConfigError", 2), ("CableError", 5)}


def test_the_line_is_that_of_the_raise(found):
    lines = SOURCE.splitlines()
    assert all(lines[message.line - 1].strip().startswith("raise ") for message in found)


@pytest.mark.parametrize(
    ("heading", "text", "fits"),
    [
        ("…: has no images", "images/cat: has no images; add some.", True),
        ("…: has … but no train/", "…: has … but no train/; add it.", True),
        ("no train/… has", "…: has … but no train/; add it.", False),
        ("…", "anything", False),
    ],
)
def test_a_heading_fits_a_text_that_has_its_words_in_order(heading, text, fits):
    assert matches(heading, text) is fits


def test_texts_of_warnings_are_literal_texts():
    assert "…: few images." in literal_texts('warn(f"{path}: few images.")')


def test_nearly_every_raise_of_the_package_has_a_text():
    """Without a text are those that hand on what a library or another function said."""
    raises = 0
    for path in (ROOT / "autokd").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                name = ast.unparse(node.exc.func)
                raises += isinstance(getattr(autokd.errors, name, None), type)
    places = {(message.path, message.line) for message in collect_messages(ROOT)}
    assert raises > 200
    assert len(places) > 0.9 * raises
