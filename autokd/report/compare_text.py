"""A comparison as Markdown for a job's page, as JUnit, and as rows for a terminal."""

from autokd.core.comparison import Check, Comparison
from autokd.core.units import format_bytes
from autokd.report.cells import DASH, milliseconds, percent
from autokd.report.junit import Case, Result, junit_xml

VERDICTS = {
    "pass": "no gate failed",
    "failed": "a gate failed",
    "not_comparable": "not comparable",
    "invalid": "the measurement does not count",
    "information": "for information",
}
HEAD = ("Check", "Baseline", "Current", "Change", "99 % interval", "Limit", "Outcome")


def comparison_markdown(comparison: Comparison) -> str:
    """Give the verdict, one table and the sentence of each check."""
    title = f"## {_plain(comparison.current)}: {VERDICTS[comparison.outcome]}"
    lines = [
        title,
        "",
        f"Against {_plain(comparison.baseline)}.",
        "",
        f"| {' | '.join(HEAD)} |",
        "|---|" + "---:|" * (len(HEAD) - 2) + "---|",
        *(f"| {' | '.join(_plain(cell) for cell in row)} |" for row in comparison_rows(comparison)),
        "",
        *(f"- {check.name}: {_plain(check.text)}{_method(check)}" for check in comparison.checks),
    ]
    return "\n".join(lines) + "\n"


def comparison_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """Give one row of cells a check, under `HEAD`."""
    return [_row(check) for check in comparison.checks]


def comparison_junit(comparison: Comparison) -> str:
    """Give one test case a check; what cannot be compared is skipped, an INVALID is an error."""
    results: dict[str, Result] = {
        "pass": "passed",
        "failed": "failure",
        "not_comparable": "skipped",
        "invalid": "error",
        "information": "skipped",
    }
    cases = [
        Case("compare", f"compare.{check.name}", results[check.outcome], check.text)
        for check in comparison.checks
    ]
    sides = {"baseline": comparison.baseline, "current": comparison.current}
    return junit_xml("autokd compare", cases, properties=sides)


def _row(check: Check) -> tuple[str, ...]:
    interval = DASH
    if check.low is not None and check.high is not None:
        interval = f"{_change(check, check.low)} to {_change(check, check.high)}"
    return (
        check.name,
        _value(check, check.baseline),
        _value(check, check.current),
        DASH if check.change is None else _change(check, check.change),
        interval,
        DASH if check.limit is None else _limit(check, check.limit),
        VERDICTS[check.outcome] if check.outcome != "pass" else "pass",
    )


def _value(check: Check, value: float | None) -> str:
    if value is None:
        return DASH
    if check.unit == "ms":
        return milliseconds(value)
    return format_bytes(value) if check.unit == "bytes" else percent(value)


def _change(check: Check, value: float) -> str:
    return f"{100 * value:+.2f} points" if check.unit == "fraction" else f"{value:+.1%}"


def _limit(check: Check, value: float) -> str:
    if check.name == "accuracy.min":
        return percent(value)
    return f"{100 * -value:+.2f} points" if check.name == "accuracy.drop" else f"{value:+.1%}"


def _method(check: Check) -> str:
    return f" ({_plain(check.method)})" if check.method else ""


def _plain(text: str) -> str:
    for sign in "\\`*_|[]":
        text = text.replace(sign, "\\" + sign)
    return " ".join(text.replace("<", "&lt;").split())
