from autokd.cli.watch import LineScreen, watch
from autokd.core.run_status import RungStatus
from tests.cli.test_status_text import make_status


def with_results(count: int, **changes: object):
    rung = RungStatus(rung=0, finished=count, best_accuracy=0.5)
    return make_status(rungs=(rung,), best_accuracy=0.5, **changes)


def test_it_reads_until_nobody_works_on_the_run() -> None:
    states = [with_results(n) for n in (1, 2)] + [with_results(3, state="stopped")]
    shown, slept = [], []
    end = watch(iter(states).__next__, shown.append, sleep=slept.append)
    assert (end, shown, len(slept)) == (states[-1], states, 2)


def test_a_run_that_nobody_works_on_is_shown_once() -> None:
    shown = []
    watch(lambda: make_status(state="done"), shown.append, sleep=None)
    assert len(shown) == 1


def test_lines_come_with_a_step_and_with_results_at_most_every_ten_seconds() -> None:
    now, lines = [0.0], []
    screen = LineScreen(lines.append, clock=lambda: now[0])
    for second in range(30):
        now[0] = float(second)
        screen(with_results(second))  # a result each second
    assert [line.split(": ")[1].split(",")[0] for line in lines] == [
        "0 results",
        "10 results",
        "20 results",
    ]
    screen(with_results(29, stage="finalists"))
    assert lines[-1].startswith("7m 30s  training finalists at full length: 29 results")


def test_nothing_new_is_no_line() -> None:
    now, lines = [0.0], []
    screen = LineScreen(lines.append, clock=lambda: now[0])
    for second in range(100):
        now[0] = float(second)
        screen(with_results(3, spent_seconds=float(second)))
    assert len(lines) == 1


def test_the_end_is_told_in_full() -> None:
    lines = []
    screen = LineScreen(lines.append, clock=lambda: 0.0)
    screen(with_results(3))
    screen(with_results(3, state="stopped"))
    assert lines[1].endswith("Go on with: autokd resume here")
