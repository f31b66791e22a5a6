"""Looks for the INT8 form of a student that keeps its accuracy, the cheapest changes first."""

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from autokd.core.precision import CalibrationMethod, Int8Form
from autokd.core.quantised_graph import WEIGHTED_KINDS
from autokd.export.accuracy import Judge, VariantScore
from autokd.export.calibrate import Histogram, Ranges, choose_ranges, observe
from autokd.export.graph import StudentGraph
from autokd.export.quantise import quantised_model
from autokd.export.sensitivity import rank_nodes

METHODS: tuple[CalibrationMethod, ...] = ("minmax", "percentile", "entropy")
# A student with more of its nodes in floats is hardly faster than one without integers.
MOST_EXCLUDED = 8
MOST_EXCLUDED_SHARE = 0.25
SCREENING_IMAGES = 1000
_RANKING_IMAGES = 32


@dataclass(frozen=True, slots=True)
class Int8Try:
    """One way to quantise a student.

    Attributes:
        form: How.
        method: Where the ranges of activations come from.
        excluded: Nodes that go on computing in floats.
        score: On the images that it was tried on.
        images: How many these were.
        ranges: Of the activations.
        model: The student so quantised.
    """

    form: Int8Form
    method: CalibrationMethod
    excluded: tuple[str, ...]
    score: VariantScore
    images: int
    ranges: Ranges
    model: onnx.ModelProto


def search_int8(
    graph: StudentGraph,
    images: NDArray[np.uint8],
    *,
    form: Int8Form,
    judge: Judge,
    max_drop: float,
) -> tuple[Int8Try, ...]:
    """Try forms of INT8 until one costs at most ``max_drop``; the last one given is the best found.

    First the three calibration methods in the form that the runtime wants, compared on a part of
    the judge's images; then one scale for each weight, where the form has one a channel; then the
    most sensitive nodes are left out, one, two, four and eight of them.

    Args:
        graph: The fp32 student.
        images: Training images, (n, px, px, c), at the student's size.
        form: What the runtime wants.
        judge: Scores models.
        max_drop: As a fraction.
    """
    search = _Search(graph, observe(graph, images), judge)
    part = judge.part(SCREENING_IMAGES)
    tries = [search.attempt(form, method, judge=part) for method in METHODS]
    best = min(tries, key=_drop)
    tries.remove(best)
    if best.images < len(judge.images):
        best = search.attempt(form, best.method)
    whole = [best]
    if _drop(best) > max_drop and form.per_channel:
        per_tensor = form.model_copy(update={"per_channel": False})
        whole.append(search.attempt(per_tensor, best.method))
        best = min(whole, key=_drop)
    if _drop(best) > max_drop:
        order = rank_nodes(graph, best.ranges, images[:_RANKING_IMAGES], form=best.form)
        for number in _numbers_to_exclude(graph):
            whole.append(search.attempt(best.form, best.method, exclude=order[:number]))
            if _drop(whole[-1]) <= max_drop:
                break
    return (*tries, *sorted(whole, key=lambda one: -_drop(one)))


@dataclass(frozen=True, slots=True)
class _Search:
    graph: StudentGraph
    observed: dict[str, Histogram]
    judge: Judge

    def attempt(
        self,
        form: Int8Form,
        method: CalibrationMethod,
        *,
        exclude: tuple[str, ...] = (),
        judge: Judge | None = None,
    ) -> Int8Try:
        """Quantise and score; on all images when no other judge is given."""
        judge = judge or self.judge
        ranges = choose_ranges(self.graph, self.observed, method)
        model = quantised_model(self.graph, ranges, form=form, exclude_nodes=exclude)
        score = judge.model(model)
        return Int8Try(form, method, exclude, score, len(judge.images), ranges, model)


def _drop(one: Int8Try) -> float:
    return one.score.drop


def _numbers_to_exclude(graph: StudentGraph) -> list[int]:
    weighted = sum(node.kind in WEIGHTED_KINDS for node in graph.nodes)
    most = min(MOST_EXCLUDED, int(MOST_EXCLUDED_SHARE * weighted))
    return [number for number in (1, 2, 4, 8) if number <= most]
