"""Defaults, then autokd.toml, then the command line."""

import tomllib

import click
import pytest

from autokd.cli.settings import read_settings, save_settings
from autokd.core.config import RunConfig
from autokd.errors import ConfigError, UntrustedCodeError

BOTH = {"teacher": "model.pt", "device": "jetson-nano"}


def test_the_command_line_alone_is_enough(folder):
    settings = read_settings(BOTH, None)
    assert settings.teacher.file == str(folder / "model.pt")
    assert settings.data.path == str(folder / "data")
    assert settings.budget == RunConfig.model_fields["budget"].default


def test_the_command_line_wins_over_the_file_and_the_file_over_defaults(folder):
    (folder / "autokd.toml").write_text(
        "device = 'raspberry-pi-5'\nseed = 3\n[teacher]\nfile = 'model.pt'\n[search]\nworkers = 2\n"
        "loss = 'dist'\n"
    )
    settings = read_settings({"device": "jetson-nano", "workers": None}, None)
    assert (settings.device, settings.seed, settings.search.workers) == ("jetson-nano", 3, 2)
    assert settings.search.loss == "dist"
    assert read_settings({"device": "host", "loss": "dkd"}, None).search.loss == "dkd"


def test_paths_in_a_file_are_taken_from_its_folder(folder):
    demo = folder / "demo"
    demo.mkdir()
    (demo / "autokd.toml").write_text(
        "device = 'my-board.toml'\n[teacher]\nfile = 'model.pt'\n[data]\npath = 'images'\n"
    )
    settings = read_settings({}, "demo/autokd.toml")
    assert settings.teacher.file == str(demo / "model.pt")
    assert settings.data.path == str(demo / "images")
    assert settings.device == str(demo / "my-board.toml")


def test_the_root_of_a_torchvision_set_is_a_path_too(folder):
    settings = read_settings({**BOTH, "data": "torchvision:CIFAR10@sets"}, None)
    assert settings.data.path == f"torchvision:CIFAR10@{folder / 'sets'}"


def test_lists_reach_the_record(folder):
    given = {**BOTH, "mean": (0.5,), "std": (0.25,), "class_names": ("cat", "dog")}
    teacher = read_settings(given, None).teacher
    assert (teacher.mean, teacher.std, teacher.class_names) == ((0.5,), (0.25,), ("cat", "dog"))


def test_earlier_runs_are_paths_and_none_given_leaves_those_of_the_file(folder):
    settings = read_settings({**BOTH, "warm_start": ("runs/1", "/x/2")}, None)
    assert settings.search.warm_start == (str(folder / "runs/1"), "/x/2")
    save_settings(settings, folder / "saved.toml")
    again = read_settings({"warm_start": ()}, "saved.toml")
    assert again.search.warm_start == (str(folder / "runs/1"), "/x/2")
    assert "runs/1" in (folder / "saved.toml").read_text()
    assert str(folder) not in (folder / "saved.toml").read_text()


def test_a_warm_start_for_a_strategy_that_does_not_read_it_is_refused(folder):
    given = {**BOTH, "warm_start": ("run",), "strategy": "random"}
    with pytest.raises(click.UsageError, match="--strategy autokd, and the strategy is random"):
        read_settings(given, None)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({}, r"no teacher: give --teacher FILE, or write file = 'model.pt' under \[teacher\] in "),
        ({"teacher": "m.pt"}, "no device: give --device D, or write device = 'jetson-nano' in "),
    ],
)
def test_what_is_given_nowhere_is_asked_for_with_both_places(folder, given, text):
    with pytest.raises(click.UsageError, match=text) as caught:
        read_settings(given, None)
    assert f"{folder / 'autokd.toml'} does not exist" in caught.value.message


def test_a_fault_on_the_command_line_names_the_option(folder):
    with pytest.raises(ConfigError, match=r"^--max-size 12XB: '12XB' is not a size; write it as"):
        read_settings({**BOTH, "max_size": "12XB"}, None)
    with pytest.raises(ConfigError, match=r"^--budget soon: 'soon' is not a duration; write it"):
        read_settings({**BOTH, "budget": "soon"}, None)
    with pytest.raises(ConfigError, match=r"^--views 0: must be greater than or equal to"):
        read_settings({**BOTH, "views": 0}, None)


