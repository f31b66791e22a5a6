import numpy as np
import pytest

from autokd.core.cost import Limits
from autokd.core.device import load_profile
from autokd.core.family import FamilyParams
from autokd.space.students import StudentSpace


def make_family(**changes):
    values = {
        "preset": "edge",
        "top_nodes": 4,
        "top_degree": 2,
        "top_rewire": 0.3,
        "mid_nodes": 2,
        "mid_edge": 0.5,
        "bottom_nodes": 3,
        "bottom_degree": 2,
        "bottom_rewire": 0.3,
        "input_px": 32,
        **changes,
    }
    return FamilyParams(**values)


@pytest.fixture
def family():
    return make_family


def make_space(
    preset="edge", *, device="raspberry-pi-zero-2w", px=32, channels=3, loss="kd", **limits
):
    profile = load_profile(device)
    return StudentSpace(
        preset=preset,
        profile=profile,
        limits=profile.default_limits().overridden_by(Limits(**limits)),
        image_px=px,
        image_channels=channels,
        class_names=tuple(f"class {n}" for n in range(10)),
        loss=loss,
    )


@pytest.fixture
def space():
    return make_space


def draw_members(space, number, *, seed=0):
    """Give ``number`` feasible candidates drawn at random."""
    rng = np.random.default_rng(seed)
    found = []
    while len(found) < number:
        family, distill = space.decode(rng.random(space.dimension))
        member = space.member(family, distill, member_seed=len(found), origin="random")
        if member is not None:
            found.append(member)
    return found


@pytest.fixture
def members():
    return draw_members
