"""A chart that stands by itself."""

import xml.etree.ElementTree as ET

import pytest

from autokd.errors import ConfigError
from autokd.report.axes import Axis
from autokd.report.figures import Mark, Plot
from autokd.report.front import front_plots
from autokd.report.picture import HEIGHT, WIDTH, draw_front, render_svg
from tests.report.conftest import build_report

SVG = "{http://www.w3.org/2000/svg}"
AXIS = Axis("a & b", 0.0, 1.0, ((0.0, "0"), (100.0, "1")))


def parse(svg):
    return ET.fromstring(svg)  # noqa: S314 - our own


def plot(*marks, limit=None):
    return Plot("One < two", AXIS, AXIS, marks, steps=((0.0, 50.0, 100.0, 50.0),), limit=limit)


def place(element):
    x, y = element.get("transform").removeprefix("translate(").removesuffix(")").split()
    return float(x), float(y)


def test_corners_of_the_plot_are_corners_of_its_frame():
    marks = [Mark(x, y, "last", f"{x} {y}") for x, y in ((0, 0), (100, 100))]
    circles = list(parse(render_svg(plot(*marks))).iter(f"{SVG}circle"))
    assert [place(e) for e in circles[:2]] == [(72, 56), (696, 348)]


def test_text_is_escaped_and_names_are_for_screen_readers():
    root = parse(render_svg(plot(Mark(1, 1, "front", '3 < 4 & "5"'))))
    assert root.get("role") == "img"
    assert root.get("aria-label") == "One < two: a & b against a & b, 1 points"
    assert [e.text for e in root.iter(f"{SVG}title")] == ['3 < 4 & "5"']


def test_every_kind_has_a_shape_and_a_name_in_the_key():
    kinds = ("winner", "front", "last", "early", "failed")
    root = parse(render_svg(plot(*(Mark(50, 50, kind, "") for kind in kinds))))
    shapes = [e for e in root.iter() if (e.get("class") or "")[3:] in kinds]
    assert len(shapes) == 2 * len(kinds)
    texts = [e.text for e in root.iter(f"{SVG}text")]
    assert {"student at full length", "no result"} <= set(texts)
    ends = [
        float(e.get("x")) + 7 * len(e.text) for e in root.iter(f"{SVG}text") if e.text in texts[-5:]
    ]
    assert max(ends) <= WIDTH


def test_a_limit_is_a_line_with_its_name_and_is_left_out_where_there_is_none():
    limited = parse(render_svg(plot(limit=50.0)))
    (line,) = [e for e in limited.iter(f"{SVG}line") if e.get("class") == "ap-limit"]
    assert line.get("x1") == line.get("x2") == "384"
    assert "ap-limit" not in {e.get("class") for e in parse(render_svg(plot())).iter()}


@pytest.mark.parametrize("against", ["limits", "params", "latency", "memory", "size"])
def test_the_front_of_a_report_is_drawn_with_every_mark_inside(against):
    report = build_report()
    drawn = front_plots(report)[against]
    root = parse(draw_front(report, against=against).svg)
    titled = [e for e in root.iter() if e.find(f"{SVG}title") is not None]
    assert len(titled) == len(drawn.marks)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in map(place, titled))


def test_it_needs_nothing_from_elsewhere(tmp_path):
    picture = draw_front(build_report())
    text = picture._repr_svg_().replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not any(word in text for word in ("http", "href", "url(", "<script", "@import"))
    assert picture.save(tmp_path / "a.svg").read_text() == picture.svg


def test_another_axis_names_those_there_are():
    with pytest.raises(
        ConfigError, match="against='cost': must be one of 'limits', 'params', 'lat"
    ):
        draw_front(build_report(), against="cost")


def test_memory_stands_in_for_a_latency_that_nobody_claims(untimed):
    assert draw_front(untimed, against="latency") == draw_front(untimed, against="memory")
