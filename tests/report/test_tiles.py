"""The figures of the first screen."""

import pytest

from autokd.core.cost import Limits
from autokd.report.tiles import accuracy_tile, cost_tiles


def by_label(report):
    return {tile.label: tile for tile in cost_tiles(report)}


def with_winner(report, **changes):
    return report.model_copy(update={"winners": (report.winners[0].model_copy(update=changes),)})


def test_the_student_stands_beside_its_teacher(report) -> None:
    tile = accuracy_tile(report)
    assert tile.label == "Accuracy, test"
    assert [bar[0] for bar in tile.bars] == ["Student", "Teacher"]
    assert [bar[1] for bar in tile.bars] == [
        pytest.approx(100 * score, abs=0.006)
        for score in (report.winners[0].test_accuracy, report.teacher.test_accuracy)
    ]


def test_bars_show_how_much_of_a_limit_is_used(report) -> None:
    tiles, cost = by_label(report), report.winners[0].cost
    assert tiles["Parameters"].bar.used == cost.params / 150_000
    assert tiles["Latency"].bar.upper == cost.latency_high_ms / 61.5
    assert tiles["Latency"].limit.endswith("of the limit, 61.5 ms")
    assert (tiles["File size"].bar, tiles["File size"].limit) == (None, "no limit")


def test_an_exceeded_limit_is_over(report) -> None:
    tiles = by_label(report.model_copy(update={"limits": Limits(max_params=1_000)}))
    assert tiles["Parameters"].bar.over
    assert not tiles["Parameters"].limit.startswith("100 %")


def test_a_valid_timing_on_the_board_takes_the_place_of_the_estimate(report) -> None:
    found = report.winners[0].measurement
    assert "estimate" in by_label(report)["Latency"].note  # it ran on the host
    board = found.model_copy(update={"is_device": True})
    tile = by_label(with_winner(report, measurement=board))["Latency"]
    assert tile.value == "3.42 ms"
    assert tile.note == "median, measured on Raspberry Pi Zero 2 W"
    assert tile.bar.used == tile.bar.upper == board.p50_ms / 61.5
    broken = board.model_copy(update={"valid": False, "reason": "noise"})
    assert "estimate" in by_label(with_winner(report, measurement=broken))["Latency"].note


def test_a_larger_student_is_not_called_smaller(report) -> None:
    cost = report.winners[0].cost
    small = report.teacher.model_copy(
        update={"params": cost.params // 2, "size_bytes": report.winners[0].export.size_bytes}
    )
    tiles = by_label(report.model_copy(update={"teacher": small}))
    assert tiles["Parameters"].note == "2 times more than the teacher's"
    assert tiles["File size"].note == "as the teacher's"


def test_a_run_that_goes_on_shows_the_best_so_far(report) -> None:
    running = report.model_copy(update={"winners": ()})
    assert cost_tiles(running) == ()
    finished = [t for t in report.trials if t.observations and not t.failure]
    best = max(finished, key=lambda t: (t.rung, t.accuracy))
    tile = accuracy_tile(running)
    assert tile.note == f"trial {best.trial_id}, rung {best.rung}, not at full length"
    assert tile.bars[0][1] == pytest.approx(100 * best.accuracy, abs=0.006)
    assert accuracy_tile(running.model_copy(update={"trials": ()})) is None
    full = accuracy_tile(running.model_copy(update={"full_rung": best.rung}))
    assert full.note == f"trial {best.trial_id}, at full length"


def test_without_a_claim_there_is_no_bar(untimed) -> None:
    tile = by_label(untimed)["Latency"]
    assert (tile.value, tile.bar, tile.limit) == ("no claim", None, "")
