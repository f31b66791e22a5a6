"""``junit.xml``: the elements that parsers know, and one case a check."""

import xml.etree.ElementTree as ET

import pytest

from autokd.core.results import ExitStatus
from autokd.report.junit import MOST_WINNERS, Case, junit_xml, render_junit

# Elements with their required and optional attributes and their children, as junit-10.xsd of
# Jenkins' xUnit plug-in has them. GitLab documents the part that its parser reads: testcase with
# classname, name, time, and failure, error, skipped, system-out below it.
FORM = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"time", "skipped", "timestamp", "hostname", "id", "package"},
        {"properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": (
        {"name"},
        {"time", "classname"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "failure": (set(), {"type", "message"}, set()),
    "error": (set(), {"type", "message"}, set()),
    "skipped": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
}


def parsed(text: str) -> ET.Element:
    """Give the root of a document that keeps to `FORM`, with counts that are right."""
    root = ET.fromstring(text)  # noqa: S314 - our own
    assert root.tag == "testsuites"
    for element in root.iter():
        required, optional, children = FORM[element.tag]
        assert required <= set(element.attrib) <= required | optional
        assert {child.tag for child in element} <= children
    (suite,) = root
    cases = suite.findall("testcase")
    for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.get(count)) == sum(case.find(tag) is not None for case in cases)
    assert int(suite.get("tests")) == int(root.get("tests")) == len(cases)
    names = [(case.get("classname"), case.get("name")) for case in cases]
    assert len(set(names)) == len(names)
    return root


def results(root: ET.Element) -> dict[str, str]:
    return {case.get("name"): case[0].tag for case in root.iter("testcase")}


def on_board(winner, **changes):
    update = {"is_device": True, "host": "board (a53)", **changes}
    return winner.model_copy(update={"measurement": winner.measurement.model_copy(update=update)})


def test_a_run_has_a_case_for_each_limit_parity_and_timing(report) -> None:
    found = results(parsed(render_junit(report)))
    assert found["run.exit"] == "system-out"
    for winner in report.winners:
        student = f"[student {winner.rank}]"
        for limit, violation in winner.violations.items():
            assert found[f"limits.{limit}{student}"] == (
                "failure" if violation > 0 else "system-out"
            )
        assert found[f"parity{student}"] == "system-out"
        assert found[f"latency{student}"] == "skipped"  # this host is not the board
    assert len(found) == 1 + len(report.winners) * 5


@pytest.mark.parametrize(
    ("changes", "result"),
    [
        ({}, "system-out"),
        ({"p90_ms": 61.4}, "system-out"),
        ({"p90_ms": 61.6}, "failure"),
        ({"valid": False, "reason": "throttled"}, "error"),
    ],
)
def test_a_timing_on_the_board_is_held_against_the_limit(report, changes, result) -> None:
    winner = on_board(report.winners[0], **changes)
    root = parsed(render_junit(report.model_copy(update={"winners": (winner,)})))
    assert results(root)["latency[student 1]"] == result


def test_a_limit_that_is_exceeded_is_a_failure_with_its_value(report) -> None:
    winner = report.winners[0].model_copy(update={"violations": {"max_params": 0.25}})
    root = parsed(render_junit(report.model_copy(update={"winners": (winner,)})))
    (failure,) = root.iter("failure")
    assert failure.get("message") == "parameters: 125.00 % of 150,000."


@pytest.mark.parametrize(
    ("code", "name", "result"), [(3, "infeasible", "failure"), (75, "stopped", "error")]
)
def test_the_end_of_the_run_is_a_case(report, code, name, result) -> None:
    ended = report.model_copy(update={"exit": ExitStatus(code=code, name=name)})
    assert results(parsed(render_junit(ended)))["run.exit"] == result


def test_text_of_any_kind_gives_a_document_that_can_be_read() -> None:
    text = 'a < b & c > d "e" ]]> \x00\x1b[31m\ud800 \U0001f600 ä\n'
    for result in ("passed", "failure", "error", "skipped"):
        root = parsed(junit_xml(text, [Case("group", text, result, text)], properties={text: text}))
        assert "\x1b" not in ET.tostring(root, encoding="unicode")


def test_a_run_with_many_students_stays_short(make_report) -> None:
    report = make_report()
    many = tuple(report.winners[0].model_copy(update={"rank": n}) for n in range(1, 200))
    root = parsed(render_junit(report.model_copy(update={"winners": many})))
    assert len(results(root)) == 1 + MOST_WINNERS * 5


def test_versions_and_device_are_properties_of_the_suite(report) -> None:
    root = parsed(render_junit(report))
    properties = {p.get("name"): p.get("value") for p in root.iter("property")}
    assert properties["device"] == report.device
    assert report.versions.items() <= properties.items()
