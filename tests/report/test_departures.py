"""Where the student departs from its teacher."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from autokd.core.departures import ClassScore, Disagreement, DisagreementStrip
from autokd.report.departures import (
    LARGEST_STRIP_BYTES,
    class_figure,
    class_rows,
    classes_table,
    read_strip,
)


def score(name, images, student, teacher, confused=None):
    return ClassScore(
        name=name,
        images=images,
        student_right=student,
        teacher_right=teacher,
        confused_with=confused,
    )


def winner_with(report, *scores):
    return report.winners[0].model_copy(update={"classes": scores})


def test_without_labels_there_are_no_classes(report) -> None:
    assert class_figure(report.winners[0]) is None
    assert class_figure(None) is None


def test_the_class_that_lost_most_comes_first(report) -> None:
    rows = class_rows(
        winner_with(report, score("a", 50, 40, 45), score("b", 50, 45, 40), score("c", 50, 20, 45))
    )
    assert [row.name for row in rows] == ["c", "a", "b"]
    assert [row.change for row in rows] == [-50, -10, 10]
    assert [row.may_be_chance for row in rows] == [False, True, True]


def test_a_difference_within_two_standard_errors_may_be_chance(report) -> None:
    """At 50 % of n images each, two standard errors of the difference are 2 sqrt(0.5 / n)."""
    for student, chance in ((36, True), (35, False)):  # of 100: 0.1414 against 14 and 15 points
        (row,) = class_rows(winner_with(report, score("a", 100, student, 50)))
        noise = 2 * ((0.25 + student / 100 * (1 - student / 100)) / 100) ** 0.5
        assert row.may_be_chance is (0.50 - student / 100 <= noise)
        assert row.may_be_chance is chance or abs(noise - 0.14) < 0.005


def test_few_classes_are_all_shown_and_of_many_those_that_lost(report) -> None:
    few = [score(f"c{n}", 20, 10 + n % 3, 11) for n in range(12)]
    assert len(class_figure(winner_with(report, *few)).rows) == 12
    many = [score(f"c{n}", 20, 10 + n % 3, 11) for n in range(30)]
    figure = class_figure(winner_with(report, *many))
    assert len(figure.rows) == 8
    assert all(row.change < 0 for row in figure.rows)
    assert figure.sentence == (
        "Of 30 classes the student is behind the teacher on 10, level on 10 and ahead on 10; "
        "with 20 validation images a class no loss is more than chance explains."
    )


def test_places_are_on_the_axis(report) -> None:
    figure = class_figure(winner_with(report, score("a", 10, 2, 8), score("b", 10, 10, 9)))
    assert (figure.axis.low, figure.axis.high) == (20, 100)
    assert figure.places == ((0, 75), (100, 87.5))


def test_the_table_keeps_the_order_of_the_classes_and_names_empty_ones(report) -> None:
    winner = winner_with(report, score("a", 10, 2, 8, "b"), score("b", 0, 0, 0))
    first, second = classes_table(winner).rows
    texts = [cell.text for cell in first]
    assert texts == ["a", "10", "20.00 %", "80.00 %", "−60.00 points", "b"]  # noqa: RUF001
    assert second[2].note == "no validation image"
    assert [row.name for row in class_rows(winner)] == ["a"]


@pytest.fixture
def striped(report, tmp_path):
    """A report with a strip of three images, and its file."""

    def make(*, px=8, shown=3, labelled=True):
        pixels = np.random.default_rng(0).integers(0, 255, (px, px * shown, 3), np.uint8)
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, format="PNG")
        path = tmp_path / "winners" / "1" / "departures.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stream.getvalue())
        images = tuple(
            Disagreement(index=n, label="cat" if labelled else None, student="dog", teacher="cat")
            for n in range(3)
        )
        strip = DisagreementStrip(
            file="winners/1/departures.png",
            image_px=8,
            images=images,
            validation_images=500,
            differing=41,
        )
        winner = report.winners[0].model_copy(update={"strip": strip})
        return report.model_copy(update={"winners": (winner, *report.winners[1:])}), path

    return make


def test_the_strip_is_the_file_with_a_caption_for_each_image(striped, tmp_path) -> None:
    report, path = striped()
    strip = read_strip(report, tmp_path)
    assert base64.b64decode(strip.data) == path.read_bytes()
    assert strip.captions == (("cat", "dog", "cat"),) * 3
    assert strip.sentence.startswith(
        "Student and teacher name 41 of 500 validation images differently (8.20 %)."
    )


def test_without_its_file_there_is_no_strip(striped, report, tmp_path) -> None:
    with_strip, path = striped()
    assert read_strip(with_strip, None) is None
    assert read_strip(report, tmp_path) is None
    path.unlink()
    assert read_strip(with_strip, tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"GIF89a" + bytes(40), b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_another_file_is_no_strip(striped, tmp_path, content) -> None:
    report, path = striped()
    path.write_bytes(content)
    assert read_strip(report, tmp_path) is None


def test_a_strip_of_another_size_is_not_shown(striped, tmp_path) -> None:
    assert read_strip(striped(shown=2)[0], tmp_path) is None
    assert read_strip(striped(px=16)[0], tmp_path) is None


def test_a_strip_too_large_for_a_mail_is_not_shown(striped, tmp_path) -> None:
    report, path = striped()
    path.write_bytes(path.read_bytes() + bytes(LARGEST_STRIP_BYTES))
    assert read_strip(report, tmp_path) is None
