"""Which students are in the table, and in what order.

Families are the points of one scrambled Sobol sequence over family and distillation together; those
whose first member fits no limit are skipped, as a search skips them. Points are numbered family by
family, so that every prefix of the table is a fair sample of the space.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from autokd.core.family import FamilyParams
from autokd.core.record import Record
from autokd.core.seeds import derive_seed
from autokd.core.trial import Candidate, DistillParams, Origin

# Tries for each member of a family after the first, which fits.
_TRIES = 64


class Design(Record):
    """What decides which students there are, and how long each is trained.

    Attributes:
        device: Profile whose limits hold.
        max_params: Limit beside those of the profile.
        families: Points of the Sobol sequence that are kept.
        every: Family i has ``members`` members when ``i % every == 0``, else one.
        members: See ``every``. Such a family has a twin too: its first member, taught by labels.
        rungs: Lengths of training.
        ratio: Of each length to the one below.
        full_seconds: Training time of the last rung on the machine whose pace was measured.
        seed: Root of all seeds.
    """

    device: str = "raspberry-pi-zero-2w"
    max_params: int = 60_000
    families: int = Field(default=280, gt=0)
    every: int = Field(default=7, gt=0)
    members: int = Field(default=4, gt=0)
    rungs: int = Field(default=8, gt=0)
    ratio: float = Field(default=1.5, gt=1)
    full_seconds: float = Field(default=30.0, gt=0)
    seed: int = 0

    @property
    def lengths(self) -> tuple[float, ...]:
        """Shares of a full training at which students are scored, rising to 1."""
        return tuple(self.ratio ** (rung + 1 - self.rungs) for rung in range(self.rungs))


class Point(Record):
    """One student to train.

    Attributes:
        point_id: Place in the table, from 0.
        family_number: Place of its family among those kept.
        member: Which of the family's members it is; a twin is 0, as the member that it is of.
        candidate: The student and how it is taught; ``origin`` is ``twin`` for twins.
    """

    point_id: int = Field(ge=0)
    family_number: int = Field(ge=0)
    member: int = Field(ge=0)
    candidate: Candidate


class Families(Protocol):
    """What is asked of `autokd.space.students.StudentSpace`."""

    @property
    def dimension(self) -> int:
        """Length of a point of the cube."""
        ...

    def decode(self, point: NDArray[np.float64]) -> tuple[FamilyParams, DistillParams]:
        """Turn a point of the cube into parameters."""
        ...

    def member(
        self, family: FamilyParams, distill: DistillParams, *, member_seed: int, origin: Origin
    ) -> Candidate | None:
        """Draw a member; None when it fits no limit."""
        ...


def draw_points(space: Families, design: Design) -> tuple[Point, ...]:
    """Give all students of the table in order, the same for the same space and design."""
    points: list[Point] = []
    found = _families(space, design)
    for number in range(design.families):
        members = next(found)
        for member, candidate in enumerate(members):
            points.append(_point(points, number, member, candidate))
        if len(members) > 1:
            points.append(_point(points, number, 0, twin_of(members[0])))
    return tuple(points)


def twin_of(candidate: Candidate) -> Candidate:
    """Give the same student with the same seeds, taught by labels alone."""
    distill = candidate.distill.model_copy(update={"alpha": 0.0})
    return candidate.model_copy(update={"distill": distill, "origin": "twin"})


def digest_of(points: Sequence[Point]) -> str:
    """Give 64 hexadecimal digits that tell whether two draws gave the same students."""
    digest = hashlib.sha256()
    for point in points:
        digest.update(point.model_dump_json().encode())
    return digest.hexdigest()


def _families(space: Families, design: Design) -> Iterator[tuple[Candidate, ...]]:
    """Give the members of one family after the other, without end."""
    from scipy.stats import qmc  # takes longer to import than all else here

    sobol = qmc.Sobol(
        space.dimension, rng=np.random.default_rng(derive_seed(design.seed, "families"))
    )
    kept = 0
    while True:
        family, distill = space.decode(sobol.random(1)[0])
        wanted = design.members if kept % design.every == 0 else 1
        members = _members(space, family, distill, first_seed=kept * 1000, wanted=wanted)
        if len(members) == wanted:
            kept += 1
            yield members


def _members(
    space: Families, family: FamilyParams, distill: DistillParams, *, first_seed: int, wanted: int
) -> tuple[Candidate, ...]:
    """Draw members that fit; none when the first does not.

    Seeds are small numbers, not hashes, so that readers of the table that know only doubles keep
    them; whoever uses one hashes it.
    """
    members: list[Candidate] = []
    for member_seed in range(first_seed, first_seed + 1 + _TRIES * (wanted - 1)):
        candidate = space.member(family, distill, member_seed=member_seed, origin="prior")
        if candidate is not None:
            members.append(candidate)
        if not members or len(members) == wanted:
            break
    return tuple(members)


def _point(before: Sequence[Point], number: int, member: int, candidate: Candidate) -> Point:
    return Point(point_id=len(before), family_number=number, member=member, candidate=candidate)
