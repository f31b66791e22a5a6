from pathlib import Path

import numpy as np
import pytest

from autokd.core.trial import Observation
from autokd.errors import ConfigError
from autokd.pipeline.survey import make_space
from autokd.pipeline.warm_start import points_of_earlier_runs
from autokd.search.events import Job
from autokd.search.ledger import Ledger
from autokd.search.pool import random_candidate
from tests.pipeline.fakes import make_inputs, make_plan
from tests.search.fakes import fidelity_of, observation


@pytest.fixture
def space():
    return make_space(make_inputs(), make_plan().limits)


def write_run(folder: Path, candidates, accuracies) -> str:
    """Write a ledger in which trial n has the accuracies n of rungs 0, 1, ..."""
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        for trial_id, (candidate, scores) in enumerate(zip(candidates, accuracies, strict=True)):
            for rung, accuracy in enumerate(scores):
                fidelity = fidelity_of(candidate, rung)
                ledger.asked(Job(trial_id=trial_id, candidate=candidate, fidelity=fidelity))
                seen: Observation = observation(rung, accuracy)
                ledger.observed(trial_id, seen)
    return str(folder)


def draw(space, count: int):
    return [random_candidate(space, seed, origin="random") for seed in range(count)]


def test_the_best_two_families_on_the_highest_search_rung_come_first(space, tmp_path) -> None:
    old = draw(space, 4)
    scores = [(0.9,), (0.5, 0.6), (0.4, 0.7), (0.4, 0.5)]
    points = points_of_earlier_runs([write_run(tmp_path / "a", old, scores)], space)
    assert len(points) == 2
    assert np.allclose(points[0], space.point(old[2]))
    assert np.allclose(points[1], space.point(old[1]))


def test_two_members_of_one_family_count_once(space, tmp_path) -> None:
    first, second = draw(space, 2)
    twin = first.model_copy(update={"member_seed": first.member_seed + 1})
    run = write_run(tmp_path / "a", [first, twin, second], [(0.9,), (0.8,), (0.1,)])
    points = points_of_earlier_runs([run], space)
    assert np.allclose(points[1], space.point(second))


def test_full_length_results_which_only_finalists_have_do_not_hide_the_others(
    space, tmp_path
) -> None:
    old = draw(space, 2)
    run = write_run(tmp_path / "a", old, [(0.5, 0.6, 0.9), (0.6, 0.7)])
    assert np.allclose(points_of_earlier_runs([run], space)[0], space.point(old[1]))


def test_a_size_that_this_space_lacks_becomes_the_nearest(space, tmp_path) -> None:
    candidate = draw(space, 1)[0]
    family = candidate.family.model_copy(update={"input_px": 200})
    other = candidate.model_copy(update={"family": family})
    (point,) = points_of_earlier_runs([write_run(tmp_path / "a", [other], [(0.5,)])], space)
    assert space.decode(point)[0].input_px == 16


def test_the_space_hands_them_out_before_what_it_knows_itself(space, tmp_path) -> None:
    run = write_run(tmp_path / "a", draw(space, 1), [(0.5,)])
    starts = tuple(tuple(map(float, p)) for p in points_of_earlier_runs([run], space))
    warm = make_space(make_inputs(), make_plan().limits, starts=starts)
    assert np.allclose(warm.starts()[0], starts[0])
    assert len(warm.starts()) == 1 + len(space.starts())


def test_no_run_an_empty_one_and_one_of_another_preset_are_refused(space, tmp_path) -> None:
    with pytest.raises(ConfigError, match="there is no such ledger"):
        points_of_earlier_runs([str(tmp_path / "none")], space)
    empty = write_run(tmp_path / "empty", [], [])
    with pytest.raises(ConfigError, match=r"--warm-start .*has no trained student yet; leave it"):
        points_of_earlier_runs([empty], space)
    candidate = draw(space, 1)[0]
    family = candidate.family.model_copy(update={"preset": "paper"})
    run = write_run(tmp_path / "p", [candidate.model_copy(update={"family": family})], [(0.5,)])
    with pytest.raises(ConfigError, match=r"searched the space 'paper', .*give --space paper"):
        points_of_earlier_runs([run], space)
