"""Names, as the command line and Python have them, to the tables of a run."""

import pytest

from autokd.core.config import RunConfig
from autokd.core.setting_names import KEYS
from autokd.core.settings import contradiction, merge, parse_settings, with_absolute_paths
from autokd.errors import ConfigError


def test_every_name_leads_to_a_field():
    for keys in KEYS.values():
        record = RunConfig
        for key in keys[:-1]:
            record = record.model_fields[key].annotation
        assert keys[-1] in record.model_fields


def test_what_is_chosen_lies_over_the_tables_and_leaves_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    base = {"seed": 1, "search": {"trials": 3, "workers": 2}}
    merged = merge(base, {"seed": 2, "budget": "1h", "teacher": "model.pt"})
    assert merged["seed"] == 2
    assert merged["search"] == {"workers": 2}
    assert merged["teacher"] == {"file": str(tmp_path / "model.pt")}
    assert base == {"seed": 1, "search": {"trials": 3, "workers": 2}}


@pytest.mark.parametrize(
    ("chosen", "merged", "text"),
    [
        ({"budget": 1, "trials": 2}, {}, "<budget> and <trials> exclude each other"),
        ({"epochs": 1}, {"search": {}}, "<epochs> goes with <trials>"),
        (
            {"warm_start": "x"},
            {"search": {"strategy": "asha"}},
            "<warm_start> goes with <strategy>",
        ),
        ({"epochs": 1}, {"search": {"trials": 2}}, None),
    ],
)
def test_contradictions_are_told_in_the_words_of_who_gave_them(chosen, merged, text):
    found = contradiction(chosen, merged, spell=lambda name: f"<{name}>")
    assert found is None if text is None else found.startswith(text)


def test_a_wrong_value_is_named_as_it_was_given_or_by_the_file():
    merged = {"device": "host", "teacher": {"file": "m"}, "seed": -1}
    with pytest.raises(ConfigError, match=r"^--seed -1: must be"):
        parse_settings(merged, {"seed": -1}, where="a.toml", spell=lambda name: f"--{name}")
    with pytest.raises(ConfigError, match=r"^a\.toml: seed = -1: "):
        parse_settings(merged, {}, where="a.toml", spell=lambda name: f"--{name}")


def test_a_module_has_no_path(tmp_path):
    raw = {"teacher": {"file": "module:a.B"}, "data": {"path": "images"}}
    found = with_absolute_paths(raw, tmp_path)
    assert found == {"teacher": {"file": "module:a.B"}, "data": {"path": str(tmp_path / "images")}}
