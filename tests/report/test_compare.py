"""The gates, on sides as they are read."""

import dataclasses

import pytest

from autokd.core.comparison import ImageOutcomes, Pair
from autokd.errors import ConfigError
from autokd.report.compare import Gates, compare_sides, require_what_gates_read
from autokd.report.compare_inputs import Accuracy, Side


@pytest.fixture
def side(report) -> Side:
    measurement = report.winners[0].measurement.model_copy(
        update={"is_device": True, "p50_ms": 4.0}
    )
    return Side(
        name="a",
        precision="fp32",
        size_bytes=1000,
        accuracy=Accuracy(0.8, "test", 10_000, "d"),
        measurement=measurement,
    )


def changed(side: Side, **update) -> Side:
    return dataclasses.replace(side, name="b", **update)


def timing(side: Side, **update) -> Side:
    return changed(side, measurement=side.measurement.model_copy(update=update))


def checks(before: Side, after: Side, **gates) -> dict[str, object]:
    return {c.name: c for c in compare_sides(before, after, Gates(**gates)).checks}


def test_the_same_side_twice_passes_every_gate(side) -> None:
    found = compare_sides(
        side,
        side,
        Gates(max_accuracy_drop=0.0, min_accuracy=0.8, max_size_growth=0.0),
    )
    assert found.outcome == "pass"
    assert {c.name: c.outcome for c in found.checks} == {
        "latency.p50": "pass",
        "accuracy.min": "pass",
        "accuracy.drop": "pass",
        "size.growth": "pass",
    }


@pytest.mark.parametrize(
    ("update", "outcome", "text"),
    [
        ({"p50_ms": 4.1}, "pass", "no interval"),
        ({"p50_ms": 3.0}, "pass", "-25.0%"),
        # Above the limit, but two numbers from two days: never a failure by itself.
        ({"p50_ms": 4.4}, "invalid", "time both in turns with --target"),
        ({"valid": False, "reason": "throttled"}, "invalid", "INVALID (throttled)"),
        ({"is_device": False, "p50_ms": 9.0}, "information", "not on the board"),
        ({"threads": 4}, "not_comparable", "threads: 1 against 4"),
        ({"runtime": "onnxruntime 1.10.0"}, "not_comparable", "runtime: onnxruntime 1.32.0 ag"),
        ({"host": "another", "valid": False}, "not_comparable", "host: "),
    ],
)
def test_earlier_measurements_are_compared_and_never_fail(side, update, outcome, text) -> None:
    found = compare_sides(side, timing(side, **update), Gates())
    assert found.outcome == ("pass" if outcome == "information" else outcome)
    assert found.checks[0].outcome == outcome
    assert text in found.checks[0].text


def test_a_side_without_a_latency_is_not_comparable_and_two_are_information(side) -> None:
    silent = changed(side, measurement=None)
    assert checks(side, silent)["latency"].text.endswith("b has no latency.")
    assert compare_sides(side, silent, Gates()).outcome == "not_comparable"
    assert compare_sides(silent, silent, Gates()).outcome == "pass"
    assert checks(silent, silent)["latency"].outcome == "information"


def test_without_a_gate_on_latency_another_machine_is_information(side) -> None:
    other = timing(side, host="another", p50_ms=40.0)
    found = compare_sides(side, other, Gates(max_latency_regression=None))
    assert (found.outcome, found.checks[0].outcome) == ("pass", "information")
    assert found.checks[0].change == pytest.approx(9.0)


def test_timed_pairs_decide_over_earlier_measurements(side) -> None:
    def round_of(factor: float, **update) -> tuple[Pair, ...]:
        block = side.measurement
        slow = {
            "min_ms": block.min_ms * factor,
            "p50_ms": 4 * factor,
            "p90_ms": block.p90_ms * factor,
            **update,
        }
        return tuple(
            Pair(current_first=False, baseline=block, current=block.model_copy(update=slow))
            for _ in range(8)
        )

    after = timing(side, host="another")  # an earlier measurement, which no longer counts
    assert compare_sides(side, after, Gates(), [round_of(1.0)]).outcome == "pass"
    slow = compare_sides(side, after, Gates(), [round_of(1.2), round_of(1.2)])
    assert (slow.outcome, len(slow.rounds)) == ("failed", 2)
    assert compare_sides(side, after, Gates(), [round_of(1.2), round_of(1.0)]).outcome == "pass"
    other = compare_sides(side, after, Gates(), [round_of(1.0, input="uint8 1x3x8x8")])
    assert other.outcome == "pass"  # the baseline's agent did not say its input
    other = compare_sides(side, after, Gates(), [round_of(1.0, provider="Other")])
    assert other.outcome == "not_comparable"


