import dataclasses

import pytest

from autokd.core.results import Feasibility, LimitFeasibility
from autokd.errors import InfeasibleError
from autokd.pipeline import survey
from tests.pipeline.fakes import make_inputs


def test_a_teacher_is_the_largest_student_that_makes_sense() -> None:
    limits, feasibility = survey.survey_space(make_inputs())
    assert limits.max_params == 30_000  # the teacher's
    assert limits.max_memory_bytes is not None  # the profile's
    assert 0 < feasibility.fitting <= feasibility.drawn == survey.SURVEY_MEMBERS


def test_a_persons_own_limit_stands_above_the_teachers() -> None:
    inputs = make_inputs()
    config = inputs.config.model_copy(
        update={"limits": inputs.config.limits.model_copy(update={"max_params": 50_000})}
    )
    limits, _ = survey.survey_space(dataclasses.replace(inputs, config=config))
    assert limits.max_params == 50_000


def test_where_nothing_fits_the_run_stops_with_the_nearest_miss() -> None:
    row = LimitFeasibility(limit="max_params", value=100, fitting=0, nearest=812)
    none = Feasibility(drawn=200, fitting=0, binding="max_params", limits=(row,))
    with pytest.raises(
        InfeasibleError,
        match=r"none of 200 .*parameters: at most 100, .* 812\)\. The limit on parameters .*Raise",
    ):
        survey.require_feasible(none)
    survey.require_feasible(none.model_copy(update={"fitting": 1}))
