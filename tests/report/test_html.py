"""``report.html``: one page that asks nobody for anything."""

import json
import re
import tomllib
from html.parser import HTMLParser

import pytest

from autokd.core.codec import parse_record
from autokd.core.config import RunConfig
from autokd.core.results import KdGain
from autokd.report.html import render_html
from autokd.report.ready_code import run_code
from tests.report.full_report import fill_report

VOID = {"meta", "br", "img", "input", "link", "hr"}
LOADING = {
    "src",
    "href",
    "srcset",
    "data",
    "poster",
    "action",
    "formaction",
    "xlink:href",
    "background",
}


class Page(HTMLParser):
    """Collects tags and what they would load; notices tags that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.faults: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)
        self.loads += [value or "" for name, value in attrs if name in LOADING]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data) -> None:
        if self.open and self.open[-1] != "style":
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def page(report) -> str:
    return render_html(report)


def test_the_page_loads_nothing(page) -> None:
    parsed = Page(page)
    assert all(target.startswith("#") for target in parsed.loads)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base"} & set(parsed.tags)
    assert not re.search(r"url\(|@import|@font-face|https?://", page)
    assert "content=\"default-src 'none'; style-src 'unsafe-inline'\"" in page


def test_every_link_of_the_page_leads_somewhere(page, report) -> None:
    running = render_html(report.model_copy(update={"winners": ()}))
    for text in (page, running):
        names = re.findall(r'\bid="([^"]+)"', text)
        assert len(names) == len(set(names))
        assert {target[1:] for target in Page(text).loads} <= set(names)


def test_every_tag_is_closed(page) -> None:
    parsed = Page(page)
    assert parsed.faults == []
    assert parsed.open == []


def test_it_shows_what_people_look_for(page, report) -> None:
    words = Page(page).words
    for text in (
        report.verdict,
        "Student against teacher",
        "Accuracy, validation 81.14 % 81.08 %",
        "Latency measured on this host, not the board",
        "estimate, 80 % interval",
        "7 cells with 28 nodes and 140 operators",
        "The teacher helps: 1.11 points, which may be chance.",
        "a difference below about 1.87 points may be chance",
        "Opset 13 IR version 7",
        f"Loss logit-std Temperature {report.winners[0].distill.temperature:.2f}",
        "913 can be sized to keep every limit. The limit that stops most is parameters.",
        "the loss is not finite",
        "data/cifar100/train/apple/0017.png",
        "fitted to no measurement of it",
        "onnxruntime 1.32.0",
        "All 22 trials",
        "Exit code 0 (done)",
    ):
        assert text in words, text


def test_every_point_has_a_name(page, report) -> None:
    trials = [t for t in report.trials if t.observations and not t.failure]
    assert page.count('class="card"') == len(trials) + len(report.winners)
    # Progress has every trial, curves those with a result; and the page has its own.
    assert page.count("<title>") == len(report.trials) + len(trials) + 1


def test_both_drawings_are_there(page) -> None:
    assert page.count('class="family wide"') == page.count('class="family tall"') == 1


def test_a_loss_through_the_teacher_is_said_plainly(make_report) -> None:
    gain = KdGain(epochs=3, with_teacher=0.61, without_teacher=0.64, seeds=2)
    words = Page(render_html(make_report(kd_gain=gain))).words
    assert "The teacher does not help, it costs accuracy: 3.00 points." in words
    assert "3.0 epochs each, 2 seeds" in words
    equal = KdGain(epochs=3, with_teacher=0.61, without_teacher=0.61, seeds=2)
    assert "No difference." in Page(render_html(make_report(kd_gain=equal))).words


def test_text_from_files_is_text_on_the_page(make_report) -> None:
    attack = "<script src=//x.example></script>\"'><img src=x onerror=alert(1)>"
    base = make_report()
    trial = base.trials[9]
    failure = trial.failure.model_copy(update={"message": attack})
    report = make_report(
        verdict=attack,
        device_name=attack,
        warnings=(attack,),
        trials=(*base.trials[:9], trial.model_copy(update={"failure": failure})),
        data=base.data.model_copy(update={"unreadable": (attack,), "classes": (attack, "b")}),
        machine={"cpu": attack},
        versions={attack: attack},
    )
    parsed = Page(render_html(report))
    assert not {"script", "img"} & set(parsed.tags)
    assert parsed.faults == []
    assert parsed.words.count("onerror") > 6


def test_a_report_with_everything_missing_still_renders(make_report) -> None:
    base = make_report()
    export = base.winners[0].export.model_copy(
        update={"validation_accuracy": None, "test_accuracy": None, "test_agreement": None}
    )
    winner = base.winners[0].model_copy(
        update={"validation_accuracy": None, "measurement": None, "export": export}
    )
    report = make_report(
        count=0,
        winners=(winner,),
        kd_gain=None,
        warnings=(),
        front=(),
        machine={},
        versions={},
        limits={},
        feasibility={"drawn": 9, "fitting": 9, "binding": None, "limits": ()},
        data=base.data.model_copy(update={"labelled": False, "unreadable": (), "classes": ()}),
        teacher=base.teacher.model_copy(
            update={"arch": None, "validation_accuracy": None, "test_accuracy": None}
        ),
    )
    page = render_html(report)
    words = Page(re.sub(r"<pre.*?</pre>", "", page, flags=re.DOTALL)).words  # code may say None
    assert "Agreement with the teacher 72.13 %" in words
    assert "without labels there is nothing to learn from but the teacher" in words
    assert "No limit was set." in words
    assert "No student has a result yet." in words
    assert "No trial failed." in words
    assert "None" not in words


def test_a_device_without_a_runtime_gets_no_time_anywhere(untimed) -> None:
    words = Page(render_html(untimed)).words
    assert "Latency no claim on Raspberry Pi Zero 2 W, onnxruntime does not run there" in words
    assert not re.search(r"\d ms\b", words)
    assert "whether it was the same before export" in words
    assert '"as before" if best == expected.argmax()' in run_code(untimed.winners[0])
    assert "None" not in Page(re.sub(r"<pre.*?</pre>", "", render_html(untimed), flags=re.S)).words


def test_the_shown_config_gives_the_same_run(page, report) -> None:
    shown = re.search(
        r'<pre tabindex="0" role="region" aria-label="autokd.toml">(.*?)</pre>', page, re.DOTALL
    )[1]
    raw = tomllib.loads(shown.replace("&#34;", '"').replace("&#39;", "'").replace("&amp;", "&"))
    assert parse_record(RunConfig, raw, where="page") == report.config


def test_the_page_is_the_same_for_the_same_report(report, page) -> None:
    again = type(report).model_validate(json.loads(report.model_dump_json()))
    assert render_html(again) == page


def test_a_run_that_goes_on_has_a_page(make_report) -> None:
    report = make_report(winners=(), kd_gain=None, verdict="Still running: 12 students.")
    text = render_html(report)
    parsed = Page(text)
    assert parsed.faults == []
    assert "Still running: 12 students." in parsed.words
    assert "Accuracy against Latency" in parsed.words
    assert "This run has not ended. Nothing here is final." in parsed.words
    for heading in ("Student against teacher", "The student", "On the device", "Run the student"):
        assert f"<h2>{heading}</h2>" not in text
    assert "None" not in re.sub(r"<pre.*?</pre>", "", text, flags=re.DOTALL)
    empty = render_html(make_report(count=0, winners=(), front=(), kd_gain=None))
    assert "No student has a result yet." in Page(empty).words


@pytest.fixture(scope="session")
def full(report, tmp_path_factory):
    """A report in which every section has its facts, and the folder of its strip."""
    folder = tmp_path_factory.mktemp("run")
    return fill_report(report, folder), folder


def test_every_section_of_a_full_report_is_there(full) -> None:
    text = render_html(*full)
    parsed = Page(text)
    assert parsed.faults == []
    for words in (
        "What mattered",
        "Use of the limits clearly moved accuracy most.",
        "Members of one family",
        "Learning curves",
        "Where it departs from the teacher",
        "Images that they name differently",
        "Predicted against measured",
        "Certificate of that timing",
        "C++ with onnxruntime",
    ):
        assert words in parsed.words, words
    assert text.count("data:image/png;base64,") == 1
    assert "img-src data:" in text
    assert not re.search(r"url\((?!data:image/png;base64,)|https?://", text)


def test_sections_whose_facts_are_missing_are_left_out(page) -> None:
    for words in (
        "What mattered",
        "Members of one family",
        "Where it departs",
        "Predicted against",
    ):
        assert words not in page


def test_class_names_from_files_are_text_on_the_page(full) -> None:
    report, folder = full
    attack = "</style><script>alert(1)</script>"
    winner = report.winners[0]
    classes = tuple(c.model_copy(update={"name": attack}) for c in winner.classes)
    images = tuple(i.model_copy(update={"student": attack}) for i in winner.strip.images)
    strip = winner.strip.model_copy(update={"images": images})
    worse = winner.model_copy(update={"classes": classes, "strip": strip})
    effects = tuple(e.model_copy(update={"name": attack}) for e in report.effects)
    text = render_html(report.model_copy(update={"winners": (worse,), "effects": effects}), folder)
    parsed = Page(text)
    assert "script" not in parsed.tags
    assert parsed.faults == []


def test_a_report_of_300_trials_is_small_enough_for_a_mail(make_report, tmp_path) -> None:
    text = render_html(fill_report(make_report(count=300), tmp_path), tmp_path)
    assert len(text.encode()) < 1_500_000
