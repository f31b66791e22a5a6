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
