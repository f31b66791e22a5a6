import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from tools.race.figure import REGRET_HIGH, REGRET_LOW, WIDTH, Scale, draw
from tools.race.regret_curves import Curve, Panel

SVG = "{http://www.w3.org/2000/svg}"
# Where the plot of a single panel stands: 54 px left, 12 px right of it, and 260 px high.
LEFT, RIGHT = 54.0, 948.0
TOP = 26.0 + 12.0 + 15.0  # a line of the key, and the name
BOTTOM = TOP + 260.0


def curve(strategy, at, middle, spread=1.0):
    middle = np.array(middle)
    return Curve(
        strategy=strategy, at=np.array(at), low=middle / spread, middle=middle, high=middle * spread
    )


def panel(*curves, table="made-up", target=0.05):
    return Panel(table=table, target=target, curves=curves)


def drawing(*panels, strategies=None, reference="autokd"):
    names = (
        sorted({c.strategy for p in panels for c in p.curves}) if strategies is None else strategies
    )
    text = draw(panels, strategies=names, reference=reference, effort="evaluations", title="a < b")
    return ET.fromstring(text)  # noqa: S314  our own text


def elements(root, kind, name="path"):
    return [e for e in root.iter(f"{SVG}{name}") if e.get("class") == kind]


def corners(path):
    """Give the corners of a path of M, H, V, L and Z."""
    found = []
    for command, numbers in re.findall("([MHVLZ])([-0-9. ]*)", path.get("d")):
        values = [float(number) for number in numbers.split()]
        if command in "ML":
            found.append(tuple(values))
        elif command == "H":
            found.append((values[0], found[-1][1]))
        elif command == "V":
            found.append((found[-1][0], values[0]))
    return found


def texts(root):
    return [e.text for e in root.iter(f"{SVG}text")]


def test_a_scale_puts_equal_factors_at_equal_distances():
    scale = Scale(1.0, 100.0, 50.0, 250.0)
    assert [scale.place(v) for v in (1, 10, 100)] == pytest.approx([50, 150, 250])
    assert Scale(0.01, 1.0, 200.0, 0.0).place(0.1) == pytest.approx(100)


def test_what_is_off_a_scale_stands_at_its_end():
    scale = Scale(1.0, 100.0, 50.0, 250.0)
    assert [scale.place(v) for v in (0.0, 1000.0, np.inf)] == pytest.approx([50, 250, 250])


def test_ticks_are_powers_of_ten_and_steps_between_where_there_is_room():
    assert Scale(1.0, 2000.0, 0.0, 200.0).ticks() == [1, 10, 100, 1000]
    assert Scale(0.3, 30.0, 0.0, 900.0).ticks() == [0.5, 1, 2, 5, 10, 20]
    assert Scale(REGRET_LOW, REGRET_HIGH, 132.0, 0.0).ticks() == [0.01, 0.1, 1.0]


def test_the_points_of_a_line_are_where_they_must_be():
    root = drawing(panel(curve("autokd", [1, 10, 100], [1.0, 0.2, 0.01])))
    (line,) = elements(root, "middle")
    y = Scale(REGRET_LOW, REGRET_HIGH, BOTTOM, TOP)
    middle = (LEFT + RIGHT) / 2
    first, second = (round(y.place(value), 1) for value in (1.0, 0.2))
    there = [(LEFT, first), (middle, first), (middle, second), (RIGHT, second)]
    assert corners(line) == [*there, (RIGHT, BOTTOM), (RIGHT, BOTTOM)]


def test_a_band_runs_along_the_upper_quartile_and_back_along_the_lower():
    root = drawing(panel(curve("autokd", [1, 10, 100], [1.0, 0.2, 0.2], spread=1.5)))
    (band,) = elements(root, "band")
    y = Scale(REGRET_LOW, REGRET_HIGH, BOTTOM, TOP)
    middle = (LEFT + RIGHT) / 2
    high, low = ([round(y.place(v * f), 1) for v in (1.0, 0.2)] for f in (1.5, 1 / 1.5))
    there = [(LEFT, high[0]), (middle, high[0]), (middle, high[1]), (RIGHT, high[1])]
    back = [(RIGHT, low[1]), (middle, low[1]), (middle, low[0]), (LEFT, low[0])]
    assert corners(band) == [*there, *back]
    assert band.get("d").endswith("Z")


def test_the_reference_is_on_top_in_its_own_colour_and_broader():
    curves = [curve(name, [1, 10], [1.0, 0.1]) for name in ("a", "autokd", "z")]
    lines = elements(drawing(panel(*curves)), "middle")
    assert [line.find(f"{SVG}title").text for line in lines] == ["z", "a", "autokd"]
    assert len({line.get("stroke") for line in lines}) == 3
    assert float(lines[-1].get("stroke-width")) > float(lines[0].get("stroke-width"))


