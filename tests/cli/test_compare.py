"""``autokd compare``: outcomes, exit codes, and what a CI job sees."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from autokd.cli import compare as compare_module
from autokd.core.comparison import Comparison, ImageOutcomes
from autokd.core.config import RunConfig
from autokd.measure import interleaved
from autokd.report.write import write_report


@pytest.fixture
def write_run(folder, driver):
    """Write a run folder whose winner was timed on the board; ``update`` changes the timing."""

    def write(name: str, *, accuracy: float = 0.8934, size: int = 600 * 2**10, **update) -> str:
        report = driver.make_report(RunConfig(device="jetson-nano", teacher={"file": "model.pt"}))
        winner = report.winners[0]
        timing = {"is_device": True, "host": "board (a57)", **update}
        changes = {"test_accuracy": accuracy, "size_bytes": size}
        winner = winner.model_copy(
            update={
                "export": winner.export.model_copy(update=changes),
                "measurement": winner.measurement.model_copy(update=timing),
            }
        )
        write_report(report.model_copy(update={"winners": (winner,)}), folder / name)
        return name

    return write


@pytest.fixture
def model(folder):
    def save(name: str, px: int = 4) -> str:
        shapes = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 1, px, px]) for n in "xy"]
        graph = helper.make_graph(
            [helper.make_node("Relu", ["x"], ["y"])], "g", shapes[:1], shapes[1:]
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
        onnx.save(made, folder / name)
        return name

    return save


@pytest.fixture
def board(monkeypatch, driver):
    """A board that is asked nothing: ``speed`` gives the time of a file by its name."""
    speed: dict[str, float] = {}
    asked: list[tuple] = []

    class Board:
        name = "ssh://pi@board"
        is_device = True

        def __enter__(self):
            return self

        def __exit__(self, *_):
            asked.append(("closed",))

    def open_target(text, profile, *, accept_host_key=None):
        asked.append((text, profile.id, accept_host_key))
        return Board()

    def measure_on(target, model, profile, **options):
        asked.append((model.name, options))
        p50 = speed.get(model.name, 2.0)
        update = {
            "min_ms": 0.9 * p50,
            "p50_ms": p50,
            "p90_ms": 1.1 * p50,
            "input": speed.get(f"input {model.name}"),
        }
        return driver.MEASUREMENT.model_copy(update={"is_device": True, **update})

    monkeypatch.setattr("autokd.measure.target.open_target", open_target)
    monkeypatch.setattr("autokd.measure.target.measure_on", measure_on)
    return speed, asked


def outcome_of(out: str) -> str:
    answer = json.loads(out)
    return Comparison.model_validate(answer.get("comparison", answer)).outcome


@pytest.mark.parametrize(
    ("changes", "options", "code", "outcome"),
    [
        ({}, (), 0, "pass"),
        ({"accuracy": 0.8}, ("--max-accuracy-drop", "2%"), 4, "failed"),
        ({"accuracy": 0.8}, ("--min-accuracy", "0.85"), 4, "failed"),
        ({"size": 700 * 2**10}, ("--max-size-growth", "10%"), 4, "failed"),
        ({"threads": 4}, (), 5, "not_comparable"),
        ({"valid": False, "reason": "throttled"}, (), 7, "invalid"),
        ({"p50_ms": 1.5}, (), 7, "invalid"),
        ({"p50_ms": 1.5}, ("--max-latency-regression", "25%"), 0, "pass"),
        ({"threads": 4}, ("--max-latency-regression", "none"), 0, "pass"),
        # A gate that failed says more than a timing that does not count.
        ({"threads": 4, "accuracy": 0.5}, ("--max-accuracy-drop", "1%"), 4, "failed"),
    ],
)
def test_each_outcome_has_its_exit_code(call, write_run, changes, options, code, outcome):
    before, after = write_run("before"), write_run("after", **changes)
    assert call("compare", before, after, *options)[0] == code
    got, out, _ = call("compare", before, after, *options, "--json")
    assert (got, outcome_of(out)) == (code, outcome)


@pytest.mark.parametrize(
    ("changes", "code"),
    [({}, 0), ({"accuracy": 0.5}, 4), ({"host": "other"}, 5), ({"p50_ms": 9.0}, 7)],
)
def test_the_process_ends_with_the_exit_code(command, write_run, changes, code):
    before, after = write_run("before"), write_run("after", **changes)
    done = command("compare", before, after, "--max-accuracy-drop", "1%")
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last == "after: no gate failed." if code == 0 else last.startswith("autokd: error: ")
    if code:
        assert "no gate failed" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("none", "after"), "none: no such file or folder"),
        (("before", "after", "--max-size-growth", "5"), "For 5 percent write 5%."),
        (("before", "after", "--max-size-growth", "x%"), "must be a percentage such as 5%"),
        (("before", "after", "--min-accuracy", "120%"), "must be a percentage such as 5%"),
        (("before", "after", "--max-latency-regression", "0%"), "give at least 1%"),
        (("before", "after", "--device", "jetson-nano"), "nothing is timed"),
        (("before", "after", "--target", "local"), "before: has no ONNX file here"),
        (("before", "model.onnx", "--max-accuracy-drop", "1%"), "says nothing of its accuracy"),
        (("model.onnx", "model.onnx", "--target", "usb"), "--target 'usb': is no target"),
    ],
)
def test_wrong_input_is_exit_code_2(call, write_run, model, words, text):
    write_run("before"), write_run("after"), model("model.onnx")
    code, out, err = call("compare", *words)
    assert (code, out) == (2, "")
    assert text in err


def test_two_files_are_timed_in_turns_and_the_block_ends_are_closed(call, model, board):
    _speed, asked = board
    code, out, err = call("compare", model("a.onnx"), model("b.onnx"), "--json")
    assert code == 0, err
    assert asked[0] == ("local", "host", None)
    assert asked[-1] == ("closed",)
    order = [name[0] for name, *_ in asked[1:-1]]
    assert "".join(order) == "abba" * 4
    found = Comparison.model_validate_json(out)
    assert (len(found.rounds), len(found.rounds[0])) == (1, 8)
    assert [c.name for c in found.checks] == [
        "latency.min",
        "latency.p50",
        "latency.p90",
        "size.growth",
    ]


def test_a_slow_down_is_timed_a_second_time_and_fails(call, model, board):
    speed, _asked = board
    speed["b.onnx"] = 2.2
    code, out, err = call("compare", model("a.onnx"), model("b.onnx"), "--json")
    answer = json.loads(out)
    assert (code, answer["exit"]["name"]) == (4, "gate_failed")
    assert len(answer["comparison"]["rounds"]) == 2
    assert "b.onnx: a gate failed. min is slower than the limit of 5.0% in two runs" in err


def test_models_that_take_other_inputs_are_not_comparable(call, model, board):
    speed, _ = board
    speed.update({"input a.onnx": "uint8 1x3x32x32", "input b.onnx": "uint8 1x3x24x24"})
    code, _, err = call("compare", model("a.onnx"), model("b.onnx"))
    assert code == 5
    assert "not comparable: input: uint8 1x3x32x32 against uint8 1x3x24x24" in err


def test_runs_are_timed_on_a_target_with_their_own_profile_and_sample(
    call, folder, write_run, model, board
):
    _, asked = board
    for name in ("before", "after"):
        run = folder / write_run(name)
        model(f"{name}/student.onnx")
        (run / "sample.npz").write_bytes(b"")
    key = "SHA256:" + "a" * 43
    words = ("before", "after", "--target", "ssh://pi@board", "--accept-host-key", key)
    code, _, err = call("compare", *words)
    assert code == 0, err
    assert asked[0] == ("ssh://pi@board", "jetson-nano", key)
    assert asked[1][1]["sample"] == Path("before/sample.npz")
    call("compare", *words, "--device", "raspberry-pi-5")
    assert ("ssh://pi@board", "raspberry-pi-5", key) in asked


def test_a_real_model_against_itself_does_not_fail(call, model, monkeypatch):
    monkeypatch.setattr(interleaved, "BLOCK_SECONDS", 0.05)
    monkeypatch.setattr(interleaved, "WARMUP_SECONDS", 0.05)
    words = ("--max-latency-regression", "50%", "--json")
    code, out, err = call("compare", model("a.onnx"), model("b.onnx", px=4), *words)
    assert code in {0, 7}, err  # 7: on a busy machine the interval may be too wide
    assert outcome_of(out) in {"pass", "invalid"}


def test_outcomes_beside_two_files_are_paired(call, folder, model, board):
    for name, right in (("a", [True] * 99 + [False]), ("b", [True] * 60 + [False] * 40)):
        (folder / name).mkdir()
        model(f"{name}/student.onnx")
        kept = ImageOutcomes.of(right, data_digest="d", split="test")
        (folder / name / "student.outcomes.json").write_text(kept.model_dump_json())
    words = ("a/student.onnx", "b/student.onnx", "--max-accuracy-drop", "5%")
    code, out, err = call("compare", *words)
    assert code == 4
    assert "99.00 % to 60.00 %" in err
    assert "accuracy.drop" in out


def test_the_table_is_80_columns_wide_at_most(call, write_run):
    code, out, _ = call("compare", write_run("before"), write_run("after"))
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    assert re.search(r"latency.p50 +pass +1.25 ms", out)


def test_junit_is_written_whatever_the_outcome(call, folder, write_run):
    before, after = write_run("before"), write_run("after", accuracy=0.5)
    words = ("--max-accuracy-drop", "1%", "--junit", "out.xml")
    assert call("compare", before, after, *words)[0] == 4
    root = ET.parse(folder / "out.xml").getroot()  # noqa: S314 - our own
    assert [f.get("type") for f in root.iter("failure")] == ["autokd.compare"]


@pytest.fixture
def github(folder, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "step.md"))
    return folder / "step.md"


def test_a_github_job_gets_a_summary_and_one_line_for_an_error(call, write_run, github):
    before, after = write_run("before"), write_run("after", accuracy=0.5)
    code, out, err = call("compare", before, after, "--max-accuracy-drop", "1%")
    assert code == 4
    assert github.read_text().startswith("## after: a gate failed\n")
    lines = [line for line in err.splitlines() if line.startswith("::")]
    assert len(lines) == 1
    assert lines[0].startswith("::error title=autokd::after: a gate failed. 89.34 %25 to 50.00 %25")
    assert "::" not in out


def test_a_suspicion_that_was_not_confirmed_is_a_warning(call, model, board, github, monkeypatch):
    speed, _asked = board
    speed["b.onnx"] = 2.2
    real = interleaved.time_round

    def time_round(time_block, settled, **options):
        if options["what"] == "confirming":
            speed["b.onnx"] = 2.0
        return real(time_block, settled, **options)

    monkeypatch.setattr(interleaved, "time_round", time_round)
    code, _, err = call("compare", model("a.onnx"), model("b.onnx"))
    assert code == 0
    lines = [line for line in err.splitlines() if line.startswith("::")]
    assert [line.partition(" ")[0] for line in lines] == ["::warning"] * 3
    assert "did not confirm the +10.0%25" in lines[0]


def test_nothing_is_annotated_outside_a_github_job(call, write_run, monkeypatch):
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    before, after = write_run("before"), write_run("after", p50_ms=9.0)
    code, out, err = call("compare", before, after)
    assert code == 7
    assert "::" not in out + err


def test_a_job_that_compares_needs_no_training_library(command, write_run):
    """The action installs click, jinja2, pydantic and rich, and for a host's timing onnxruntime."""
    before, after = write_run("before"), write_run("after")
    script = (
        "import sys\n"
        "for name in ('torch', 'torchvision', 'botorch', 'scipy', 'networkx', 'onnx', 'PIL', "
        "'safetensors', 'onnxruntime', 'numpy'): sys.modules[name] = None\n"
        "from autokd.cli.main import main\nsys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "compare", before, after],
        env=command.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_table_of_outcomes_covers_every_outcome():
    from autokd.core.comparison import OUTCOMES

    assert set(compare_module._FAULTS) | {"pass"} == set(OUTCOMES)
