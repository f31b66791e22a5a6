"""The space of students for what a person gave, and how much of it keeps the limits."""

from autokd.core.cost import Limits
from autokd.core.results import Feasibility
from autokd.core.seeds import derive_seed
from autokd.core.shortfall import explain_infeasible
from autokd.errors import InfeasibleError
from autokd.pipeline.inputs import Inputs, class_names
from autokd.space.feasibility import survey
from autokd.space.students import StudentSpace

SURVEY_MEMBERS = 200


def survey_space(inputs: Inputs) -> tuple[Limits, Feasibility]:
    """Give the limits of the run, and how much of the space keeps them.

    A student that is larger than its teacher compresses nothing: where no limit on parameters is
    set, the teacher's own count is one.
    """
    limits = inputs.profile.default_limits().overridden_by(inputs.config.limits.to_limits())
    if limits.max_params is None and inputs.teacher.card.params is not None:
        limits = limits.overridden_by(Limits(max_params=inputs.teacher.card.params))
    space = make_space(inputs, limits)
    return limits, survey(
        space, members=SURVEY_MEMBERS, seed=derive_seed(inputs.config.seed, "survey")
    )


def make_space(
    inputs: Inputs, limits: Limits, *, starts: tuple[tuple[float, ...], ...] = ()
) -> StudentSpace:
    """Give the space of students for these images and limits; ``starts`` are tried first."""
    return StudentSpace(
        preset=inputs.config.search.space,
        profile=inputs.profile,
        limits=limits,
        image_px=inputs.dataset.train.px,
        image_channels=inputs.dataset.train.channels,
        class_names=class_names(inputs),
        loss=inputs.config.search.loss,
        starts=starts,
    )


def require_feasible(feasibility: Feasibility) -> None:
    """Stop when no member fits.

    Raises:
        InfeasibleError: With the binding limit and the nearest miss of each.
    """
    if feasibility.fitting:
        return
    raise InfeasibleError(explain_infeasible(feasibility))
