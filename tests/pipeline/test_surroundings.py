import platform
from importlib import metadata

from autokd.pipeline.surroundings import machine_facts, tool_versions
from tests.pipeline.fakes import make_plan


def test_the_versions_are_those_that_are_installed() -> None:
    versions = tool_versions()
    assert versions["python"] == platform.python_version()
    assert versions["onnxruntime"] == metadata.version("onnxruntime")
    assert {"torch", "botorch", "onnx", "numpy"} < set(versions)


def test_the_machine_is_this_one_and_what_the_plan_uses_of_it() -> None:
    facts = machine_facts(make_plan(workers=3, threads=2))
    assert facts["machine"] == platform.machine()
    assert (facts["workers"], facts["threads"]) == (3, 2)
