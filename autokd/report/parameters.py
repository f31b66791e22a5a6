"""Which searched parameter mattered, as bars with their interval."""

from dataclasses import dataclass

from autokd.core.effects import ParameterEffect
from autokd.core.results import Report
from autokd.report.axes import Axis, make_axis
from autokd.report.figures import round_percent

# What each parameter is, in words; the page shows its name beside them.
WORDS = {
    "top_nodes": "number of cells",
    "top_degree": "neighbours of a cell",
    "top_rewire": "rewiring between cells",
    "mid_nodes": "nodes in a cell",
    "mid_edge": "edges between nodes",
    "bottom_nodes": "operators in a node",
    "bottom_degree": "neighbours of an operator",
    "bottom_rewire": "rewiring between operators",
    "block": "kind of operator",
    "growth": "growth of width",
    "last_stage_share": "share of the last stage",
    "input_px": "side of the image",
    "fill": "use of the limits",
    "temperature": "temperature",
    "alpha": "weight of the teacher",
}
CLEAR_SHARE = 0.01  # below this the lower end of an interval is nothing


@dataclass(frozen=True, slots=True)
class EffectRow:
    """One parameter.

    Attributes:
        text: Its share of the variance with the interval.
        places: Share, lower and upper end on the axis, in percent.
    """

    name: str
    words: str
    effect: ParameterEffect
    text: str
    places: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Effects:
    """All parameters, the largest share first."""

    axis: Axis
    rows: tuple[EffectRow, ...]
    sentence: str


def parameter_effects(report: Report) -> Effects | None:
    """Give what each parameter moved; None where too few trials finished to say."""
    if not report.effects:
        return None
    ends = [end for effect in report.effects for end in (effect.share, effect.share_high)]
    axis = make_axis("share of the variance", ends, round_percent, zero=True)
    rows = tuple(_row(effect, axis) for effect in report.effects)
    return Effects(axis, rows, _sentence(rows))


def _sentence(rows: tuple[EffectRow, ...]) -> str:
    """Say what moved accuracy most, and whether it can be told apart from the rest."""
    first = rows[0]
    if all(row.effect.share_low < CLEAR_SHARE for row in rows):
        return "No parameter stands out: every interval reaches down to nothing."
    alone = first.effect.share_low > max((r.effect.share_high for r in rows[1:]), default=0.0)
    lead = "clearly moved" if alone else "moved"
    rest = "" if alone or len(rows) < 2 else "; its interval overlaps with others"
    return f"{_capital(first.words)} {lead} accuracy most{rest}."


def _row(effect: ParameterEffect, axis: Axis) -> EffectRow:
    share, low, high = effect.share, effect.share_low, effect.share_high
    return EffectRow(
        effect.name,
        WORDS.get(effect.name, effect.name.replace("_", " ")),
        effect,
        f"{100 * share:.0f} % ({100 * low:.0f} to {100 * high:.0f})",
        (axis.place(share), axis.place(low), axis.place(high)),
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
