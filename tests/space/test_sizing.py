import pytest

from autokd.core.cost import Limits
from autokd.core.device import load_profile
from autokd.space.cost import cost_on
from autokd.space.lowering import lower
from autokd.space.sizing import largest_width
from autokd.space.wiring import draw_genotype


@pytest.mark.parametrize("fill", [0.4, 1.0])
@pytest.mark.parametrize("preset", ["edge", "paper"])
def test_the_width_is_the_largest_of_all_that_fit(family, preset, fill):
    profile = load_profile("raspberry-pi-4b")
    limits = Limits(max_params=120_000, max_latency_ms=30.0)
    drawn = draw_genotype(family(preset=preset), member_seed=2, image_channels=3, classes=10)
    at = {w: cost_on(lower(drawn.with_width(w)), profile) for w in range(1, 60)}
    fitting = [w for w, cost in at.items() if limits.utilisation(cost) <= fill]

    found = largest_width(
        lambda width: lower(drawn.with_width(width)),
        profile=profile,
        limits=limits,
        fill=fill,
        smallest=1,
    )

    assert found == ((max(fitting), at[max(fitting)]) if fitting else None)


def test_nothing_is_found_when_the_smallest_width_is_over(family):
    drawn = draw_genotype(family(), member_seed=2, image_channels=3, classes=10)
    assert (
        largest_width(
            lambda width: lower(drawn.with_width(width)),
            profile=load_profile("raspberry-pi-4b"),
            limits=Limits(max_params=100),
            fill=1.0,
            smallest=8,
        )
        is None
    )


def test_without_the_runtime_s_own_share_memory_counts_as_any_other_limit(family):
    profile = load_profile("raspberry-pi-4b")
    drawn = draw_genotype(family(), member_seed=2, image_channels=3, classes=10)
    cost = cost_on(lower(drawn.with_width(16)), profile)
    limits = Limits(
        max_memory_bytes=cost.runtime_bytes + 2 * (cost.memory_bytes - cost.runtime_bytes)
    )
    assert limits.utilisation(cost) == pytest.approx(0.5)
    assert Limits(max_memory_bytes=cost.runtime_bytes).utilisation(cost) == float("inf")
