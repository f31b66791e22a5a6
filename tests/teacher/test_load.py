import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from autokd.core.config import TeacherConfig
from autokd.core.progress import silent
from autokd.errors import InterruptedRunError, TeacherError, UntrustedCodeError
from autokd.teacher import load as load_module
from autokd.teacher.architectures import build_architecture
from autokd.teacher.card import IMAGENET_MEAN, IMAGENET_STD
from autokd.teacher.load import Teacher, load_teacher

CLASSES = ("ant", "bee", "cat")


def _load(
    file: Path,
    *,
    classes: tuple[str, ...] = CLASSES,
    image_px: int = 16,
    image_channels: int = 3,
    **said: object,
) -> Teacher:
    return load_teacher(
        TeacherConfig.model_validate({"file": str(file), **said}),
        class_names=classes,
        image_px=image_px,
        image_channels=image_channels,
        progress=silent,
    )


@pytest.fixture(scope="module")
def library_state() -> Mapping[str, Tensor]:
    return build_architecture("torchvision:shufflenet_v2_x0_5", classes=3).state_dict()


@pytest.mark.parametrize("name", ["model.pt", "model.pth", "legacy.pt", "model.safetensors"])
def test_a_bare_state_dict_is_recognised_in_every_format(
    tmp_path: Path, library_state: Mapping[str, Tensor], name: str
) -> None:
    file = tmp_path / name
    if name.endswith("safetensors"):
        save_file(dict(library_state), file)
    else:
        zipped = not name.startswith("legacy")
        torch.save(library_state, file, _use_new_zipfile_serialization=zipped)
    card = _load(file, image_px=64).card
    assert card.arch == "torchvision:shufflenet_v2_x0_5"
    assert (card.kind, card.classes, card.input_px) == ("state_dict", 3, 64)
    assert (card.mean, card.std) == (IMAGENET_MEAN, IMAGENET_STD)
    assert "ImageNet" in card.normalisation_source
    assert card.size_bytes == file.stat().st_size


def test_an_interrupt_while_the_size_is_tried_goes_through(
    tmp_path: Path, tiny: nn.Module, tiny_module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(tiny.state_dict(), tmp_path / "model.pt")

    def interrupt(*_args: object, **_sizes: object) -> None:
        message = "SIGTERM"
        raise InterruptedRunError(message)

    monkeypatch.setattr(load_module, "check_outputs", interrupt)
    with pytest.raises(InterruptedRunError):
        _load(tmp_path / "model.pt", arch=f"{tiny_module}:Tiny")


def test_logits_are_those_of_the_network(
    tmp_path: Path, tiny: nn.Module, tiny_module: str, images: Tensor
) -> None:
    torch.save(tiny.state_dict(), tmp_path / "model.pt")
    teacher = _load(tmp_path / "model.pt", arch=f"{tiny_module}:Tiny", mean=[0.5], std=[0.25])
    with torch.inference_mode():
        expected = tiny((images.permute(0, 3, 1, 2) / 255 - 0.5) / 0.25)
    torch.testing.assert_close(teacher.logits(images), expected)
    assert teacher.logits(images[:0]).shape == (0, 3)


def test_the_card_counts_weights_and_multiply_adds(
    tmp_path: Path, tiny: nn.Module, tiny_module: str
) -> None:
    torch.save(tiny.state_dict(), tmp_path / "model.pt")
    card = _load(tmp_path / "model.pt", arch=f"{tiny_module}:Tiny").card
    assert card.params == (3 * 9 + 1) * 4 + (4 + 1) * 3
    assert card.macs == 16 * 16 * 3 * 9 * 4 + 4 * 3


def test_flags_come_before_the_card_beside_the_file(
    tmp_path: Path, tiny: nn.Module, tiny_module: str
) -> None:
    torch.save(tiny.state_dict(), tmp_path / "model.pt")
    (tmp_path / "model.toml").write_text(
        'arch = "some.module:Net"\ninput_px = 24\nmean = [0.1]\nstd = [0.2]\n'
    )
    card = _load(tmp_path / "model.pt", input_px=20, arch=f"{tiny_module}:Tiny").card
    assert (card.input_px, card.mean, card.std) == (20, (0.1,) * 3, (0.2,) * 3)


@pytest.mark.parametrize("trust_code", [False, True])
def test_a_module_that_only_the_card_names_is_not_imported(
    tmp_path: Path, tiny: nn.Module, tiny_module: str, *, trust_code: bool
) -> None:
    torch.save(tiny.state_dict(), tmp_path / "model.pt")
    (tmp_path / "model.toml").write_text(f'arch = "{tiny_module}:Tiny"\n')
    with pytest.raises(
        UntrustedCodeError,
        match=rf"model\.toml: arch = '{tiny_module}:Tiny' would run .*give --arch {tiny_module}:",
    ):
        _load(tmp_path / "model.pt", trust_code=trust_code)
    assert tiny_module not in sys.modules


def test_a_card_may_name_an_architecture_of_a_library(
    tmp_path: Path, library_state: Mapping[str, Tensor]
) -> None:
    torch.save(library_state, tmp_path / "model.pt")
    card = tmp_path / "model.toml"
    card.write_text('arch = "torchvision:shufflenet_v2_x0_5"\n')
    assert _load(tmp_path / "model.pt", image_px=64).card.arch == "torchvision:shufflenet_v2_x0_5"


def test_classes_of_the_card_put_the_logits_into_the_order_of_the_data(
    tmp_path: Path, tiny: nn.Module, tiny_module: str, images: Tensor
) -> None:
    torch.save(tiny.state_dict(), tmp_path / "model.pt")
    arch = f"{tiny_module}:Tiny"
    plain = _load(tmp_path / "model.pt", arch=arch).logits(images)
    (tmp_path / "model.toml").write_text('class_names = ["cat", "ant", "bee"]\n')
    teacher = _load(tmp_path / "model.pt", arch=arch)
    assert torch.equal(teacher.logits(images), plain[:, [1, 2, 0]])
    assert teacher.card.class_names == CLASSES


def test_another_number_of_classes_than_the_data_has_is_an_error(
    tmp_path: Path, library_state: Mapping[str, Tensor]
) -> None:
    torch.save(library_state, tmp_path / "model.pt")
    with pytest.raises(TeacherError, match=r"has 3 classes, the data 2 \('ant', 'bee'\)"):
        _load(tmp_path / "model.pt", classes=("ant", "bee"), image_px=64)


def test_images_without_labels_take_the_teachers_classes(
    tmp_path: Path, library_state: Mapping[str, Tensor]
) -> None:
    torch.save(library_state, tmp_path / "model.pt")
    card = _load(tmp_path / "model.pt", classes=(), image_px=64).card
    assert (card.classes, card.class_names) == (3, ())


def test_a_network_of_gray_images_gets_gray_ones(tmp_path: Path, images: Tensor) -> None:
    network = build_architecture("torchvision:shufflenet_v2_x0_5", classes=3, channels=1)
    torch.save(network.state_dict(), tmp_path / "model.pt")
    teacher = _load(tmp_path / "model.pt", image_px=64)
    assert teacher.card.image_channels == 1
    assert teacher.logits(images).shape == (5, 3)


def test_a_vision_transformer_gets_its_own_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one_size_net.py").write_text(
        "from torchvision.models import VisionTransformer\n"
        "def build(num_classes):\n"
        "    return VisionTransformer(224, 32, 1, 2, 16, 16, num_classes=num_classes)\n"
    )
    monkeypatch.chdir(tmp_path)
    network = build_architecture("one_size_net:build", classes=3)
    torch.save(network.state_dict(), tmp_path / "model.pt")
    assert _load(tmp_path / "model.pt", arch="one_size_net:build").card.input_px == 224
    with pytest.raises(TeacherError, match=r"fails on images of 3 channels and 64 px.*--input-px"):
        _load(tmp_path / "model.pt", arch="one_size_net:build", input_px=64)


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_weights_that_are_not_finite_are_named(
    tmp_path: Path, library_state: Mapping[str, Tensor], value: float
) -> None:
    bad = {**library_state, "fc.bias": torch.full((3,), value)}
    torch.save(bad, tmp_path / "model.pt")
    with pytest.raises(TeacherError, match=r"fc\.bias has 3 of 3 values that are NaN or infinite"):
        _load(tmp_path / "model.pt")


