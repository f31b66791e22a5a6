import sys
from pathlib import Path

import pytest

from autokd.core.cost import Cost
from autokd.core.device import load_profile
from tools import measure_memory
from tools.measure_memory import MIB, Row, draw, fit, main

BASE, FACTOR = 60.0, 3.0


def row(weight_mib: float, activation_mib: float, *, base: float = BASE) -> Row:
    """A student whose peak is exactly that of the model."""
    peak = base + FACTOR * weight_mib + activation_mib
    cost = Cost(
        params=1,
        macs=1,
        size_bytes=1,
        activation_bytes=int(activation_mib * MIB),
        memory_bytes=int(50 * MIB),
        runtime_bytes=0,
        latency_ms=None,
        latency_low_ms=None,
        latency_high_ms=None,
    )
    return Row(Path("m"), cost, int(weight_mib * MIB), int(peak * MIB))


def test_the_fit_finds_what_made_the_peaks():
    rows = [row(weight, live) for weight, live in ((0.5, 1), (4, 0.25), (8, 2), (40, 1))]
    assert fit(rows) == pytest.approx((BASE, FACTOR), rel=1e-6)
    assert rows[0].ratio == pytest.approx((60 + 1.5 + 1) / 50)


def test_a_drawn_student_fills_the_limit_and_is_drawn_again_the_same():
    profile = load_profile("host")
    program, cost = draw(profile, 50_000, seed=5)
    assert 30_000 < cost.params <= 50_000
    assert draw(profile, 50_000, seed=5)[0] == program
    assert draw(profile, 50_000, seed=6)[0] != program


def test_students_are_measured_and_the_options_tried(monkeypatch, capsys):
    monkeypatch.setattr(measure_memory, "LARGEST_PARAMS", 40e3)
    monkeypatch.setattr(sys, "argv", ["measure_memory.py", "--students", "2"])
    main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 2 + 2 + 4
    assert lines[3].startswith("measured over computed: ")
    assert {line.rsplit("  ", 1)[0] for line in lines[5:]} == {
        f"arena {arena:5}  memory_pattern {pattern:5}"
        for arena in ("True", "False")
        for pattern in ("True", "False")
    }
