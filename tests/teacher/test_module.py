"""A teacher without a file."""

import pytest
import torch
from torch import nn

from autokd.core.config import TeacherConfig
from autokd.errors import TeacherError
from autokd.teacher.load import load_module
from autokd.teacher.module import (
    AbsentTeacher,
    bytes_of_module,
    copy_for_inference,
    name_of_module,
    sha256_of_module,
)
from tests.teacher.conftest import CLASSES, Tiny

SIGHT = {"input_px": 16, "mean": (0.5,), "std": (0.25,)}


def load(module, *, class_names=CLASSES, px=16, **said):
    config = TeacherConfig(file=name_of_module(module), **{**SIGHT, **said})
    return load_module(module, config, class_names=class_names, image_px=px, image_channels=3)


@pytest.fixture
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Tiny()


def test_its_logits_are_those_of_the_module_on_normalised_images(network):
    images = torch.randint(0, 256, (5, 16, 16, 3), dtype=torch.uint8)
    prepared = (images.permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.25
    with torch.inference_mode():
        expected = network(prepared)
    assert torch.allclose(load(network).logits(images), expected, atol=1e-5)


def test_the_card_tells_what_a_module_can_tell(network):
    card = load(network).card
    assert (card.kind, card.file) == ("module", "module:tests.teacher.conftest.Tiny")
    assert (card.params, card.size_bytes) == (3 * 4 * 9 + 4 + 4 * 3 + 3, 4 * 127)
    assert card.macs == 3 * 4 * 9 * 16 * 16 + 12
    assert card.sha256 == sha256_of_module(network)


def test_another_order_of_classes_is_set_right(network):
    images = torch.randint(0, 256, (5, 16, 16, 3), dtype=torch.uint8)
    config = TeacherConfig(file="module:x", class_names=CLASSES[::-1], **SIGHT)
    other = load_module(network, config, class_names=CLASSES, image_px=16, image_channels=3)
    assert torch.equal(other.logits(images), load(network).logits(images).flip(1))


def test_the_module_is_left_as_it_was(network):
    network.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    loaded = load(network)
    with torch.no_grad():
        network.fc.weight.zero_()
    images = torch.randint(0, 256, (2, 16, 16, 3), dtype=torch.uint8)
    assert loaded.logits(images).unique().numel() > 3
    assert network.training
    assert set(before) == set(network.state_dict())


def test_batch_norm_is_in_evaluation_mode(network):
    network = nn.Sequential(nn.BatchNorm2d(3), network).train()
    images = torch.randint(0, 256, (4, 16, 16, 3), dtype=torch.uint8)
    teacher = load(network)
    assert torch.allclose(teacher.logits(images)[:2], teacher.logits(images[:2]), atol=1e-6)
    assert int(network[0].num_batches_tracked) == 0


def test_half_precision_is_widened(network):
    assert {p.dtype for p in copy_for_inference(network.half()).parameters()} == {torch.float32}


def test_the_digest_is_of_names_shapes_and_numbers(network):
    digest = sha256_of_module(network)
    same = Tiny()
    same.load_state_dict(network.state_dict())
    assert sha256_of_module(same.to(memory_format=torch.channels_last)) == digest
    with torch.no_grad():
        same.fc.bias[0] += 1e-3
    changed = sha256_of_module(same)
    renamed = nn.ModuleDict({"stem": network.stem, "head": network.fc})
    assert len({digest, changed, sha256_of_module(renamed)}) == 3
    assert bytes_of_module(network) == 4 * 127


@pytest.mark.parametrize("name", ["input_px", "mean", "std"])
def test_what_it_does_not_say_is_asked_for(network, name):
    with pytest.raises(TeacherError, match=rf"Tiny: a module does not say how .* give {name}: "):
        load(network, **{name: None})


def test_a_module_that_cannot_be_copied_says_why(network):
    network.cached = torch.ones(2, requires_grad=True) * 2
    with pytest.raises(TeacherError, match=r"cannot be copied .*save its state_dict"):
        load(network)


def test_other_classes_than_the_data_are_refused(network):
    with pytest.raises(TeacherError, match="the teacher has 3 classes, the data 2"):
        load(network, class_names=("ant", "bee"))


def test_only_the_card_of_an_absent_teacher_can_be_asked(network):
    absent = AbsentTeacher(load(network).card)
    assert absent.card.classes == 3
    with pytest.raises(TeacherError, match=r"autokd\.resume\(RUN, teacher=module\)"):
        absent.logits(torch.zeros(1, 16, 16, 3, dtype=torch.uint8))
