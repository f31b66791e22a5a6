import pytest

from autokd.core import shortfall
from autokd.core.device import load_profile
from autokd.core.results import Feasibility, LimitFeasibility
from autokd.errors import ConfigError

MET = LimitFeasibility(limit="max_params", value=150_000, fitting=200, nearest=9_000)
MISSED = LimitFeasibility(limit="max_size_bytes", value=10 * 2**10, fitting=0, nearest=30 * 2**10)


def test_what_is_infeasible_is_explained_by_the_limits_that_are_missed() -> None:
    found = Feasibility(drawn=200, fitting=0, binding="max_size_bytes", limits=(MISSED, MET))
    text = shortfall.explain_infeasible(found)
    assert "none of 200 drawn students" in text
    assert "size: at most 10 KiB, the smallest student needs 30 KiB" in text
    assert "The limit on size binds." in text
    assert "parameters" not in text


def test_limits_that_only_together_are_too_much_are_said_to_be() -> None:
    found = Feasibility(drawn=9, fitting=0, binding="max_params", limits=(MET,))
    assert "no student meets all of them together" in shortfall.explain_infeasible(found)


@pytest.mark.parametrize(
    ("limit", "value", "name", "text"),
    [
        ("max_size_bytes", 2048, "size", "2 KiB"),
        ("max_memory_bytes", 2**30, "memory", "1 GiB"),
        ("max_latency_ms", 12.345, "latency", "12.3 ms"),
        ("max_params", 150_000, "parameters", "150 k"),
    ],
)
def test_a_limit_has_its_name_and_its_unit(limit: str, value: float, name: str, text: str) -> None:
    assert shortfall.limit_name(limit) == name
    assert shortfall.limit_text(limit, value) == text


def test_a_latency_is_not_limited_where_none_can_be_known() -> None:
    board, microcontroller = load_profile("raspberry-pi-5"), load_profile("stm32h7")
    shortfall.require_known_latency(5.0, board)
    shortfall.require_known_latency(None, microcontroller)
    with pytest.raises(ConfigError, match=r"max_latency_ms = 5 .*does not run on STM32H747.*--max"):
        shortfall.require_known_latency(5.0, microcontroller)
