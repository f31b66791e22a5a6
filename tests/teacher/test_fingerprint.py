import time

import torch

from autokd.teacher.fingerprint import build_without_memory, digest_as, make_fingerprint


def test_building_for_comparison_takes_no_memory_for_weights() -> None:
    # 3.5 GB if it were real, and half a minute.
    began = time.monotonic()
    network = build_without_memory("torchvision:regnet_y_128gf")
    assert all(weight.is_meta for weight in network.parameters())
    assert time.monotonic() - began < 9


def test_what_may_differ_is_left_out_of_the_digest() -> None:
    found = make_fingerprint("torchvision:squeezenet1_1")
    assert found.classifier == ("classifier.1.weight", "classifier.1.bias")
    assert found.stem == "features.0.weight"
    network = build_without_memory("torchvision:squeezenet1_1")
    shapes = {name: tuple(weight.shape) for name, weight in network.state_dict().items()}
    shapes["classifier.1.weight"] = (12, 512, 1, 1)
    shapes["classifier.1.bias"] = (12,)
    shapes["features.0.weight"] = (64, 1, 3, 3)
    assert digest_as(found, shapes) == found.digest
    shapes["classifier.1.bias"] = (13,)
    assert digest_as(found, shapes) != found.digest


def test_one_width_of_one_layer_changes_the_digest() -> None:
    found = make_fingerprint("torchvision:squeezenet1_1")
    assert found.digest != make_fingerprint("torchvision:squeezenet1_0").digest


def test_other_tensors_are_real_while_weights_are_not() -> None:
    network = build_without_memory("torchvision:regnet_x_400mf")  # computes its widths with tensors
    assert all(isinstance(weight, torch.Tensor) for weight in network.parameters())
