"""A peer from Syne Tune: BOHB, the search that AutoKD and NAGO were published with.

References:
    [BOHB]: S. Falkner, A. Klein, F. Hutter. BOHB: Robust and Efficient Hyperparameter Optimization
        at Scale. arXiv:1807.01774.
    [SyneTune]: D. Salinas et al. Syne Tune: A Library for Large Scale Hyperparameter Tuning and
        Reproducible Research. AutoML 2022. Written against version 0.16.0.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np

from tools.race.peers.library_peer import LibraryPeer, Proposal, load_library
from tools.race.tables import Table

INSTALL = "syne-tune"


class SyneTuneBohb(LibraryPeer):
    """Kernel densities of good and other rows, and asynchronous halving by stopping.

    It differs from the paper, as its documentation says: trials are stopped rung by rung without
    waiting for a bracket to fill, and the model sees the last result of each trial, of whatever
    length. With one length it is the model alone.

    It knows no constraints. Where infeasible asks are free they are drawn anew; else they get the
    worst feasible score so far at the shortest length.
    """

    def __init__(self, table: Table, *, seed: int, free_infeasible: bool) -> None:
        super().__init__(table, seed=seed, free_infeasible=free_infeasible)
        spaces = load_library("syne_tune.config_space", install=INSTALL)
        baselines = load_library("syne_tune.optimizer.baselines", install=INSTALL)
        logging.getLogger("syne_tune").setLevel(logging.ERROR)
        self._trials = load_library("syne_tune.backend.trial_status", install=INSTALL)
        space = self.rows.parameters(
            choice=lambda _, count: spaces.choice(list(range(count))),
            integer=lambda _name, _count: spaces.uniform(0.0, 1.0),
            real=lambda _: spaces.uniform(0.0, 1.0),
        )
        # It draws from numpy's global stream too, so that has to be ours while it does.
        self._stream = np.random.RandomState(self.library_seed).get_state()
        with self._own_stream():
            self._scheduler = baselines.BOHB(
                space,
                metric="score",
                time_attr="step",
                do_minimize=False,
                random_seed=self.library_seed,
                # A little beyond the last step: the logarithm of an exact power can round down,
                # and the last rung would be lost.
                max_t=self.eta**self.last + 0.5,
                grace_period=1,
                reduction_factor=self.eta,
                # As in the paper. Left open it is one less, and the model then waits for seven
                # times as many results as there are coordinates.
                num_min_data_points=len(space) + 1,
            )
        self._started = 0
        self._going_on: Proposal | None = None

    def propose(self) -> Proposal | None:
        """Go on with a trial that is not stopped, else start one at the shortest length."""
        going_on, self._going_on = self._going_on, None
        if going_on is not None:
            return going_on
        with self._own_stream():
            suggestion = self._scheduler.suggest()
        if suggestion is None:
            return None
        return Proposal(None, self._values(suggestion.config), 0)

    def learn(self, proposal: Proposal, place: int, score: float | None) -> None:
        """Tell a result of the row that was evaluated; go on unless the trial is stopped."""
        length = proposal.length_index
        trial = proposal.handle or self._start(place)
        result = {"score": self.worst if score is None else score, "step": self.eta**length}
        with self._own_stream():
            decision = self._scheduler.on_trial_result(trial, result)
        if score is not None and length < self.last and decision == "CONTINUE":
            self._going_on = Proposal(trial, proposal.values, length + 1)

    def refuse(self, proposal: Proposal, place: int) -> None:
        """Draw anew: a bad score would take part in a rung and let others pass."""

    def _values(self, config: Mapping[str, float]) -> tuple[float, ...]:
        """Give values of a configuration, in which integers lie in the unit interval.

        As integers Syne Tune's model would round them up, where a rounding error leaves a trace.
        """
        return tuple(
            min(int(config[name] * count), count - 1) if kind == "integer" else config[name]
            for name, kind, count in zip(
                self.rows.names, self.rows.kinds, self.rows.choices, strict=True
            )
        )

    def _start(self, place: int) -> Any:
        config = {
            name: (value + 0.5) / count if kind == "integer" else value
            for (name, value), kind, count in zip(
                self.rows.named(place).items(), self.rows.kinds, self.rows.choices, strict=True
            )
        }
        trial = self._trials.Trial(self._started, config, datetime.now(UTC))
        self._started += 1
        with self._own_stream():
            self._scheduler.on_trial_add(trial)
        return trial

    @contextmanager
    def _own_stream(self) -> Iterator[None]:
        """Put a stream of this peer in the place of numpy's global one."""
        outside = np.random.get_state()  # noqa: NPY002 - the global stream is what it is about
        np.random.set_state(self._stream)  # noqa: NPY002
        try:
            yield
        finally:
            self._stream = np.random.get_state()  # noqa: NPY002
            np.random.set_state(outside)  # noqa: NPY002
