import tomllib

import pytest

from autokd.core.config import RunConfig
from autokd.core.units import parse_duration_seconds
from autokd.errors import ConfigError
from autokd.pipeline import demo
from tests.pipeline.fakes import CLASSES, Lines, folder_of, make_inputs


def test_the_settings_are_settings_of_a_run() -> None:
    raw = tomllib.loads(demo.SETTINGS)
    config = RunConfig.model_validate(
        {**raw, "device": "jetson-nano", "teacher": {"file": "model.pt"}}
    )
    assert config.data.path == "data"
    # The comment in the file names both numbers.
    assert config.limits.max_params == 50_000
    assert "50,000 parameters and 4 minutes" in demo.SETTINGS
    assert config.budget_seconds == parse_duration_seconds("4m")


@pytest.mark.parametrize("name", ["mine.txt", "data/mine.png"])
def test_a_folder_with_something_in_it_is_left_as_it_is(tmp_path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(ConfigError, match="is not empty; give a new folder"):
        demo.make_demo(tmp_path, progress=None, say=None)
    assert folder_of(tmp_path) == [name]


def test_a_demo_is_data_settings_and_a_teacher_trained_on_them(tmp_path, monkeypatch) -> None:
    dataset = make_inputs().dataset
    asked = {}

    def train(train, validation, path, **options):
        asked.update(options, train=train, validation=validation)
        path.write_text("weights")
        return 0.925

    monkeypatch.setattr(demo, "write_demo_data", lambda folder: folder.mkdir(parents=True))
    monkeypatch.setattr(demo, "load_dataset", lambda config, **options: dataset)
    monkeypatch.setattr(demo, "train_demo_teacher", train)
    lines = Lines()
    demo.make_demo(tmp_path / "demo", progress=lines.progress, say=lines.say)
    assert folder_of(tmp_path / "demo") == ["autokd.toml", "model.pt"]
    assert (asked["train"], asked["class_names"]) == (dataset.train, CLASSES)
    assert asked["validation"] is dataset.validation
    (line,) = lines
    assert "20 training images of Fashion-MNIST" in line
    assert "92.50% of 10 validation images right" in line
