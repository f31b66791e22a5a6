import random

import pytest
from pydantic import ValidationError

from autokd.core.comparison import Certificate, Check, Comparison, ImageOutcomes

CERTIFICATE = Certificate(
    host="board (Cortex-A76)",
    runtime="onnxruntime 1.22.0",
    provider="CPUExecutionProvider",
    threads=4,
    precision="int8",
    session="arena on",
    input="uint8 1x3x32x32",
)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", "board (Cortex-A72)"),
        ("runtime", "onnxruntime 1.21.0"),
        ("provider", "XnnpackExecutionProvider"),
        ("threads", 1),
        ("precision", "fp32"),
        ("session", "arena off"),
        ("input", "uint8 1x3x24x24"),
    ],
)
def test_each_condition_that_differs_is_named(field, value) -> None:
    other = CERTIFICATE.model_copy(update={field: value})
    (line,) = CERTIFICATE.differences(other)
    assert line == f"{field}: {getattr(CERTIFICATE, field)} against {value}"
    assert CERTIFICATE.differences(CERTIFICATE) == ()


def test_what_one_side_does_not_say_is_no_difference() -> None:
    unsaid = CERTIFICATE.model_copy(update={"precision": None, "input": None})
    assert CERTIFICATE.differences(unsaid) == ()


@pytest.mark.parametrize("count", [1, 3, 4, 5, 8, 1000])
def test_outcomes_of_images_come_back_as_they_were_packed(count) -> None:
    rng = random.Random(count)  # noqa: S311 - a sample, no secret
    right = [rng.random() < 0.7 for _ in range(count)]
    packed = ImageOutcomes.of(right, data_digest="d", split="test")
    assert packed.right() == right
    assert ImageOutcomes.model_validate_json(packed.model_dump_json()).right() == right


def test_the_first_image_is_the_highest_bit() -> None:
    packed = ImageOutcomes.of([True, False, False, False, True], data_digest="d", split="test")
    assert packed.right_hex == "88"


@pytest.mark.parametrize("right_hex", ["8", "888", "81", "8g"])
def test_bits_that_are_not_those_of_the_images_are_refused(right_hex) -> None:
    with pytest.raises(ValidationError, match="right_hex"):
        ImageOutcomes(data_digest="d", split="test", images=5, right_hex=right_hex)


@pytest.mark.parametrize(
    ("outcomes", "worst"),
    [
        (["pass", "information"], "pass"),
        (["information"], "pass"),
        (["pass", "invalid"], "invalid"),
        (["invalid", "not_comparable"], "not_comparable"),
        (["not_comparable", "failed", "pass"], "failed"),
    ],
)
def test_a_comparison_is_as_bad_as_its_worst_check(outcomes, worst) -> None:
    checks = [Check(name="size.growth", outcome=o, text="-") for o in outcomes]
    found = Comparison(baseline="a", current="b", outcome=worst, checks=checks)
    assert found.outcome == worst
    wrong = "pass" if worst != "pass" else "failed"
    with pytest.raises(ValidationError, match="the checks say"):
        Comparison(baseline="a", current="b", outcome=wrong, checks=checks)
