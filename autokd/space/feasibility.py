"""What of a space fits a device, before anything is trained."""

from collections import Counter

import numpy as np

from autokd.core.results import Feasibility, LimitFeasibility
from autokd.core.seeds import derive_seed
from autokd.space.cost import cost_on
from autokd.space.students import StudentSpace


def survey(space: StudentSpace, *, members: int, seed: int) -> Feasibility:
    """Draw members of random families and hold them against the limits.

    A member fits when the width solver finds a width for it. Each limit is also held against the
    members at their smallest width, whatever share of the limit their family asks for.
    """
    costs, fitting = [], 0
    for number in range(members):
        rng = np.random.default_rng(derive_seed(seed, "survey", number))
        family, distill = space.decode(rng.random(space.dimension))
        program = space.smallest_member(family, member_seed=number)
        costs.append(cost_on(program, space.profile, label_bytes=space.label_bytes))
        member = space.member(family, distill, member_seed=number, origin="prior")
        fitting += member is not None
    over = [
        {name for name, excess in space.limits.violations(cost).items() if excess > 0}
        for cost in costs
    ]
    stopped = Counter(name for names in over for name in names)
    limits = space.limits.model_dump(exclude_none=True)
    excesses = [space.limits.violations(cost) for cost in costs]
    # Where every member fits, the limit that the smallest of them is nearest to.
    closest = max(limits, key=lambda name: min(e[name] for e in excesses), default=None)
    binding = stopped.most_common(1)[0][0] if stopped else closest
    return Feasibility(
        drawn=members,
        fitting=fitting,
        binding=binding,
        limits=tuple(
            LimitFeasibility(
                limit=name,
                value=value,
                fitting=members - stopped[name],
                nearest=(1.0 + min(e[name] for e in excesses)) * value,
            )
            for name, value in limits.items()
        ),
    )
