from autokd.core.codec import save_record
from autokd.core.config import RunConfig


def test_a_report_needs_results(pipeline, call, run):
    code, _, err = call("report", run)
    assert code == 2
    assert "run/results.json: not found; give the folder of a run that has ended." in err


def test_a_report_is_written_from_results_alone(pipeline, call, run, driver, folder):
    config = RunConfig(device="jetson-nano", teacher={"file": "model.pt"})
    save_record(driver.make_report(config), run / "results.json")
    code, out, err = call("report", run)
    assert (code, err) == (0, "")
    assert (folder / "run" / "report.html").stat().st_size > 1000
    assert "run/report.html" in out
