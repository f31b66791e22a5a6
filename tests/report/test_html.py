"""``report.html``: one page that asks nobody for anything."""

import json
import re
import tomllib
from html.parser import HTMLParser

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from autokd.core.codec import parse_record
from autokd.core.config import RunConfig
from autokd.core.results import KdGain
from autokd.report.html import render_html, run_code

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
    assert parsed.loads == ["#warnings"]
    assert not {"script", "link", "img", "iframe", "object", "embed", "base"} & set(parsed.tags)
    assert not re.search(r"url\(|@import|@font-face|https?://", page)
    assert "default-src 'none'" in page


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


def test_every_point_has_a_title(page, report) -> None:
    trials = [t for t in report.trials if t.observations and not t.failure]
    points = 3 * (len(trials) + len(report.winners)) + len(report.trials)
    assert page.count("<title>") == points + 1  # and the page's own


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
    shown = re.search(r'<pre tabindex="0" aria-label="autokd.toml">(.*?)</pre>', page, re.DOTALL)[1]
    raw = tomllib.loads(shown.replace("&#34;", '"').replace("&#39;", "'").replace("&amp;", "&"))
    assert parse_record(RunConfig, raw, where="page") == report.config


def test_the_shown_code_runs_a_student(report, tmp_path, monkeypatch, capsys) -> None:
    folder = tmp_path / "winners" / "1"
    folder.mkdir(parents=True)
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
            helper.make_node("GlobalAveragePool", ["float"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["logits"]),
        ],
        "means",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 3, 4, 4])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 3])],
    )
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=7), folder / "student.onnx")
    images = np.zeros((2, 3, 4, 4), np.uint8)
    images[0, 1], images[1, 2] = 8, 16
    logits = images.mean(axis=(2, 3), dtype=np.float32)
    names = np.array(["red", "green", "blue"])
    np.savez(folder / "sample.npz", image=images, logits=logits, class_names=names)
    monkeypatch.chdir(tmp_path)
    exec(compile(run_code(report.winners[0]), "shown code", "exec"), {})  # noqa: S102
    assert capsys.readouterr().out.split() == ["green", "0.0", "blue", "0.0"]


def test_a_larger_student_is_not_called_smaller(make_report) -> None:
    base = make_report()
    cost = base.winners[0].cost
    small = base.teacher.model_copy(
        update={"params": cost.params // 2, "size_bytes": base.winners[0].export.size_bytes}
    )
    words = Page(render_html(make_report(teacher=small))).words
    assert "2 times more than the teacher's" in words
    assert "as the teacher's" in words


def test_the_page_is_the_same_for_the_same_report(report, page) -> None:
    again = type(report).model_validate(json.loads(report.model_dump_json()))
    assert render_html(again) == page
