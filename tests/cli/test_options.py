from typing import get_args

import click
import pytest

from autokd.cli.compress import compress
from autokd.cli.options import LOSSES
from autokd.core.config import RunConfig, SearchConfig
from autokd.core.setting_names import KEYS

STEERING = {"out", "config", "dry_run", "save_config", "accept_host_key", "json", "help"}


def _parameters():
    return {parameter.name: parameter for parameter in compress.params}


def _field(keys):
    record = RunConfig
    for key in keys[:-1]:
        record = record.model_fields[key].annotation
    return record.model_fields[keys[-1]]


def test_every_option_sets_a_key_or_steers_the_command():
    assert set(_parameters()) == set(KEYS) | STEERING - {"help"}


@pytest.mark.parametrize("name", list(KEYS))
def test_every_key_is_one_of_the_record(name):
    assert _field(KEYS[name]) is not None


@pytest.mark.parametrize("name", [n for n, p in _parameters().items() if n in KEYS])
def test_choices_are_those_of_the_record(name):
    choice = _parameters()[name].type
    if isinstance(choice, click.Choice):
        assert list(choice.choices) == list(get_args(_field(KEYS[name]).annotation))


def test_strategy_space_and_loss_are_choices():
    assert SearchConfig.model_fields["loss"].default in _parameters()["loss"].type.choices
    assert SearchConfig.model_fields["strategy"].default in _parameters()["strategy"].type.choices
    assert SearchConfig.model_fields["space"].default in _parameters()["space"].type.choices


def test_points_are_hundredths_of_the_record():
    context = compress.make_context("compress", ["--max-accuracy-drop", "2.5"])
    assert context.params["max_accuracy_drop"] == 0.025
    assert context.params["precision"] is None


@pytest.mark.parametrize("points", ["-1", "100"])
def test_a_drop_that_is_no_part_of_the_whole_is_refused(call, points):
    code, _, err = call("compress", "--max-accuracy-drop", points)
    assert code == 2
    assert "0<=x<100" in err.replace(" ", "")


def test_every_option_has_a_help_text():
    assert [name for name, parameter in _parameters().items() if not parameter.help] == []


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--mean", "a,b"], "'a,b' is not a list of numbers such as 0.485,0.456,0.406."),
        (["--class-names", "cat"], "neither a file with one name a line nor a list"),
        (["--class-names", "cat,,dog"], "'cat,,dog' has an empty name beside a comma."),
    ],
)
def test_a_list_that_is_none_is_refused(call, words, text):
    code, _, err = call("compress", *words)
    assert code == 2
    assert f"Invalid value for '{words[0]}'" in err
    assert text in err


@pytest.mark.parametrize("place", ["the command line", "the file"])
def test_an_unknown_loss_is_refused_with_the_known(call, folder, place):
    words = ["--teacher", "m.pt", "--device", "jetson-nano"]
    if place == "the file":
        (folder / "autokd.toml").write_text("[search]\nloss = 'nkd'\n")
    else:
        words += ["--loss", "nkd"]
    code, _, err = call("compress", *words)
    assert code == 2
    assert all(f"'{name}'" in err for name in ("nkd", *LOSSES))


def test_a_file_of_names_must_hold_some(call, folder):
    (folder / "names.txt").write_text("\n \n")
    code, _, err = call("compress", "--class-names", "names.txt")
    assert code == 2
    assert "names.txt: is empty; it must hold one class name a line." in err
    (folder / "names.txt").write_bytes(b"\xff\xfe\x00")
    code, _, err = call("compress", "--class-names", "names.txt")
    assert code == 2
    assert "names.txt: cannot be read as text" in err
