"""Leave one board out, on latencies that were made up."""

import numpy as np
import pytest

from autokd.space.latency import COEFFICIENTS
from tools.latency.left_out import FORMS, START, LeftOut, leave_one_out
from tools.latency.published import BOARDS, Point, PointPredictor

NETWORKS = ("ResNet-18", "MobileNetV2", "SqueezeNet1.1")


@pytest.fixture(scope="module")
def points():
    """What the last form predicts with its start, so a fit has nothing to move."""
    asked = [Point(d, n, BOARDS[d].cores, False, 1.0) for d in BOARDS for n in NETWORKS]
    times = PointPredictor(asked)(np.array([START[name] for name in COEFFICIENTS]))
    return [
        Point(p.device, p.network, p.threads, p.half, float(ms))
        for p, ms in zip(asked, times, strict=True)
    ]


def test_a_form_that_is_true_predicts_the_board_that_was_left_out(points):
    found = leave_one_out(FORMS[-1], points)
    assert found.share_within(0.01) == 1.0
    assert found.rank_correlation == (1.0, 1.0)
    assert found.factor == pytest.approx(1.0, abs=0.01)


def test_the_raw_roofline_is_not_fitted(points):
    peak = FORMS[0].fit(points)
    assert (peak == FORMS[0].fit(points[:3])).all()
    assert set(peak) == {0.0, 1.0}
    assert leave_one_out(FORMS[0], points).median_error() > 0.2


def test_shares_and_median_by_hand():
    found = LeftOut(np.log([1.05, 0.8, 1.3, 2.0]), 0.75, (0.9, 0.95), 1.4)
    assert found.share_within(0.1) == 0.25
    assert found.share_within(0.25) == 0.5
    assert found.median_error() == pytest.approx(0.25)
