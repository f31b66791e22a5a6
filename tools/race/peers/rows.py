"""A table as other people's optimisers see it: choices, integers, real numbers, and limits."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from autokd.errors import InfeasibleError
from tools.race.tables import Table

Kind = Literal["choice", "integer", "real"]
Parameter = TypeVar("Parameter")

# A table says how many values a coordinate has, not whether they are in order. Those of the tables
# here with so many are (batch sizes, learning rates); of fewer values the order tells little.
ORDERED_FROM = 6


class Rows:
    """The inputs of a table; scores are not in it.

    Values of a row are numbers: of the value, from 0, where there are choices or integers, and the
    coordinate itself where it is real.

    Attributes:
        choices: Number of values of each coordinate, 0 for a real one; (d,).
        kinds: What a library is told of each coordinate; (d,).
        names: Of the coordinates; they sort as they are numbered.
        feasible: Which rows keep the limits; (n,).
        limits: Names of the limits that are set.
    """

    def __init__(self, table: Table) -> None:
        self.choices = table.choices
        self.kinds = tuple(_kind(count) for count in table.choices)
        self.names = tuple(f"x{number:02d}" for number in range(len(table.choices)))
        self.feasible = table.feasible()
        self.limits = tuple(table.limits.model_dump(exclude_none=True))
        self._limits = table.limits
        self._costs = table.costs
        self._points: NDArray[np.float64] = table.points
        # The first of rows that are equal, as a search for the nearest finds it.
        self._exact = {self.values(p): p for p in reversed(range(len(self._points)))}

    def parameters(
        self,
        *,
        choice: Callable[[str, int], Parameter],
        integer: Callable[[str, int], Parameter],
        real: Callable[[str], Parameter],
    ) -> dict[str, Parameter]:
        """Describe the coordinates to a library: by name, what is made of a name and a count."""
        made = {}
        for name, kind, count in zip(self.names, self.kinds, self.choices, strict=True):
            if kind == "real":
                made[name] = real(name)
            else:
                made[name] = (choice if kind == "choice" else integer)(name, count)
        return made

    def values(self, place: int) -> tuple[float, ...]:
        """Give the values of a row."""
        return tuple(
            min(int(unit * count), count - 1) if count else float(unit)
            for unit, count in zip(self._points[place], self.choices, strict=True)
        )

    def named(self, place: int) -> dict[str, float]:
        """Give the values of a row by name; those of choices and integers are of type int."""
        return dict(zip(self.names, self.values(place), strict=True))

    def from_named(self, config: Mapping[str, float]) -> tuple[float, ...]:
        """Give values that a library names, as plain numbers."""
        return tuple(
            int(config[name]) if count else float(config[name])
            for name, count in zip(self.names, self.choices, strict=True)
        )

    def nearest(self, values: Sequence[float]) -> int:
        """Give the row of ``values``, or else the nearest in the unit cube."""
        exact = self._exact.get(tuple(values))
        if exact is not None:
            return exact
        point = [
            (value + 0.5) / count if count else value
            for value, count in zip(values, self.choices, strict=True)
        ]
        return int(((self._points - np.array(point)) ** 2).sum(axis=1).argmin())

    def violations(self, place: int) -> dict[str, float]:
        """Give by how much a row is over each limit, relatively; at most 0 is feasible."""
        return self._limits.violations(self._costs[place])

    def random_feasible(self, rng: np.random.Generator) -> int:
        """Draw a feasible row.

        Raises:
            InfeasibleError: The table has none.
        """
        places = np.flatnonzero(self.feasible)
        if not len(places):
            msg = f"none of {len(self._points)} rows keeps the limits {self.limits}; raise one"
            raise InfeasibleError(msg)
        return int(rng.choice(places))


def _kind(count: int) -> Kind:
    if not count:
        return "real"
    return "integer" if count >= ORDERED_FROM else "choice"