def test_weights_of_another_network_than_arch_says_what_differs(
    tmp_path: Path, tiny: nn.Module, tiny_module: str
) -> None:
    state = tiny.state_dict()
    state["stem.weight"] = torch.zeros(4, 3, 5, 5)
    state["extra.weight"] = torch.zeros(1)
    del state["fc.bias"]
    torch.save(state, tmp_path / "model.pt")
    with pytest.raises(
        TeacherError,
        match=r"stem\.weight is \(4, 3, 5, 5\), --arch .*:Tiny has \(4, 3, 3, 3\); "
        r"1 weights are missing, as fc\.bias; 1 are not of it, as extra\.weight",
    ):
        _load(tmp_path / "model.pt", arch=f"{tiny_module}:Tiny")


def test_checkpoints_without_batch_counters_load(
    tmp_path: Path, library_state: Mapping[str, Tensor]
) -> None:
    old = {n: w for n, w in library_state.items() if not n.endswith("num_batches_tracked")}
    torch.save({"state_dict": {f"module.{n}": w for n, w in old.items()}}, tmp_path / "m.pt")
    assert _load(tmp_path / "m.pt", image_px=64).card.classes == 3


def test_a_trusted_checkpoint_with_python_objects_gives_its_weights(
    tmp_path: Path, library_state: Mapping[str, Tensor]
) -> None:
    torch.save({"model": library_state, "made": Path("somewhere")}, tmp_path / "model.pt")
    with pytest.raises(UntrustedCodeError, match=r"pathlib\.PosixPath"):
        _load(tmp_path / "model.pt", image_px=64)
    card = _load(tmp_path / "model.pt", image_px=64, trust_code=True).card
    assert card.arch == "torchvision:shufflenet_v2_x0_5"


def test_a_network_that_ends_in_a_softmax_gives_logits_all_the_same(
    tmp_path: Path, tiny: nn.Module, monkeypatch: pytest.MonkeyPatch, images: Tensor
) -> None:
    (tmp_path / "softmax_net.py").write_text(
        "import torch\nfrom torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.stem = nn.Conv2d(3, 4, 3, padding=1)\n"
        "        self.fc = nn.Linear(4, 3)\n"
        "    def forward(self, x):\n"
        "        return self.fc(torch.relu(self.stem(x)).mean((2, 3))).softmax(1)\n"
    )
    monkeypatch.chdir(tmp_path)
    torch.save(tiny.state_dict(), tmp_path / "model.pt")
    logits = _load(tmp_path / "model.pt", arch="softmax_net:Net").logits(images)
    with torch.inference_mode():
        expected = tiny(images.permute(0, 3, 1, 2) / 255)
    torch.testing.assert_close((logits / 3).softmax(1), (expected / 3).softmax(1))
