import tomllib

import pytest

from autokd.core.toml import render_toml


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"device": "jetson-nano", "seed": 3, "budget": "30m"},
        {"a": {"x": 1.5, "y": True}, "b": {"c": {"z": ["p", "q"]}}},
        {"text": 'quote " back \\ tab \t line \n del \x7f é 🙂'},
        {"numbers": [0.1, 1e-7, 1e22], "empty": []},
        {"late": 1, "table": {"inner": {"k": 1}, "after": 2}},
    ],
)
def test_what_is_written_reads_back_the_same(raw):
    assert tomllib.loads(render_toml(raw)) == raw


def test_a_key_without_a_value_is_left_out():
    assert render_toml({"a": None, "b": {"c": None}, "d": 1}) == "d = 1\n"


def test_a_value_without_a_form_in_toml_is_refused():
    with pytest.raises(TypeError, match="set has no form in TOML"):
        render_toml({"a": {1}})
