import argparse
import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from autokd.errors import TeacherError, UntrustedCodeError
from autokd.teacher.state_dicts import find_state_dict, read_state_dict

WEIGHTS = {"stem.weight": torch.ones(2, 3), "fc.bias": torch.zeros(2)}


class Attack:
    """Unpickles to a call of os.system."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.target}",)


@pytest.mark.parametrize(
    "checkpoint",
    [
        WEIGHTS,
        OrderedDict(WEIGHTS),
        {"state_dict": WEIGHTS, "epoch": 3},
        {"model": WEIGHTS, "optimizer": {"state": {}}},
        {"model_state_dict": WEIGHTS},
        {"net": WEIGHTS, "acc": 0.5},
        {"ema": WEIGHTS},
        {"model": {"state_dict": WEIGHTS}},
        {f"module.{k}": v for k, v in WEIGHTS.items()},
        {f"_orig_mod.module.{k}": v for k, v in WEIGHTS.items()},
        {"state_dict": {f"model.{k}": v for k, v in WEIGHTS.items()}},
        {"model": {"stem._orig_mod.weight": WEIGHTS["stem.weight"], "fc.bias": WEIGHTS["fc.bias"]}},
    ],
)
def test_weights_are_found_under_what_wraps_them(checkpoint: dict[str, object]) -> None:
    assert list(find_state_dict(checkpoint, "m")) == list(WEIGHTS)


def test_averaged_weights_come_before_the_last_ones() -> None:
    averaged = {"module.fc.bias": torch.ones(2), "n_averaged": torch.tensor(7)}
    found = find_state_dict({"model": WEIGHTS, "model_ema": averaged}, "m")
    assert list(found) == ["fc.bias"]
    assert found["fc.bias"].tolist() == [1.0, 1.0]


def test_a_prefix_that_only_some_names_have_stays() -> None:
    state = {"module.a": torch.ones(1), "b.c": torch.ones(1)}
    assert list(find_state_dict(state, "m")) == list(state)


@pytest.mark.parametrize("held", [{"epoch": 3, "loss": 0.1}, [1, 2], torch.ones(3)])
def test_a_file_without_weights_says_what_it_holds(held: object) -> None:
    with pytest.raises(TeacherError, match=r"m: holds a.*no weights under any of"):
        find_state_dict(held, "m")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_weight_that_is_not_finite_is_named(tmp_path: Path, value: float) -> None:
    torch.save({"fc.weight": torch.tensor([1.0, value])}, tmp_path / "model.pt")
    with pytest.raises(TeacherError, match=r"fc\.weight has 1 of 2 values that are NaN or inf"):
        read_state_dict(tmp_path / "model.pt", safetensors=False)


def test_half_precision_is_widened(tmp_path: Path) -> None:
    save_file({"a.weight": torch.ones(2).half(), "a.count": torch.tensor(3)}, tmp_path / "m")
    state = read_state_dict(tmp_path / "m", safetensors=True)
    assert state["a.weight"].dtype == torch.float32
    assert state["a.count"].dtype == torch.int64


def test_plain_things_beside_the_weights_do_no_harm(tmp_path: Path) -> None:
    beside = {"args": argparse.Namespace(lr=0.1), "best": np.float64(0.9)}
    torch.save({"model": WEIGHTS, **beside}, tmp_path / "model.pt")
    assert list(read_state_dict(tmp_path / "model.pt", safetensors=False)) == list(WEIGHTS)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("name", ["model.pt", "model.pth"])
def test_a_pickle_that_would_run_code_does_not(
    tmp_path: Path, zipped: bool, wrap: bool, name: str
) -> None:
    attack: object = Attack(tmp_path / "ran")
    saved = {"state_dict": WEIGHTS, "extra": attack} if wrap else attack
    torch.save(saved, tmp_path / name, _use_new_zipfile_serialization=zipped)
    with pytest.raises(UntrustedCodeError, match=r"system\); unpickling it can run any code"):
        read_state_dict(tmp_path / name, safetensors=False)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_plain_pickle_that_would_run_code_does_not(tmp_path: Path, protocol: int) -> None:
    (tmp_path / "model.pt").write_bytes(pickle.dumps(Attack(tmp_path / "ran"), protocol))
    with pytest.raises(UntrustedCodeError, match="was not loaded"):
        read_state_dict(tmp_path / "model.pt", safetensors=False)
    assert not (tmp_path / "ran").exists()


def test_the_attack_of_these_tests_is_one(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Attack(tmp_path / "ran")))
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.97])
def test_a_file_that_is_cut_short_is_an_input_error(
    tmp_path: Path, zipped: bool, keep: float
) -> None:
    torch.save({"a.weight": torch.ones(999)}, tmp_path / "m", _use_new_zipfile_serialization=zipped)
    whole = (tmp_path / "m").read_bytes()
    (tmp_path / "m").write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(TeacherError, match=r"m: (is damaged|holds)"):
        read_state_dict(tmp_path / "m", safetensors=False)


def test_safetensors_that_are_cut_short_are_an_input_error(tmp_path: Path) -> None:
    save_file({"a.weight": torch.ones(999)}, tmp_path / "m")
    whole = (tmp_path / "m").read_bytes()
    (tmp_path / "m").write_bytes(whole[:-100])
    with pytest.raises(TeacherError, match="m: is damaged"):
        read_state_dict(tmp_path / "m", safetensors=True)
