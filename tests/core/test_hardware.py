import pytest
from pydantic import ValidationError

from autokd.core.hardware import Accelerator, Memory, PowerMode


def number(value):
    return {"value": value, "source": "estimate"}


def test_memory_cannot_spare_more_than_it_has():
    numbers = {
        "ram_mib": number(512),
        "ram_usable_mib": number(512),
        "bandwidth_gb_per_s": number(3),
    }
    assert Memory.model_validate(numbers).ram_mib.value == 512
    with pytest.raises(ValidationError, match=r"ram_usable_mib = 513 is more than ram_mib = 512"):
        Memory.model_validate({**numbers, "ram_usable_mib": number(513)})


def test_a_bandwidth_in_mb_per_s_is_taken_for_a_slip():
    numbers = {"ram_mib": number(512), "ram_usable_mib": number(1)}
    with pytest.raises(ValidationError, match=r"must be below 2000 in this unit, got 3730"):
        Memory.model_validate({**numbers, "bandwidth_gb_per_s": number(3730)})


def test_an_accelerator_is_of_a_known_kind():
    given = {"id": "a", "model": "m", "reach": "r", "source": "s"}
    assert Accelerator.model_validate({**given, "kind": "tpu"}).kind == "tpu"
    with pytest.raises(ValidationError, match=r"'gpu', 'npu', 'dsp' or 'tpu'"):
        Accelerator.model_validate({**given, "kind": "cuda"})


def test_milliwatts_are_taken_for_a_slip():
    with pytest.raises(ValidationError, match=r"below 1000 in this unit, got 10000"):
        PowerMode.model_validate({"id": "MAXN", "watts": number(10_000)})
