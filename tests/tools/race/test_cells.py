import math

import pytest

from tools.race.cells import bounded_text, number_text, ratio_text
from tools.race.ratios import Bounded, Ratio

KNOWN = Bounded(counted=3, least=3, most=3)
AT_LEAST = Bounded(counted=9, least=4.5, most=math.inf)
AT_MOST = Bounded(counted=9, least=0, most=0.25)
OPEN = Bounded(counted=1, least=0, most=math.inf)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0001234, "0.000123"),
        (3.0, "3"),
        (14.56, "14.6"),
        (1234567.8, "1,234,568"),
        (math.nan, "-"),
        (math.inf, "-"),
    ],
)
def test_numbers_have_three_digits(value, text):
    assert number_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(KNOWN, "3"), (AT_LEAST, "at least 4.5"), (AT_MOST, "at most 0.25"), (OPEN, "open")],
)
def test_a_number_says_what_is_open(value, text):
    assert bounded_text(value) == text


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (KNOWN, 2, 4, "3 (2 to 4)"),
        (KNOWN, 2, math.inf, "3 (at least 2)"),
        (KNOWN, 0, 4, "3 (at most 4)"),
        (KNOWN, 0, math.inf, "3 (open)"),
        (AT_LEAST, 2, math.inf, "at least 4.5 (at least 2)"),
        (AT_MOST, 0, 0.75, "at most 0.25 (at most 0.75)"),
        (OPEN, 0, math.inf, "open"),
    ],
)
def test_a_ratio_says_what_is_open(value, low, high, text):
    assert ratio_text(Ratio(value=value, low=low, high=high)) == text
