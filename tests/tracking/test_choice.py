import sys
from importlib.machinery import ModuleSpec

import pytest

from autokd.errors import ConfigError
from autokd.tracking import choice
from autokd.tracking.mlflow import MLflowTracker
from autokd.tracking.tensorboard import TensorBoardTracker


def test_a_package_that_is_missing_is_said_with_the_extra(monkeypatch) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda name: None)
    with pytest.raises(ConfigError) as fault:
        choice.require_packages(["mlflow:http://host"])
    assert str(fault.value) == (
        "--track mlflow:http://host: the package mlflow is not installed; "
        "pip install 'autokd[mlflow]', or leave it out."
    )
    choice.require_packages([])


def test_a_package_that_is_there_is_not_imported_by_looking(monkeypatch) -> None:
    asked = []

    def find(name):
        asked.append(name)
        return ModuleSpec(name, None)

    monkeypatch.setattr(choice, "find_spec", find)
    before = set(sys.modules)
    choice.require_packages(["tensorboard", "mlflow"])
    assert asked == ["tensorboard", "mlflow"]
    assert not {"mlflow", "tensorboard"} & (set(sys.modules) - before)


def test_each_choice_is_its_tracker_with_its_address() -> None:
    couriers = choice.make_couriers(["tensorboard", "mlflow:http://host"])
    kinds = []
    for courier in couriers:
        courier.send(kinds.append)
        courier.close(seconds=10)
    assert [type(kind) for kind in kinds] == [TensorBoardTracker, MLflowTracker]
    assert [courier.name for courier in couriers] == ["tensorboard", "mlflow:http://host"]
    assert kinds[1]._uri == "http://host"
    assert choice.make_couriers([]) == ()
