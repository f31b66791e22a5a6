"""A whole run, as a person sees it and as its files are."""

import json
import re
from importlib.resources import files

import jsonschema
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image

from autokd.core.units import parse_bytes
from autokd.data.augment import resize


def session_of(run, rank):
    return onnxruntime.InferenceSession(run / "winners" / str(rank) / "student.onnx")


def run_one_by_one(session, images):
    entry = session.get_inputs()[0]
    return np.concatenate([session.run(None, {entry.name: image[None]})[0] for image in images])


def test_the_results_keep_their_schema(finished):
    schema = json.loads((files("autokd.report") / "results.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(finished.results)
    assert finished.results["exit"] == {"code": 0, "name": "done"}


def test_three_students_are_searched_and_the_best_are_trained_to_the_end(finished):
    trials = finished.results["trials"]
    origins = [trial["candidate"]["origin"] for trial in trials]
    assert origins[3:] == ["member", "member", "twin"]
    assert not {"member", "twin"} & set(origins[:3])
    for winner in finished.results["winners"]:
        observed = trials[winner["trial_id"]]["observations"]
        assert observed[-1]["fidelity"]["images"] == 600
        assert winner["epochs"] == 1.0
        assert winner["cost"]["params"] <= 20_000
        assert max(winner["violations"].values()) <= 0
    scores = [winner["validation_accuracy"] for winner in finished.results["winners"]]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("rank", [1, 2])
def test_a_student_is_one_file_that_the_board_loads(finished, rank):
    folder = finished.run / "winners" / str(rank)
    model = onnx.load(folder / "student.onnx", load_external_data=False)
    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 13)]
    assert model.ir_version == 7
    assert not any(weight.external_data for weight in model.graph.initializer)
    result = finished.results["winners"][rank - 1]["export"]
    assert result["size_bytes"] == (folder / "student.onnx").stat().st_size


def test_the_sample_gives_its_logits(finished):
    sample = np.load(finished.run / "winners" / "1" / "sample.npz")
    logits = run_one_by_one(session_of(finished.run, 1), sample["image"])
    np.testing.assert_allclose(logits, sample["logits"], atol=1e-4)
    names = finished.results["data"]["classes"]
    assert sample["class_names"].tolist() == names


@pytest.mark.parametrize(
    ("split", "key"), [("test", "test_accuracy"), ("val", "validation_accuracy")]
)
def test_the_accuracy_is_that_of_the_file_on_every_image_of_the_split(
    finished, pictures, split, key
):
    names = finished.results["data"]["classes"]
    paths = sorted((pictures / split).rglob("*.png"))
    assert len(paths) == 200
    pixels = np.stack([np.asarray(Image.open(path)) for path in paths])[..., None]
    labels = np.asarray([names.index(path.parent.name) for path in paths])
    for winner in finished.results["winners"]:
        session = session_of(finished.run, winner["rank"])
        px = session.get_inputs()[0].shape[-1]
        seen = resize(torch.from_numpy(pixels), px).numpy().transpose(0, 3, 1, 2)
        logits = run_one_by_one(session, seen.astype(np.float32) / 255)
        assert winner["export"][key] == (logits.argmax(1) == labels).mean()


def test_every_number_of_the_printed_table_is_in_the_results(finished):
    results = finished.results
    teacher, winner = results["teacher"], results["winners"][0]
    export, cost, timed = winner["export"], winner["cost"], winner["measurement"]
    expected = {
        "validation accuracy": (teacher["validation_accuracy"], export["validation_accuracy"]),
        "test accuracy": (teacher["test_accuracy"], export["test_accuracy"]),
        "parameters": (teacher["params"], cost["params"]),
        "file size": (teacher["size_bytes"], export["size_bytes"]),
        "memory (predicted)": (cost["memory_bytes"],),
        "latency (predicted)": (
            cost["latency_ms"],
            cost["latency_low_ms"],
            cost["latency_high_ms"],
        ),
    }
    if timed["valid"]:
        expected["latency (measured)"] = (timed["p50_ms"], timed["p90_ms"])
    else:
        reason = timed["reason"].split()[0]
        assert f"INVALID on this host, not the board: {reason}" in finished.done.out
    verdict, _, rest = finished.done.out.partition("\n\n")
    assert " ".join(verdict.split()) == results["verdict"]
    table = {
        match[1]: match[2]
        for match in re.finditer(r"^(\S+(?: \S+)*)  +(.*)$", rest.partition("\n\n")[0], re.M)
    }
    for row, values in expected.items():
        # A word such as p50 holds no number of a result.
        shown = re.findall(r"(?<![\w-])(\d[\d.]*)( %| [KMG]?i?B\b| [kM]\b)?", table[row])
        assert len(shown) == len(values), table[row]
        for (number, unit), value in zip(shown, values, strict=True):
            scale = unit_scale(unit.strip())
            digit = 10.0 ** -len(number.partition(".")[2])
            assert float(number) * scale == pytest.approx(value, abs=0.51 * digit * scale), row


def unit_scale(unit):
    if unit == "%":
        return 0.01
    if unit in ("", "k", "M"):
        return {"": 1, "k": 1e3, "M": 1e6}[unit]
    return parse_bytes(f"1{unit}")


def test_the_files_that_are_printed_are_there(finished):
    for line in finished.done.out.splitlines()[-2:]:
        what, path = line.split()
        assert what in ("student", "report")
        assert (finished.run.parent / path).is_file()


def test_lines_on_stdout_have_80_columns(finished):
    paths = [line for line in finished.done.out.splitlines() if len(line) > 80]
    assert all(line.startswith(("student ", "report ")) for line in paths)


def test_the_report_is_written_once_more_from_the_results(finished, here):
    texts = {name: (finished.run / name).read_bytes() for name in ("report.html", "summary.md")}
    for name in texts:
        (finished.run / name).unlink()
    done = here("report", finished.run)
    assert done.code == 0, done.err
    assert done.out.split() == finished.done.out.split()
    assert {name: (finished.run / name).read_bytes() for name in texts} == texts


def test_a_winner_is_exported_for_another_board(finished, here):
    done = here("export", finished.run, "--winner", 1, "--device", "raspberry-pi-5")
    assert done.code == 0, done.err
    path = finished.run / "winners" / "1" / "raspberry-pi-5" / "student.onnx"
    assert done.out.strip() == str(path)
    model = onnx.load(path)
    assert ([entry.version for entry in model.opset_import], model.ir_version) == ([15], 8)
    sample = np.load(path.parent / "sample.npz")
    logits = run_one_by_one(onnxruntime.InferenceSession(path), sample["image"])
    first = np.load(finished.run / "winners" / "1" / "sample.npz")["logits"]
    np.testing.assert_allclose(logits, first, atol=1e-4)


def test_there_is_no_third_winner_to_export(finished, here):
    done = here("export", finished.run, "--winner", 3, "--device", "raspberry-pi-5")
    assert done.code == 2
    assert "--winner 3" in done.error
    assert "1 to 2" in done.error


def test_the_status_of_a_finished_run(finished, here):
    done = here("status", finished.run, "--json")
    assert done.code == 0, done.err
    status = json.loads(done.out)
    assert status["state"] == "done"
    assert [rung["finished"] for rung in status["rungs"]] == [3, 5, 2]


def test_resume_of_a_finished_run_gives_its_report_and_trains_nothing(finished, here):
    before = (finished.run / "results.json").read_bytes()
    done = here("resume", finished.run)
    assert done.code == 0, done.err
    assert done.out.split() == finished.done.out.split()
    assert "done already" in done.err
    assert (finished.run / "results.json").read_bytes() == before
