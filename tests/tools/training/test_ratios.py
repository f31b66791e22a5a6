import pytest

from tests.tools.training.made_up import make_measurements, make_timing
from tools.training.page import make_page
from tools.training.ratios import (
    Spread,
    floor_ratio,
    images_per_second,
    peak_memory,
    ratio,
    seconds_of_training,
    seconds_to_target,
    with_cache,
)


def test_ratios_are_taken_inside_rounds() -> None:
    """600/100, 400/50, 550/110: the median of the ratios is not the ratio of the medians, 5.5."""
    found = make_measurements()
    assert ratio(found, "chain", ("autokd", "plain"), images_per_second) == Spread(
        6.0, 5.0, 8.0, 3, 3
    )
    assert ratio(found, "chain", ("autokd", "plain"), peak_memory) == Spread(0.5, 0.5, 0.75, 3, 3)


def test_a_round_that_missed_the_target_has_no_ratio() -> None:
    found = make_measurements()
    figure = seconds_to_target(found)
    assert ratio(found, "chain", ("plain", "autokd"), figure) == Spread(6.0, 5.0, 8.0, 3, 3)
    assert ratio(found, "chain", ("torchdistill", "autokd"), figure) == Spread(5.5, 5.0, 6.0, 2, 3)
    never = found.model_copy(
        update={"timings": tuple(make_timing(0, w, 1, None, 1) for w in found.settings.ways)}
    )
    assert ratio(never, "chain", ("plain", "autokd"), figure) is None


def test_the_engine_pays_its_share_of_the_cache() -> None:
    """Two epochs of 3,000 images take 10 s at 600 a second, and 500 s / 50 students are 10 more."""
    found = make_measurements()
    paid = with_cache(found, 50, seconds_of_training(found))
    shown = ratio(found, "chain", ("plain", "autokd"), paid)
    assert shown is not None
    by_hand = [60 / (10 + 10), 120 / (15 + 10), (6000 / 110) / (6000 / 550 + 10)]
    assert (shown.median, shown.low, shown.high) == pytest.approx(
        (sorted(by_hand)[1], min(by_hand), max(by_hand))
    )


def test_a_floor_is_a_ratio_of_medians_in_each_round() -> None:
    assert floor_ratio(make_measurements(), "chain") == Spread(1.3, 1.2, 1.5, 3, 3)


def test_the_page_shows_no_time_without_its_ratio() -> None:
    page = make_page(make_measurements(), cache_students=50)
    speed = (
        "| chain | 12,345 | 100 | 100 | 550 | 6.00 (5.00 to 8.00) | 5.50 (5.00 to 6.67) "
        "| 3.00 (2.61 to 4.80) | 2.87 (2.50 to 4.00) |"
    )
    accuracy = (
        "| chain | 60 | 58, 2 of 3 rounds | 11 | 6.00 (5.00 to 8.00) "
        "| 5.50 (5.00 to 6.00), 2 of 3 rounds | 3.00 (2.62 to 4.80) "
        "| 2.82 (2.50 to 3.14), 2 of 3 rounds |"
    )
    memory = "| chain | 800 | 900 | 400 | 0.50 (0.50 to 0.75) | 0.44 (0.44 to 0.67) |"
    assert speed in page
    assert accuracy in page
    assert memory in page
    assert "| chain | 1.30 (1.20 to 1.50) |" in page
    assert "(views of each image: 4) took as long as 16.67 (8.33 to 18.33) epochs of (a)" in page
    assert "rounds: 3." in page
    heads = [line for line in page.splitlines() if line.startswith("| student")]
    assert len(heads) == 4
    assert all("(c)/(a)" in h or "(a)/(c)" in h or "step/convolutions" in h for h in heads)
