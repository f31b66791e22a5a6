"""Exported students in real releases of onnxruntime, from 1.10 to the newest."""

import re
from pathlib import Path

import numpy as np
import pytest

from autokd.core.device import ExportTarget, load_profile
from autokd.core.onnx_versions import IR_OF_OPSET, LIMITS_OF_ONNXRUNTIME, onnx_limits
from autokd.export.quantise import quantise
from autokd.export.verify import board_input, check_file, run_onnx
from tests.contract.agent import ask_agent, quick_job
from tests.contract.students import drawn_student, exported, noise, smallest_student, stamped
from tools.runtimes.places import WHEEL_RELEASES, release_key
from tools.runtimes.running import Case, all_releases, wheel_release

PARITY = 1e-5  # of the largest logit, between two releases in fp32
# One value that another release rounds to the next integer; 17 of 20 files agree to the last bit.
INT8_PARITY = 0.03
NEWEST_WRITTEN = (23, 11)  # what ExportTarget takes
RELEASES = all_releases()
SHIPPED = sorted((Path(__file__).parents[2] / "profiles").glob("*.toml"))
PROFILES = {path.stem: load_profile(str(path)) for path in SHIPPED}
OWN_RELEASES = [
    pytest.param(name, runtime, id=f"{name}-{runtime.id}")
    for name, profile in PROFILES.items()
    for runtime in profile.runtimes
]


def target_of(opset: int, ir: int, kind: str = "uint8") -> ExportTarget:
    return ExportTarget(opset=opset, ir=ir, input=kind, reason="-")


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    assert np.abs(found - expected).max() <= PARITY * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("name", PROFILES)
def test_a_student_of_every_profile_loads_in_the_newest_release(name, tmp_path):
    program, profile = drawn_student(name), PROFILES[name]
    path = exported(program, profile.export, tmp_path)
    check_file(path, profile.export)
    assert np.isfinite(run_onnx(path, noise(program))).all()


@pytest.mark.parametrize(("name", "runtime"), OWN_RELEASES)
def test_it_computes_the_same_in_the_release_of_its_board(name, runtime, need, tmp_path):
    release = RELEASES.get(release_key(runtime.version))
    if release is None:
        pytest.skip(f"{runtime.package} {runtime.version} is of a release that none is had of")
    program, target = drawn_student(name), PROFILES[name].export
    path = exported(program, target, tmp_path)
    images = noise(program)
    (answer,) = need(release).run([Case(path, board_input(images, target.input))])
    assert answer.error is None
    assert_same(answer.logits, run_onnx(path, images)[0])


@pytest.mark.parametrize(("name", "runtime"), [p for p in OWN_RELEASES if p.values[1].int8])
def test_its_int8_file_loads_in_the_release_of_its_board(name, runtime, need, tmp_path):
    release = RELEASES.get(release_key(runtime.version))
    if release is None:
        pytest.skip(f"{runtime.package} {runtime.version} is of a release that none is had of")
    program, target = drawn_student(name), PROFILES[name].export
    images = noise(program, images=8)
    model = exported(program, target, tmp_path)
    path = quantise(
        model,
        tmp_path / "int8.onnx",
        form=runtime.int8,
        method="minmax",
        images=images,
        target=target,
    )
    (answer,) = need(release).run([Case(path, board_input(images[:1], target.input))])
    assert answer.error is None
    newest = run_onnx(path, images)[0]
    assert np.abs(answer.logits - newest).max() <= INT8_PARITY * np.abs(newest).max()


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[tuple[int, int, str], Path]:
    """One student in every form that autokd can write."""
    program, folder = smallest_student(), tmp_path_factory.mktemp("forms")
    return {
        (opset, ir, kind): exported(program, target_of(opset, ir, kind), folder)
        for opset in range(13, NEWEST_WRITTEN[0] + 1)
        for ir in range(IR_OF_OPSET[opset], NEWEST_WRITTEN[1] + 1)
        for kind in ("uint8", "float32")
    }


@pytest.mark.parametrize("key", RELEASES, ids=lambda key: "{}.{}".format(*key))
def test_a_release_loads_every_file_up_to_its_limits(key, need, files):
    release, images = need(RELEASES[key]), noise(smallest_student())
    opset, ir = onnx_limits(release.name)
    fitting = {form: path for form, path in files.items() if form[0] <= opset and form[1] <= ir}
    assert len(fitting) >= 10
    cases = [Case(path, board_input(images, kind)) for (_, _, kind), path in fitting.items()]
    expected = {kind: run_onnx(files[13, 7, kind], images)[0] for kind in ("uint8", "float32")}
    for form, answer in zip(fitting, release.run(cases), strict=True):
        assert answer.error is None, form
        assert_same(answer.logits, expected[form[2]])


@pytest.mark.parametrize("key", LIMITS_OF_ONNXRUNTIME, ids=lambda key: "{}.{}".format(*key))
def test_the_limits_of_a_release_are_those_in_the_table(key, need, tmp_path):
    """One more is refused by the release itself, whatever it says of it."""
    if key not in RELEASES:
        pytest.skip("none is had of this release: it was the newest once")
    release, program = need(RELEASES[key]), smallest_student()
    path = exported(program, target_of(13, 7), tmp_path)
    opset, ir = LIMITS_OF_ONNXRUNTIME[key]
    newer = {
        stamped(path, opset=opset, ir=ir): None,
        stamped(path, opset=opset + 1, ir=ir): r"Opset \d+ is under development|Could not find an",
        stamped(path, opset=opset, ir=ir + 1): r"(?i)unsupported model IR version: \d+",
    }
    feed = board_input(noise(program), "uint8")
    for why, answer in zip(
        newer.values(), release.run([Case(file, feed) for file in newer]), strict=True
    ):
        assert answer.error is None if why is None else re.search(why, answer.error)


def test_boards_whose_parser_stops_at_opset_13_get_opset_13():
    held = {
        name: p for name, p in PROFILES.items() if p.id.startswith(("jetson-nano", "jetson-tx2"))
    }
    assert "jetson-nano" in held
    assert {(p.export.opset, p.export.ir) for p in held.values()} == {(13, 7)}


@pytest.mark.parametrize("name", WHEEL_RELEASES)
def test_the_agent_runs_with_old_releases(name, need, tmp_path):
    release, program = need(wheel_release(name)), smallest_student()
    path = exported(program, target_of(13, 7), tmp_path)
    images = noise(program)
    answer = ask_agent(release.command, quick_job(path, images), env=release.env)
    assert answer.ok
    assert answer.runtime.version == name
    assert answer.memory_kb.peak > answer.memory_kb.after_import
    assert_same(np.array(answer.output.values), run_onnx(path, images)[0])
