"""The largest width that keeps every limit."""

import math
from collections.abc import Callable

from autokd.core.cost import Cost, Limits
from autokd.core.device import DeviceProfile
from autokd.space.cost import cost_on
from autokd.space.program import Program

LARGEST_WIDTH = 4096


def largest_width(
    program_at: Callable[[int], Program],
    *,
    profile: DeviceProfile,
    limits: Limits,
    fill: float,
    smallest: int,
    label_bytes: int = 0,
) -> tuple[int, Cost] | None:
    """Solve for the largest width that uses at most ``fill`` of the tightest limit.

    Costs rise with the width, about with its square, which gives a guess that is then corrected
    step by step: some six evaluations instead of a bisection's twelve.

    Args:
        program_at: Gives the student at a width.
        profile: The device.
        limits: At least one.
        fill: In (0, 1].
        smallest: No width below this is worth training.
        label_bytes: Of the classes' names in the exported file.

    Returns:
        The width and its cost, or None when ``smallest`` is over already.
    """
    costs: dict[int, Cost] = {}

    def used(width: int) -> float:
        if width not in costs:
            costs[width] = cost_on(program_at(width), profile, label_bytes=label_bytes)
        return limits.utilisation(costs[width])

    if used(smallest) > fill:
        return None
    width = max(16, smallest)
    for _ in range(3):
        guess = int(width * math.sqrt(fill / used(width))) if used(width) > 0 else LARGEST_WIDTH
        width = min(max(guess, smallest), LARGEST_WIDTH)
    while used(width) > fill:
        width -= 1
    while width < LARGEST_WIDTH and used(width + 1) <= fill:
        width += 1
    return width, costs[width]
