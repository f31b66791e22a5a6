"""Family and distillation parameters as points of the unit cube, and back.

References:
    [NAGO]: arXiv:2004.01395. Ranges of ``paper`` are the published ones; the released file
        excludes cells of one node, which most of the best generators of the paper have.
    [AutoKD]: arXiv:2111.03555. Temperature and loss weight are searched with the family; their
        ranges are not known to us, so those here are a choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autokd.core.family import FamilyParams, Preset
from autokd.core.trial import DistillParams, LossName
from autokd.space.lowering import smallest_divisor_px

SMALLEST_INPUT_PX = 12


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
            unit = np.log(value / self.low) / np.log(self.high / self.low)
        else:
            unit = (value - self.low) / (self.high - self.low)
        return float(np.clip(unit, 0.0, 1.0))


Dimension = Choice | Interval


def _integers(name: str, low: int, high: int) -> Choice:
    return Choice(name, tuple(range(low, high + 1)))


# Only even degrees: networkx joins degree // 2 neighbours on each side, so 2 and 3 are one law.
_DEGREES = (2, 4)

_PAPER: tuple[Dimension, ...] = (
    _integers("top_nodes", 3, 10),
    Choice("top_degree", _DEGREES),
    Interval("top_rewire", 0.1, 0.9),
    _integers("mid_nodes", 1, 10),
    Interval("mid_edge", 0.1, 0.9),
    _integers("bottom_nodes", 3, 10),
    Choice("bottom_degree", _DEGREES),
    Interval("bottom_rewire", 0.1, 0.9),
)
_EDGE: tuple[Dimension, ...] = (
    _integers("top_nodes", 3, 7),
    Choice("top_degree", _DEGREES),
    Interval("top_rewire", 0.0, 0.9),
    _integers("mid_nodes", 1, 3),
    Interval("mid_edge", 0.3, 0.9),
    _integers("bottom_nodes", 1, 4),
    Choice("bottom_degree", _DEGREES),
    Interval("bottom_rewire", 0.0, 0.9),
    Choice("block", ("conv", "separable", "inverted")),
    Interval("growth", 1.25, 2.25),
    Interval("last_stage_share", 0.2, 0.6),
    Interval("fill", 0.35, 1.0),
)
_DISTILL: tuple[Dimension, ...] = (
    Interval("temperature", 1.0, 10.0, log=True),
    Interval("alpha", 0.0, 1.0),
)


def dimensions(preset: Preset, image_px: int) -> tuple[Dimension, ...]:
    """List the searched numbers of a preset for images of a size."""
    sizes = input_sizes(preset, image_px)
    family = _PAPER if preset == "paper" else (*_EDGE, Choice("input_px", sizes))
    return (*family, *_DISTILL)


def input_sizes(preset: Preset, image_px: int) -> tuple[int, ...]:
    """List, rising, the sizes at which a student may see images of ``image_px``.

    ``paper`` keeps the size; ``edge`` may halve it or take three quarters. Each is a multiple of
    the student's total stride.
    """
    shares: Sequence[float] = (1.0,) if preset == "paper" else (0.5, 0.75, 1.0)
    sizes = set()
    for share in shares:
        size = int(image_px * share)
        size -= size % smallest_divisor_px(preset, size)
        if size >= SMALLEST_INPUT_PX:
            sizes.add(size)
    return tuple(sorted(sizes)) or (SMALLEST_INPUT_PX,)


def decode_point(
    preset: Preset, image_px: int, point: np.ndarray, *, loss: LossName = "kd"
) -> tuple[FamilyParams, DistillParams]:
    """Turn a point of the unit cube, one coordinate a dimension, into parameters.

    Integers and choices take equal parts of their interval; nothing is rounded later. The loss is
    the same everywhere in a space, and so has no coordinate.
    """
    searched = dimensions(preset, image_px)
    values = {d.name: d.decode(float(u)) for d, u in zip(searched, point, strict=True)}
    distill = DistillParams(
        temperature=values.pop("temperature"), alpha=values.pop("alpha"), loss=loss
    )
    values.setdefault("input_px", input_sizes(preset, image_px)[-1])
    return FamilyParams(preset=preset, **values), distill


def starting_points(preset: Preset, image_px: int) -> tuple[np.ndarray, ...]:
    """Give points of students that are known to train well, (dimension,) each; first ones to try.

    For ``edge`` that is a chain of residual cells, each of two convolutions, with widths doubled
    from stage to stage as in a ResNet, once for each input size. ``paper`` has none: the published
    search starts from nothing.
    """
    if preset == "paper":
        return ()
    return tuple(
        encode_point(
            preset,
            image_px,
            FamilyParams(
                preset=preset,
                top_nodes=7,
                top_degree=2,
                top_rewire=0.0,
                mid_nodes=1,
                mid_edge=0.6,
                bottom_nodes=2,
                bottom_degree=2,
                bottom_rewire=0.0,
                block="conv",
                growth=2.0,
                last_stage_share=1 / 3,
                input_px=input_px,
                fill=1.0,
            ),
            DistillParams(temperature=4.0, alpha=0.5),
        )
        for input_px in reversed(input_sizes(preset, image_px))
    )


def encode_point(
    preset: Preset, image_px: int, family: FamilyParams, distill: DistillParams
) -> np.ndarray:
    """Give the point of parameters, whatever the loss; choices at the middle of their part."""
    values = {**family.model_dump(), **distill.model_dump()}
    return np.array([d.encode(values[d.name]) for d in dimensions(preset, image_px)])
