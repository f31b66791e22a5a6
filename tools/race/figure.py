"""The figure of a race as SVG: a small panel for each table, regret against effort.

Both axes are logarithmic: a distance to the right is a factor of effort, whatever the table. All
panels have the same axes. The background is white, so that the page around it may be dark.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from tools.race.regret_curves import Curve, Panel

# Of M. Okabe and K. Ito, Color Universal Design, without yellow, which is too pale on white.
_REFERENCE_COLOUR = "#D55E00"
_COLOURS = ("#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#000000", "#E69F00", "#7F7F7F")
_DASHES = ("", "5 2.5", "1.5 2")  # a dash for all colours, then the next
_INK, _SOFT, _GRID = "#1D2329", "#5B656E", "#E2E5E4"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif"

WIDTH = 960
REGRET_LOW, REGRET_HIGH = 0.01, 2.0
_MANY = 9  # panels; more of them stand in four columns instead of three
_MANY_LINES = 5  # strategies; with more of them only the reference has its quartiles
_LEFT, _RIGHT, _FOOT = 54.0, 12.0, 40.0  # around all panels
_TITLE_LINE, _TITLE_PAD, _TICK_HEIGHT, _GAP = 15.0, 12.0, 20.0, 22.0
_LEAST_HEIGHT, _MOST_HEIGHT, _HEIGHT_OF_WIDTH = 132.0, 260.0, 0.45  # of a plot
_KEY_LINE, _KEY_SAMPLE = 22.0, 26.0
_LETTER, _BOLD_LETTER = 7.0, 7.6  # width of most letters at most
_TICK_GAP = 30.0  # between the labels of an axis at least


@dataclass(frozen=True, slots=True)
class Scale:
    """A logarithmic axis from ``low`` at ``start`` to ``high`` at ``end``, in px."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        """Give where ``value`` stands; what is beyond an end stands at that end."""
        kept = min(max(value, self.low), self.high)
        share = math.log(kept / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Give the powers of ten on the axis, and 2 and 5 times them where there is room."""
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        per_decade = abs(self.end - self.start) / math.log10(self.high / self.low)
        factors = (1, 2, 5) if per_decade * math.log10(2) > _TICK_GAP else (1,)
        ticks = [float(f"{factor}e{power}") for power in powers for factor in factors]
        return [tick for tick in ticks if self.low <= tick <= self.high]


@dataclass(frozen=True, slots=True)
class _Style:
    """How a strategy is drawn."""

    colour: str
    dash: str
    width: float
    has_band: bool

    @property
    def stroke(self) -> str:
        """The attributes of its lines."""
        dash = f' stroke-dasharray="{self.dash}"' if self.dash else ""
        return f'fill="none" stroke="{self.colour}" stroke-width="{self.width:g}"{dash}'


def draw(
    panels: Sequence[Panel], *, strategies: Sequence[str], reference: str, effort: str, title: str
) -> str:
    """Give the figure.

    Args:
        panels: One for each table, one at least.
        strategies: All that occur; colours go by this order.
        reference: The one that is drawn on top, in a colour of its own.
        effort: What the lower axis shows, with its unit; the other one shows regret.
        title: Read out to those who do not see the figure.
    """
    styles = _styles(strategies, reference)
    key, key_height = _key(styles)
    columns = min(len(panels), 3 if len(panels) <= _MANY else 4)
    width = (WIDTH - _LEFT - _RIGHT - (columns - 1) * _GAP) / columns
    plot_height = min(max(_HEIGHT_OF_WIDTH * width, _LEAST_HEIGHT), _MOST_HEIGHT)
    titles = [_title_lines(panel.table, width) for panel in panels]
    title_height = _TITLE_PAD + _TITLE_LINE * max(map(len, titles))
    row_height = title_height + plot_height + _TICK_HEIGHT
    span = _span(panels)
    drawn = []
    for number, (panel, lines) in enumerate(zip(panels, titles, strict=True)):
        row, column = divmod(number, columns)
        left, top = _LEFT + column * (width + _GAP), key_height + row * row_height + title_height
        x = Scale(*span, left, left + width)
        y = Scale(REGRET_LOW, REGRET_HIGH, top + plot_height, top)
        drawn.append(_panel(panel, lines, x, y, styles, has_labels=column == 0))
    end = key_height + math.ceil(len(panels) / columns) * row_height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {_px(end + _FOOT)}" '
        f'role="img" font-family="{_FONT}" font-size="12" fill="{_INK}">\n'
        f"<title>{escape(title)}</title>\n"
        f'<rect width="100%" height="100%" fill="#fff"/>\n{key}{"".join(drawn)}'
        f'<text x="{_px((WIDTH + _LEFT - _RIGHT) / 2)}" y="{_px(end + 24)}" '
        f'text-anchor="middle" fill="{_SOFT}">regret against {escape(effort)}</text>\n</svg>\n'
    )


def _styles(strategies: Sequence[str], reference: str) -> Mapping[str, _Style]:
    """Give the style of each strategy, the reference first."""
    others = [name for name in strategies if name != reference]
    has_bands = len(strategies) < _MANY_LINES
    styles = {reference: _Style(_REFERENCE_COLOUR, "", 2.4, has_band=True)}
    for number, name in enumerate(others):
        turn, place = divmod(number, len(_COLOURS))
        styles[name] = _Style(_COLOURS[place], _DASHES[turn % len(_DASHES)], 1.3, has_bands)
    return {name: style for name, style in styles.items() if name in strategies}


