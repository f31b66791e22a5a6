"""Numbers of a race as text, with what misses leave open."""

import math

from tools.race.ratios import Bounded, Ratio

NONE = "-"
OPEN = "open"


def number_text(value: float) -> str:
    """Give three digits, all of those before the point; a dash for what is no number."""
    if not math.isfinite(value):
        return NONE
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def bounded_text(value: Bounded) -> str:
    """Give a number, "at least" or "at most" where misses leave it open on one side, or "open"."""
    has_low, has_high = value.least > 0, math.isfinite(value.most)
    if has_low and has_high:
        return number_text(value.counted)
    if has_low:
        return f"at least {number_text(value.least)}"
    return f"at most {number_text(value.most)}" if has_high else OPEN


def ratio_text(ratio: Ratio) -> str:
    """Give a ratio with its interval, as far as both are known."""
    value = bounded_text(ratio.value)
    has_low, has_high = ratio.low > 0, math.isfinite(ratio.high)
    if has_low and has_high:
        return f"{value} ({number_text(ratio.low)} to {number_text(ratio.high)})"
    if has_low:
        return f"{value} (at least {number_text(ratio.low)})"
    if has_high:
        return f"{value} (at most {number_text(ratio.high)})"
    return value if value == OPEN else f"{value} ({OPEN})"
