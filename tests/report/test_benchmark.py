"""``benchmark.json``."""

import json

import pytest

from autokd.report.benchmark import MOST_WINNERS, BenchmarkFacts, facts_of, render_benchmark

# What github-action-benchmark reads of an entry of customSmallerIsBetter (its src/extract.ts).
READ = {"name": str, "unit": str, "value": (int, float), "range": str, "extra": str}


def entries(report) -> dict[str, dict]:
    found = json.loads(render_benchmark(report))
    for entry in found:
        for key in {"name", "unit", "value"} | (set(entry) - {"autokd"}):
            assert isinstance(entry[key], READ[key]), key
    assert len({entry["name"] for entry in found}) == len(found)
    return {entry["name"]: entry for entry in found}


def test_each_number_is_one_of_the_results(report) -> None:
    found = entries(report)
    winner = report.winners[0]
    assert found["student 1: file size"]["value"] == winner.export.size_bytes
    assert found["student 1: parameters"]["value"] == winner.cost.params
    assert found["student 1: latency p50"]["value"] == winner.measurement.p50_ms
    assert found["student 1: latency p90"]["value"] == winner.measurement.p90_ms
    assert found["student 1: peak memory"]["value"] == winner.measurement.peak_memory_bytes


def test_accuracy_is_written_as_an_error_so_that_smaller_is_better(report) -> None:
    error = entries(report)["student 1: error"]
    true_error = 100 * (1 - report.winners[0].export.test_accuracy)
    assert error["value"] == pytest.approx(true_error, abs=5e-5)  # of a point, in four digits
    assert error["extra"] == "10000 images of the test split"


def test_what_is_not_known_or_does_not_count_has_no_entry(report) -> None:
    winner = report.winners[0]
    invalid = winner.measurement.model_copy(update={"valid": False})
    blind = winner.export.model_copy(update={"test_accuracy": None, "validation_accuracy": None})
    changed = winner.model_copy(update={"measurement": invalid, "export": blind})
    names = set(entries(report.model_copy(update={"winners": (changed,)})))
    assert names == {"student 1: file size", "student 1: parameters"}


def test_a_timing_on_this_host_says_so(report) -> None:
    assert "not the board" in entries(report)["student 1: latency p50"]["extra"]


def test_a_chart_has_a_few_students_only(report) -> None:
    many = tuple(report.winners[0].model_copy(update={"rank": n}) for n in range(1, 40))
    names = entries(report.model_copy(update={"winners": many}))
    assert {name.partition(":")[0] for name in names} == {
        f"student {n}" for n in range(1, MOST_WINNERS + 1)
    }


def test_our_own_field_holds_what_a_comparison_needs(report) -> None:
    first = json.loads(render_benchmark(report))[0]
    facts = BenchmarkFacts.model_validate(first["autokd"])
    assert facts == facts_of(report, report.winners[0])
    assert (facts.input, facts.split, facts.images) == ("uint8 1x3x32x32", "test", 10_000)
