"""``junit.xml``: one test case a check, in the elements that Jenkins, GitHub and GitLab all read.

The form is that of junit-10.xsd of Jenkins' xUnit plug-in, which GitLab's parser takes a part of:
no properties inside a test case, values stand in ``system-out``. GitLab shows ``classname`` as the
suite and keeps the first of two cases of one name, so names are unique.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree as ET

from autokd.core.results import Report, Winner
from autokd.report.cells import LIMIT_NAMES, limit_value, measured_cell, percent

Result = Literal["passed", "failure", "error", "skipped"]
MOST_WINNERS = 10

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Case:
    """One check.

    Attributes:
        group: Shown as the suite, such as ``limits``.
        name: Such as ``limits.max_params[student 1]``.
        result: ``error`` where nothing could be said, ``skipped`` where there was nothing to say.
        text: One sentence: the value, the rule, why.
    """

    group: str
    name: str
    result: Result
    text: str


def render_junit(report: Report) -> str:
    """Give the checks of a run: its end, and limits, parity and timing of each student."""
    cases = [_end_of_run(report)]
    for winner in report.winners[:MOST_WINNERS]:
        cases += [*_limits(report, winner), _parity(winner), _timing(report, winner)]
    properties = {"device": report.device, "autokd": report.autokd_version, **report.versions}
    return junit_xml(
        f"autokd {report.device}", cases, properties=properties, timestamp=report.created_utc
    )


def junit_xml(
    name: str,
    cases: Sequence[Case],
    *,
    properties: dict[str, str] | None = None,
    timestamp: str = "",
) -> str:
    """Give a document with one suite.

    Args:
        name: Of the suite.
        cases: With unique names.
        properties: Of the suite.
        timestamp: In ISO 8601; left out when empty.
    """
    counts = {
        "tests": len(cases),
        "failures": sum(case.result == "failure" for case in cases),
        "errors": sum(case.result == "error" for case in cases),
    }
    totals = {key: str(count) for key, count in counts.items()}
    root = ET.Element("testsuites", {"name": _clean(name), **totals})
    skipped = sum(case.result == "skipped" for case in cases)
    attributes = {"name": _clean(name), **totals, "skipped": str(skipped), "time": "0"}
    if timestamp:
        attributes["timestamp"] = _clean(timestamp.removesuffix("Z"))
    suite = ET.SubElement(root, "testsuite", attributes)
    if properties:
        table = ET.SubElement(suite, "properties")
        for key, value in properties.items():
            ET.SubElement(table, "property", {"name": _clean(key), "value": _clean(value)})
    for case in cases:
        _add(suite, case)
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add(suite: ET.Element, case: Case) -> None:
    attributes = {"classname": f"autokd.{case.group}", "name": _clean(case.name), "time": "0"}
    element = ET.SubElement(suite, "testcase", attributes)
    text = _clean(case.text)
    if case.result == "passed":
        ET.SubElement(element, "system-out").text = text
    elif case.result == "skipped":
        ET.SubElement(element, "skipped", {"message": text})
    else:
        kind = {"message": text, "type": f"autokd.{case.group}"}
        ET.SubElement(element, case.result, kind).text = text


def _end_of_run(report: Report) -> Case:
    code, name = report.exit.code, report.exit.name
    result: Result = "passed" if code == 0 else "failure" if code in (3, 4) else "error"
    return Case("run", "run.exit", result, f"{report.verdict} Exit code {code} ({name}).")


def _limits(report: Report, winner: Winner) -> Iterator[Case]:
    for limit, violation in winner.violations.items():
        most = getattr(report.limits, limit)
        rule = "the limit" if most is None else limit_value(limit, most)
        used = f"{percent(1 + violation)} of {rule}"
        yield Case(
            "limits",
            f"limits.{limit}[student {winner.rank}]",
            "failure" if violation > 0 else "passed",
            f"{LIMIT_NAMES.get(limit, limit)}: {used}.",
        )


def _parity(winner: Winner) -> Case:
    export = winner.export
    text = (
        f"{export.file}: opset {export.opset}, IR {export.ir}; logits differ by at most "
        f"{export.parity_max_error:.3g} on {export.parity_images} images, "
        f"{percent(export.agreement)} name the same class."
    )
    return Case("parity", f"parity[student {winner.rank}]", "passed", text)


def _timing(report: Report, winner: Winner) -> Case:
    found, name = winner.measurement, f"latency[student {winner.rank}]"
    if found is None:
        return Case("latency", name, "skipped", "It was not timed.")
    cell = measured_cell(found)
    text = f"p50 {cell.text}, {cell.note} on {found.host}."
    if not found.valid:
        return Case("latency", name, "error", text)
    if not found.is_device:
        text = f"Timed on this host, not on {report.device_name}: {text}"
        return Case("latency", name, "skipped", text)
    most = report.limits.max_latency_ms
    if most is not None and found.p90_ms > most:
        return Case("latency", name, "failure", f"p90 is above {most:g} ms. {text}")
    return Case("latency", name, "passed", text)


def _clean(text: str) -> str:
    """Take out what no XML document may hold, such as control characters."""
    return _NOT_IN_XML.sub("?", text)
