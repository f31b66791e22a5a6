import io
import sys

import pytest

from autokd.cli.progress import BarDisplay, LineDisplay, make_display


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def lines(clock):
    written = []
    display = LineDisplay(clock=clock, write=written.append)
    display.written = written
    return display


def test_a_step_writes_when_it_begins_and_then_every_ten_seconds(lines, clock):
    for second in range(25):
        clock.now = float(second)
        lines.progress("search", second, 100)
    assert lines.written == [
        "search: 0 %",
        "search: 10 %, 1m 30s left",
        "search: 20 %, 1m 20s left",
    ]


def test_each_step_has_its_own_ten_seconds(lines):
    lines.progress("teacher", 1, 4)
    lines.progress("search", 1, 2)
    lines.progress("teacher", 2, 4)
    assert lines.written == ["teacher: 25 %", "search: 50 %"]


def test_the_end_of_a_step_is_written_at_once_and_only_once(lines, clock):
    lines.progress("search", 99, 100)
    clock.now = 1.0
    for _ in range(3):
        lines.progress("search", 100, 100)
        clock.now += 20.0
    assert lines.written == ["search: 99 %", "search: done"]


def test_a_step_that_begins_again_ends_again(lines, clock):
    for _ in range(2):
        lines.progress("export", 0, 1)
        lines.progress("export", 1, 1)
        clock.now += 10.0
    assert lines.written == ["export: 0 %", "export: done"] * 2


def test_almost_the_end_is_not_the_end(lines):
    lines.progress("search", 999, 1000)
    assert lines.written == ["search: 99 %"]


def test_time_left_counts_from_where_a_resumed_step_began(lines, clock):
    lines.progress("search", 50, 100)
    clock.now = 10.0
    lines.progress("search", 60, 100)
    assert lines.written[-1] == "search: 60 %, 40.0 s left"


def test_a_step_that_starts_again_forgets_its_old_pace(lines, clock):
    lines.progress("export", 1, 2)
    clock.now = 100.0
    lines.progress("export", 0, 2)
    assert lines.written[-1] == "export: 0 %"
    clock.now = 110.0
    lines.progress("export", 1, 2)
    assert lines.written[-1] == "export: 50 %, 10.0 s left"


def test_a_total_of_zero_and_too_much_done_are_both_the_end(lines):
    lines.progress("nothing", 0, 0)
    lines.progress("over", 5, 4)
    assert lines.written == ["nothing: done", "over: done"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    for name in ("CI", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")

    def open_terminal():
        # Not in the fixture itself: pytest puts its own stderr in place when the test begins.
        stream = Terminal()
        monkeypatch.setattr(sys, "stderr", stream)
        return stream

    return open_terminal


def test_a_terminal_gets_bars(terminal):
    stream = terminal()
    display = make_display()
    assert isinstance(display, BarDisplay)
    with display:
        display.progress("[1] search", 1.0, 4.0)
        display.say("a note with [brackets]")
        display.progress("[1] search", 4.0, 4.0)
    text = stream.getvalue()
    assert "[1] search" in text
    assert "a note with [brackets]\n" in text


@pytest.mark.parametrize(("name", "value"), [("CI", "true"), ("CI", "1"), ("TERM", "dumb")])
def test_a_terminal_that_nobody_watches_gets_lines(terminal, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    stream = terminal()
    with make_display() as display:
        display.progress("search", 1.0, 4.0)
        display.say("note")
    assert stream.getvalue() == "search: 25 %\nnote\n"


def test_a_finished_step_leaves_a_line_if_it_took_a_while(terminal, monkeypatch):
    now = Clock()
    stream = terminal()
    monkeypatch.setattr("autokd.cli.progress.time.monotonic", now)
    with make_display() as display:
        display.progress("quick", 0, 1)
        display.progress("quick", 1, 1)
        display.progress("slow", 0, 1)
        now.now = 5.0
        display.progress("slow", 1, 1)
    assert "slow: done in 5.0 s" in stream.getvalue()
    assert "quick: done" not in stream.getvalue()
