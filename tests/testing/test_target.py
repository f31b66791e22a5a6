"""The contract of a target: this host keeps it, and each rule is broken by some other."""

import sys

import pytest

from autokd.errors import DeviceError, PluginError
from autokd.testing import ContractBrokenError, check_target
from tests.plugins.declare import EXAMPLE, declare, declare_example

TEXT = (EXAMPLE / "src" / "autokd_example" / "target.py").read_text(encoding="utf-8")


def test_this_host_keeps_the_contract():
    check_target("local")


def test_the_example_keeps_the_contract(tmp_path, monkeypatch):
    declare_example(monkeypatch, tmp_path)
    check_target(f"interpreter://{sys.executable}")


def check_odd(folder, monkeypatch, *changes):
    text = TEXT
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    declare(
        monkeypatch, folder, {"target": {"odd": "odd_target:Interpreter"}}, {"odd_target": text}
    )
    check_target(f"odd://{sys.executable}")


NOISE = ('"sample": sample', '"sample": None')
ALONE = ('"reference": reference', '"reference": None')
OTHER_FILE = (
    "return parse_answer(done.stdout, where=self.name)",
    """answer = parse_answer(done.stdout, where=self.name)
        if answer.job is None:
            return answer
        other = answer.job.model_copy(update={"model_sha256": "0" * 64})
        return answer.model_copy(update={"job": other})""",
)
WRONG_OUTPUT = (
    "return parse_answer(done.stdout, where=self.name)",
    """answer = parse_answer(done.stdout, where=self.name)
        if answer.output is None:
            return answer
        wrong = answer.output.model_copy(
            update={"values": [value + 1.0 for value in answer.output.values]}
        )
        return answer.model_copy(update={"output": wrong})""",
)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ([NOISE], "the image that is sent is the input; noise was"),
        ([WRONG_OUTPUT], "the file computes there what it computes here; a logit differs by 1"),
        ([('f"this host with {address}"', '""')], "it has a name for people"),
    ],
)
def test_a_broken_rule_is_named(tmp_path, monkeypatch, changes, text):
    with pytest.raises(ContractBrokenError, match=text) as fault:
        check_odd(tmp_path, monkeypatch, *changes)
    assert str(fault.value).startswith("target 'odd://")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ([OTHER_FILE], "timed another file than the one that was sent"),
        ([ALONE], "timed the model without the reference that was sent"),
        ([("return self._ask([], asked", "return str([], asked")], "failed while timing student"),
        (
            [('    return self._ask(["--probe"]', '    return str(["--probe"]')],
            "asking the machine",
        ),
    ],
)
def test_what_no_run_could_use_is_an_error_of_the_device(tmp_path, monkeypatch, changes, text):
    with pytest.raises(DeviceError, match=text):
        check_odd(tmp_path, monkeypatch, *changes)


def test_a_machine_without_its_names_is_a_fault_of_the_plug_in(tmp_path, monkeypatch):
    with pytest.raises(PluginError, match="failed while opening 'odd://"):
        check_odd(tmp_path, monkeypatch, ("    on_this_host = True\n", ""))
