import pytest

from autokd.core.codec import save_record
from autokd.core.results import Report
from autokd.errors import ConfigError
from autokd.pipeline.live_report import LiveRun
from autokd.pipeline.plan import FINAL_RUNG
from autokd.report.live_page import render_live
from autokd.search.front import pareto_front
from autokd.search.ledger import Ledger
from tests.pipeline.fakes import make_plan
from tests.pipeline.run_folder import begin_run, job_of, write_failure, write_trial
from tests.report.conftest import build_report


@pytest.fixture
def run(tmp_path):
    return begin_run(tmp_path / "run", planned=True)


def test_the_full_rung_is_that_of_a_finished_report(run) -> None:
    report = LiveRun(run).read().report
    assert report is not None
    assert report.full_rung == FINAL_RUNG


def test_before_there_is_a_plan_there_is_no_report(tmp_path) -> None:
    folder = begin_run(tmp_path / "run")
    live = LiveRun(folder)
    with Ledger.open(folder / "ledger.sqlite"):
        before = live.read()
        save_record(make_plan(), folder / "plan.json")
        after = live.read()
    assert (before.report, before.status.stage) == (None, "preflight")
    assert isinstance(after.report, Report)
    assert before.version != after.version


def test_the_report_holds_what_the_plan_and_the_ledger_say(run) -> None:
    with Ledger.open(run / "ledger.sqlite") as ledger:
        write_trial(ledger, 0, 0.5, 0.7)
        write_trial(ledger, 1, 0.6)
        write_failure(ledger, 2)
        ledger.asked(job_of(3, 0))
        ledger.add_seconds(7.0)
        trials = ledger.trials()
        report = LiveRun(run).read().report
    assert report is not None
    plan = make_plan()
    assert (report.trials, report.winners, report.kd_gain) == (trials, (), None)
    assert (report.limits, report.teacher, report.data) == (plan.limits, plan.teacher, plan.data)
    assert report.front == pareto_front(trials, plan.limits) == (0,)
    assert (report.exit.code, report.exit.name) == (75, "running")
    assert report.seconds.search == 7.0
    assert report.verdict == (
        "Still running, searching: 2 students have a result, and the best so far gets 70.00% of "
        "the validation images right."
    )


def test_the_verdict_says_when_nothing_is_known_and_when_nobody_works(run) -> None:
    live = LiveRun(run)
    with Ledger.open(run / "ledger.sqlite") as ledger:
        assert live.read().report.verdict == (
            "Still running, searching: no student has a result yet."
        )
        write_trial(ledger, 0, 0.5)
    stopped = live.read().report
    assert stopped.verdict.startswith("Stopped while searching: one student has a result")
    assert (stopped.exit.code, stopped.exit.name) == (75, "stopped")


def test_without_labels_the_verdict_speaks_of_the_teachers_class(tmp_path) -> None:
    run = begin_run(tmp_path / "run")
    data = make_plan().data.model_copy(update={"labelled": False})
    save_record(make_plan(data=data), run / "plan.json")
    with Ledger.open(run / "ledger.sqlite") as ledger:
        write_trial(ledger, 0, 0.5)
    assert "names the teacher's class for 50.00% of the validation" in (
        LiveRun(run).read().report.verdict
    )


def test_a_report_is_made_anew_only_when_something_is_new(run) -> None:
    live = LiveRun(run)
    with Ledger.open(run / "ledger.sqlite") as ledger:
        first = live.read()
        ledger.add_seconds(3.0)
        second = live.read()
        write_trial(ledger, 0, 0.5)
        third = live.read()
    assert second.report is first.report
    assert second.status.spent_seconds == 3.0
    assert third.report is not first.report
    assert len(third.report.trials) == 1


def test_a_run_that_is_done_gives_its_own_report(run) -> None:
    live = LiveRun(run)
    with Ledger.open(run / "ledger.sqlite"):
        live.read()
    report = build_report()
    save_record(report, run / "results.json")
    view = live.read()
    assert (view.status.state, view.report) == ("done", report)


def test_a_damaged_plan_is_told_in_words(run) -> None:
    (run / "plan.json").write_text('{"limits": 3}')
    with pytest.raises(ConfigError, match=r"plan\.json"):
        LiveRun(run).read()


def test_each_state_of_a_run_has_a_page(run) -> None:
    live = LiveRun(run)
    pages = []
    with Ledger.open(run / "ledger.sqlite") as ledger:
        pages.append(render_live(live.read()))
        write_failure(ledger, 0)
        pages.append(render_live(live.read()))
        for trial_id in range(1, 12):
            write_trial(ledger, trial_id, 0.5 + 0.01 * trial_id)
        pages.append(render_live(live.read()))
        write_trial(ledger, 12, 0.6, 0.7, 0.8)
        pages.append(render_live(live.read()))
    pages.append(render_live(live.read()))
    for page in pages:
        assert page.count("<main>") == 1
        assert "aside" in page
    assert "no student has a result yet" in pages[0]
    assert "12 students have a result" in pages[3]
    assert "Stopped while searching" in pages[4]
