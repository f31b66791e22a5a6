"""The contract of a loss: the shipped ones keep it, and each rule is broken by some other."""

import pytest

from autokd.distill.losses import LOSSES
from autokd.errors import PluginError
from autokd.testing import ContractBrokenError, check_loss
from tests.plugins.declare import declare, declare_example

HEAD = """
import random

import numpy
import torch

from autokd.distill.losses import kd_loss

calls = []


def soft(student, teacher, labels, params):
"""


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_of_autokd_keeps_the_contract(name):
    check_loss(name)


def test_the_example_keeps_the_contract(tmp_path, monkeypatch):
    declare_example(monkeypatch, tmp_path)
    check_loss("logit-mse")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("return kd_loss(student, teacher, labels, params).double()", "float32, as the logits"),
        ("return (student / student).log().sum(1)", "every number is finite"),
        ("return kd_loss(student.detach(), teacher, labels, params)", "a gradient leads back"),
        ("return (student - student).sum(1).sqrt()", "every gradient is finite"),
        ("teacher.mul_(2.0)\n    return kd_loss(student, teacher, labels, params)", "stays as it"),
        (
            "calls.append(1)\n    return kd_loss(student, teacher, labels, params) * len(calls)",
            "the same logits give the same numbers",
        ),
        (
            (
                "place = torch.arange(len(student))\n"
                "    return kd_loss(student, teacher, labels, params) * place"
            ),
            "wherever it stands in a batch",
        ),
        ("return -kd_loss(student, teacher, labels, params)", "leads to the classes that the tea"),
        (
            (
                "turned = 2 * student.detach() - student\n"
                "    return kd_loss(turned, teacher, labels, params)"
            ),
            "following the gradient makes it smaller",
        ),
        *(
            (f"{draw}\n    return kd_loss(student, teacher, labels, params)", text)
            for draw, text in [
                ("random.random()", "global generator of random"),
                ("numpy.random.rand()", "global generator of numpy"),
                ("torch.rand(1)", "global generator of torch"),
            ]
        ),
    ],
)
def test_a_broken_rule_is_named(tmp_path, monkeypatch, body, text):
    entries = {"loss": {"soft": "soft_module:soft"}}
    declare(monkeypatch, tmp_path, entries, {"soft_module": f"{HEAD}    {body}\n"})
    with pytest.raises(ContractBrokenError, match=text) as fault:
        check_loss("soft")
    assert str(fault.value).startswith("loss 'soft'")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("return kd_loss(student, teacher, labels, params).mean()", r"it gave \(\) values for 12"),
        ("return student", r"it gave \(12, 3\) values for 12 images"),
        ("return student[20]", "IndexError"),
    ],
)
def test_what_no_training_could_use_is_a_fault_of_the_plug_in(tmp_path, monkeypatch, body, text):
    entries = {"loss": {"soft": "soft_module:soft"}}
    declare(monkeypatch, tmp_path, entries, {"soft_module": f"{HEAD}    {body}\n"})
    with pytest.raises(PluginError, match=text):
        check_loss("soft")


def test_a_loss_that_nobody_installed_cannot_be_checked():
    with pytest.raises(PluginError, match="there is no loss 'softer'"):
        check_loss("softer")
