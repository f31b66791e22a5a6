import pytest

from autokd.cli.status_text import render_status, status_line
from autokd.core.results import ExitStatus
from autokd.core.run_status import STAGE_WORDS, Leader, RungStatus, RunStatus


def make_status(**changes: object) -> RunStatus:
    fields = {
        "run": "here",
        "state": "running",
        "stage": "search",
        "trials_by_state": {},
        "rungs": (),
        "best_accuracy": None,
        "spent_seconds": 450.0,
        "budget_seconds": 1800.0,
    }
    return RunStatus.model_validate(fields | changes)


FULL = make_status(
    state="stopped",
    stage="finalists",
    trials_by_state={"paused": 120, "running": 2, "failed": 13},
    planned_trials=140,
    rungs=(
        RungStatus(rung=0, finished=120, best_accuracy=0.7123),
        RungStatus(rung=2, finished=1, best_accuracy=0.8321),
    ),
    leaders=(
        Leader(
            trial_id=117,
            rung=2,
            accuracy=0.8321,
            params=1_234_567,
            memory_bytes=123 * 2**20,
            latency_ms=123.456,
            block="separable",
            input_px=224,
        ),
        Leader(
            trial_id=3,
            rung=0,
            accuracy=0.5,
            params=900,
            memory_bytes=2**20,
            latency_ms=None,
            block="conv",
            input_px=16,
        ),
    ),
    best_accuracy=0.8321,
    spent_seconds=35_000.0,
    budget_seconds=36_000.0,
)


@pytest.mark.parametrize("state", ["running", "done", "stopped"])
def test_only_a_stopped_run_is_gone_on_with(state) -> None:
    text = render_status(make_status(state=state))
    assert ("autokd resume here" in text) == (state == "stopped")
    assert "none yet" in text


def test_all_that_is_known_fits_80_columns() -> None:
    lines = render_status(FULL).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines == [
        "run     here",
        "state   stopped while training finalists at full length",
        "trials  120 paused, 2 running, 13 failed (the search ends at 140)",
        "rung 0  120 finished, best validation accuracy 71.23 %",
        "rung 2  1 finished, best validation accuracy 83.21 %",
        "best    83.21 % validation accuracy",
        "time    9h 43m of 10h 00m  [#######################-]",
        "",
        "student  rung  accuracy  parameters  memory   latency  operator",
        "117      2     83.21 %   1.23 M      123 MiB  123 ms   separable 224 px",
        "3        0     50.00 %   900         1 MiB    -        conv 16 px",
        "",
        "Go on with: autokd resume here",
    ]


def test_a_run_that_is_done_says_how_it_ended() -> None:
    gate = ExitStatus(code=4, name="gate_failed")
    assert "state   done, exit code 4 (gate_failed)\n" in render_status(
        make_status(state="done", exit=gate)
    )
    well = ExitStatus(code=0, name="done")
    assert "state   done\n" in render_status(make_status(state="done", exit=well))


@pytest.mark.parametrize(
    ("spent", "bar"), [(0.0, "-" * 24), (450.0, "#" * 6 + "-" * 18), (9e9, "#" * 24)]
)
def test_the_bar_is_the_share_of_the_budget(spent, bar) -> None:
    assert f"[{bar}]" in render_status(make_status(spent_seconds=spent))
    assert "[" not in render_status(make_status(spent_seconds=spent, budget_seconds=None))


@pytest.mark.parametrize("stage", STAGE_WORDS)
def test_a_line_fits_80_columns(stage) -> None:
    line = status_line(FULL.model_copy(update={"stage": stage}))
    assert len(line) <= 80
    assert line == f"9h 43m  {STAGE_WORDS[stage]}: 121 results, 13 failed, best 83.21 %"


def test_a_line_of_a_run_that_begins() -> None:
    assert status_line(make_status()) == "7m 30s  searching: 0 results"
    one = make_status(rungs=(RungStatus(rung=0, finished=1, best_accuracy=0.5),), best_accuracy=0.5)
    assert status_line(one) == "7m 30s  searching: 1 result, best 50.00 %"
