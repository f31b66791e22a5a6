import pytest

from autokd.core.measurement import LatencyMeasurement
from autokd.core.progress import silent
from autokd.measure.interleaved import time_round


@pytest.fixture
def timed():
    """A timer that numbers its blocks, and the order in which it was asked."""
    order: list[str] = []

    def block(side: str) -> LatencyMeasurement:
        order.append(side)
        return LatencyMeasurement(
            host="board",
            is_device=True,
            valid=True,
            reason=None,
            runtime="onnxruntime 1.22.0",
            provider="CPUExecutionProvider",
            threads=1,
            samples=64,
            load_ms=1,
            first_ms=1,
            p50_ms=float(len(order)),
            p90_ms=1,
            p99_ms=None,
            min_ms=1,
            mean_ms=1,
            std_ms=0,
            peak_memory_bytes=None,
            runtime_memory_bytes=None,
        )

    return block, order


def test_blocks_come_in_the_order_a_b_b_a(timed) -> None:
    block, order = timed
    pairs = time_round(block, lambda pairs: True, progress=silent, looks=(4,))
    assert "".join(side[0] for side in order) == "bccbbccb"
    assert [pair.current_first for pair in pairs] == [False, True, False, True]
    # Each block is on its own side, whichever came first.
    assert [(p.baseline.p50_ms, p.current.p50_ms) for p in pairs] == [
        (1, 2),
        (4, 3),
        (5, 6),
        (8, 7),
    ]


def test_a_drift_that_is_steady_cancels_over_two_pairs(timed) -> None:
    block, _ = timed  # each block is 1 ms slower than the one before
    pairs = time_round(block, lambda pairs: True, progress=silent, looks=(8,))
    differences = [p.current.p50_ms - p.baseline.p50_ms for p in pairs]
    assert sum(differences) == 0


def test_a_round_ends_at_the_first_look_that_settles_it(timed) -> None:
    block, _ = timed
    seen: list[int] = []

    def settled(pairs) -> bool:
        seen.append(len(pairs))
        return len(pairs) >= 6

    pairs = time_round(block, settled, progress=silent, looks=(4, 6, 10))
    assert (len(pairs), seen) == (6, [4, 6])


def test_a_round_that_never_settles_ends_at_the_last_look(timed) -> None:
    block, _ = timed
    calls: list[tuple[float, float]] = []
    pairs = time_round(
        block,
        lambda pairs: False,
        progress=lambda what, done, total: calls.append((done, total)),
        looks=(2, 5),
    )
    assert len(pairs) == 5
    assert calls == [(0, 5), (1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
