"""All that a run decides before it trains: written once, read by every later step and by resume."""

import math
from typing import Literal

from pydantic import Field

from autokd.core.config import RunConfig
from autokd.core.cost import Limits
from autokd.core.device import DeviceProfile
from autokd.core.record import Record
from autokd.core.results import DataResult, Feasibility, TeacherResult
from autokd.core.trial import Fidelity
from autokd.pipeline.kd_gain import SEEDS, gain_rounds, gain_seeds
from autokd.space.pace import Pace
from autokd.space.phases import REUSED_TIME
from autokd.space.program import Program

# Shares of a budget: the search, and all training at full length, that of the twin included. New
# members take some 10 %, what is left goes to export, timing and the error of the forecast.
SEARCH_SHARE = 0.48
FINAL_SHARE = 0.37

# Students that a search should see at least, and how many times longer each rung is than the one
# below. One worker gives two rungs of 13 and 40 % of the full length; shorter ones rank students by
# how fast they train. More workers see more students, not longer rungs.
STUDENTS = 16
ETA = 3.0
RUNGS = 2  # of the search; the full length comes after them
LAST_SEARCH_RUNG = RUNGS - 1
FINAL_RUNG = RUNGS
LONGEST_SEARCH_RUNG = 0.4  # of the full length
# A promoted student repeats the decay of the rung before, so a rung costs more than the difference
# of the two lengths.
PROMOTION_COST = ETA - REUSED_TIME
FINALISTS = 2


class Lengths(Record):
    """How long students are trained on each rung; the last entry is the final length.

    Attributes:
        seconds: Training time from the start up to the end of each rung, for a budget in time.
        images: Images up to the end of each rung, for a number of trials.
        pace: Training speed on this machine with the threads of one worker.
    """

    seconds: tuple[float, ...] | None
    images: tuple[int, ...] | None
    pace: Pace

    def fidelity(self, program: Program, rung: int) -> Fidelity:
        """Give the length of ``rung`` for a student."""
        each = self.pace.seconds_per_image(program)
        if self.seconds is not None:
            images = max(1, int(self.seconds[rung] / each))
            return Fidelity(rung=rung, images=images, seconds=self.seconds[rung])
        assert self.images is not None, "lengths need seconds or images"  # noqa: S101
        images = self.images[rung]
        return Fidelity(rung=rung, images=images, seconds=images * each)

    def slowed_by(self, factor: float) -> "Lengths":
        """Give lengths whose last, the full one, fits its share of the budget on a slower machine.

        Args:
            factor: Time that training took over the time that it was meant to take. Below 1 it
                changes nothing, and the full length is never below that of the last search rung.
        """
        if self.seconds is None or factor <= 1:
            return self
        *rungs, full = self.seconds
        return self.model_copy(update={"seconds": (*rungs, max(full / factor, rungs[-1]))})


def plan_training(
    config: RunConfig, pace: Pace, *, train_images: int, labelled: bool, workers: int
) -> tuple[Lengths, int]:
    """Give the lengths of the rungs, and how many pairs show what the teacher gave."""

    def lengths(seeds: int) -> Lengths:
        return plan_lengths(
            pace,
            budget_seconds=config.budget_seconds,
            trials=config.search.trials,
            epochs=config.search.epochs,
            train_images=train_images,
            workers=workers,
            gain_seeds=seeds,
        )

    most = lengths(SEEDS).seconds
    seeds = gain_seeds(
        config.search,
        labelled=labelled,
        full_seconds_with_three=None if most is None else most[-1],
    )
    return lengths(seeds), seeds


def plan_lengths(
    pace: Pace,
    *,
    budget_seconds: float,
    trials: int | None,
    epochs: float,
    train_images: int,
    workers: int,
    gain_seeds: int,
) -> Lengths:
    """Divide a budget in time, or a number of epochs, over the rungs.

    With a budget, the final length is such that finalists, side by side as far as there are
    workers, and then the pairs of `autokd.pipeline.kd_gain` fill their share. The first rung is
    such that ``STUDENTS`` students and their promotions fill the search's share on all workers, or
    more students where the last search rung would be longer than ``LONGEST_SEARCH_RUNG`` of the
    final length.
    """
    if trials is not None:
        final = epochs * train_images
        images = tuple(max(1, round(final / ETA ** (RUNGS - rung))) for rung in range(RUNGS + 1))
        return Lengths(seconds=None, images=images, pace=pace)
    rounds = math.ceil(FINALISTS / workers) + gain_rounds(gain_seeds, workers)
    final = FINAL_SHARE * budget_seconds / rounds
    cost = sum((PROMOTION_COST / ETA) ** rung for rung in range(RUNGS))
    of_students = SEARCH_SHARE * budget_seconds * workers / (STUDENTS * cost)
    first = min(of_students, LONGEST_SEARCH_RUNG * final / ETA ** (RUNGS - 1))
    rungs = [first * ETA**rung for rung in range(RUNGS)]
    return Lengths(seconds=(*rungs, final), images=None, pace=pace)


class RunPlan(Record):
    """What a run decided before it trained a student.

    Attributes:
        profile: The device, as it was when the run began.
        limits: Of the profile, overridden by the person's.
        workers: Training processes side by side.
        threads: Of each.
        mean: Of the training images, per channel, in 0..1: the students' normalisation.
        std: As ``mean``.
        logits_file: Teacher logits of the training views.
        kd_gain_seeds: Pairs with and without the teacher; 0 for none.
        starts: Points that the search tries first, those of earlier runs.
    """

    schema_version: Literal[1] = 1
    profile: DeviceProfile
    limits: Limits
    workers: int = Field(gt=0)
    threads: int = Field(gt=0)
    mean: tuple[float, ...]
    std: tuple[float, ...]
    logits_file: str
    lengths: Lengths
    data: DataResult
    teacher: TeacherResult
    feasibility: Feasibility
    preflight_seconds: float
    teach_seconds: float
    kd_gain_seeds: int = Field(default=1, ge=0)
    starts: tuple[tuple[float, ...], ...] = ()
    warnings: tuple[str, ...] = ()
