"""Keywords of Python are the options of the command line."""

from pathlib import Path
from typing import get_type_hints

import pytest

from autokd.api.settings import Settings, read_keywords
from autokd.core.config import RunConfig
from autokd.core.setting_names import KEYS
from autokd.errors import ConfigError

BOTH = {"teacher": "model.pt", "device": "jetson-nano"}


def test_every_option_is_a_typed_keyword():
    assert set(get_type_hints(Settings)) == set(KEYS) - {"teacher", "data", "device"}


def test_keywords_give_what_the_command_line_gives(tmp_path, monkeypatch):
    from autokd.cli.settings import read_settings

    monkeypatch.chdir(tmp_path)
    given = {**BOTH, "data": "images", "seed": 4, "max_params": 5000, "mean": (0.5,), "std": (0.2,)}
    assert read_keywords(given, None) == read_settings(given, None)


def test_paths_lists_and_numbers_may_be_what_programs_have(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = {
        "teacher": Path("model.pt"),
        "data": Path("images"),
        "device": Path("mine.toml"),
        "budget": 90,
        "mean": 0.5,
        "std": [0.25],
        "warm_start": Path("runs/1"),
        "class_names": ["cat", "dog"],
        "trials": None,
    }
    config = read_keywords(given, None)
    assert config.teacher.file == str(tmp_path / "model.pt")
    assert config.device == str(tmp_path / "mine.toml")
    assert config.data.path == str(tmp_path / "images")
    assert (config.teacher.mean, config.teacher.std) == ((0.5,), (0.25,))
    assert config.search.warm_start == (str(tmp_path / "runs/1"),)
    assert (config.budget_seconds, config.search.trials) == (90, None)
    assert config.teacher.class_names == ("cat", "dog")


def test_numbers_of_numpy_and_torch_are_numbers(tmp_path, monkeypatch):
    import numpy as np
    import torch

    given = {**BOTH, "mean": np.array([0.5, 0.25, 0.125]), "std": torch.tensor([0.5, 0.5, 0.5])}
    teacher = read_keywords(given, None).teacher
    assert (teacher.mean, teacher.std) == ((0.5, 0.25, 0.125), (0.5, 0.5, 0.5))


def test_keywords_are_put_over_settings_and_over_a_file(tmp_path):
    (tmp_path / "mine.toml").write_text(
        "device = 'host'\n[teacher]\nfile = 'model.pt'\n[search]\ntrials = 3\nworkers = 2\n"
    )
    config = read_keywords({"device": "jetson-nano", "budget": "2m"}, tmp_path / "mine.toml")
    assert config.teacher.file == str(tmp_path / "model.pt")
    assert (config.device, config.search.workers, config.search.trials) == ("jetson-nano", 2, None)
    over = read_keywords({"seed": 9, "trials": 5}, config)
    assert over == RunConfig.model_validate(
        {**config.model_dump(), "seed": 9, "search": {**config.search.model_dump(), "trials": 5}}
    )


def test_a_module_as_teacher_is_no_path():
    assert read_keywords({**BOTH, "teacher": "module:a.B"}, None).teacher.file == "module:a.B"


def test_a_wrong_key_of_a_file_is_named_with_the_file(tmp_path):
    (tmp_path / "mine.toml").write_text("budgets = '1h'\n")
    with pytest.raises(
        ConfigError, match=r"mine\.toml: unknown key 'budgets'.*did you mean 'budget'"
    ):
        read_keywords(BOTH, tmp_path / "mine.toml")
