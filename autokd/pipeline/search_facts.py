"""What a search says beside its students: what each parameter moves, how far predictions were."""

from collections.abc import Sequence
from dataclasses import dataclass

from autokd.core.effects import ParameterEffect
from autokd.core.measurement import TimedStudent
from autokd.core.progress import Progress
from autokd.core.trial import BoardTiming, Trial, searched
from autokd.pipeline.inputs import Inputs
from autokd.pipeline.plan import FINAL_RUNG, LAST_SEARCH_RUNG, RunPlan
from autokd.pipeline.survey import make_space
from autokd.search.effects import parameter_effects
from autokd.search.ledger import Ledger
from autokd.space.coding import dimensions


@dataclass(frozen=True, slots=True)
class SearchFacts:
    """As in `autokd.core.results.Report`."""

    effects: tuple[ParameterEffect, ...] = ()
    timed: tuple[TimedStudent, ...] = ()


def find_search_facts(
    inputs: Inputs, plan: RunPlan, ledger: Ledger, *, progress: Progress
) -> SearchFacts:
    """Give what the ledger of a run says, once its search is over."""
    space = make_space(inputs, plan.limits)
    step = "finding what each parameter moves"
    progress(step, 0, 1)
    effects = parameter_effects(
        searched(ledger.trials(), full_rung=FINAL_RUNG),
        space,
        names=[d.name for d in dimensions(space.preset, space.image_px)],
        last_rung=LAST_SEARCH_RUNG,
        seed=inputs.config.seed,
    )
    progress(step, 1, 1)
    return SearchFacts(effects, timed_students(ledger.timings(), ledger.trials()))


def timed_students(
    timings: Sequence[BoardTiming], trials: Sequence[Trial]
) -> tuple[TimedStudent, ...]:
    """Give each timing on the target beside what was predicted, in the order of the timings.

    A student that was refused as too slow, or drawn narrower for it, has no trial.
    """
    trial_of = {
        t.candidate.network: t.trial_id for t in reversed(trials) if not t.too_slow
    }  # the first of those that are one network
    return tuple(
        TimedStudent(
            trial_id=trial_of.get(timing.candidate.network),
            predicted_ms=timing.candidate.cost.latency_ms,
            measured_ms=timing.p50_ms,
        )
        for timing in timings
        if timing.candidate.cost.latency_ms is not None
    )
