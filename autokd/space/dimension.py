"""One searched number: its values, and its place in the unit interval."""

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values, each with an equal part of the unit interval."""

    name: str
    values: tuple[Any, ...]

    def decode(self, unit: float) -> Any:
        """Give the value at ``unit``."""
        return self.values[min(int(unit * len(self.values)), len(self.values) - 1)]

    def encode(self, value: Any) -> float:
        """Give the middle of the value's part."""
        return (self.values.index(value) + 0.5) / len(self.values)


@dataclass(frozen=True, slots=True)
class Interval:
    """A real number, on a linear or logarithmic scale."""

    name: str
    low: float
    high: float
    log: bool = False

    def decode(self, unit: float) -> float:
        """Give the value at ``unit``."""
        if self.log:
            return float(self.low * (self.high / self.low) ** unit)
        return float(self.low + (self.high - self.low) * unit)

    def encode(self, value: float) -> float:
        """Give the place of ``value`` in the unit interval."""
        if self.log:
            unit = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            unit = (value - self.low) / (self.high - self.low)
        return min(max(float(unit), 0.0), 1.0)


Dimension = Choice | Interval
