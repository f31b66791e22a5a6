"""The onnxruntime of arm64 boards, emulated: it computes what this machine computes."""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from autokd.core.device import ExportTarget, load_profile
from autokd.core.precision import Int8Form
from autokd.errors import DeviceError
from autokd.export.quantise import quantise
from autokd.measure.measurement import to_measurement
from autokd.measure.protocol import BenchAnswer, BenchJob
from autokd.measure.ssh import SshTarget
from autokd.measure.ssh_address import parse_address
from autokd.measure.target import measure_on
from tests.contract.agent import ask_agent, quick_job
from tests.contract.students import exported, noise, smallest_student
from tools.runtimes.places import ARM64_RELEASES, HOW, arm64_python

SAFE = ExportTarget(opset=15, ir=8, input="uint8", reason="-")
OF_ARM = Int8Form(activation="int8", per_channel=True, reduce_range=False)


class Both(NamedTuple):
    """One job, and the agent's answer to it on arm64 and on this machine."""

    job: BenchJob
    there: BenchAnswer
    here: BenchAnswer


def emulated(release: str) -> Path:
    """A Python of arm64 with a release."""
    python = arm64_python(release)
    if not python.exists():
        pytest.skip(f"onnxruntime {release} for arm64 is not there; {HOW}")
    return python


def ask_both(python: Path, model: Path) -> Both:
    job = quick_job(model, noise(smallest_student()))
    there = ask_agent([str(python)], job)
    assert there.ok, there.error
    return Both(job, there, ask_agent([sys.executable], job))


@pytest.fixture(scope="module", params=ARM64_RELEASES)
def student(request, tmp_path_factory) -> Both:
    """The tiny student as it is exported; each run under emulation takes seconds."""
    folder = tmp_path_factory.mktemp("fp32")
    answers = ask_both(emulated(request.param), exported(smallest_student(), SAFE, folder))
    assert answers.there.runtime.version == request.param
    return answers


def assert_same_logits(there: BenchAnswer, here: BenchAnswer) -> None:
    expected = np.array(here.output.values)
    error = np.abs(np.array(there.output.values) - expected).max()
    assert error <= 1e-5 * max(1.0, np.abs(expected).max())


def test_the_agent_on_arm64_computes_what_it_computes_here(student):
    assert_same_logits(student.there, student.here)
    assert student.there.job == student.here.job


def test_it_says_that_it_is_emulated(student):
    assert student.there.host.machine == "aarch64"
    assert student.there.host.virtualised == "qemu-user"
    assert student.here.host.virtualised != "qemu-user"


def test_its_time_is_refused_as_a_latency(student):
    assert student.there.latency_ms.n >= 64
    with pytest.raises(DeviceError, match="qemu-user"):
        to_measurement(student.there, target="ssh://board", job=student.job, is_device=True)


@pytest.mark.parametrize("release", ARM64_RELEASES)
def test_int8_of_arm_boards_is_the_same_to_the_last_bit(release, tmp_path):
    """Integers have no rounding of their own, so one logit that differs is a wrong kernel."""
    program = smallest_student()
    model = quantise(
        exported(program, SAFE, tmp_path),
        tmp_path / "int8.onnx",
        form=OF_ARM,
        method="minmax",
        images=noise(program, images=8),
        target=SAFE,
    )
    _, there, here = ask_both(emulated(release), model)
    if not {"avx512_vnni", "avx_vnni"} & set(here.host.cpu_features):
        pytest.skip("without VNNI this processor saturates sums of INT8, arm64 does not")
    assert there.output == here.output


def test_a_board_of_arm64_over_ssh_computes_the_same_and_is_not_timed(board, tmp_path):
    board.write_python(f'exec {emulated(ARM64_RELEASES[-1])} "$@"')
    model = exported(smallest_student(), SAFE, tmp_path)
    job = quick_job(model, noise(smallest_student()))
    address = parse_address(board.start().address)
    with SshTarget(address, accept_host_key=board.fingerprint) as target:
        there = target.bench(job, model=model, sample=Path(job.sample))
        with pytest.raises(DeviceError, match="qemu-user, whose times say nothing"):
            measure_on(target, model, load_profile("raspberry-pi-4b"), seconds=0.01)
    assert (there.host.machine, there.host.virtualised) == ("aarch64", "qemu-user")
    assert_same_logits(there, ask_agent([sys.executable], job))
    assert board.wait_until_empty() == []
