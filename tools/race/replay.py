"""Run a search on a table, with one worker and simulated time.

Strategies of autokd run through `autokd.search.study.Study`, as in a real search. Others implement
`Peer`. Both are asked for a row and told its score, and know no true score; members are drawn from
seeds. Where infeasible rows are free, limits are checked before training, so that infeasible asks
neither count nor cost; where they are not, each counts as one evaluation of score 0 and 0 seconds,
and the strategies of autokd are not told of limits at all.
"""

import math
import time
from collections.abc import Callable, Sequence
from typing import Protocol, cast

import numpy as np

from autokd.core.seeds import derive_seed
from autokd.core.trial import Candidate, Failure, Fidelity, Observation, Trial
from autokd.errors import InfeasibleError
from autokd.search.events import Job
from autokd.search.ledger import Ledger
from autokd.search.pool import RANDOM_TRIES
from autokd.search.rungs import Ladder
from autokd.search.strategies import Strategy
from autokd.search.study import Study
from tools.race.memory import MemoryLedger
from tools.race.tables import Table, TableSpace, place_of
from tools.race.traces import Recorder, Trace

__all__ = ["Peer", "StrategyFactory", "Trace", "eta_for", "replay", "replay_peer"]

StrategyFactory = Callable[..., Strategy]

_FULL_IMAGES = 1_000_000  # tables do not count images; all rows of a rung see as many
_BOHB_ETA, _ETA = 2.0, 3.0


class Peer(Protocol):
    """A search by others."""

    def __init__(self, table: Table, *, seed: int, free_infeasible: bool) -> None: ...

    def ask(self) -> tuple[int, int]:
        """Give a row, and the index of the length to train it up to; -1 is the last.

        A row that was asked for before, at a lower length the last time, goes on from there. Any
        other is a new trial.
        """
        ...

    def tell(self, place: int, length_index: int, score: float, seconds: float) -> None:
        """Take the score, and the seconds that this took; 0 and 0 for an infeasible row."""
        ...


def eta_for(strategy: str, table: Table) -> float:
    """Give the ladder's factor: 3, and 2 for BOHB as published where lengths about double."""
    steps = [high / low for low, high in zip(table.lengths, table.lengths[1:], strict=False)]
    doubles = bool(steps) and max(steps) < (_BOHB_ETA + _ETA) / 2
    return _BOHB_ETA if strategy == "bohb" and doubles else _ETA


def replay(
    strategy_factory: StrategyFactory,
    table: Table,
    *,
    seed: int,
    evaluations: int,
    eta: float = _ETA,
    free_infeasible: bool = True,
    max_seconds: float = math.inf,
) -> Trace:
    """Run a strategy of autokd until nothing is left to run.

    Args:
        strategy_factory: Called with (space, seed=..., ladder=...).
        table: What is searched.
        seed: Of the strategy, and through it of the members.
        evaluations: Trials that may start. Those of the best that are still to climb then do.
        eta: Of the ladder, which has a rung for each length.
        free_infeasible: See the module.
        max_seconds: Nothing is started that would end later, in simulated seconds.

    Raises:
        InfeasibleError: The strategy finds no feasible row.
    """
    space = TableSpace(table, free_infeasible=free_infeasible)
    ladder = Ladder(rungs=len(table.lengths), eta=eta)
    trainer = _Trainer(table)
    strategy = strategy_factory(space, seed=seed, ladder=ladder)
    study = Study(
        cast("Ledger", MemoryLedger()),
        strategy,
        fidelity_of=trainer.fidelity_of,
        max_trials=evaluations,
    )
    recorder = Recorder(table)
    while True:
        began = time.process_time()
        job = study.ask(seconds_left=max_seconds - recorder.seconds)
        if job is None:
            return recorder.trace()
        study.started(job)
        asking = time.process_time() - began
        score, seconds = trainer.train(job)
        began = time.process_time()
        study.tell(job, trainer.result(job, score, seconds))
        recommended = _first_of(strategy, study.trials)
        recorder.add(
            is_new=job.trial_id == recorder.evaluations,  # trials are numbered as they start
            place=place_of(job.candidate),
            length_index=job.fidelity.rung,
            score=score,
            seconds=seconds,
            optimiser_seconds=asking + time.process_time() - began,
            recommended=recommended,
        )


def _first_of(strategy: Strategy, trials: Sequence[Trial]) -> int | None:
    """Give the row that a strategy ranks first among those seen at the highest length so far."""
    seen = [o.fidelity.rung for t in trials for o in t.observations if o.accuracy > 0]
    ranking = strategy.ranking(trials, max(seen)) if seen else ()
    return place_of(ranking[0].candidate) if ranking else None


