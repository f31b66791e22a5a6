"""The contract of a strategy, see `autokd.search.strategies.protocol`."""

import math

import numpy as np

from autokd.core.cost import Limits
from autokd.core.device import load_profile
from autokd.core.seeds import derive_seed
from autokd.core.trial import Candidate, Failure, Fidelity, Observation, Origin, Trial, TrialState
from autokd.errors import InfeasibleError
from autokd.search.ranking import by_accuracy
from autokd.search.rungs import Ladder
from autokd.search.strategies import Strategy, strategy_named
from autokd.space.students import StudentSpace
from autokd.testing.contract import broken, leaving_chance_alone

TRIALS = 12
SEED = 3
LADDER = Ladder(rungs=2)


class EmptySpace(StudentSpace):
    """A space in which no student fits."""

    def draw(
        self,
        point: np.ndarray,  # noqa: ARG002 - all are alike
        *,
        member_seed: int,  # noqa: ARG002
        origin: Origin,  # noqa: ARG002
    ) -> Candidate | None:
        """Give None at every point."""
        return None


def check_strategy(name: str) -> None:
    """Hold a strategy against its contract, in a search of the space ``edge`` that trains nothing.

    It proposes candidates that the space draws and the limits allow, on rungs that there are; what
    it proposes follows from the trials, its seed and the number of the trial, so that a search that
    was killed goes on as if it had not been; it ranks just the trials with a result; and it says so
    when nothing fits, in place of searching for ever.

    Args:
        name: By which a run asks for it.

    Raises:
        ContractBrokenError: It does not keep a rule.
        PluginError: It is not installed, cannot be imported, or fails.
    """
    what = f"strategy {name!r}"
    make, space = strategy_named(name), make_space()
    worn = make(space, seed=SEED, ladder=LADDER)
    if worn.ladder != LADDER:
        broken(what, f"its ladder is the one that was given, {LADDER}", f"it is {worn.ladder}")
    with leaving_chance_alone(what):
        trials = _play(what, worn, space)
        proposed = worn.propose(trials, trial_id=TRIALS)
        fresh = make(make_space(), seed=SEED, ladder=LADDER).propose(trials, trial_id=TRIALS)
    if proposed != fresh:
        broken(
            what,
            "a proposal follows from trials, seed and number alone, or a run that is killed and "
            "resumed becomes another one",
            f"a fresh strategy proposes {_short(fresh)}, one that was asked before "
            f"{_short(proposed)}",
        )
    other = make(space, seed=SEED + 1, ladder=LADDER)
    firsts = [other.propose(trials[:n], trial_id=n) for n in range(4)]
    if firsts == [trial.candidate for trial in trials[:4]]:
        broken(what, "another seed gives another search", "the first four proposals are the same")
    _check_ranking(what, worn, trials)
    _check_empty(what, make(make_space(EmptySpace), seed=SEED, ladder=LADDER))


def make_space(kind: type[StudentSpace] = StudentSpace) -> StudentSpace:
    """Give a small space with a limit, new each time."""
    return kind(
        preset="edge",
        profile=load_profile("raspberry-pi-5"),
        limits=Limits(max_params=50_000),
        image_px=16,
        image_channels=1,
        class_names=tuple(str(number) for number in range(10)),
    )


def _play(what: str, strategy: Strategy, space: StudentSpace) -> tuple[Trial, ...]:
    """Search as far as `TRIALS`: some fail, some are promoted, the last two still run."""
    trials: list[Trial] = []
    for number in range(TRIALS):
        rung = strategy.first_rung(number)
        if rung not in range(LADDER.rungs):
            broken(what, f"trials start on a rung of 0 to {LADDER.last}", f"{number} on {rung!r}")
        candidate = strategy.propose(tuple(trials), trial_id=number)
        _check_candidate(what, candidate, space, number)
        trials.append(_trial(number, candidate, rung))
    return tuple(trials)


def _check_candidate(what: str, found: Candidate, space: StudentSpace, number: int) -> None:
    where = f"{what}, trial {number}"
    if not isinstance(found, Candidate):
        broken(where, "a proposal is a Candidate", f"it is a {type(found).__name__}")
    use = space.limits.utilisation(found.cost)
    if use > 1:
        broken(where, "a proposal keeps the limits", f"it uses {use:.0%} of {space.limits}")
    drawn = space.draw(space.point(found), member_seed=found.member_seed, origin=found.origin)
    if drawn is None or (drawn.base_width, drawn.cost) != (found.base_width, found.cost):
        found_text = "the space draws another width or cost there: let Space.draw make it"
        broken(where, "a proposal is a member that the space draws", found_text)


def _trial(number: int, candidate: Candidate, first: int) -> Trial:
    if number >= TRIALS - 2:
        return Trial(trial_id=number, candidate=candidate, state=TrialState.RUNNING)
    if number % 7 == 5:
        failure = Failure(kind="not finite", message="made up", rung=first)
        return Trial(trial_id=number, candidate=candidate, state=TrialState.FAILED, failure=failure)
    last = LADDER.last if number % 3 == 0 else first
    return Trial(
        trial_id=number,
        candidate=candidate,
        state=TrialState.PAUSED,
        observations=tuple(_observation(candidate, rung) for rung in range(first, last + 1)),
    )


def _observation(candidate: Candidate, rung: int) -> Observation:
    """Make up a result: smooth in what is searched, better when larger, with some luck."""
    luck = np.random.default_rng(derive_seed(candidate.member_seed, rung)).normal()
    hill = 0.1 * (candidate.distill.alpha - 0.8) ** 2 + 0.1 * candidate.family.top_rewire**2
    size = 0.05 * math.log(candidate.cost.params / 50_000)
    accuracy = float(np.clip(0.8 - hill + size - 0.1 * 0.5**rung + 0.01 * luck, 0.01, 0.99))
    seconds = 3.0**rung
    return Observation(
        fidelity=Fidelity(rung=rung, images=int(1000 * seconds), seconds=seconds),
        accuracy=accuracy,
        loss=1.0 - accuracy,
        agreement=accuracy,
        train_seconds=seconds,
        images_per_second=1000.0,
    )


def _check_ranking(what: str, strategy: Strategy, trials: tuple[Trial, ...]) -> None:
    for rung in range(LADDER.rungs):
        ranked = [trial.trial_id for trial in strategy.ranking(trials, rung)]
        there = sorted(trial.trial_id for trial in by_accuracy(trials, rung))
        if sorted(ranked) != there:
            found = f"{there} have one on rung {rung}, and it ranked {ranked}"
            broken(what, "a ranking holds each trial with a result once, and no other", found)


def _check_empty(what: str, strategy: Strategy) -> None:
    rule = "where no student fits, an InfeasibleError says so"
    try:
        found = strategy.propose((), trial_id=0)
    except InfeasibleError:
        return
    broken(what, rule, f"it proposed {_short(found)}")


def _short(candidate: Candidate) -> str:
    text = repr(candidate)
    return text if len(text) <= 120 else f"{text[:117]}..."
