def test_the_file_that_was_written_is_printed(pipeline, call, run):
    code, out, _ = call("export-optuna", run, "journal.log")
    assert pipeline.asked == [("export-optuna", run, "journal.log")]
    assert (code, out) == (0, "journal.log\n")


def test_what_is_no_run_is_refused_before_anything_is_read(pipeline, call, folder):
    code, _, err = call("export-optuna", "none", "journal.log")
    assert code == 2
    assert "none: no such run folder" in err
    assert pipeline.asked == []


def test_both_names_must_be_given(pipeline, call, run):
    code, _, err = call("export-optuna", run)
    assert code == 2
    assert "Missing argument 'FILE'" in err
