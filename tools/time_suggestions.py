"""Time how long the search thinks: the suggestion after some hundred finished trials.

    python tools/time_suggestions.py --trials 200 1000

Trials are students of the `edge` space on the rungs of a run, as the search itself would start
and promote them, with accuracies that are made up; nothing is trained. For each number of trials
the next suggestions are timed, and the memory of the process is read before and after.
"""

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Iterator

import numpy as np
import torch

from autokd.core.cost import Limits
from autokd.core.device import load_profile
from autokd.core.seeds import derive_seed
from autokd.core.trial import Candidate, Fidelity, Observation, Trial, TrialState
from autokd.search.pool import random_candidate
from autokd.search.rungs import Ladder
from autokd.search.strategies import AutoKDStrategy
from autokd.space.students import StudentSpace

SUGGESTIONS = 10
RUNGS = 2
_CLASSES = 100
_SLOPE = 40.0  # of accuracy over log parameters and noise: any order of students will do


def main() -> None:
    """Print a line for each number of trials."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, nargs="+", default=[200, 1000])
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    space = edge_space()
    print(f"{'trials':>7}{'median':>9}{'longest':>9}{'memory':>9}")
    for count in given.trials:
        strategy = AutoKDStrategy(space, seed=0, ladder=Ladder(rungs=RUNGS))
        trials = list(made_up_trials(space, count))
        strategy.propose(trials, trial_id=count)  # imports, and the window of the pool
        seconds = []
        for number in range(1, SUGGESTIONS + 1):
            began = time.perf_counter()
            candidate = strategy.propose(trials, trial_id=count + number)
            seconds.append(time.perf_counter() - began)
            trials.append(trial_of(candidate, count + number))
        memory_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _per_mib()
        print(
            f"{count:>7}{statistics.median(seconds):>8.2f}s{max(seconds):>8.2f}s"
            f"{memory_mib:>6.0f}MiB",
            flush=True,
        )


def edge_space() -> StudentSpace:
    """Give students for a Raspberry Pi Zero 2 W and images of 32 px."""
    profile = load_profile("raspberry-pi-zero-2w")
    return StudentSpace(
        preset="edge",
        profile=profile,
        limits=profile.default_limits().overridden_by(Limits(max_params=150_000)),
        image_px=32,
        image_channels=3,
        class_names=tuple(f"class {number}" for number in range(_CLASSES)),
    )


def made_up_trials(space: StudentSpace, count: int) -> Iterator[Trial]:
    """Draw students at random; every third has a result on the last rung too."""
    for trial_id in range(count):
        seed = derive_seed(0, "time", trial_id)
        yield trial_of(random_candidate(space, seed, origin="random"), trial_id)


def trial_of(candidate: Candidate, trial_id: int) -> Trial:
    """Give a finished trial; larger students are better, by a noise that is as large."""
    noise = np.random.default_rng(trial_id).normal()
    accuracy = float(np.clip(0.5 + (np.log(candidate.cost.params / 1e5) + noise) / _SLOPE, 0, 1))
    rungs = RUNGS if trial_id % 3 == 0 else 1
    return Trial(
        trial_id=trial_id,
        candidate=candidate,
        state=TrialState.PAUSED,
        observations=tuple(
            Observation(
                fidelity=Fidelity(rung=rung, images=1000 * 3**rung, seconds=10.0 * 3**rung),
                accuracy=accuracy,
                loss=1.0,
                agreement=accuracy,
                train_seconds=1.0,
                images_per_second=1000.0,
            )
            for rung in range(rungs)
        ),
    )


def _per_mib() -> int:
    return 2**20 if sys.platform == "darwin" else 2**10


if __name__ == "__main__":
    main()