@pytest.mark.parametrize(
    ("current", "limit", "outcome"),
    [
        (0.8, 0.0, "pass"),
        (0.9, 0.0, "pass"),
        (0.79, 0.02, "pass"),
        (0.75, 0.02, "failed"),
        (0.796, 0.002, "pass"),  # above the limit, within chance on 10,000 images
        (0.5, None, "information"),
    ],
)
def test_a_drop_of_accuracy(side, current, limit, outcome) -> None:
    after = changed(side, accuracy=dataclasses.replace(side.accuracy, value=current))
    check = checks(side, after, max_accuracy_drop=limit)["accuracy.drop"]
    assert check.outcome == outcome
    assert check.change == pytest.approx(current - 0.8)
    assert "not paired" in check.method


def test_outcomes_of_the_same_images_are_paired(side) -> None:
    def with_outcomes(right: list[bool]) -> Side:
        kept = ImageOutcomes.of(right, data_digest="d", split="test")
        share = sum(right) / len(right)
        return changed(side, accuracy=Accuracy(share, "test", len(right), "d"), outcomes=kept)

    before = with_outcomes([True] * 800 + [False] * 200)
    after = with_outcomes([True] * 788 + [False] * 212)
    check = checks(before, after, max_accuracy_drop=0.01)["accuracy.drop"]
    assert check.outcome == "failed"
    assert "McNemar" in check.method
    # The same two percentages without the images say nothing.
    alone = [dataclasses.replace(one, outcomes=None) for one in (before, after)]
    assert checks(*alone, max_accuracy_drop=0.01)["accuracy.drop"].outcome == "pass"
    # Outcomes that are not those of the accuracy are left alone.
    stale = dataclasses.replace(
        after, outcomes=ImageOutcomes.of([True], data_digest="d", split="test")
    )
    assert "not paired" in checks(before, stale)["accuracy.drop"].method


def test_accuracies_on_other_images_are_not_comparable_where_there_is_a_gate(side) -> None:
    for accuracy in (Accuracy(0.8, "test", 9, "e"), Accuracy(0.8, "validation", 9, "d")):
        after = changed(side, accuracy=accuracy)
        assert checks(side, after)["accuracy.drop"].outcome == "information"
        found = checks(side, after, max_accuracy_drop=0.1)["accuracy.drop"]
        assert found.outcome == "not_comparable"


@pytest.mark.parametrize(("least", "outcome"), [(0.8, "pass"), (0.81, "failed")])
def test_a_least_accuracy(side, least, outcome) -> None:
    check = checks(side, side, min_accuracy=least)["accuracy.min"]
    assert (check.outcome, check.current) == (outcome, 0.8)


@pytest.mark.parametrize(
    ("size", "limit", "outcome"),
    [(1100, 0.1, "pass"), (1101, 0.1, "failed"), (500, 0.0, "pass"), (9000, None, "information")],
)
def test_the_size_of_the_file(side, size, limit, outcome) -> None:
    check = checks(side, changed(side, size_bytes=size), max_size_growth=limit)["size.growth"]
    assert check.outcome == outcome


@pytest.mark.parametrize(
    ("gates", "missing", "text"),
    [
        (
            {"max_accuracy_drop": 0.1},
            "accuracy",
            "--max-accuracy-drop 0.1: b says nothing of its a",
        ),
        ({"min_accuracy": 0.1}, "accuracy", "--min-accuracy 0.1: b says nothing of its accuracy"),
        ({"max_size_growth": 0.1}, "size_bytes", "--max-size-growth 0.1: b says nothing of its s"),
    ],
)
def test_a_gate_with_nothing_to_hold_against_is_refused(side, gates, missing, text) -> None:
    blind = changed(side, **{missing: None})
    with pytest.raises(ConfigError, match=text):
        require_what_gates_read(side, blind, Gates(**gates))
    require_what_gates_read(side, blind, Gates())
