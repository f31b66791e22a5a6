"""What can be given as BASELINE and CURRENT."""

import json

import pytest

from autokd.core.codec import save_record
from autokd.core.comparison import ImageOutcomes
from autokd.errors import InputError
from autokd.report.compare_inputs import certificate_of, read_side
from autokd.report.write import write_report


@pytest.fixture
def run(report, tmp_path):
    write_report(report, tmp_path / "run")
    return tmp_path / "run"


def add_model(run):
    folder = run / "winners" / "1"
    folder.mkdir(parents=True)
    (folder / "student.onnx").write_bytes(b"x" * 321)
    (folder / "sample.npz").write_bytes(b"")
    kept = ImageOutcomes.of([True, True, False, True], data_digest="9c41d2", split="test")
    save_record(kept, folder / "student.outcomes.json")
    return folder / "student.onnx"


@pytest.mark.parametrize("name", [".", "results.json", "benchmark.json"])
def test_a_run_its_results_and_its_benchmark_say_the_same(run, report, name) -> None:
    side = read_side(run / name)
    winner = report.winners[0]
    assert side.measurement == winner.measurement
    assert side.size_bytes == winner.export.size_bytes
    assert side.accuracy.value == winner.export.test_accuracy
    assert (side.accuracy.split, side.accuracy.images) == ("test", 10_000)
    assert (side.device, side.precision) == ("raspberry-pi-zero-2w", "fp32")
    assert side.model is None  # nothing was exported into this folder


@pytest.mark.parametrize("name", [".", "results.json"])
def test_a_run_finds_its_model_the_real_input_and_the_outcomes(run, name) -> None:
    model = add_model(run)
    side = read_side(run / name)
    assert (side.model, side.sample) == (model, model.parent / "sample.npz")
    assert side.outcomes.right() == [True, True, False, True]


def test_a_model_takes_its_accuracy_from_the_outcomes_beside_it(run) -> None:
    side = read_side(add_model(run))
    assert (side.size_bytes, side.accuracy.value, side.accuracy.images) == (321, 0.75, 4)
    assert side.measurement is None


def test_what_bench_printed_is_a_side(report, tmp_path) -> None:
    measurement = report.winners[0].measurement
    entries = [
        {"model": "a.onnx", **measurement.model_copy(update={"p50_ms": p50}).model_dump()}
        for p50 in (2.0, 9.0, 2.2)
    ]
    for content in (entries, {"exit": {}, "measurements": entries}):
        (tmp_path / "bench.json").write_text(json.dumps(content))
        assert read_side(tmp_path / "bench.json").measurement.p50_ms == 2.2  # of three, the middle
    entries[0]["model"] = "b.onnx"
    (tmp_path / "bench.json").write_text(json.dumps(entries))
    with pytest.raises(InputError, match=r"timings of 2 models \(a.onnx, b.onnx\)"):
        read_side(tmp_path / "bench.json")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.json", None, "no such file or folder"),
        ("a.txt", "x", "is neither a folder nor .json nor .onnx"),
        ("a.json", "{", "cannot be read as JSON"),
        ("a.json", "[]", "holds neither results nor measurements"),
        ("a.json", "3", "holds neither results nor measurements"),
        ("a.json", '[{"name": "x", "value": 1}]', "holds neither results nor measurements"),
        ("a.json", '{"winners": []}', r"a\.json: missing key"),
        ("a.json", '[{"p50_ms": 1}]', r"a\.json: missing key"),
        ("a.json", '[{"autokd": {"device": "x"}}]', r"a\.json: missing key"),
        ("a.json", "\xff", "a.json"),
    ],
)
def test_what_is_no_side_is_named_with_its_fault(tmp_path, name, content, message) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=message):
        read_side(tmp_path / name)


def test_a_certificate_has_what_the_agent_found(run, report) -> None:
    side = read_side(run)
    found = certificate_of(side.measurement, side)
    assert found.host == side.measurement.host
    assert found.session == "arena on, memory_pattern on, spinning on"
    assert found.input == "uint8 1x3x32x32"
    told = side.measurement.model_copy(update={"input": "float32 1x3x24x24"})
    assert certificate_of(told, side).input == "float32 1x3x24x24"
