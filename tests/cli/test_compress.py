"""What ``compress``, ``resume`` and ``status`` hand on, print and refuse."""

import json
from pathlib import Path

import pytest

from autokd.core.results import ExitStatus, Report
from autokd.core.run_status import RunStatus

TEACHER = ("--teacher", "model.pt", "--device", "jetson-nano")


def test_options_reach_the_pipeline(pipeline, call, folder):
    words = ["--max-params", "150000", "--no-kd-gain", "--strategy", "random", "--seed", "4"]
    words += ["--loss", "dkd"]
    code, out, _ = call("compress", *TEACHER, *words, "--trials", "3", "--out", "run")
    assert code == 0
    ((_, config, run),) = pipeline.asked
    assert run == Path("run")
    assert config.teacher.file == str(folder / "model.pt")
    assert config.limits.max_params == 150_000
    assert config.search.kd_gain is False
    assert config.search.loss == "dkd"
    assert (config.search.strategy, config.search.trials, config.seed) == ("random", 3, 4)
    assert "run/winners/1/student.onnx" in out
    assert "run/report.html" in out


def test_the_result_fits_a_terminal_and_keeps_host_and_board_apart(pipeline, call):
    _, out, err = call("compress", *TEACHER, "--out", "run")
    assert max(map(len, out.splitlines())) <= 80
    rows = {line[:20].strip(): line[20:].split("  ") for line in out.splitlines()}
    assert [cell.strip() for cell in rows["test accuracy"] if cell] == ["92.00 %", "89.34 %"]
    assert "12 ms on jetson-nano (8 to 18)" in out
    assert "p50 1.25 ms, p90 1.5 ms on this host, not the board" in " ".join(out.split())
    assert err.splitlines() == [
        "run folder: run",
        "loading torch ...",
        "teacher: 92.5 % on validation images",
        "search: 50 %",
    ]


def test_json_is_the_report_and_nothing_else(pipeline, call):
    code, out, _ = call("compress", *TEACHER, "--out", "run", "--json")
    assert code == 0
    assert Report.model_validate_json(out).winners[0].rank == 1


def test_the_run_folder_is_named_after_device_and_time(pipeline, call):
    call("compress", *TEACHER)
    run = pipeline.asked[0][2]
    assert run.parent == Path("runs")
    assert run.match("jetson-nano-????????-??????")


def test_a_run_folder_that_holds_something_is_refused(pipeline, call, folder):
    (folder / "run").mkdir()
    (folder / "run" / "config.toml").write_text("")
    code, _, err = call("compress", *TEACHER, "--out", "run")
    assert code == 2
    assert "--out run: is not empty, and a run is never overwritten." in err
    assert "autokd resume run" in err
    assert pipeline.asked == []


def test_a_file_is_no_run_folder(pipeline, call, folder):
    (folder / "run").write_text("")
    code, _, err = call("compress", *TEACHER, "--out", "run")
    assert (code, pipeline.asked) == (2, [])
    assert "--out run: is a file; give a folder that does not exist yet." in err


def test_an_unknown_device_is_met_before_anything_starts(pipeline, call, folder):
    code, _, err = call("compress", "--teacher", "m.pt", "--device", "jetson-nan")
    assert (code, pipeline.asked, list(folder.iterdir())) == (2, [], [])
    assert "'jetson-nan': no such device; did you mean 'jetson-nano'" in err


def test_a_dry_run_prints_the_feasibility_and_makes_nothing(pipeline, call, folder):
    code, out, _ = call("compress", *TEACHER, "--dry-run")
    assert (code, list(folder.iterdir())) == (0, [])
    assert out.startswith("150 of 200 drawn students fit all limits.")
    assert "parameters  150 k    150 of 200  9 k" in out


def test_a_dry_run_in_which_nothing_fits_is_exit_code_3_with_the_nearest_miss(pipeline, call):
    pipeline.scenario = "infeasible"
    code, out, err = call("compress", *TEACHER, "--dry-run")
    assert code == 3
    assert out.startswith("0 of 200 drawn students fit all limits.")
    assert "size: at most 10 KiB, the smallest student needs 30 KiB" in err
    assert "parameters:" not in err
    code, out, _ = call("compress", *TEACHER, "--dry-run", "--json")
    answer = json.loads(out)
    assert (code, answer["exit"]["code"], answer["feasibility"]["fitting"]) == (3, 3, 0)


