import pytest


def test_export_hands_on_winner_and_device(pipeline, call, run):
    code, out, _ = call("export", run, "--winner", "2", "--device", "raspberry-pi-5")
    assert pipeline.asked == [("export", run, 2, "raspberry-pi-5")]
    assert (code, out) == (0, "run/winners/2/raspberry-pi-5/student.onnx\n")


def test_an_export_that_computes_something_else_is_exit_code_6(pipeline, call, run):
    pipeline.scenario = "parity"
    code, _, err = call("export", run, "--device", "raspberry-pi-5")
    assert code == 6
    assert "logits differ by 0.3" in err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--device", "jetson-nan"], "did you mean 'jetson-nano'"),
        (["--device", "jetson-nano", "--winner", "0"], "0 is not in the range x>=1"),
        ([], "Missing option '--device'"),
    ],
)
def test_an_export_that_cannot_be_is_refused_before_anything_is_loaded(
    pipeline, call, run, words, text
):
    code, _, err = call("export", run, *words)
    assert code == 2
    assert text in err
    assert pipeline.asked == []
