import tomllib
from typing import get_args

import click
import pytest

from autokd.cli.compress import compress
from autokd.cli.options import LOSSES, NameOrPlugin
from autokd.core.config import RunConfig, SearchConfig, StrategyName
from autokd.core.family import Preset
from autokd.core.plugins import SHIPPED
from autokd.core.setting_names import KEYS
from autokd.core.trial import LossName
from tests.plugins.declare import declare

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


@pytest.mark.parametrize(
    ("name", "shipped"), [("strategy", StrategyName), ("space", Preset), ("loss", LossName)]
)
def test_a_name_is_one_of_autokd_or_of_a_plug_in(name, shipped):
    kind = _parameters()[name].type
    assert isinstance(kind, NameOrPlugin)
    assert kind.choices == get_args(shipped) == SHIPPED[name]
    assert kind.get_metavar(_parameters()[name]) == f"[{'|'.join(kind.choices)}|PLUG-IN]"


@pytest.mark.parametrize("name", ["strategy", "space", "loss"])
def test_a_name_that_nobody_installed_is_refused_with_those_that_there_are(call, name):
    code, _, err = call("compress", "--teacher", "m.pt", "--device", "host", f"--{name}", "mine")
    assert code == 2
    shown = ", ".join(map(repr, SHIPPED[name]))
    assert f"--{name} mine: there is no {name} 'mine'; there are {shown}." in err


def test_the_loss_of_a_plug_in_is_taken_by_option_and_by_file(call, folder, tmp_path, monkeypatch):
    entries = {"loss": {"mine": "nowhere:mine"}}
    declare(monkeypatch, tmp_path / "site", entries, distribution="my-losses")
    saved = folder / "saved.toml"
    words = ["compress", "--teacher", "m.pt", "--device", "host", "--save-config", saved]
    code, _, err = call(*words, "--loss", "mine", "--dry-run")
    assert code == 2
    assert "loss 'mine' of my-losses 2.1: failed while being imported" in err
    table = {"kind": "loss", "name": "mine", "distribution": "my-losses", "version": "2.1"}
    assert tomllib.loads(saved.read_text())["plugins"] == [table]
    declare(monkeypatch, tmp_path / "site", entries, distribution="my-losses", version="2.2")
    code, _, err = call("compress", "--config", saved, "--dry-run")
    assert code == 2
    assert "saved.toml: loss = mine: the settings are for loss 'mine' of my-losses 2.1" in err
    assert "my-losses 2.2 is installed" in err


def test_strategy_space_and_loss_have_defaults_of_autokd():
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