def replay_peer(
    peer: Peer,
    table: Table,
    *,
    seed: int,
    evaluations: int,
    free_infeasible: bool = True,
    max_seconds: float = math.inf,
) -> Trace:
    """Run a search by others until it asks for one trial more than it may start.

    Args:
        peer: New.
        table: What is searched.
        seed: Of the members.
        evaluations: Trials that may start; those that run may go on to higher lengths.
        free_infeasible: See the module; as the peer was made with.
        max_seconds: No more is asked for after so many simulated seconds.

    Raises:
        InfeasibleError: It asked for infeasible rows alone, thousands of times on end.
    """
    course = _Course(table, seed)
    feasible = table.feasible()
    recorder = Recorder(table)
    own_seconds, refused = 0.0, 0
    while recorder.seconds < max_seconds:
        full = recorder.evaluations == evaluations
        if full and len(table.lengths) == 1:
            break  # nothing can go on, so another suggestion would be made for nothing
        began = time.process_time()
        place, length_index = peer.ask()
        own_seconds += time.process_time() - began
        length_index %= len(table.lengths)
        is_free = free_infeasible and not feasible[place]
        is_new = course.is_new(place, length_index)
        if full and is_new and not is_free:
            break
        score, seconds = (0.0, 0.0) if is_free else course.train(place, length_index)
        began = time.process_time()
        peer.tell(place, length_index, score, seconds)
        own_seconds += time.process_time() - began
        if is_free:
            refused += 1
            if refused > RANDOM_TRIES:
                msg = f"{table.name}: {refused} infeasible rows were asked for one after the other."
                raise InfeasibleError(msg)
            continue
        recorder.add(
            is_new=is_new,
            place=place,
            length_index=length_index,
            score=score,
            seconds=seconds,
            optimiser_seconds=own_seconds,
        )
        own_seconds, refused = 0.0, 0
    return recorder.trace()


class _Trainer:
    """Looks results up for a study, and says what training would have cost."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._feasible = table.feasible()
        self._spent: dict[int, float] = {}  # by trial

    def fidelity_of(self, candidate: Candidate, rung: int) -> Fidelity:
        place = place_of(candidate)
        return Fidelity(
            rung=rung,
            images=max(round(_FULL_IMAGES * self._table.lengths[rung]), 1),
            seconds=self._table.seconds_until(place, rung) if self._feasible[place] else 0.0,
        )

    def train(self, job: Job) -> tuple[float, float]:
        """Give the score, and the seconds that this job alone took."""
        seconds = job.fidelity.seconds - self._spent.get(job.trial_id, 0.0)
        self._spent[job.trial_id] = job.fidelity.seconds
        place, rung = place_of(job.candidate), job.fidelity.rung
        if not self._feasible[place]:
            return 0.0, seconds
        return self._table.score(place, job.candidate.member_seed, rung), seconds

    def result(self, job: Job, score: float, seconds: float) -> Observation | Failure:
        """Give what a study is told: a failure where training diverged, as in a real search."""
        if score == 0.0 and self._feasible[place_of(job.candidate)]:
            return Failure(kind="diverged", message="", rung=job.fidelity.rung)
        return Observation(
            fidelity=job.fidelity,
            accuracy=score,
            loss=1.0 - score,
            agreement=score,
            train_seconds=seconds,
            images_per_second=0.0,
        )


class _Course:
    """Looks results up for a peer, which knows rows and no trials."""

    def __init__(self, table: Table, seed: int) -> None:
        self._table = table
        self._feasible = table.feasible()
        self._rng = np.random.default_rng(derive_seed(seed, "members"))
        self._reached: dict[int, tuple[int, int]] = {}  # of a row's last trial: member, length

    def is_new(self, place: int, length_index: int) -> bool:
        return place not in self._reached or self._reached[place][1] >= length_index

    def train(self, place: int, length_index: int) -> tuple[float, float]:
        """Give the score, and the seconds since the trial's last length."""
        if self.is_new(place, length_index):
            member, spent = int(self._rng.integers(self._table.members(place))), 0.0
        else:
            member, before = self._reached[place]
            spent = self._table.seconds_until(place, before)
        self._reached[place] = member, length_index
        if not self._feasible[place]:
            return 0.0, 0.0
        seconds = self._table.seconds_until(place, length_index) - spent
        return self._table.score(place, member, length_index), seconds
