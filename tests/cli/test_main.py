"""Exit codes, and the words that go with them."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autokd import errors

COMPRESS = ("compress", "--teacher", "model.pt", "--device", "jetson-nano", "--out", "run")
NO_SPACE = (
    "trials/1/checkpoint.pt: cannot be written (No space left on device). "
    "Free some space. What was finished is kept: go on with 'autokd resume run'."
)


def _all_errors(kind=errors.AutoKDError):
    return [kind, *(c for k in kind.__subclasses__() for c in _all_errors(k))]


def test_every_error_has_an_exit_code_with_a_name():
    assert {kind.exit_code for kind in _all_errors()} <= set(errors.EXIT_NAMES)
    assert errors.EXIT_NAMES[errors.InterruptedRunError("x", exit_code=143).exit_code]


def test_help_names_every_exit_code(call):
    code, out, _ = call("--help")
    assert code == 0
    for number in errors.EXIT_NAMES:
        assert re.search(rf"\b{number}\b", out), number
    assert max(map(len, out.splitlines())) <= 80


def test_without_a_command_the_help_is_shown(call):
    assert call()[:2] == call("--help")[:2]


def test_help_takes_less_than_four_tenths_of_a_second(command):
    import time

    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        done = command("--help")
        seconds.append(time.perf_counter() - begun)
        assert done.returncode == 0
    assert min(seconds) < 0.4


@pytest.mark.parametrize(
    ("words", "absent"),
    [
        (["--help"], ["torch", "numpy", "pydantic", "rich", "onnx"]),
        (["compress", "--help"], ["torch", "numpy", "pydantic", "rich", "onnx"]),
        (["devices", "list"], ["torch", "numpy", "rich", "onnx"]),
        (["devices", "show", "jetson-nano"], ["torch", "numpy", "rich", "onnx"]),
    ],
)
def test_light_commands_import_nothing_heavy(command, words, absent):
    script = (
        "import sys\nfrom autokd.cli.main import main\ncode = main(sys.argv[1:])\n"
        "print(sorted(m for m in sys.modules if '.' not in m), file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        env=command.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert not set(absent) & set(eval(done.stderr.splitlines()[-1]))  # noqa: S307 - our own list


def test_version(call):
    import autokd

    assert call("--version")[:2] == (0, f"autokd {autokd.__version__}\n")


def test_an_unknown_command_is_answered_with_the_nearest(call):
    code, out, err = call("comprss")
    assert (code, out) == (2, "")
    assert err == (
        "autokd: error: no such command 'comprss'; did you mean 'compress'? See 'autokd --help'.\n"
    )


def test_an_unknown_option_is_a_usage_error(command):
    done = command("compress", "--teachr", "x")
    assert done.returncode == 2
    assert "autokd: error: No such option" in done.stderr
    assert "See 'autokd compress --help'." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("scenario", "code", "name", "text"),
    [
        ("infeasible", 3, "infeasible", "no student fits."),
        ("gate", 4, "gate_failed", "accuracy 0.8 is below 0.9."),
        ("device", 5, "device", "CUDAExecutionProvider: is not there."),
        ("export", 6, "export", "opset 18 where 13 was asked for."),
        ("measure", 7, "measurement_invalid", "too few samples: 12 of 64."),
        ("stopped", 75, "stopped", "the budget ended before the first student."),
        ("storage", 75, "stopped", "ledger.sqlite: cannot be written (disk full)."),
        (
            "nospace",
            75,
            "stopped",
            NO_SPACE,
        ),
        ("import", 2, "input", "botorch cannot be imported"),
        ("ctrl-c", 130, "interrupted", "go on with 'autokd resume run'."),
    ],
)
def test_an_error_of_the_pipeline_becomes_its_exit_code(pipeline, call, scenario, code, name, text):
    pipeline.scenario = scenario
    got, out, err = call(*COMPRESS)
    assert (got, out) == (code, "")
    assert err.splitlines()[-1].startswith("autokd: error: ")
    assert text in err
    assert "Traceback" not in err

    got, out, err = call(*COMPRESS[:-1], "other", "--json")
    assert got == code
    answer = json.loads(out)
    assert answer["exit"] == {"code": code, "name": name}
    assert answer["error"] in err


@pytest.mark.parametrize(("scenario", "code"), [("gate", 4), ("device", 5), ("measure", 7)])
def test_the_process_ends_with_the_exit_code(command, scenario, code):
    done = command(*COMPRESS, scenario=scenario)
    assert done.returncode == code
    assert "success" not in done.stdout.lower()


@pytest.mark.parametrize("scenario", ["defect", "worker"])
def test_a_defect_shows_a_traceback_and_says_so(pipeline, call, scenario):
    pipeline.scenario = scenario
    code, out, err = call(*COMPRESS)
    assert (code, out) == (1, "")
    assert "Traceback (most recent call last)" in err
    assert "autokd: error: this is a defect in autokd 0.1.0: " in err


@pytest.fixture
def _ctrl_c_is_heard():
    """Whoever starts the tests in the background has them ignore Ctrl-C, children included."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.usefixtures("_ctrl_c_is_heard")
def test_a_signal_ends_the_run_in_order_and_says_how_to_go_on(command, number, code):
    with subprocess.Popen(
        command.arguments(*COMPRESS, scenario="wait"),
        env=command.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        for line in running.stderr:
            if line == "waiting\n":
                break
        running.send_signal(number)
        out, err = running.communicate(timeout=20)
    assert (running.returncode, out) == (code, "")
    assert "Traceback" not in err
    assert "go on with 'autokd resume run'." in err


@pytest.mark.usefixtures("_ctrl_c_is_heard")
def test_what_an_interrupted_import_fails_with_is_no_defect(pipeline, call, monkeypatch):
    def interrupt(*_args, **_options):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise TypeError("expected a message argument") from None

    monkeypatch.setattr(pipeline, "compress", interrupt)
    code, _, err = call(*COMPRESS)
    assert code == 130
    assert "Traceback" not in err
    assert err.endswith("interrupted. Nothing was kept; run the command again.\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_as_before_after_a_call(call, number):
    before = signal.getsignal(number)
    call("--version")
    assert signal.getsignal(number) is before


def test_an_interrupt_before_anything_was_kept_does_not_promise_to_resume(
    pipeline, call, monkeypatch
):
    def interrupt(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "compress", interrupt)
    code, _, err = call(*COMPRESS)
    assert code == 130
    assert err.endswith("interrupted. Nothing was kept; run the command again.\n")


def test_a_reader_that_leaves_is_no_error(command):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        done = command(
            "devices", "list", capture_output=False, stdout=closed, stderr=subprocess.PIPE
        )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", [["devices", "list"], ["--help"], ["devices", "list", "--json"]])
def test_a_full_disk_behind_stdout_is_exit_code_75(command, words):
    with Path("/dev/full").open("w") as full:
        done = command(*words, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 75
    assert done.stderr == (
        "autokd: error: the output: cannot be written (No space left on device). "
        "Free some space. Nothing was kept; run the command again.\n"
    )


def test_a_closed_stderr_does_not_end_a_run(command):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        done = command(
            *COMPRESS,
            scenario="done",
            capture_output=False,
            stdout=subprocess.PIPE,
            stderr=closed,
        )
    assert done.returncode == 0
    assert "validation accuracy" in done.stdout
