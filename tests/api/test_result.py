"""What a program and a notebook do with a run that has ended."""

import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image

import autokd
from autokd.errors import ConfigError, DataError, ExportError


@pytest.fixture(params=["made", "loaded"])
def result(request, done):
    return done.result if request.param == "made" else autokd.load(done.result.run)


def test_the_front_is_the_trials_that_the_report_names(result):
    assert [trial.trial_id for trial in result.front] == sorted(result.report.front)
    assert result.front


def test_the_accuracy_is_that_of_its_predictions_on_the_test_images(result, arrays):
    images, labels = arrays["test"]
    assert (result.best.predict(images) == labels).mean() == result.best.accuracy
    assert result.best.accuracy == result.report.winners[0].test_accuracy


def test_students_are_the_winners_best_first(result):
    assert [student.record for student in result.students] == list(result.report.winners)
    assert result.best.path == result.run / "winners" / "1" / "student.onnx"
    onnxruntime.InferenceSession(result.best.path)


def test_the_module_computes_what_the_file_computes(result, arrays):
    images, _ = arrays["test"]
    student = result.best.to_torch()
    px = student.input_px
    pixels = torch.from_numpy(images[:20]).float()[:, None] / 255
    # At the student's own size the file is fed the same numbers.
    fitting = torch.nn.functional.interpolate(pixels, (px, px), mode="nearest")
    as_bytes = (fitting * 255).round().to(torch.uint8)
    session = onnxruntime.InferenceSession(result.best.path)
    given = session.get_inputs()[0]
    fed = as_bytes.numpy() if "uint8" in given.type else as_bytes.numpy().astype(np.float32) / 255
    expected = np.concatenate([session.run(None, {given.name: one[None]})[0] for one in fed])
    with torch.inference_mode():
        found = student(as_bytes.float() / 255)
    assert not student.training
    assert student.class_names == result.best.classes
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-4)


def test_images_may_be_pillows_or_tensors_too(result, arrays):
    images, _ = arrays["test"]
    expected = result.best.logits(images[:4])
    assert expected.shape == (4, 10)
    pillows = [Image.fromarray(image) for image in images[:4]]
    floats = torch.from_numpy(images[:4]).float()[:, None] / 255
    np.testing.assert_array_equal(result.best.logits(pillows), expected)
    np.testing.assert_array_equal(result.best.logits(list(floats)), expected)
    assert result.best.logits([]).shape == (0, 10)


def test_what_is_no_image_is_named_by_its_place(result):
    with pytest.raises(DataError, match=r"^images\[1\]: is a str; an image must be a PIL image"):
        result.best.predict([np.zeros((8, 8), np.uint8), "cat.png"])


def test_lost_weights_are_said(done, tmp_path):
    import shutil

    run = tmp_path / "run"
    shutil.copytree(done.result.run, run)
    (run / "winners" / "1" / "student.safetensors").write_bytes(b"")
    with pytest.raises(ExportError, match=r"student\.safetensors: the weights cannot be read"):
        autokd.load(run).best.to_torch()


class _Cells(HTMLParser):
    """Collects tags, and the text of the cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.cells = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        assert not {name for name, _ in attrs} & {"src", "href", "onclick"}
        if tag == "td":
            self.cells.append("")

    def handle_data(self, text):
        if self.cells:
            self.cells[-1] += text


def test_a_notebook_shows_a_table_without_a_network(result):
    found = _Cells(result._repr_html_())
    assert not {"script", "link", "img", "iframe"} & set(found.tags)
    accuracy = f"{100 * result.best.accuracy:.2f} %"
    assert any(accuracy in cell for cell in found.cells)
    assert "http" not in result._repr_html_()


def test_the_picture_is_svg_with_a_mark_for_each_trial_with_a_result(result, tmp_path):
    picture = result.plot()
    root = ET.fromstring(picture._repr_svg_())  # noqa: S314 - our own
    marks = [e for e in root.iter() if e.find("{http://www.w3.org/2000/svg}title") is not None]
    report = result.report
    searched = [t for t in report.trials if t.candidate.origin != "twin" and not t.failure]
    assert len(marks) == len(searched) + len(report.winners)
    assert picture.save(tmp_path / "front.svg").read_text() == picture.svg
    assert result.plot("latency").svg != picture.svg


def test_a_picture_against_something_else_names_what_there_is(result):
    with pytest.raises(ConfigError, match="must be one of 'limits', 'params', 'latency'"):
        result.plot("price")


def test_the_plain_forms_are_short(result):
    assert repr(result).startswith(f"<autokd result {result.run}: The student gets")
    assert repr(result.best) == f"<autokd student 1: {result.best.path}>"
