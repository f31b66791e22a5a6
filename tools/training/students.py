"""Three students of different shape, about equal in parameters, for any images."""

from collections.abc import Mapping

from autokd.core.cost import Limits
from autokd.core.device import load_profile
from autokd.core.family import FamilyParams
from autokd.errors import InfeasibleError
from autokd.space.coding import SPACES
from autokd.space.lowering import lower
from autokd.space.program import Program
from autokd.space.sizing import largest_width
from autokd.space.wiring import draw_genotype

MEMBER_SEED = 0
MAX_PARAMS = 100_000

# With 100 classes: 16, 80 and 65 convolutions.
FAMILIES: Mapping[str, dict[str, object]] = {
    # The first point that a search tries: few large operators.
    "chain": {
        "top_nodes": 7,
        "top_degree": 2,
        "top_rewire": 0.0,
        "mid_nodes": 1,
        "mid_edge": 0.6,
        "bottom_nodes": 2,
        "bottom_degree": 2,
        "bottom_rewire": 0.0,
        "block": "conv",
        "growth": 2.0,
    },
    # Many small operators, half of them limited by memory rather than by arithmetic.
    "depthwise": {
        "top_nodes": 6,
        "top_degree": 4,
        "top_rewire": 0.5,
        "mid_nodes": 2,
        "mid_edge": 0.6,
        "bottom_nodes": 3,
        "bottom_degree": 2,
        "bottom_rewire": 0.5,
        "block": "separable",
        "growth": 2.0,
    },
    # Narrow convolutions with as many sums as the space allows.
    "dense": {
        "top_nodes": 5,
        "top_degree": 4,
        "top_rewire": 0.75,
        "mid_nodes": 3,
        "mid_edge": 0.9,
        "bottom_nodes": 4,
        "bottom_degree": 4,
        "bottom_rewire": 0.5,
        "block": "conv",
        "growth": 1.5,
    },
}


def build_program(
    name: str, *, input_px: int, image_channels: int, classes: int
) -> tuple[Program, int]:
    """Give the student ``name`` at the largest width within `MAX_PARAMS`, and its parameters.

    Raises:
        InfeasibleError: It has more at the smallest width, as there are so many classes.
    """
    family = FamilyParams.model_validate({"preset": "edge", "input_px": input_px, **FAMILIES[name]})
    wiring = draw_genotype(
        family, member_seed=MEMBER_SEED, image_channels=image_channels, classes=classes
    )
    sized = largest_width(
        lambda width: lower(wiring.with_width(width)),
        profile=load_profile("jetson-nano"),  # of no matter: only parameters are limited
        limits=Limits(max_params=MAX_PARAMS),
        fill=1.0,
        smallest=SPACES["edge"].smallest_width,
    )
    if sized is None:
        msg = (
            f"{name}: with {classes} classes it has more than {MAX_PARAMS:,} parameters at its "
            "smallest width; give data with fewer classes, or other students with --students."
        )
        raise InfeasibleError(msg)
    width, cost = sized
    return lower(wiring.with_width(width)), cost.params
