"""The computed peak memory of a student, under real limits of memory."""

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from autokd.core.cost import Cost
from autokd.core.device import load_profile
from autokd.errors import DeviceError
from autokd.measure.protocol import BenchAnswer, BenchJob
from tests.contract.agent import ask_agent, quick_job
from tests.contract.cgroups import memory_group
from tests.contract.students import exported, noise
from tools.measure_memory import draw

LIMITED = str(Path(__file__).with_name("limited.py"))
MIB = 2**20

# What is computed is resident memory. These limits count what was reserved and never touched, too:
# on x86-64 with onnxruntime 1.32 the data of students of 20 k, 3 M and 10 M parameters fit in 5, 12
# and 19 MiB more than was computed, their address space in 125 MiB more.
OVER_BYTES = {"RLIMIT_DATA": 40 * MIB, "RLIMIT_AS": 200 * MIB}
# Where onnxruntime starts, but has not room for the weights of the large student.
TOO_LITTLE_BYTES = {"RLIMIT_DATA": 100 * MIB, "RLIMIT_AS": 210 * MIB}


class Student(NamedTuple):
    """A student, what it was computed to cost, and a job for the agent."""

    cost: Cost
    job: BenchJob


@pytest.fixture(scope="module")
def student(tmp_path_factory) -> Callable[[int], Student]:
    def make(params: int) -> Student:
        profile = load_profile("host")
        program, cost = draw(profile, params, seed=3)
        model = exported(program, profile.export, tmp_path_factory.mktemp("student"))
        return Student(cost, quick_job(model, noise(program), max_seconds=0.05))

    return make


@pytest.fixture(scope="module")
def large(student) -> Student:
    return student(10_000_000)


def run_limited(student: Student, limit: str, value: object) -> BenchAnswer:
    return ask_agent([sys.executable, LIMITED, limit, str(value)], student.job)


@pytest.mark.parametrize("params", [20_000, 3_000_000])
def test_the_agents_peak_is_what_was_computed(params, student):
    """The spread that tools/measure_memory.py finds, and some for another machine."""
    cost, job = student(params)
    peak = ask_agent([sys.executable], job).memory_kb.peak * 1024
    assert 0.75 < peak / cost.memory_bytes < 1.25


@pytest.mark.parametrize("limit", OVER_BYTES)
def test_a_student_runs_in_the_memory_that_was_computed(limit, large):
    answer = run_limited(large, limit, large.cost.memory_bytes + OVER_BYTES[limit])
    assert answer.ok, answer.error


@pytest.mark.parametrize("limit", TOO_LITTLE_BYTES)
def test_a_student_that_has_not_the_memory_is_an_answer_that_says_so(limit, large):
    assert TOO_LITTLE_BYTES[limit] < large.cost.memory_bytes + OVER_BYTES[limit]
    answer = run_limited(large, limit, TOO_LITTLE_BYTES[limit])
    assert answer.error.kind == "memory"
    assert answer.error.message.startswith("there is not enough memory for this model here")


@pytest.mark.parametrize("mib", [20, 60, 100])
def test_however_little_there_is_the_agent_never_fails_inside(mib, large):
    """Too little for Python, for numpy, for onnxruntime: it ends, or says what had no room."""
    with suppress(DeviceError):
        assert run_limited(large, "RLIMIT_AS", mib * MIB).error.kind in {"memory", "import"}


def test_a_group_lets_a_student_have_what_was_computed(student):
    small = student(3_000_000)
    with memory_group(small.cost.memory_bytes) as group:
        answer = run_limited(small, "cgroup", group)
        assert answer.ok, answer.error


def test_the_system_ends_a_student_that_uses_more_than_its_group_has(student):
    small = student(3_000_000)
    with (
        memory_group(small.cost.memory_bytes // 4) as group,
        pytest.raises(DeviceError, match="no whole answer"),
    ):
        run_limited(small, "cgroup", group)
