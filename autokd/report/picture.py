"""A chart of a report as an SVG of its own, for notebooks and slides."""

from dataclasses import dataclass
from pathlib import Path
from typing import get_args
from xml.sax.saxutils import escape

from autokd.core.codec import write_atomically
from autokd.core.results import Report
from autokd.errors import ConfigError
from autokd.report.cost_measures import Against
from autokd.report.figures import KIND_NAMES, Kind, Mark, Plot
from autokd.report.front import front_plots

WIDTH, HEIGHT = 720, 420
# Of the plot itself, within the picture: left, top, right, bottom.
_FRAME = (72, 56, 696, 348)
# One look on light and dark pages: the picture has its own ground.
_STYLE = """
.ap-ground { fill: #fff; }
.ap-grid { stroke: #e2e5e4; }
.ap-tick { stroke: #5b656e; }
.ap-step { stroke: #0f6b66; stroke-width: 1.5; }
.ap-limit { stroke: #b3402e; stroke-dasharray: 4 3; }
.ap-winner { fill: #0f6b66; stroke: #fff; stroke-width: 2; }
.ap-front { fill: #0f6b66; }
.ap-last { fill: #97a3a8; }
.ap-early { fill: #fff; stroke: #97a3a8; }
.ap-failed { fill: none; stroke: #97a3a8; }
.ap-text { font: 12px system-ui, sans-serif; fill: #5b656e; }
.ap-title { font-size: 14px; fill: #1d2329; }
"""


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing that a notebook shows.

    Attributes:
        svg: Its text, which needs no other file and no network.
    """

    svg: str

    def save(self, path: str | Path) -> Path:
        """Write it to a file and give the path.

        Raises:
            StorageError: The disk is full or refuses.
        """
        place = Path(path)
        write_atomically(place, self.svg)
        return place

    def _repr_svg_(self) -> str:
        return self.svg


def draw_front(report: Report, *, against: str = "limits") -> Picture:
    """Draw accuracy against what it costs, with every trial, the front and the students.

    Args:
        report: Of a run.
        against: ``limits`` is the use of the tightest limit, ``params`` the parameters, ``size``
            the file, ``memory`` what a student adds to the runtime, ``latency`` the predicted
            latency, or memory where no latency is claimed.

    Raises:
        ConfigError: ``against`` is something else.
    """
    names = get_args(Against)
    if against not in names:
        msg = f"against={against!r}: must be one of {', '.join(map(repr, names))}."
        raise ConfigError(msg)
    plots: dict[str, Plot] = {str(key): plot for key, plot in front_plots(report).items()}
    return Picture(render_svg(plots.get(against) or plots["memory"]))


def render_svg(plot: Plot) -> str:
    """Give the text of a picture of ``WIDTH`` by ``HEIGHT``; marks say what they are on hover."""
    label = f"{plot.title}: {plot.y.label} against {plot.x.label}, {len(plot.marks)} points"
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" style="max-width:{WIDTH}px;width:100%"'
    name = f'role="img" aria-label="{_quoted(label)}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {name}>',
        f"<style>{_STYLE}</style>",
        f'<rect class="ap-ground" width="{WIDTH}" height="{HEIGHT}"/>',
        _text(16, 24, plot.title, kind="ap-text ap-title"),
        _text(16, 44, plot.y.label),
        *_axes(plot),
        *(_line("ap-step", x1, y1, x2, y2) for x1, y1, x2, y2 in plot.steps),
        *(_mark(mark) for mark in plot.marks),
        *_key(plot),
        "</svg>",
    ]
    return "\n".join(parts)


def _axes(plot: Plot) -> list[str]:
    left, _, right, bottom = _FRAME
    parts = []
    for at, text in plot.y.ticks:
        parts.append(_line("ap-grid", 0, 100 - at, 100, 100 - at))
        parts.append(_text(left - 8, _y(100 - at) + 4, text, anchor="end"))
    for at, text in plot.x.ticks:
        ends = f'x1="{_x(at):g}" x2="{_x(at):g}" y1="{bottom}" y2="{bottom + 5}"'
        parts.append(f'<line class="ap-tick" {ends}/>')
        parts.append(_text(_x(at), bottom + 20, text, anchor="middle"))
    if plot.limit is not None:
        parts.append(_line("ap-limit", plot.limit, 0, plot.limit, 100))
        parts.append(_text(_x(plot.limit) - 6, bottom - 8, "limit", anchor="end"))
    parts.append(_text(right, bottom + 38, plot.x.label, anchor="end"))
    return parts


def _key(plot: Plot) -> list[str]:
    parts, x = [], 16.0
    for kind in plot.kinds:
        parts.append(_shape(kind, x + 6, HEIGHT - 14, ""))
        parts.append(_text(x + 18, HEIGHT - 10, KIND_NAMES[kind]))
        x += 18 + 7 * len(KIND_NAMES[kind]) + 16
    return parts


def _mark(mark: Mark) -> str:
    lift = -7 if mark.kind == "failed" else 0  # it stands on the axis, not under it
    return _shape(mark.kind, _x(mark.x), _y(mark.y) + lift, f"<title>{escape(mark.title)}</title>")


def _shape(kind: Kind, x: float, y: float, title: str) -> str:
    place = f'class="ap-{kind}" transform="translate({x:g} {y:g})"'
    if kind == "winner":
        return f'<path {place} d="M0 -8L8 0L0 8L-8 0Z">{title}</path>'
    if kind == "failed":
        return f'<path {place} d="M-3.5 -3.5l7 7m0 -7l-7 7">{title}</path>'
    return f'<circle {place} r="{4.5 if kind == "front" else 3.5}">{title}</circle>'


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{_x(x1):g}" y1="{_y(y1):g}" x2="{_x(x2):g}" y2="{_y(y2):g}"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "ap-text") -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


def _x(percent: float) -> float:
    return round(_FRAME[0] + percent / 100 * (_FRAME[2] - _FRAME[0]), 2)


def _y(percent: float) -> float:
    return round(_FRAME[1] + percent / 100 * (_FRAME[3] - _FRAME[1]), 2)


def _quoted(text: str) -> str:
    return escape(text, {'"': "&quot;"})
