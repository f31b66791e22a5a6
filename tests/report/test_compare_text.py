import xml.etree.ElementTree as ET

import pytest

from autokd.core.comparison import Check, Comparison
from autokd.report.compare_text import HEAD, comparison_junit, comparison_markdown, comparison_rows

LATENCY = Check(
    name="latency.p50",
    outcome="failed",
    unit="ms",
    baseline=2.0,
    current=2.2,
    change=0.1,
    low=0.08,
    high=0.12,
    limit=0.05,
    method="pairs",
    text="p50 is slower.",
)
ACCURACY = Check(
    name="accuracy.drop",
    outcome="pass",
    unit="fraction",
    baseline=0.8,
    current=0.795,
    change=-0.005,
    limit=0.01,
    text="fine",
)
SIZE = Check(name="size.growth", outcome="information", text="a | b <c>")


@pytest.fixture
def comparison() -> Comparison:
    return Comparison(
        baseline="old", current="new_one", outcome="failed", checks=(LATENCY, ACCURACY, SIZE)
    )


def test_rows_show_values_in_their_units(comparison) -> None:
    latency, accuracy, size = comparison_rows(comparison)
    assert latency[1:6] == ("2.00 ms", "2.20 ms", "+10.0%", "+8.0% to +12.0%", "+5.0%")
    assert accuracy[1:4] == ("80.00 %", "79.50 %", "-0.50 points")
    assert accuracy[5] == "-1.00 points"
    assert size[6] == "for information"
    assert {len(row) for row in (latency, accuracy, size)} == {len(HEAD)}


def test_markdown_has_the_verdict_first_and_keeps_its_table_whole(comparison) -> None:
    lines = comparison_markdown(comparison).splitlines()
    assert lines[0] == r"## new\_one: a gate failed"
    table = [line for line in lines if line.startswith("|")]
    assert {line.replace(r"\|", "").count("|") for line in table} == {len(HEAD) + 1}
    assert r"a \| b &lt;c>" in lines[-1]


def test_junit_has_a_case_a_check(comparison) -> None:
    suite = ET.fromstring(comparison_junit(comparison))[0]  # noqa: S314 - our own
    found = {case.get("name"): case[0].tag for case in suite.iter("testcase")}
    assert found == {
        "compare.latency.p50": "failure",
        "compare.accuracy.drop": "system-out",
        "compare.size.growth": "skipped",
    }


@pytest.mark.parametrize(
    ("outcome", "tag"), [("invalid", "error"), ("not_comparable", "skipped"), ("failed", "failure")]
)
def test_outcomes_are_told_apart_in_junit(outcome, tag) -> None:
    check = LATENCY.model_copy(update={"outcome": outcome})
    found = Comparison(baseline="a", current="b", outcome=outcome, checks=(check,))
    suite = ET.fromstring(comparison_junit(found))[0]  # noqa: S314 - our own
    assert suite.find("testcase")[0].tag == tag
