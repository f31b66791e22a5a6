"""A run's configuration, as people write it."""

from typing import Any

import pytest

from autokd.core.codec import parse_record
from autokd.core.config import LimitsConfig, RunConfig
from autokd.core.cost import Limits
from autokd.errors import ConfigError


def parse(**raw: Any) -> RunConfig:
    full = {"device": "host", "teacher": {"file": "model.pt"}, **raw}
    return parse_record(RunConfig, full, where="autokd.toml")


def test_device_and_teacher_are_all_that_must_be_given() -> None:
    config = parse()
    assert (config.data.path, config.search.strategy, config.search.space) == (
        "data",
        "autokd",
        "edge",
    )
    assert config.limits.to_limits().is_empty()


@pytest.mark.parametrize(
    ("budget", "seconds"), [("1h30m", 5400), (90, 90), (2.5, 2.5), ("45s", 45)]
)
def test_a_budget_is_a_duration_or_seconds(budget: object, seconds: float) -> None:
    assert parse(budget=budget).budget_seconds == seconds


def test_limits_may_carry_units() -> None:
    given = LimitsConfig(max_params=1000, max_size="300kB", max_memory="64MiB", max_latency_ms=5)
    assert given.to_limits() == Limits(
        max_params=1000, max_size_bytes=300_000, max_memory_bytes=64 * 2**20, max_latency_ms=5
    )


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ({"budget": "soon"}, "budget = 'soon': 'soon' is not a duration; write it as 45s, 30m"),
        ({"budget": 0}, "budget = '0s': '0s' is not a duration"),
        ({"limits": {"max_size": "big"}}, "'big' is not a size; write it as 64MiB"),
        ({"limits": {"max_latency": 5}}, "'limits.max_latency'.*did you mean 'max_latency_ms'"),
        ({"search": {"strategy": "a b"}}, "search.strategy = 'a b': a name has small letters"),
        ({"search": {"loss": "logit_std"}}, "search.loss = 'logit_std': a name .* as in logit-std"),
        (
            {"search": {"space": "../x.py"}},
            r"search.space = '\.\./x\.py': a name has small letters",
        ),
        ({"search": {"workers": 0}}, "search.workers = 0: must be greater than 0"),
        ({"data": {"validation_fraction": 0.5}}, "data.validation_fraction = 0.5.*less than 0.5"),
        ({"data": {"flip": "maybe"}}, "data.flip = 'maybe'.*'auto', 'yes' or 'no'"),
        ({"teacher": {}}, "missing key 'teacher.file'"),
        ({"seed": -1}, "seed = -1"),
    ],
)
def test_a_wrong_option_is_named_with_its_rule(raw: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        parse(**raw)


def test_a_configuration_survives_being_saved() -> None:
    config = parse(budget="8h", limits={"max_size": "1MB"}, search={"trials": 3})
    assert parse_record(RunConfig, config.model_dump(mode="json"), where="saved") == config


@pytest.mark.parametrize("space", ["paper", "edge"])
def test_students_are_taught_by_kd_unless_another_loss_is_given(space: str) -> None:
    assert parse(search={"space": space}).search.loss == "kd"
    assert parse(search={"space": space, "loss": "dist"}).search.loss == "dist"


def test_a_warm_start_that_no_strategy_would_read_is_refused() -> None:
    assert parse(search={"warm_start": ["run"]}).search.warm_start == ("run",)
    with pytest.raises(ConfigError, match="warm_start goes with strategy 'autokd'"):
        parse(search={"warm_start": ["run"], "strategy": "random"})
