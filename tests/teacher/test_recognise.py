from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from autokd.core.progress import silent
from autokd.errors import InterruptedRunError, TeacherError
from autokd.teacher import fingerprint as fingerprint_module
from autokd.teacher import recognise as recognise_module
from autokd.teacher.architectures import build_architecture, library_version
from autokd.teacher.recognise import match_named, recognise

SMALL = ("shufflenet_v2_x0_5", "mnasnet0_5", "squeezenet1_1")


@pytest.fixture
def few_architectures(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Torchvision with three architectures and no timm, so that all of it is indexed at once."""
    names = list(SMALL)
    monkeypatch.setattr(recognise_module, "list_names", lambda library: names)
    real = library_version
    monkeypatch.setattr(
        recognise_module,
        "library_version",
        lambda library: None if library == "timm" else real(library),
    )
    return names


def _state(name: str, **size: int) -> dict[str, Tensor]:
    return build_architecture(f"torchvision:{name}", **size).state_dict()


@pytest.mark.parametrize("name", ["shufflenet_v2_x0_5", "squeezenet1_1", "resnet18"])
def test_weights_name_their_architecture_and_classes(name: str) -> None:
    found = recognise(_state(name, classes=7), where="m", progress=silent)
    assert (found.arch, found.classes, found.channels) == (f"torchvision:{name}", 7, 3)


def test_weights_in_another_order_without_counters_and_for_gray_are_recognised(
    few_architectures: list[str],
) -> None:
    state = _state("mnasnet0_5", classes=11, channels=1)
    state = {n: state[n] for n in sorted(state) if not n.endswith("num_batches_tracked")}
    found = recognise(state, where="m", progress=silent)
    assert (found.arch, found.classes, found.channels) == ("torchvision:mnasnet0_5", 11, 1)


def test_classifiers_for_training_alone_are_not_compared() -> None:
    from torchvision.models import googlenet

    with torch.device("meta"):
        state = googlenet(num_classes=5, init_weights=False, aux_logits=True).state_dict()
    assert recognise(state, where="m", progress=silent).arch == "torchvision:googlenet"


def test_weights_of_no_architecture_name_the_nearest_and_the_way_out(
    few_architectures: list[str],
) -> None:
    state = _state("squeezenet1_1", classes=7)
    state["features.3.squeeze.weight"] = torch.zeros(17, 64, 1, 1)
    with pytest.raises(
        TeacherError,
        match=r"m: its weights fit no architecture of torchvision\. Nearest is "
        r"torchvision:squeezenet1_1 with 100% of the names equal: features\.3\.squeeze\.weight is "
        r"\(17, 64, 1, 1\), torchvision:squeezenet1_1 has \(16, 64, 1, 1\).*--arch package",
    ):
        recognise(state, where="m", progress=silent)


def test_weights_that_fit_two_architectures_name_both(
    few_architectures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    few_architectures.append("twin")
    monkeypatch.setattr(recognise_module, "published_params", lambda name: 0)
    real: Callable[..., torch.nn.Module] = build_architecture
    monkeypatch.setattr(
        fingerprint_module,
        "build_architecture",
        lambda arch, **size: real(arch.replace("twin", "mnasnet0_5"), **size),
    )
    with pytest.raises(
        TeacherError,
        match=r"fit 2 architectures alike: torchvision:mnasnet0_5, torchvision:twin\. Say which",
    ):
        recognise(_state("mnasnet0_5", classes=7), where="m", progress=silent)


def test_the_index_is_made_once_and_read_again(
    few_architectures: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def progress(what: str, done: float, total: float) -> None:
        told.append(what)

    state = {"nothing.weight": torch.zeros(3, 3)}
    with pytest.raises(TeacherError) as first:
        recognise(state, where="m", progress=progress)
    assert "indexing architectures of torchvision" in told
    assert list((tmp_path / "cache").rglob("all.json"))
    told.clear()
    with pytest.raises(TeacherError) as second:
        recognise(state, where="m", progress=progress)
    assert told == []
    assert str(first.value) == str(second.value)


def test_an_interrupt_leaves_no_index_without_the_architecture_it_came_at(
    few_architectures: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(arch: str) -> None:
        raise InterruptedRunError(arch)

    monkeypatch.setattr(recognise_module, "make_fingerprint", interrupt)
    with pytest.raises(InterruptedRunError):
        recognise({"nothing.weight": torch.zeros(3, 3)}, where="m", progress=silent)
    assert not list((tmp_path / "cache").rglob("all.json"))


def test_a_damaged_index_is_made_anew(few_architectures: list[str], tmp_path: Path) -> None:
    state = {"nothing.weight": torch.zeros(3, 3)}
    with pytest.raises(TeacherError):
        recognise(state, where="m", progress=silent)
    (index,) = (tmp_path / "cache").rglob("all.json")
    whole = index.read_text()
    index.write_text(whole[:100])
    with pytest.raises(TeacherError, match="fit no architecture"):
        recognise(state, where="m", progress=silent)
    assert index.read_text() == whole


def test_a_cache_that_cannot_be_written_is_no_reason_to_stop(
    few_architectures: list[str], tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(TeacherError, match="fit no architecture"):
        recognise({"nothing.weight": torch.zeros(3, 3)}, where="m", progress=silent)


def test_a_named_architecture_reads_its_classes_from_the_weights() -> None:
    found = match_named(
        "torchvision:mnasnet0_5", _state("mnasnet0_5", classes=9, channels=1), where="m"
    )
    assert (found.classes, found.channels) == (9, 1)


def test_weights_without_the_classifier_of_a_named_architecture_say_what_differs() -> None:
    state = _state("shufflenet_v2_x0_5", classes=9)
    with pytest.raises(TeacherError, match=r"m: its weights are not of --arch torchvision:mnas"):
        match_named("torchvision:mnasnet0_5", state, where="m")


def test_an_architecture_that_cannot_be_built_so_does_not_hide_the_others(
    few_architectures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    few_architectures.append("stubborn")
    monkeypatch.setattr(recognise_module, "published_params", lambda name: -1)
    real: Callable[..., torch.nn.Module] = build_architecture

    def build(arch: str, **size: int) -> torch.nn.Module:
        if arch.endswith("stubborn"):
            raise RuntimeError("Tensor on device meta is not on the expected device")
        return real(arch, **size)

    monkeypatch.setattr(fingerprint_module, "build_architecture", build)
    found = recognise(_state("mnasnet0_5", classes=7), where="m", progress=silent)
    assert found.arch == "torchvision:mnasnet0_5"
