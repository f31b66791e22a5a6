"""What a runtime of a profile must not say."""

import copy
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from autokd.core.runtime import Runtime, Takes

PROFILES = Path(__file__).parents[2] / "profiles"
CPU = tomllib.loads((PROFILES / "jetson-nano.toml").read_text())["runtimes"][0]
FORM = {"activation": "int8", "per_channel": True, "reduce_range": False}


def changed(**changes):
    raw = {**copy.deepcopy(CPU), **changes}
    return {key: value for key, value in raw.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"max_opset": 19, "package": "mine"},
            "max_opset = 19 came with IR 9, so max_ir = 8 is too low",
        ),
        (
            {"max_opset": 16},
            "onnxruntime 1.10.0 loads up to opset 15 and IR 8, not max_opset = 16 and max_ir = 8",
        ),
        ({"max_ir": 9}, "onnxruntime 1.10.0 loads up to opset 15 and IR 8, not max_opset = 15"),
        ({"int8": None}, "precisions has int8 without a table int8 that says its form"),
        ({"precisions": ["fp32"]}, "has a table int8, but precisions does not list int8"),
        ({"precisions": ["int8"]}, "latency.fp32 is given, but precisions does not list fp32"),
        ({"precisions": ["fp32", "fp32"], "int8": None}, "names one twice"),
        ({"precisions": []}, "at least 1 item"),
        ({"precisions": ["bf16"]}, "'fp32', 'fp16' or 'int8'"),
    ],
)
def test_a_contradiction_is_named(changes, text):
    with pytest.raises(ValidationError) as fault:
        Runtime.model_validate(changed(**changes))
    assert text in str(fault.value)


def test_an_accelerators_parser_may_take_less_than_the_release():
    assert Runtime.model_validate(changed(max_opset=13, max_ir=7)).max_opset == 13


def test_a_package_of_somebody_else_is_not_measured_by_our_table():
    other = changed(package="ort-fork", max_opset=18)
    assert Runtime.model_validate(other).max_opset == 18


def test_a_runtime_that_is_not_the_first_may_make_no_claim_of_latency():
    assert Runtime.model_validate(changed(latency=None)).latency == {}


def test_what_a_device_takes_instead_has_a_form_that_we_write():
    number = {"value": 1, "source": "estimate"}
    raw = {
        "tool": "T",
        "form": "tflite",
        "int8": FORM,
        "source": "s",
        "runtime_memory_kib": number,
        "runtime_flash_kib": number,
        "arena_factor": number,
    }
    with pytest.raises(ValidationError, match=r"Input should be 'int8-qdq'"):
        Takes.model_validate(raw)
    assert Takes.model_validate({**raw, "form": "int8-qdq"}).tool == "T"
