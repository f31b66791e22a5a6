"""Students of a table that took no time to train."""

import numpy as np

from autokd.core.cost import Cost
from autokd.core.family import FamilyParams
from autokd.core.trial import Candidate, DistillParams, Fidelity, Observation, Origin
from autokd.space.coding import decode_point, dimensions
from autokd.space.pace import Pace
from tools.table.points import Design, Point, digest_of
from tools.table.rows import Row, TableSetup

DEVICE = "raspberry-pi-zero-2w"
DESIGN = Design()


class FakeSpace:
    """Families of the real space; members that take no time to size, one in five does not fit."""

    dimension = len(dimensions("edge", 32))

    def decode(self, point: np.ndarray) -> tuple[FamilyParams, DistillParams]:
        return decode_point("edge", 32, point)

    def member(
        self, family: FamilyParams, distill: DistillParams, *, member_seed: int, origin: Origin
    ) -> Candidate | None:
        if (member_seed + family.top_nodes) % 5 == 0 or family.bottom_nodes == 4:
            return None
        return Candidate(
            family=family,
            distill=distill,
            member_seed=member_seed,
            base_width=8,
            cost=make_cost(),
            origin=origin,
        )


def make_cost() -> Cost:
    return Cost(
        params=50_000,
        macs=4_000_000,
        size_bytes=200_000,
        activation_bytes=100_000,
        memory_bytes=90_000_000,
        runtime_bytes=80_000_000,
        latency_ms=9.0,
        latency_low_ms=5.0,
        latency_high_ms=16.0,
    )


def make_setup(points: tuple[Point, ...], design: Design = DESIGN) -> TableSetup:
    return TableSetup(
        design=design,
        pace=Pace(seconds=(1e-9,) * 5, relative_error=0.1),
        points_digest=digest_of(points),
        images_digest="a",
        teacher_sha256="b",
        teacher_validation_accuracy=0.9,
        teacher_test_accuracy=0.8,
        class_names=("a", "b", "c"),
        image_px=32,
        image_channels=3,
        views=2,
        mean=(0.5,) * 3,
        std=(0.2,) * 3,
    )


def make_row(point: Point, *, first: float = 0.1, step: float = 0.05) -> Row:
    observations = tuple(
        Observation(
            fidelity=Fidelity(rung=rung, images=64 * (rung + 1), seconds=share * 30),
            accuracy=first + step * rung,
            loss=1.0,
            agreement=0.5,
            train_seconds=1.0,
            images_per_second=64.0,
        )
        for rung, share in enumerate(DESIGN.lengths)
    )
    costs = {DEVICE: point.candidate.cost}
    return Row.of(point, costs, observations, test_accuracy=0.3, failure=None, seed=0)
