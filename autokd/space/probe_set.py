"""A few dozen small graphs whose timings tell the coefficients of a latency prediction apart.

Two kinds: chains in which one class of operator takes nearly all the time, and students of the
``edge`` space, which are what is to be predicted. Most are chosen greedily such that the volume of
what remains uncertain shrinks most (D-optimal design: V. Fedorov, Theory of Optimal Experiments,
1972), by the gradient of the log prediction at the profile's own numbers. The last ones are drawn
at random, since a design looks for the extremes and a student to come is ordinary.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from autokd.core.cost import Limits
from autokd.core.device import DeviceProfile
from autokd.core.seeds import derive_seed
from autokd.space.latency import COEFFICIENTS, Floats, Machine, gather_operators, predict_ms
from autokd.space.latency_fit import NOISE, Belief
from autokd.space.operators import layer_costs
from autokd.space.program import Program, ProgramBuilder
from autokd.space.students import StudentSpace

CHAINS, CHOSEN_STUDENTS, DRAWN_STUDENTS = 14, 14, 14
# Below, a timing is that of the call; above, 64 samples of one take a minute.
SHORTEST_MS, LONGEST_MS = 0.05, 100.0

_IMAGE_PX = (32, 64, 96)
_PARAMS = (1e4, 1e6)  # limits of students, drawn evenly in logarithms
_CANDIDATES = 150
_CHANNELS, _SIDES, _DEPTHS = (16, 24, 32, 64, 128), (4, 8, 12, 16, 32, 64), (4, 12)
_CLASSES = (10, 1000)


@dataclass(frozen=True, slots=True)
class Probe:
    """A graph to be timed; a student is also what predictions are judged by."""

    name: str
    program: Program
    is_student: bool


def choose_probes(
    profile: DeviceProfile, machine: Machine, belief: Belief, *, seed: int
) -> tuple[Probe, ...]:
    """Choose the graphs to time for ``profile``, the chains first.

    Args:
        profile: Sizes the students.
        machine: The board as it is believed to be.
        belief: What is known of the coefficients; the design is for what is not.
        seed: Of the students that are drawn.
    """
    chains = _affordable(list(_chains()), machine, belief)
    drawn = _affordable(list(draw_students(profile, _CANDIDATES, seed=seed)), machine, belief)
    students, rest = drawn[:-DRAWN_STUDENTS], drawn[-DRAWN_STUDENTS:]
    root = belief.root_of_precision()
    known = root.T @ root
    chosen, known = _most_telling(chains, CHAINS, known, machine, belief)
    more, known = _most_telling(students, CHOSEN_STUDENTS, known, machine, belief)
    return (*chosen, *more, *rest)


def draw_students(profile: DeviceProfile, number: int, *, seed: int) -> Iterator[Probe]:
    """Draw students of the ``edge`` space under limits of parameters from small to large."""
    count = 0
    for attempt in range(20 * number):
        rng = np.random.default_rng(derive_seed(seed, "probe", attempt))
        low, high = np.log(_PARAMS)
        limits = Limits(max_params=int(np.exp(rng.uniform(low, high))))
        space = StudentSpace(
            preset="edge",
            profile=profile,
            limits=limits,
            image_px=int(rng.choice(_IMAGE_PX)),
            image_channels=3,
            class_names=tuple(str(n) for n in range(10)),
        )
        candidate = space.draw(rng.random(space.dimension), member_seed=attempt, origin="random")
        if candidate is not None:
            yield Probe(f"student-{attempt}", space.program(candidate), is_student=True)
            count += 1
        if count == number:
            return


def log_gradient(probes: Sequence[Probe], machine: Machine, coefficients: Floats) -> Floats:
    """Give the derivative of log latency by the log of each coefficient, (n, 9)."""
    operators = gather_operators([layer_costs(p.program) for p in probes], machine)
    step = 1e-4
    columns = []
    for place in range(len(COEFFICIENTS)):
        ends = []
        for sign in (1.0, -1.0):
            moved = coefficients.copy()
            moved[place] *= np.exp(sign * step)
            ends.append(np.log(predict_ms(operators, moved, machine)))
        columns.append((ends[0] - ends[1]) / (2 * step))
    return np.stack(columns, axis=1)


def _most_telling(
    probes: list[Probe], number: int, known: Floats, machine: Machine, belief: Belief
) -> tuple[list[Probe], Floats]:
    """Choose greedily; give the probes and the information, (9, 9), that all of them bring."""
    gradients = log_gradient(probes, machine, belief.centre) / NOISE
    left = list(range(len(probes)))
    chosen = []
    for _ in range(min(number, len(probes))):
        inverse = np.linalg.inv(known)
        gains = np.einsum("ij,jk,ik->i", gradients[left], inverse, gradients[left])
        best = left.pop(int(np.argmax(gains)))
        known = known + np.outer(gradients[best], gradients[best])
        chosen.append(probes[best])
    return chosen, known


def _affordable(probes: list[Probe], machine: Machine, belief: Belief) -> list[Probe]:
    operators = gather_operators([layer_costs(p.program) for p in probes], machine)
    latency_ms = predict_ms(operators, belief.centre, machine)
    return [
        probe
        for probe, ms in zip(probes, latency_ms, strict=True)
        if SHORTEST_MS <= ms <= LONGEST_MS
    ]


def _chains() -> Iterator[Probe]:
    for name, extend in _STEPS.items():
        for channels in _CHANNELS:
            for px in _SIDES:
                for depth in _DEPTHS:
                    build = ProgramBuilder(3, px)
                    place = build.conv("first", 0, channels, kernel=1)
                    place = extend(build, place, depth)
                    build.classify(place, _CLASSES[0])
                    yield Probe(f"{name}-{channels}x{px}x{depth}", build.build(), is_student=False)
    for channels in _CHANNELS:
        for px in _SIDES[:2]:
            build = ProgramBuilder(3, px)
            build.classify(build.conv("first", 0, channels, kernel=1), _CLASSES[1])
            yield Probe(f"linear-{channels}x{px}", build.build(), is_student=False)


def _convolutions(build: ProgramBuilder, place: int, depth: int) -> int:
    for step in range(depth):
        place = build.relu(f"relu{step}", build.conv(f"conv{step}", place, build.channels(place)))
    return place


def _pointwise(build: ProgramBuilder, place: int, depth: int) -> int:
    for step in range(depth):
        wide = build.conv(f"conv{step}", place, build.channels(place), kernel=1)
        place = build.relu(f"relu{step}", wide)
    return place


def _depthwise(build: ProgramBuilder, place: int, depth: int) -> int:
    for step in range(depth):
        deep = build.conv(f"conv{step}", place, build.channels(place), depthwise=True)
        place = build.relu(f"relu{step}", deep)
    return place


def _additions(build: ProgramBuilder, place: int, depth: int) -> int:
    # Each adds an older tensor, so that none can be joined with a convolution.
    older, newer = place, build.relu("relu", place)
    for step in range(depth):
        older, newer = newer, build.sum(f"sum{step}", [older, newer])
    return newer


_STEPS: dict[str, Callable[[ProgramBuilder, int, int], int]] = {
    "conv": _convolutions,
    "pointwise": _pointwise,
    "depthwise": _depthwise,
    "add": _additions,
}
