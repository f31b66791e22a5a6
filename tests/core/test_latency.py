"""The coefficients of a latency prediction."""

import tomllib
from pathlib import Path

import pytest

from autokd.core.codec import parse_record
from autokd.core.latency import LatencyModel
from autokd.errors import ProfileError

NANO = Path(__file__).parents[2] / "profiles" / "jetson-nano.toml"


@pytest.mark.parametrize("factor", [1.0, 0.5])
def test_an_interval_without_width_is_refused(factor: float) -> None:
    raw = tomllib.loads(NANO.read_text())["runtimes"][0]["latency"]["fp32"]
    raw["interval_factor"] = {"value": factor, "source": "estimate"}
    with pytest.raises(ProfileError, match=r"interval_factor.*above 1"):
        parse_record(LatencyModel, raw, where="a profile", error=ProfileError)


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("overlap_lost", 1.1, "from 0 to 1"),
        ("channel_block", 0.5, "at least 1"),
        ("cache_speedup", 0.9, "at least 1"),
        ("edge_px", -0.1, "not be negative"),
        ("per_node_us", 0.0, "positive"),
    ],
)
def test_a_coefficient_without_a_meaning_is_refused(key: str, value: float, rule: str) -> None:
    raw = tomllib.loads(NANO.read_text())["runtimes"][0]["latency"]["fp32"]
    raw[key] = {"value": value, "source": "estimate: for a test"}
    with pytest.raises(ProfileError, match=f"{key}.*{rule}"):
        parse_record(LatencyModel, raw, where="a profile", error=ProfileError)
