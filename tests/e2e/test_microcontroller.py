"""A whole run for a device where onnxruntime does not run: an INT8 file, and no time anywhere."""

import json
import re

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto
from PIL import Image

from autokd.core.device import load_profile
from autokd.data.augment import resize
from autokd.export.vendor_operators import check_operators
from tests.e2e.conftest import LENGTH, Autokd, Finished

FLASH_BYTES, RAM_BYTES = 60 * 2**10, 96 * 2**10


@pytest.fixture(scope="module")
def flashed(tmp_path_factory, teacher, pictures):
    place = Autokd(tmp_path_factory.mktemp("flashed"))
    limits = ("--max-size", f"{FLASH_BYTES}B", "--max-memory", f"{RAM_BYTES}B")
    given = ("--teacher", teacher, "--data", pictures, "--device", "stm32h7", *limits, *LENGTH)
    done = place.run("compress", *given, "--out", place.work / "run")
    assert done.code == 0, done.err
    run = place.work / "run"
    return Finished(done, run, json.loads((run / "results.json").read_text()))


@pytest.mark.slow
@pytest.mark.parametrize("rank", [1, 2])
def test_the_int8_file_fits_flash_and_the_prediction(flashed, rank):
    winner = flashed.results["winners"][rank - 1]
    file = flashed.run / "winners" / str(rank) / "student.int8.onnx"
    assert file.stat().st_size <= FLASH_BYTES
    assert file.stat().st_size == pytest.approx(winner["cost"]["size_bytes"], rel=0.05)
    assert winner["cost"]["memory_bytes"] <= RAM_BYTES
    assert winner["violations"]["max_size_bytes"] == file.stat().st_size / FLASH_BYTES - 1
    assert (file.parent / "student.onnx").is_file()


@pytest.mark.slow
def test_the_file_is_bytes_at_both_ends_with_operators_of_the_list(flashed):
    file = flashed.run / "winners" / "1" / "student.int8.onnx"
    model = onnx.load(file)
    check_operators(model)
    for value in (model.graph.input[0], model.graph.output[0]):
        assert value.type.tensor_type.elem_type == TensorProto.UINT8
    target = load_profile("stm32h7").export
    assert (model.opset_import[0].version, model.ir_version) == (target.opset, target.ir)


@pytest.mark.slow
def test_its_accuracy_in_onnxruntime_is_in_the_report(flashed, pictures):
    winner = flashed.results["winners"][0]
    names = flashed.results["data"]["classes"]
    paths = sorted((pictures / "val").rglob("*.png"))
    labels = np.asarray([names.index(path.parent.name) for path in paths])
    session = onnxruntime.InferenceSession(flashed.run / "winners" / "1" / "student.int8.onnx")
    pixels = np.stack([np.asarray(Image.open(path)) for path in paths])[..., None]
    px = session.get_inputs()[0].shape[-1]
    planes = resize(torch.from_numpy(pixels), px).numpy().transpose(0, 3, 1, 2)
    named = [int(session.run(None, {"image": plane[None]})[0].argmax()) for plane in planes]
    (int8,) = [v for v in winner["variants"] if v["precision"] == "int8" and v["file"]]
    assert winner["chosen"] == "int8"
    assert int8["validation_accuracy"] == (np.asarray(named) == labels).mean()


@pytest.mark.slow
def test_no_time_is_claimed_anywhere(flashed):
    for winner in flashed.results["winners"]:
        assert winner["measurement"] is None
        assert {winner["cost"][f"latency_{part}ms"] for part in ("", "low_", "high_")} == {None}
    for text in (
        flashed.done.out,
        (flashed.run / "summary.md").read_text(),
        re.sub(r"<style.*?</style>", "", (flashed.run / "report.html").read_text(), flags=re.S),
    ):
        assert "no claim" in text
        assert not re.search(r"\d ms\b", text)
    assert "ST Edge AI Core" in " ".join(flashed.done.out.split())


def test_a_limit_on_latency_is_refused_before_anything_runs(here, folder):
    done = here(
        "compress",
        *("--teacher", "none.pt", "--data", "none", "--device", "stm32h7"),
        *("--max-latency-ms", 5),
    )
    assert done.code == 2
    assert "onnxruntime does not run on STM32H747" in done.error
    assert "--max-memory" in done.error
    assert not (folder / "runs").exists() or not any((folder / "runs").iterdir())