def test_sixteen_strategies_are_told_apart_and_named_in_the_key():
    names = [f"strategy-{n}" for n in range(15)]
    curves = [curve(name, [1, 10], [1.0, 0.1]) for name in [*names, "autokd"]]
    root = drawing(panel(*curves))
    styles = {(e.get("stroke"), e.get("stroke-dasharray")) for e in elements(root, "middle")}
    assert len(styles) == 16
    (key,) = elements(root, "key", "g")
    assert sorted(texts(key)) == sorted([*names, "autokd"])
    assert all(float(text.get("x")) < WIDTH - 60 for text in key.iter(f"{SVG}text"))


def test_of_many_strategies_the_reference_alone_has_a_band():
    curves = [curve(name, [1, 10], [1.0, 0.1]) for name in ("a", "autokd", "b", "c", "d")]
    assert len(elements(drawing(panel(*curves[:4])), "band")) == 4
    (band,) = elements(drawing(panel(*curves)), "band")
    (line,) = elements(drawing(panel(curves[1])), "middle")
    assert band.get("fill") == line.get("stroke")


def test_a_strategy_looks_the_same_in_all_panels():
    a, b = (curve(name, [1, 10], [1.0, 0.1]) for name in "ab")
    first, second = elements(drawing(panel(a, b), panel(b, a)), "panel", "g")
    colours = [
        {e.find(f"{SVG}title").text: e.get("stroke") for e in elements(group, "middle")}
        for group in (first, second)
    ]
    assert colours[0] == colours[1]


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (3, 3), (9, 3), (10, 4), (25, 4)])
def test_panels_stand_side_by_side_and_do_not_overlap(count, columns):
    panels = [panel(curve("autokd", [1, 10], [1.0, 0.1]), table=f"t{n}") for n in range(count)]
    root = drawing(*panels)
    _, _, width, height = map(float, root.get("viewBox").split())
    boxes = [corners(line) for line in elements(root, "middle")]
    lefts = sorted({box[0][0] for box in boxes})
    assert width == WIDTH
    assert len(lefts) == columns
    right_of_first = boxes[0][-1][0]
    assert all(right_of_first < left for left in lefts[1:])
    assert max(y for box in boxes for _, y in box) < height
    names = [t for t in texts(root) if t.startswith("t")]
    assert names == [f"t{n}" for n in range(count)]


def test_all_panels_have_the_same_axes():
    root = drawing(
        panel(curve("autokd", [1, 10], [1.0, 0.1])), panel(curve("autokd", [10, 100], [1.0, 0.1]))
    )
    # Two panels of 436 px, 22 px apart; of 1 to 100 each curve has a half.
    first, second = (corners(line) for line in elements(root, "middle"))
    assert (first[0][0], first[-1][0]) == (54.0, 54.0 + 218.0)
    assert (second[0][0], second[-1][0]) == (512.0 + 218.0, 512.0 + 436.0)


def test_the_target_is_a_dotted_line():
    root = drawing(panel(curve("autokd", [1, 10], [1.0, 0.1]), target=0.1))
    (target,) = elements(root, "target")
    y = round(Scale(REGRET_LOW, REGRET_HIGH, BOTTOM, TOP).place(0.1), 1)
    assert corners(target) == [(LEFT, y), (RIGHT, y)]
    assert target.get("stroke-dasharray")


def test_names_that_are_too_long_are_broken_and_none_is_lost():
    name = "taskset-patch32_IRNN64_relu_last_bs128"
    panels = [panel(curve("autokd", [1, 10], [1.0, 0.1]), table=name) for _ in range(10)]
    group = elements(drawing(*panels), "panel", "g")[0]
    second, first = group.findall(f"{SVG}text")[:2]
    assert first.text + second.text == name
    assert float(second.get("y")) - float(first.get("y")) == 15
    assert max(len(first.text), len(second.text)) * 7.6 <= 207.0


def test_lines_go_straight_to_the_right_or_up_and_down():
    rng = np.random.default_rng(0)
    at = np.arange(1, 60)
    root = drawing(panel(curve("autokd", at, rng.uniform(0.001, 3.0, len(at)), spread=1.3)))
    for path in (*elements(root, "middle"), *elements(root, "band")):
        for (x1, y1), (x2, y2) in pairwise(corners(path)):
            assert x1 == x2 or y1 == y2


def test_panels_without_curves_and_of_a_single_evaluation_are_drawn():
    assert elements(drawing(panel(), strategies=["autokd"]), "panel", "g")
    (line,) = elements(drawing(panel(curve("autokd", [1], [1.0]))), "middle")
    assert corners(line)[0][0] == LEFT


def test_the_figure_stands_alone_on_white():
    root = drawing(panel(curve("autokd", [1, 10], [1.0, 0.1]), table="a & b"))
    assert root.find(f"{SVG}title").text == "a < b"
    background = root.find(f"{SVG}rect")
    assert (background.get("fill"), background.get("width")) == ("#fff", "100%")
    assert "a & b" in texts(root)
    assert "≤ 0.01" in texts(root)
    assert "regret against evaluations" in texts(root)
    assert not [e for e in root.iter() if e.tag.endswith(("image", "style", "script", "use"))]
