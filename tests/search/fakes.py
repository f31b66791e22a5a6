"""A small space with the methods of a real one, and an evaluator that does not train."""

import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autokd.core.cost import Cost, Limits
from autokd.core.family import FamilyParams
from autokd.core.seeds import derive_seed
from autokd.core.trial import (
    Candidate,
    DistillParams,
    Failure,
    Fidelity,
    Observation,
    Trial,
    TrialState,
)

RUNG_SECONDS = (10.0, 30.0, 90.0, 270.0)


class FakeSpace:
    """Six coordinates; about one point in six has no width that fits."""

    dimension = 6
    revision = 0

    def __init__(self, *, limits: Limits | None = None, feasible: bool = True) -> None:
        self.limits = limits or Limits(max_params=100_000)
        self._feasible = feasible
        self.drawn = 0

    def starts(self):
        return ()

    def draw(self, point, *, member_seed, origin):
        return self.member(*self.decode(point), member_seed=member_seed, origin=origin)

    def point(self, candidate):
        return self.encode(candidate.family, candidate.distill)

    def decode(self, point):
        family = FamilyParams(
            preset="edge",
            top_nodes=3 + round(5 * float(point[0])),
            top_degree=2,
            top_rewire=0.5,
            mid_nodes=2,
            mid_edge=float(point[1]),
            bottom_nodes=3,
            bottom_degree=2,
            bottom_rewire=float(point[2]),
            input_px=32,
            fill=0.3 + 0.7 * float(point[3]),
        )
        distill = DistillParams(temperature=20 ** float(point[4]), alpha=float(point[5]))
        return family, distill

    def encode(self, family, distill):
        return np.array(
            [
                (family.top_nodes - 3) / 5,
                family.mid_edge,
                family.bottom_rewire,
                (family.fill - 0.3) / 0.7,
                math.log(distill.temperature) / math.log(20),
                distill.alpha,
            ]
        )

    def member(self, family, distill, *, member_seed, origin):
        self.drawn += 1
        if not self._feasible or family.top_nodes * family.mid_edge > 5:
            return None
        slack = 0.95 + 0.05 * np.random.default_rng(member_seed).random()
        return candidate(
            family=family,
            distill=distill,
            member_seed=member_seed,
            params=int(100_000 * family.fill * slack),
            origin=origin,
        )

    def descriptors(self, candidate):
        family = candidate.family
        return np.array([math.log(candidate.cost.params), family.top_nodes * family.mid_edge, 7.0])


def candidate(
    *, params=50_000, member_seed=0, origin="random", family=None, distill=None
) -> Candidate:
    if family is None:
        family, distill = FakeSpace().decode(np.full(6, 0.4))
    cost = Cost(
        params=params,
        macs=10 * params,
        size_bytes=4 * params,
        activation_bytes=1000,
        memory_bytes=5 * params,
        latency_ms=1.0,
        latency_low_ms=0.9,
        latency_high_ms=1.1,
    )
    return Candidate(
        family=family,
        distill=distill,
        member_seed=member_seed,
        base_width=8,
        cost=cost,
        origin=origin,
    )


def fidelity_of(candidate: Candidate, rung: int) -> Fidelity:
    return Fidelity(rung=rung, images=1000 * 3**rung, seconds=RUNG_SECONDS[rung])


def observation(rung: int, accuracy: float, *, train_seconds: float = 1.0) -> Observation:
    return Observation(
        fidelity=fidelity_of(None, rung),
        accuracy=accuracy,
        loss=1.0,
        agreement=accuracy,
        train_seconds=train_seconds,
        images_per_second=1000.0,
    )


def trial(trial_id: int, *accuracies: float, state=TrialState.PAUSED, failed=None, params=50_000):
    """Give a trial with one result a rung; ``failed`` is the rung that it failed on."""
    failure = None
    if failed is not None:
        failure, state = Failure(kind="not finite", message="", rung=failed), TrialState.FAILED
    return Trial(
        trial_id=trial_id,
        candidate=candidate(params=params, member_seed=trial_id),
        state=state,
        observations=tuple(observation(r, a) for r, a in enumerate(accuracies)),
        failure=failure,
    )


def true_accuracy(candidate: Candidate, rung: int) -> float:
    """Give what the student reaches: smooth in the family and its teaching, better when larger."""
    family, distill = candidate.family, candidate.distill
    hill = (
        (family.mid_edge - 0.35) ** 2
        + (family.bottom_rewire - 0.7) ** 2
        + 0.3 * (math.log(distill.temperature / 4) / 3) ** 2
        + 0.2 * (distill.alpha - 0.8) ** 2
    )
    size = 0.12 * math.log(candidate.cost.params / 100_000)
    wobble = 0.01 * np.random.default_rng(derive_seed(candidate.member_seed, rung)).normal()
    return float(np.clip(0.85 - hill + size - 0.1 * 0.5**rung + wobble, 0.01, 0.99))


@dataclass(frozen=True)
class FakeEvaluator:
    """Computes an accuracy, after a while; notes each call on one line of a file when asked to."""

    log: Path | None = None
    seconds: float = 0.0

    def __call__(self, trial_id, candidate, fidelity):
        time.sleep(self.seconds)
        if self.log is not None:
            handle = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(handle, f"{trial_id} {fidelity.rung} {os.getpid()}\n".encode())
            os.close(handle)
        accuracy = true_accuracy(candidate, fidelity.rung)
        return observation(fidelity.rung, accuracy, train_seconds=fidelity.seconds)
