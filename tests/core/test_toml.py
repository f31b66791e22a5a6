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
        {"boards": [{"id": "a", "speed": {"x": 1}, "later": "y"}, {"id": "b"}], "end": {"k": 1}},
        {"outer": {"list": [{"deep": [{"z": 1}, {}]}]}},
        {"late": 1, "table": {"inner": {"k": 1}, "after": 2}},
    ],
)
def test_what_is_written_reads_back_the_same(raw):
    assert tomllib.loads(render_toml(raw)) == raw


def test_a_table_that_is_said_to_be_inline_stays_on_its_line():
    raw = {"clock": {"value": 1.5, "source": "x"}, "rows": [{"clock": {"value": 2, "source": "y"}}]}
    text = render_toml(raw, is_inline=lambda table: set(table) == {"value", "source"})
    assert text == (
        'clock = { value = 1.5, source = "x" }\n\n[[rows]]\nclock = { value = 2, source = "y" }\n'
    )
    assert tomllib.loads(text) == raw


def test_a_key_without_a_value_is_left_out():
    assert render_toml({"a": None, "b": {"c": None}, "d": 1}) == "d = 1\n"


def test_a_value_without_a_form_in_toml_is_refused():
    with pytest.raises(TypeError, match="set has no form in TOML"):
        render_toml({"a": {1}})