def test_save_config_writes_the_settings_of_the_run(pipeline, call, folder):
    call("compress", *TEACHER, "--seed", "9", "--dry-run", "--save-config", "autokd.toml")
    call("compress", "--dry-run")
    assert pipeline.asked[0][1] == pipeline.asked[1][1]
    assert pipeline.asked[1][1].seed == 9


def test_the_summary_is_added_to_that_of_a_github_job(pipeline, call, folder, monkeypatch):
    (folder / "step.md").write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "step.md"))
    assert call("compress", *TEACHER, "--out", "run")[0] == 0
    assert (folder / "step.md").read_text() == "before\n# summary of the run\n"


def test_a_job_summary_that_cannot_be_written_does_not_fail_the_run(pipeline, call, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/no/such/folder/step.md")
    code, _, err = call("compress", *TEACHER, "--out", "run")
    assert code == 0
    assert "the summary was not added to GITHUB_STEP_SUMMARY" in err


@pytest.mark.parametrize("command", ["resume", "status", "report"])
def test_what_is_no_run_is_refused(pipeline, call, folder, command):
    code, _, err = call(command, "nope")
    assert code == 2
    assert "nope: no such run folder" in err
    code, _, err = call(command, ".")
    assert code == 2
    assert ".: is no run folder (it has no config.toml); give the --out of 'compress'." in err
    assert pipeline.asked == []


def test_resume_goes_on_and_prints_the_result(pipeline, call, run):
    code, out, _ = call("resume", run)
    assert (code, pipeline.asked) == (0, [("resume", run)])
    assert "run/report.html" in out
    assert Report.model_validate_json(call("resume", run, "--json")[1])


def test_status_says_where_a_run_stands(pipeline, call, run):
    code, out, _ = call("status", run)
    assert code == 0
    assert "5 paused, 1 failed" in out
    assert "2m 05s of 30m 00s" in out
    assert "81.00 %" in out
    assert out.endswith("Go on with: autokd resume run\n")
    assert RunStatus.model_validate_json(call("status", run, "--json")[1]).state == "stopped"


def test_a_target_is_met_before_anything_is_trained(pipeline, call):
    code, _, err = call("compress", *TEACHER, "--out", "run", "--target", "local")
    assert code == 0
    assert pipeline.asked[0][1].target == "local"
    assert "target: this host" in err.splitlines()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--target", "ssh://me@127.0.0.1:1"), 5, "ssh://me@127.0.0.1:1: cannot be reached"),
        (("--target", "board"), 2, "is no target; give 'local', ssh://"),
        (("--accept-host-key", "SHA256:" + "a" * 43), 2, "goes with --target ssh://"),
        (("--target", "ssh://b", "--accept-host-key", "x"), 2, "must be SHA256:"),
    ],
)
def test_a_target_that_cannot_be_met_costs_no_training(pipeline, call, words, code, message):
    found, _, err = call("compress", *TEACHER, "--out", "run", *words)
    assert found == code
    assert message in err
    assert pipeline.asked == []


def test_a_target_that_failed_in_the_end_is_exit_code_5_after_the_report(
    pipeline, call, driver, monkeypatch
):
    reason = "The winner was not timed on ssh://board: did not come back."

    def make_report(config):
        update = {"exit": ExitStatus(code=5, name="device"), "warnings": (reason,)}
        return driver_report(config).model_copy(update=update)

    driver_report = driver.make_report
    monkeypatch.setattr(driver, "make_report", make_report)
    code, out, err = call("compress", *TEACHER, "--out", "run", "--json")
    assert code == 5
    assert Report.model_validate_json(out).exit.code == 5  # one document, and a whole one
    assert err.splitlines()[-1] == f"autokd: error: run/report.html is written, but: {reason}"
