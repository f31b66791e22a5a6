import torch
from torch import nn

from autokd.models.normalised import NormalisedStudent


def student(network=None):
    return NormalisedStudent(
        network or nn.Flatten(),
        mean=(0.5, 0.25, 0.0),
        std=(0.5, 0.25, 2.0),
        class_names=("a", "b"),
        input_px=2,
    )


def test_pixels_are_normalised_channel_by_channel():
    images = torch.ones(1, 3, 2, 2)
    assert student()(images).tolist() == [[1.0] * 4 + [3.0] * 4 + [0.5] * 4]


def test_it_moves_saves_and_learns_as_any_module():
    made = student(nn.Sequential(nn.Flatten(), nn.Linear(12, 2)))
    assert set(made.state_dict()) == {"mean", "std", "network.1.weight", "network.1.bias"}
    made(torch.rand(2, 3, 2, 2)).sum().backward()
    assert made.network[1].weight.grad is not None
    assert made.double()(torch.rand(1, 3, 2, 2, dtype=torch.float64)).dtype == torch.float64
    assert (made.image_channels, made.input_px, made.class_names) == (3, 2, ("a", "b"))
