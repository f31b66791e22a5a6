from autokd.core.results import ExitStatus
from autokd.core.run_status import STAGE_WORDS, Leader, RungStatus, RunStatus


def test_a_status_survives_a_file() -> None:
    status = RunStatus(
        run="runs/a",
        state="done",
        stage="export",
        exit=ExitStatus(code=4, name="gate_failed"),
        trials_by_state={"paused": 2},
        planned_trials=2,
        rungs=(RungStatus(rung=0, finished=2, best_accuracy=0.5),),
        leaders=(
            Leader(
                trial_id=1,
                rung=0,
                accuracy=0.5,
                params=9,
                memory_bytes=9,
                latency_ms=None,
                block="conv",
                input_px=16,
            ),
        ),
        best_accuracy=0.5,
        spent_seconds=3,
        budget_seconds=None,
    )
    assert RunStatus.model_validate_json(status.model_dump_json()) == status


def test_each_stage_has_words_that_leave_room_in_a_line() -> None:
    assert list(STAGE_WORDS) == ["preflight", "search", "finalists", "export"]
    assert max(map(len, STAGE_WORDS.values())) <= 36
