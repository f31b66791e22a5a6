"""``summary.md``."""

import html
import json
import re

import pytest

from autokd.core.cost import Limits
from autokd.core.results import KdGain
from autokd.core.units import format_bytes
from autokd.report.cells import milliseconds, percent, whole
from autokd.report.html import render_html
from autokd.report.summary import MOST_WARNINGS, MOST_WINNERS, kd_gain_noise, render_summary

NUMBER = re.compile(r"(?<![\w.,])\d(?:[\d,]*\d)?(?:\.\d+)?(?: (?:%|ms|KiB|MiB|GiB|B)(?!\w))?")
FORMS = (str, percent, milliseconds, format_bytes, lambda v: whole(round(v)))


def known_numbers(report) -> set[str]:
    """Give every number of results.json in every form that a table may show it in."""
    known = {"80 %"}  # the width of an interval, which is a rule and not a result

    def visit(value) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                visit(key)
                visit(inner)
        elif isinstance(value, list):
            known.add(str(len(value)))
            for inner in value:
                visit(inner)
        elif isinstance(value, str):
            known.update(NUMBER.findall(value))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            known.update(form(value) for form in FORMS)

    visit(json.loads(report.model_dump_json()))
    return known


def strangers(text: str, report) -> list[str]:
    return [n for n in NUMBER.findall(text) if n not in known_numbers(report)]


def test_every_number_of_the_summary_is_in_the_results(report) -> None:
    text = render_summary(report)
    assert len(NUMBER.findall(text)) > 40
    # How many trials failed is counted, from the trials in the results.
    assert strangers(text.replace("22 trials, 1 failed", ""), report) == []


def test_every_number_of_the_main_table_of_the_page_is_in_the_results(report) -> None:
    page = render_html(report)
    table = re.search(r'<table class="versus".*?</table>', page, re.DOTALL)[0]
    text = html.unescape(re.sub(r"<[^>]+>", " ", table))
    assert len(NUMBER.findall(text)) > 20
    assert strangers(text, report) == []


def test_a_number_from_elsewhere_would_be_found(report) -> None:
    assert strangers("an accuracy of 99.99 % in 1.01 ms", report) == ["99.99 %", "1.01 ms"]


def test_there_is_one_table_with_a_row_for_each_model(report) -> None:
    lines = [line for line in render_summary(report).splitlines() if line.startswith("|")]
    assert [line.split("|")[1].strip() for line in lines] == [
        "Model",
        "---",
        "Student 1",
        "Student 2",
        "Student 3",
        "Teacher",
    ]
    assert {line.count("|") for line in lines} == {9}


def test_the_verdict_comes_first_and_the_host_is_not_called_the_board(report) -> None:
    text = render_summary(report)
    assert text.startswith(f"## {report.verdict}\n")
    assert "p50 measured on this host, not the board" in text
    assert "latency 61.5 ms; student 1 keeps all." in text


def test_a_student_over_a_limit_is_named(make_report) -> None:
    base = make_report()
    limits = Limits(max_params=1_000)
    winner = base.winners[0].model_copy(
        update={"violations": limits.violations(base.winners[0].cost)}
    )
    text = render_summary(make_report(limits=limits, winners=(winner,)))
    assert "student 1 exceeds: parameters." in text


def test_a_loss_through_the_teacher_is_said_plainly(make_report) -> None:
    gain = KdGain(epochs=3, with_teacher=0.61, without_teacher=0.64, seeds=1)
    text = render_summary(make_report(kd_gain=gain))
    assert "61.00 % with the teacher, 64.00 % without" in text
    assert "the teacher does not help, it costs accuracy" in text


@pytest.mark.parametrize(("without", "may_be_chance"), [(0.49, True), (0.30, False), (0.5, False)])
def test_a_gain_within_the_noise_of_the_images_says_so(without, may_be_chance, make_report) -> None:
    gain = KdGain(epochs=3, with_teacher=0.5, without_teacher=without, seeds=1)
    assert ("may be chance" in render_summary(make_report(kd_gain=gain))) == may_be_chance


def test_the_noise_of_two_accuracies_of_one_half_on_5000_images_is_two_points() -> None:
    gain = KdGain(epochs=3, with_teacher=0.5, without_teacher=0.5, seeds=1)
    assert kd_gain_noise(gain, 5_000) == pytest.approx(0.02)


def test_several_seeds_tell_their_spread_and_widen_what_may_be_chance(make_report) -> None:
    gain = KdGain(epochs=3, with_teacher=0.5, without_teacher=0.47, seeds=3, gain_std=0.03)
    text = render_summary(make_report(kd_gain=gain))
    assert "3 seeds, whose gains have a standard deviation of 3.00 points" in text
    assert "may be chance" in text
    alone = gain.model_copy(update={"gain_std": None, "seeds": 1})
    assert "may be chance" not in render_summary(make_report(kd_gain=alone))
    # Two standard errors: of the images 2 points or so, of the seeds 2 * 3 / sqrt(3).
    assert kd_gain_noise(gain, 5_000) == pytest.approx(0.04, abs=0.001)


def test_a_missing_gain_says_why(make_report) -> None:
    base = make_report()
    off = base.config.model_copy(
        update={"search": base.config.search.model_copy(update={"kd_gain": False})}
    )
    unlabelled = base.data.model_copy(update={"labelled": False})
    assert "kd_gain = false" in render_summary(make_report(kd_gain=None, config=off)).replace(
        "\\", ""
    )
    assert "without labels" in render_summary(make_report(kd_gain=None, data=unlabelled))
    assert "was not run" in render_summary(make_report(kd_gain=None))


@pytest.mark.parametrize(
    "text", ["a | b", "<img src=x>", "line\n\n| fake | row |", "`code` [a](b)"]
)
def test_text_from_elsewhere_cannot_change_the_page(text, make_report) -> None:
    rendered = render_summary(make_report(verdict=text, warnings=(text,)))
    assert len([line for line in rendered.splitlines() if line.startswith("|")]) == 6
    assert "<img" not in rendered
    assert "[a](b)" not in rendered


def test_a_huge_report_keeps_the_summary_small(make_report) -> None:
    winner = make_report().winners[0]
    report = make_report(
        winners=tuple(winner.model_copy(update={"rank": n}) for n in range(1, 400)),
        warnings=("x" * 10**6,) * 300,
        verdict="y" * 10**6,
        device_name="z" * 10**6,
    )
    text = render_summary(report)
    assert len(text.encode()) < 64_000
    assert f"{399 - MOST_WINNERS} more students in report.html" in text
    assert f"{300 - MOST_WARNINGS} more warnings in report.html" in text


def test_a_device_without_a_runtime_gets_no_time_in_the_summary(untimed) -> None:
    text = render_summary(untimed)
    assert "no claim (onnxruntime does not run there, so no time is known)" in text
    assert not re.search(r"\d ms\b", text)
