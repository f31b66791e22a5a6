"""Which precision goes to the board."""

import pytest

from autokd.core.config import ExportConfig
from autokd.core.device import load_profile
from autokd.core.results import VariantResult
from autokd.errors import ConfigError, GateError
from autokd.pipeline.choice import (
    choose,
    choose_for_tool,
    offered_precisions,
    require_chosen,
    require_precision,
)
from tests.report.conftest import build_report


def variant(precision="int8", *, drop=0.004, passed=True, ratios=None, note=""):
    low, high = ratios or (None, None)
    return VariantResult(
        precision=precision,
        file=f"winners/1/student.{precision}.onnx",
        sha256="0" * 64,
        size_bytes=1,
        validation_images=100,
        validation_accuracy=0.7 - drop,
        agreement=0.9,
        drop=drop,
        passed=passed,
        ratio=ratios and (low + high) / 2,
        ratio_low=low,
        ratio_high=high,
        note=note,
    )


FP32 = variant("fp32", drop=0.0)


def auto(*others):
    return choose("auto", [FP32, *others], max_drop=0.01)


def test_the_fastest_that_keeps_its_accuracy_wins() -> None:
    chosen, reason = auto(variant(ratios=(0.5, 0.54)), variant("fp16", ratios=(0.8, 0.9)))
    assert chosen == "int8"
    assert reason == (
        "int8: loses 0.40 points on validation images and is 1.92 times faster than fp32."
    )


def test_a_slower_one_is_called_slower() -> None:
    chosen, reason = auto(variant(ratios=(1.25, 1.35)))
    assert chosen == "fp32"
    assert reason == "fp32: int8 is slower here: 1.30 times the time of fp32."


def test_doubt_decides_for_fp32() -> None:
    chosen, reason = auto(variant(ratios=(0.9, 1.1)))
    assert chosen == "fp32"
    assert "int8 is not clearly faster here (0.90 to 1.10 times the time of fp32)" in reason


def test_one_that_loses_too_much_is_never_chosen_however_fast() -> None:
    chosen, reason = auto(variant(drop=0.042, passed=False, ratios=(0.3, 0.3)))
    assert chosen == "fp32"
    assert "int8 loses 4.20 points on validation images, more than the 1.00 allowed" in reason


def test_without_a_timing_that_counts_fp32_stays_with_the_reason() -> None:
    chosen, reason = auto(variant(note="was timed, but that does not count: drift"))
    assert (chosen, reason) == ("fp32", "fp32: int8 was timed, but that does not count: drift.")


def test_what_was_asked_for_needs_its_accuracy_alone() -> None:
    slow = variant(ratios=(1.2, 1.3), drop=-0.01)
    chosen, reason = choose("int8", [FP32, slow], max_drop=0.01)
    assert chosen == "int8"
    assert "loses nothing on validation images and is 1.25 times slower than fp32" in reason
    chosen, reason = choose("int8", [FP32, variant()], max_drop=0.01)
    assert (chosen, "its speed was not compared" in reason) == ("int8", True)
    assert choose("int8", [FP32, variant(drop=0.2, passed=False)], max_drop=0.01)[0] == "fp32"
    assert choose("fp32", [FP32, variant(ratios=(0.1, 0.1))], max_drop=0.01)[0] == "fp32"


def test_where_there_is_only_fp32_it_is_said() -> None:
    assert auto() == (
        "fp32",
        "fp32 is the only precision that the runtime of this device runs well.",
    )


def test_a_precision_that_the_device_does_not_run_is_refused_before_anything_runs() -> None:
    nano = load_profile("jetson-nano")
    assert "fp16" not in offered_precisions(nano)
    with pytest.raises(
        ConfigError, match=r"--precision fp16: NVIDIA Jetson Nano.* runs fp32, int8"
    ):
        require_precision(ExportConfig(precision="fp16"), nano)
    for precision in ("auto", "fp32", "int8"):
        require_precision(ExportConfig(precision=precision), nano)


def test_a_precision_that_was_asked_for_and_not_reached_is_a_gate_that_failed() -> None:
    winner = build_report().winners[0].model_copy(update={"chosen_reason": "It lost too much."})
    require_chosen(ExportConfig(), winner)
    require_chosen(ExportConfig(precision="fp32"), winner)
    with pytest.raises(
        GateError, match=r"--precision int8: the gate failed\. It lost too much"
    ) as e:
        require_chosen(ExportConfig(precision="int8"), winner)
    assert e.value.exit_code == 4


def test_a_device_that_takes_integers_alone_gets_them_with_what_they_cost() -> None:
    takes = load_profile("stm32h7").takes
    chosen, reason = choose_for_tool([FP32, variant()], takes, max_drop=0.01)
    assert (chosen, reason) == (
        "int8",
        "int8 is the form that ST Edge AI Core takes; it loses 0.40 points on validation images.",
    )
    lossy = variant(drop=0.042, passed=False)
    chosen, reason = choose_for_tool([FP32, lossy], takes, max_drop=0.01)
    assert chosen == "int8"
    assert reason.endswith("loses 4.20 points on validation images, more than the 1.00 allowed.")
