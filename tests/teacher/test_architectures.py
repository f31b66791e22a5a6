import sys
from pathlib import Path

import pytest
import torch

from autokd.errors import InterruptedRunError, TeacherError
from autokd.teacher.architectures import (
    build_architecture,
    first_convolution,
    library_version,
    native_input_px,
    split_arch,
)


@pytest.mark.parametrize("arch", ["resnet18", ":resnet18", "torchvision:"])
def test_an_architecture_needs_a_library_and_a_name(arch: str) -> None:
    with pytest.raises(TeacherError, match="write torchvision:NAME, timm:NAME or package"):
        split_arch(arch)


def test_a_misspelt_architecture_is_answered_with_the_nearest() -> None:
    with pytest.raises(TeacherError, match=r"torchvision:resnet81.*did you mean .*'resnet18'"):
        build_architecture("torchvision:resnet81", classes=3)


def test_a_library_that_is_not_installed_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    assert library_version("timm") is None
    with pytest.raises(TeacherError, match="timm is not installed; run: pip install timm"):
        build_architecture("timm:resnet18", classes=3)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_library_network_has_the_classes_and_channels_asked_for(channels: int) -> None:
    network = build_architecture("torchvision:shufflenet_v2_x0_5", classes=7, channels=channels)
    found = first_convolution(network)
    assert found is not None
    assert found[1].in_channels == channels
    assert network.eval()(torch.zeros(1, channels, 64, 64)).shape == (1, 7)


def test_building_leaves_the_global_random_state_alone() -> None:
    before = torch.random.get_rng_state()
    build_architecture("torchvision:squeezenet1_1", classes=3)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_factory_in_the_working_folder_is_called_with_the_classes(tiny_module: str) -> None:
    path = list(sys.path)
    network = build_architecture(f"{tiny_module}:Tiny", classes=5)
    assert network(torch.zeros(1, 3, 8, 8)).shape == (1, 5)
    assert sys.path == path


def test_a_factory_without_num_classes_is_called_without(tiny_module: str) -> None:
    network = build_architecture(f"{tiny_module}:fixed", classes=5)
    assert network(torch.zeros(1, 3, 8, 8)).shape == (1, 3)


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("Tinny", r"has no callable 'Tinny'; did you mean 'Tiny'"),
        ("failing", r"failing\(num_classes=5\) failed: RuntimeError\('no such luck'\)"),
        ("not_a_module", "gives a int, not a torch.nn.Module"),
    ],
)
def test_what_goes_wrong_in_a_factory_is_explained(
    tiny_module: str, factory: str, message: str
) -> None:
    with pytest.raises(TeacherError, match=message):
        build_architecture(f"{tiny_module}:{factory}", classes=5)


def test_a_module_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TeacherError, match="module 'no_such_nets' cannot be imported"):
        build_architecture("no_such_nets:build", classes=5)


def test_a_module_with_a_mistake_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nets_with_a_mistake.py").write_text("def build(:\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TeacherError, match="module 'nets_with_a_mistake' cannot be imported"):
        build_architecture("nets_with_a_mistake:build", classes=5)


@pytest.mark.parametrize(
    ("arch", "px"), [("torchvision:inception_v3", 299), ("torchvision:vit_b_16", 224), (None, 224)]
)
def test_the_size_an_architecture_was_made_for(arch: str | None, px: int) -> None:
    assert native_input_px(arch) == px


def test_an_interrupt_while_a_module_is_imported_goes_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nets_that_take_long.py").write_text(
        "from autokd.errors import InterruptedRunError\nraise InterruptedRunError('SIGTERM')\n"
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InterruptedRunError):
        build_architecture("nets_that_take_long:build", classes=5)


def test_an_interrupt_inside_a_factory_goes_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nets_that_are_slow.py").write_text(
        "from autokd.errors import InterruptedRunError\n"
        "def build():\n    raise InterruptedRunError('SIGTERM')\n"
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InterruptedRunError):
        build_architecture("nets_that_are_slow:build", classes=5)
