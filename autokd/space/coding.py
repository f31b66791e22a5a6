"""Family and distillation parameters as points of the unit cube, and back.

References:
    [NAGO]: arXiv:2004.01395. Ranges of ``paper`` are the published ones; the released file
        excludes cells of one node, which most of the best generators of the paper have.
    [AutoKD]: arXiv:2111.03555. Temperature and loss weight are searched with the family; their
        ranges are not known to us, so those here are a choice.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autokd.core.family import FamilyParams, Preset
from autokd.core.plugins import blaming_if_plugin
from autokd.core.trial import DistillParams
from autokd.space.definition import SpaceDefinition, plugin_space
from autokd.space.dimension import Choice, Dimension, Interval
from autokd.space.lowering import smallest_divisor_px

SMALLEST_INPUT_PX = 12


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
# A chain of residual cells, each of two convolutions, with widths doubled from stage to stage as in
# a ResNet: known to train well.
_CHAIN: Mapping[str, Any] = {
    "top_nodes": 7,
    "top_degree": 2,
    "top_rewire": 0.0,
    "mid_nodes": 1,
    "mid_edge": 0.6,
    "bottom_nodes": 2,
    "bottom_degree": 2,
    "bottom_rewire": 0.0,
    "block": "conv",
    "growth": 2.0,
    "last_stage_share": 1 / 3,
    "fill": 1.0,
    "temperature": 4.0,
    "alpha": 0.5,
}
_DISTILL: tuple[Dimension, ...] = (
    Interval("temperature", 1.0, 10.0, log=True),
    Interval("alpha", 0.0, 1.0),
)


def definition_of(preset: str) -> SpaceDefinition:
    """Give the space of a name, shipped or of a plug-in.

    Raises:
        PluginError: There is none, or it does not work.
    """
    return SPACES.get(preset) or plugin_space(preset)


def dimensions(preset: str, image_px: int) -> tuple[Dimension, ...]:
    """List the searched numbers of a space for images of a size."""
    return definition_of(preset).ranges(image_px)


def input_sizes(preset: str, image_px: int) -> tuple[int, ...]:
    """List, rising, the sizes at which a student may see images of ``image_px``.

    ``paper`` keeps the size; ``edge`` may halve it or take three quarters. Each is a multiple of
    the student's total stride. In a space where nothing is said of sizes, images keep theirs.
    """
    if preset == "paper":
        return _sizes("paper", image_px, (1.0,))
    found = (d for d in dimensions(preset, image_px) if d.name == "input_px")
    return tuple(sorted(value for d in found if isinstance(d, Choice) for value in d.values)) or (
        image_px,
    )


def decode_point(
    preset: str, image_px: int, point: np.ndarray, *, loss: str = "kd"
) -> tuple[FamilyParams, DistillParams]:
    """Turn a point of the unit cube, one coordinate a dimension, into parameters.

    Integers and choices take equal parts of their interval; nothing is rounded later. The loss is
    the same everywhere in a space, and so has no coordinate.

    Raises:
        PluginError: A value of a plug-in's space is none that a family may have.
    """
    searched = dimensions(preset, image_px)
    values = {d.name: d.decode(float(u)) for d, u in zip(searched, point, strict=True)}
    with blaming_if_plugin("space", preset, doing=f"naming a family by {values}"):
        return _parameters(preset, image_px, values, loss)


def starting_points(preset: str, image_px: int) -> tuple[np.ndarray, ...]:
    """Give points of students that are known to train well, (dimension,) each; first ones to try.

    ``edge`` has a chain of residual cells, once for each input size. ``paper`` has none: the
    published search starts from nothing.
    """
    searched = dimensions(preset, image_px)
    starts = definition_of(preset).starts(image_px)
    with blaming_if_plugin("space", preset, doing=f"giving its starts for {image_px} px"):
        return tuple(np.array([d.encode(start[d.name]) for d in searched]) for start in starts)


def encode_point(
    preset: str, image_px: int, family: FamilyParams, distill: DistillParams
) -> np.ndarray:
    """Give the point of parameters, whatever the loss; choices at the middle of their part."""
    values = {**family.values(), **distill.model_dump()}
    return np.array([d.encode(values[d.name]) for d in dimensions(preset, image_px)])


def _parameters(
    preset: str, image_px: int, values: Mapping[str, Any], loss: str
) -> tuple[FamilyParams, DistillParams]:
    left = {**definition_of(preset).fixed, **values}
    distill = DistillParams(temperature=left.pop("temperature"), alpha=left.pop("alpha"), loss=loss)
    if "input_px" not in left:
        left["input_px"] = input_sizes(preset, image_px)[-1]
    own = tuple((name, left.pop(name)) for name in [*left] if name not in FamilyParams.model_fields)
    return FamilyParams(preset=preset, own=own, **left), distill


def _sizes(preset: Preset, image_px: int, shares: Sequence[float]) -> tuple[int, ...]:
    """Give shares of a size that are whole in every stage, rising."""
    sizes = set()
    for share in shares:
        size = int(image_px * share)
        size -= size % smallest_divisor_px(preset, size)
        if size >= SMALLEST_INPUT_PX:
            sizes.add(size)
    return tuple(sorted(sizes)) or (SMALLEST_INPUT_PX,)


def _paper_ranges(image_px: int) -> tuple[Dimension, ...]:  # noqa: ARG001 - the same for all
    return (*_PAPER, *_DISTILL)


def _edge_ranges(image_px: int) -> tuple[Dimension, ...]:
    sizes = _sizes("edge", image_px, (0.5, 0.75, 1.0))
    return (*_EDGE, Choice("input_px", sizes), *_DISTILL)


def _edge_starts(image_px: int) -> tuple[Mapping[str, Any], ...]:
    sizes = input_sizes("edge", image_px)
    return tuple({**_CHAIN, "input_px": input_px} for input_px in reversed(sizes))


# Narrower networks than 8 train badly and save next to nothing on a board: a vector register holds
# eight half floats, so narrower channels are padded anyway.
SPACES: Mapping[str, SpaceDefinition] = {
    "paper": SpaceDefinition(ranges=_paper_ranges, smallest_width=1),
    "edge": SpaceDefinition(ranges=_edge_ranges, starts=_edge_starts, smallest_width=8),
}