def test_a_fault_in_the_file_names_the_file_and_the_key(folder):
    (folder / "autokd.toml").write_text("[data]\nvews = 3\n")
    with pytest.raises(ConfigError, match=r"autokd.toml: unknown key 'data.vews' .*'views'"):
        read_settings(BOTH, None)
    (folder / "autokd.toml").write_text("[data]\nviews = 0\n")
    with pytest.raises(ConfigError, match=r"autokd.toml: data.views = 0: must be greater"):
        read_settings({**BOTH, "size": 32}, None)
    (folder / "autokd.toml").write_text("teacher = 'model.pt'\ndevice = 'host'\n")
    with pytest.raises(ConfigError, match=r"autokd.toml: teacher = 'model.pt': "):
        read_settings({}, None)
    (folder / "autokd.toml").write_text("seed = \n")
    with pytest.raises(ConfigError, match=r"autokd.toml: is not valid TOML"):
        read_settings(BOTH, None)


def test_a_config_that_is_named_must_exist(folder):
    with pytest.raises(ConfigError, match=r"other.toml: cannot be read \(No such file"):
        read_settings(BOTH, "other.toml")


@pytest.mark.parametrize(
    ("line", "given", "flag"),
    [
        ("trust_code = true", {"trust_code": True}, "--trust-code"),
        ("trust_code = true", {"trust_code": False}, "--trust-code"),
        ("arch = 'nets:build'", {"arch": "nets:build"}, "--arch nets:build"),
        ("arch = 'nets:build'", {"arch": "timm:resnet18"}, "--arch nets:build"),
    ],
)
def test_a_file_that_was_only_found_lets_no_code_run(folder, line, given, flag):
    (folder / "autokd.toml").write_text(f"[teacher]\n{line}\n")
    with pytest.raises(
        UntrustedCodeError,
        match=rf"^autokd.toml: {line} lets code run, .*{flag} .* or --config autokd.toml\.$",
    ):
        read_settings(BOTH, None)
    ((key, value),) = given.items()
    assert getattr(read_settings({**BOTH, **given}, None).teacher, key) == value
    assert read_settings(BOTH, "autokd.toml").teacher.model_dump()[key]


@pytest.mark.parametrize("arch", ["torchvision:resnet18", "timm:resnet18"])
def test_a_file_that_was_only_found_may_name_an_architecture_of_a_library(folder, arch):
    (folder / "autokd.toml").write_text(f"[teacher]\narch = '{arch}'\ntrust_code = false\n")
    assert read_settings(BOTH, None).teacher.arch == arch


def test_a_run_ends_by_time_or_by_number(folder):
    with pytest.raises(click.UsageError, match="--budget and --trials exclude each other"):
        read_settings({**BOTH, "budget": "3m", "trials": 3}, None)
    with pytest.raises(click.UsageError, match="--epochs goes with --trials"):
        read_settings({**BOTH, "epochs": 3.0}, None)
    (folder / "autokd.toml").write_text("[search]\ntrials = 5\n")
    assert read_settings({**BOTH, "epochs": 3.0}, None).search.trials == 5
    assert read_settings({**BOTH, "budget": "3m"}, None).search.trials is None


def test_saved_settings_read_back_the_same(folder):
    given = {**BOTH, "mean": (0.5,), "max_size": "500kB", "kd_gain": False, "trials": 3}
    settings = read_settings(given, None)
    save_settings(settings, folder / "saved.toml")
    raw = tomllib.loads((folder / "saved.toml").read_text())
    assert (raw["teacher"]["file"], raw["data"]["path"]) == ("model.pt", "data")
    assert read_settings({}, "saved.toml") == settings


def test_saved_settings_keep_paths_outside_their_folder_whole(folder):
    (folder / "deep").mkdir()
    settings = read_settings(BOTH, None)
    save_settings(settings, folder / "deep" / "saved.toml")
    assert read_settings({}, "deep/saved.toml") == settings


def test_settings_are_never_overwritten(folder):
    (folder / "saved.toml").write_text("mine")
    with pytest.raises(ConfigError, match=r"--save-config .*saved.toml: exists already"):
        save_settings(read_settings(BOTH, None), folder / "saved.toml")
    assert (folder / "saved.toml").read_text() == "mine"
