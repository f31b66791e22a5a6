"""Hardware in the loop: a drawn student is timed on the target before it is trained.

Latency does not depend on the weights, so random ones do. A student over the limit costs seconds
instead of a training, and each timing corrects what is predicted of the next ones.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from autokd.core.cost import Cost, Limits
from autokd.core.progress import Say
from autokd.core.trial import TOO_SLOW, BoardTiming, Candidate, Failure
from autokd.errors import DeviceError, MeasurementError
from autokd.measure.target import Target, measure_on, open_target
from autokd.pipeline.plan import RunPlan
from autokd.pipeline.untrained import write_untrained
from autokd.search.ledger import Ledger
from autokd.search.study import Screen, let_pass
from autokd.space.cost import cost_on
from autokd.space.latency_fit import LatencyObservation, refine
from autokd.space.operators import layer_costs
from autokd.space.students import StudentSpace

TIMED_SECONDS = 1.0
WARMUP_SECONDS = 2.0
# A measurement that does not count is taken again; a machine that never rests is not waited for.
MOST_TIMINGS = 3
MOST_NARROWINGS = 3
# Two timings of one file differ by so much, so a narrower student aims that far below the limit.
REPEAT_FACTOR = 1.03
# So many targets in a row without an answer, and the rest of the search goes by prediction.
MOST_SILENCES = 3
FEWEST_TIMINGS = 4


@contextmanager
def screening(
    target: str | None,
    space: StudentSpace,
    plan: RunPlan,
    ledger: Ledger,
    *,
    say: Say,
    hold_back: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Iterator[Screen]:
    """Give what sees each candidate: timings on ``target``, or nothing where there is none.

    Args:
        target: Of `RunConfig`.
        space: As of `BoardScreen`, like the next three.
        plan: See there.
        ledger: See there.
        say: See there.
        hold_back: Stops the training on this host, entered while this host is what is timed.
    """
    if target is None:
        yield let_pass
        return
    with open_target(target, plan.profile, say=say) as board:
        quiet = hold_back if board.on_this_host else nullcontext
        yield BoardScreen(board, space, plan, ledger, say=say, quiet=quiet)


class BoardScreen:
    """Times candidates on a target, and refuses those that are over the limit there.

    A candidate that is too slow is drawn narrower, by what was measured of it, and timed again.
    What was timed is in the ledger, so a run that goes on does not time it twice.
    """

    def __init__(
        self,
        target: Target,
        space: StudentSpace,
        plan: RunPlan,
        ledger: Ledger,
        *,
        say: Say,
        quiet: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Prepare, and correct the predictions of ``space`` by what the ledger holds.

        Args:
            target: Where candidates are timed.
            space: They are drawn from; its predictions are corrected.
            plan: Gives the form of the file and the limits.
            ledger: Keeps the timings.
            say: Told of candidates that were refused, and of a target that does not answer.
            quiet: Entered while a candidate is timed, to hold back other work on that machine.
        """
        self._target = target
        self._space = space
        self._plan = plan
        self._ledger = ledger
        self._say = say
        self._quiet = quiet
        self._silences = 0
        self._corrected_by = 0
        self._correct()

    def __call__(self, trial_id: int, candidate: Candidate) -> Candidate | Failure:
        """Give the candidate with its measured latency, a narrower one, or why none is fast enough.

        A candidate that could not be timed is given as it came, with its prediction.
        """
        limit = self._space.limits.max_latency_ms
        narrower: Candidate | None = candidate
        measured_ms = 0.0
        for _ in range(MOST_NARROWINGS + 1):
            if narrower is None:
                break
            candidate = narrower
            timing = self._timing(trial_id, candidate)
            if timing is None:
                return candidate
            if limit is None or timing.p50_ms <= limit:
                return candidate.model_copy(update={"cost": _as_measured(candidate.cost, timing)})
            measured_ms = timing.p50_ms
            narrower = self._narrower(candidate, timing)
        message = (
            f"takes {measured_ms:.2f} ms on {self._target.name} at width {candidate.base_width}, "
            f"at most {limit:g} ms are allowed."
        )
        self._say(f"student {trial_id} refused: {message}")
        return Failure(kind=TOO_SLOW, message=message, rung=0)

    def _timing(self, trial_id: int, candidate: Candidate) -> BoardTiming | None:
        """Give what was measured of ``candidate``, now or earlier; None when nothing counts."""
        known = (t for t in self._ledger.timings() if t.candidate.network == candidate.network)
        if (found := next(known, None)) is not None:
            return found
        if self._silences >= MOST_SILENCES:
            return None
        timing = self._measure(candidate)
        if timing is None:
            return None
        self._ledger.timed(trial_id, timing)
        self._correct()
        return timing

    def _measure(self, candidate: Candidate) -> BoardTiming | None:
        reason = None
        with tempfile.TemporaryDirectory(prefix="autokd-") as folder, self._quiet():
            model = write_untrained(
                Path(folder) / "student.onnx",
                self._space.program(candidate),
                self._plan.profile.export,
            )
            for _ in range(MOST_TIMINGS):
                try:
                    found = measure_on(
                        self._target,
                        model,
                        self._plan.profile,
                        seconds=TIMED_SECONDS,
                        max_warmup_seconds=WARMUP_SECONDS,
                    )
                except (DeviceError, MeasurementError) as fault:
                    self._silences += 1
                    self._say(f"not timed, the prediction stands: {fault}")
                    if self._silences == MOST_SILENCES:
                        self._say(f"{self._target.name} is not asked any more in this session.")
                    return None
                self._silences = 0
                if found.valid:
                    return BoardTiming(
                        candidate=candidate,
                        p50_ms=found.p50_ms,
                        samples=found.samples,
                        target=self._target.name,
                    )
                reason = found.reason
        self._say(f"not timed, the prediction stands: {MOST_TIMINGS} times invalid, {reason}")
        return None

    def _narrower(self, candidate: Candidate, timing: BoardTiming) -> Candidate | None:
        """Draw the same member so narrow that by what was measured of it it is fast enough."""
        limit = self._space.limits.max_latency_ms
        predicted = cost_on(self._space.program(candidate), self._space.profile).latency_high_ms
        if limit is None or predicted is None:
            return None
        # Limits hold at the upper end of a prediction, which is this far from what is measured.
        as_predicted = limit * predicted / (REPEAT_FACTOR * timing.p50_ms)
        limits = self._space.limits.overridden_by(Limits(max_latency_ms=as_predicted))
        found = self._space.with_limits(limits).member(
            candidate.family,
            candidate.distill,
            member_seed=candidate.member_seed,
            origin=candidate.origin,
        )
        if found is None or found.base_width >= candidate.base_width:
            return None
        return found

    def _correct(self) -> None:
        """Predict from now on by what was measured so far.

        Anew at each doubling alone: whatever was drawn by the former prediction is drawn again.
        """
        timings = self._ledger.timings()
        seen = 1 << (len(timings).bit_length() - 1) if timings else 0
        if seen < FEWEST_TIMINGS or seen == self._corrected_by:
            return
        self._corrected_by = seen
        observations = [
            LatencyObservation(layer_costs(self._space.program(t.candidate)), t.p50_ms)
            for t in timings[:seen]
        ]
        model = refine(self._plan.profile, observations)
        self._space.predict_by(model)


def _as_measured(cost: Cost, timing: BoardTiming) -> Cost:
    """Give ``cost`` with the latency that a target measured, which has no interval."""
    return cost.model_copy(
        update=dict.fromkeys(("latency_ms", "latency_low_ms", "latency_high_ms"), timing.p50_ms)
        | {"is_measured": True}
    )
