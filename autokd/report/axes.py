"""Axes of charts: a range of values, round ticks on it, and places in percent of it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of values and its ticks.

    Attributes:
        label: What it shows, with the unit.
        ticks: Place in percent and text.
        logarithmic: Whether equal distances are equal factors.
    """

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Give where ``value`` stands, 0 to 100 from low to high, rounded to a hundredth.

        What lies beyond an end stands on it.
        """
        if self.logarithmic:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 2)


def without_stragglers(values: Sequence[float]) -> list[float]:
    """Give the values without the few that lie so far below that they press all others together.

    At most a tenth is left out, and only what is further below nine tenths of the values than these
    reach from end to end.
    """
    ordered = sorted(values)
    low = ordered[len(ordered) // 10] if ordered else 0.0
    return [value for value in ordered if value >= 2 * low - ordered[-1]]


def make_axis(
    label: str, values: Sequence[float], form: Callable[[float], str], *, zero: bool
) -> Axis:
    """Give an axis with round ticks that covers ``values``, and zero if asked."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    low = min(low, 0.0) if zero else low
    if high - low < 1e-9:
        high, low = (
            high + max(abs(high), 1e-3) * 0.5,
            low if zero else low - max(abs(low), 1e-3) / 2,
        )
    step = tick_step(high - low)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    low, high = first * step, last * step
    bare = Axis(label, low, high, ())
    marks = [number * step for number in range(first, last + 1)]
    return Axis(label, low, high, tuple((bare.place(value), form(value)) for value in marks))


def make_log_axis(label: str, values: Sequence[float], form: Callable[[float], str]) -> Axis:
    """Give a logarithmic axis that covers ``values``, all above zero.

    It begins and ends at 1, 2 or 5 times a power of ten, and has a tick at each of those, or where
    it is long at each power of ten.
    """
    low, high = min(values, default=1.0), max(values, default=1.0)
    if high / low < 1.0001:
        low, high = low / 1.5, high * 1.5
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    rounds = [factor * 10.0**exponent for exponent in exponents for factor in (1, 2, 5)]
    first = max(value for value in rounds if value <= low * (1 + 1e-9))
    last = min(value for value in rounds if value >= high * (1 - 1e-9))
    shown = [value for value in rounds if first <= value <= last]
    if len(shown) > 7:
        shown = [v for v in shown if abs(math.log10(v) - round(math.log10(v))) < 1e-9]
    bare = Axis(label, first, last, (), logarithmic=True)
    ticks = tuple((bare.place(value), form(value)) for value in shown)
    return Axis(label, first, last, ticks, logarithmic=True)


def tick_step(span: float) -> float:
    """Give the distance of ticks, 1, 2 or 5 times a power of ten, for three to six of them."""
    power: float = 10.0 ** math.floor(math.log10(span / 3))
    return next(factor * power for factor in (1, 2, 5, 10) if span / (factor * power) <= 5)
