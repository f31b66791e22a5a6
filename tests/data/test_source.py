import numpy as np
import pytest

from autokd.data.source import target_px


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(28, 28)] * 5, 28),
        ([(128, 128)] * 5, 128),
        ([(129, 129)] * 5, 64),
        ([(32, 48)] * 5, 32),
        ([(30, 30), (45, 52), (45, 45)], 48),
        ([(500, 375), (1024, 768)], 64),
        ([(3, 4)] * 2, 8),
    ],
)
def test_the_side_follows_from_the_sizes(sizes, expected):
    assert target_px(None, np.asarray(sizes)) == expected


def test_a_given_side_counts_more_than_any_size():
    assert target_px(40, np.asarray([(28, 28)])) == 40
