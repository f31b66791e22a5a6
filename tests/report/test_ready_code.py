"""The shown code runs the student as it is."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from autokd.core.measurement import SessionOptions
from autokd.report.ready_code import cpp_code, run_code

STAND_IN = Path(__file__).with_name("ort_stand_in")
# A folder with onnxruntime_cxx_api.h of a release.
HEADERS = "AUTOKD_ORT_INCLUDE"
CAPI = Path(onnxruntime.__file__).parent / "capi"

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")


@pytest.fixture
def run_folder(report, tmp_path, monkeypatch):
    """A run whose student gives the mean of each channel, or of each row of a gray image."""

    def make(kind="uint8", channels=3, px=4):
        folder = tmp_path / "winners" / "1"
        folder.mkdir(parents=True)
        elements = TensorProto.UINT8 if kind == "uint8" else TensorProto.FLOAT
        shape = [1, channels, px, px]
        axes = [2, 3] if channels == 3 else [1, 3]
        graph = helper.make_graph(
            [
                helper.make_node("Cast", ["image"], ["floats"], to=TensorProto.FLOAT),
                helper.make_node("ReduceMean", ["floats"], ["logits"], axes=axes, keepdims=0),
            ],
            "means",
            [helper.make_tensor_value_info("image", elements, shape)],
            [
                helper.make_tensor_value_info(
                    "logits", TensorProto.FLOAT, [1, 3 if channels == 3 else px]
                )
            ],
        )
        opset = [helper.make_opsetid("", 13)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=7)
        onnx.save(model, folder / "student.onnx")
        monkeypatch.chdir(tmp_path)
        winner = report.winners[0]
        return winner.model_copy(
            update={
                "export": winner.export.model_copy(update={"input": kind}),
                "genotype": winner.genotype.model_copy(
                    update={"input_px": px, "image_channels": channels}
                ),
            }
        )

    return make


def run_python(code):
    exec(compile(code, "shown code", "exec"), {})  # noqa: S102


def test_the_python_code_runs_a_student(run_folder, capsys) -> None:
    winner = run_folder()
    images = np.zeros((2, 3, 4, 4), np.uint8)
    images[0, 1], images[1, 2] = 8, 16
    logits = images.mean(axis=(2, 3), dtype=np.float32)
    names = np.array(["red", "green", "blue"])
    np.savez("winners/1/sample.npz", image=images, logits=logits, class_names=names)
    run_python(run_code(winner))
    assert capsys.readouterr().out.split() == ["green", "0.0", "blue", "0.0"]


def test_it_takes_the_session_that_was_timed(run_folder, capsys) -> None:
    winner = run_folder()
    plain = SessionOptions(arena=False, memory_pattern=False, spinning=False)
    found = winner.measurement.model_copy(update={"threads": 3, "session": plain})
    winner = winner.model_copy(update={"measurement": found})
    code = run_code(winner)
    for line in (
        "options.intra_op_num_threads = 3  # as it was timed",
        "options.enable_cpu_mem_arena = False",
        "options.enable_mem_pattern = False",
        'options.add_session_config_entry("session.intra_op.allow_spinning", "0")',
    ):
        assert line in code
    images = np.zeros((1, 3, 4, 4), np.uint8)
    np.savez("winners/1/sample.npz", image=images, logits=np.zeros((1, 3)), class_names=[])
    run_python(code)
    assert capsys.readouterr().out.split() == ["0", "0.0"]
    compiled = cpp_code(winner)
    assert "options.SetIntraOpNumThreads(3);" in compiled
    assert "options.DisableCpuMemArena();" in compiled
    assert "options.DisableMemPattern();" in compiled


def test_without_a_timing_nothing_is_set(report) -> None:
    winner = report.winners[0].model_copy(update={"measurement": None})
    assert "SessionOptions" not in run_code(winner)
    assert "SetIntraOpNumThreads" not in cpp_code(winner)


def test_where_onnxruntime_does_not_run_there_is_no_program(untimed) -> None:
    assert cpp_code(untimed.winners[0]) == ""
    assert '"as before" if best == expected.argmax()' in run_code(untimed.winners[0])


def build(code: str, include: Path) -> None:
    library = next(CAPI.glob("libonnxruntime.so*"), None)
    if library is None:
        pytest.skip("this build of onnxruntime has no library of its own")
    Path("student.cpp").write_text(code, encoding="utf-8")
    Path("libonnxruntime.so.1").symlink_to(library)  # the name by which a program asks for it
    words = ["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-isystem", str(include)]
    words += ["student.cpp", str(library), f"-Wl,-rpath,{Path.cwd()}", "-o", "student"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def run_program(image: str) -> subprocess.CompletedProcess[str]:
    words = ["./student", "winners/1/student.onnx", image]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@needs_compiler
@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_the_program_names_the_class_of_an_image(run_folder, kind) -> None:
    winner = run_folder(kind)
    build(cpp_code(winner), STAND_IN)
    pixels = np.zeros((4, 4, 3), np.uint8)  # a PPM goes pixel by pixel
    pixels[:, :, 1], pixels[0, 0, 2] = 51, 255
    Path("photo.ppm").write_bytes(b"P6\n4 4\n255\n" + pixels.tobytes())
    done = run_program("photo.ppm")
    value = "51" if kind == "uint8" else "0.2"
    assert done.stdout == f"class 1 of 3, logit {value}\n", done.stderr


@needs_compiler
def test_a_gray_image_keeps_its_rows(run_folder) -> None:
    winner = run_folder(channels=1, px=5)
    build(cpp_code(winner), STAND_IN)
    pixels = np.zeros((5, 5), np.uint8)
    pixels[3] = 10
    Path("photo.pgm").write_bytes(b"P5\n5 5\n255\n" + pixels.tobytes())
    assert run_program("photo.pgm").stdout == "class 3 of 5, logit 10\n"


@needs_compiler
def test_the_program_says_what_is_wrong_with_an_image_or_a_file(run_folder) -> None:
    winner = run_folder()
    build(cpp_code(winner), STAND_IN)
    for name, content, words in (
        ("large.ppm", b"P6\n5 4\n255\n" + bytes(60), "not a binary .ppm of 4 x 4"),
        ("short.ppm", b"P6\n4 4\n255\n" + bytes(20), "ends too early"),
        ("gray.ppm", b"P5\n4 4\n255\n" + bytes(48), "not a binary .ppm of 4 x 4"),
    ):
        Path(name).write_bytes(content)
        done = run_program(name)
        assert done.returncode == 1
        assert done.stderr == f"{name}: {words}\n"
    Path("winners/1/student.onnx").write_bytes(b"no model")
    Path("photo.ppm").write_bytes(b"P6\n4 4\n255\n" + bytes(48))
    done = run_program("photo.ppm")
    assert done.returncode == 1
    assert "student.onnx" in done.stderr


@needs_compiler
@pytest.mark.skipif(not os.environ.get(HEADERS), reason=f"{HEADERS} names no folder of headers")
def test_the_program_builds_with_the_headers_of_a_release(run_folder) -> None:
    winner = run_folder()
    build(cpp_code(winner), Path(os.environ[HEADERS]))
    Path("photo.ppm").write_bytes(b"P6\n4 4\n255\n" + bytes(48))
    assert run_program("photo.ppm").stdout == "class 0 of 3, logit 0\n"