def _key(styles: Mapping[str, _Style]) -> tuple[str, float]:
    """Give the names of the lines above all panels, and the height that they take."""
    parts = []
    x, y = _LEFT, _KEY_LINE
    for name, style in styles.items():
        width = _KEY_SAMPLE + 8 + _LETTER * len(name) + 18
        if x + width > WIDTH and x > _LEFT:
            x, y = _LEFT, y + _KEY_LINE
        parts.append(
            f'<path d="M{_px(x)} {_px(y - 4)}h{_px(_KEY_SAMPLE)}" {style.stroke}/>'
            f'<text x="{_px(x + _KEY_SAMPLE + 8)}" y="{_px(y)}">{escape(name)}</text>\n'
        )
        x += width
    return f'<g class="key">\n{"".join(parts)}</g>\n', y + 4


def _span(panels: Sequence[Panel]) -> tuple[float, float]:
    """Give the ends of the lower axis, which is the same for all panels."""
    curves = [curve for panel in panels for curve in panel.curves]
    low = min((float(curve.at[0]) for curve in curves), default=1.0)
    high = max((float(curve.at[-1]) for curve in curves), default=low)
    return low, max(high, 2 * low)  # a race of a single trial has no span


def _title_lines(name: str, width: float) -> list[str]:
    """Break a name that is too long for its panel behind the last separator that fits."""
    room = int(width / _BOLD_LETTER)
    cut = max(name.rfind(mark, 0, room) for mark in "-_") + 1
    return [name] if len(name) <= room or not cut else [name[:cut], name[cut:]]


def _panel(
    panel: Panel,
    title: Sequence[str],
    x: Scale,
    y: Scale,
    styles: Mapping[str, _Style],
    *,
    has_labels: bool,
) -> str:
    curves = {curve.strategy: curve for curve in panel.curves}
    behind_first = [
        (curves[name], styles[name]) for name in reversed(list(styles)) if name in curves
    ]
    bands = "".join(_band(curve, style, x, y) for curve, style in behind_first if style.has_band)
    lines = "".join(_line(curve, style, x, y) for curve, style in behind_first)
    target = _px(y.place(panel.target))
    last = y.end - 8
    names = "".join(
        f'<text x="{_px(x.start)}" y="{_px(last - _TITLE_LINE * below)}" '
        f'font-weight="600">{escape(line)}</text>'
        for below, line in enumerate(reversed(title))
    )
    return (
        f'<g class="panel">{names}\n'
        f"{_grid(x, y, has_labels=has_labels)}"
        f'<path class="target" d="M{_px(x.start)} {target}H{_px(x.end)}" stroke="{_SOFT}" '
        f'stroke-dasharray="1 3" stroke-linecap="round"/>\n{bands}{lines}</g>\n'
    )


def _grid(x: Scale, y: Scale, *, has_labels: bool) -> str:
    parts = []
    for tick in y.ticks():
        at = y.place(tick)
        parts.append(f'<path d="M{_px(x.start)} {_px(at)}H{_px(x.end)}" stroke="{_GRID}"/>')
        if has_labels:
            name = f"≤ {tick:g}" if tick == y.low else f"{tick:g}"
            parts.append(
                f'<text x="{_px(x.start - 6)}" y="{_px(at + 4)}" text-anchor="end" '
                f'fill="{_SOFT}">{name}</text>'
            )
    for tick in x.ticks():
        at = x.place(tick)
        parts.append(
            f'<path d="M{_px(at)} {_px(y.start)}v4" stroke="{_SOFT}"/>'
            f'<text x="{_px(at)}" y="{_px(y.start + 16)}" text-anchor="middle" '
            f'fill="{_SOFT}">{tick:,g}</text>'
        )
    return "".join(parts) + "\n"


def _line(curve: Curve, style: _Style, x: Scale, y: Scale) -> str:
    steps = _steps(_corners(curve.at, curve.middle, x, y))
    return (
        f'<path class="middle" {style.stroke} stroke-linejoin="round" d="{steps}">'
        f"<title>{escape(curve.strategy)}</title></path>\n"
    )


def _band(curve: Curve, style: _Style, x: Scale, y: Scale) -> str:
    """Give the area between the quartiles: along the upper one, and back along the lower."""
    there = _corners(curve.at, curve.high, x, y)
    back = _corners(curve.at, curve.low, x, y)[::-1]
    return (
        f'<path class="band" fill="{style.colour}" fill-opacity="0.13" '
        f'd="{_steps(there)}L{_steps(back)[1:]}Z"/>\n'
    )


def _corners(
    at: Iterable[float], values: Iterable[float], x: Scale, y: Scale
) -> list[tuple[str, str]]:
    """Give the corners of a line that holds each value up to the next place, both ends too."""
    points = [(_px(x.place(a)), _px(y.place(v))) for a, v in zip(at, values, strict=True)]
    corners = [points[0]]
    for (_, before), (here, after) in pairwise(points):
        if after != before:
            corners += [(here, before), (here, after)]
    return [*corners, (points[-1][0], points[-1][1])]


def _steps(corners: Sequence[tuple[str, str]]) -> str:
    """Give the path through corners, each above or beside the one before."""
    path = "M{} {}".format(*corners[0])
    for (x1, _), (x2, y2) in pairwise(corners):
        path += f"V{y2}" if x1 == x2 else f"H{x2}"
    return path


def _px(value: float) -> str:
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
