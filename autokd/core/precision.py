"""Precisions of an exported student, and the form of INT8 that a runtime runs fast and right."""

from typing import Literal, Self

from pydantic import model_validator

from autokd.core.record import Record

Precision = Literal["fp32", "fp16", "int8"]
CalibrationMethod = Literal["minmax", "percentile", "entropy"]


class Int8Form(Record):
    """How a student is quantised for one runtime; weights are symmetric 8-bit integers always.

    Attributes:
        activation: ``int8`` on ARM and TensorRT, ``uint8`` on x86.
        per_channel: A scale for each output channel of a weight, instead of one for all.
        reduce_range: Weights of 7 bits: x86 without VNNI adds pairs of products in 16 bits, which
            overflow with 8 (onnxruntime docs/performance/model-optimizations/quantization.md).
        symmetric: Zero is the integer 0 in activations too, as TensorRT asks. It costs what is
            after a ReLU half of its steps, so leave it where it is not asked for.
    """

    activation: Literal["int8", "uint8"]
    per_channel: bool
    reduce_range: bool
    symmetric: bool = False

    @model_validator(mode="after")
    def _symmetric_is_signed(self) -> Self:
        if self.symmetric and self.activation == "uint8":
            msg = "symmetric = true goes with activation = 'int8'; uint8 has no negative half"
            raise ValueError(msg)
        return self

    @property
    def activation_span(self) -> tuple[int, int]:
        """The smallest and the largest integer of an activation."""
        if self.activation == "uint8":
            return (0, 255)
        return (-127, 127) if self.symmetric else (-128, 127)

    @property
    def weight_limit(self) -> int:
        """The largest integer of a weight; the smallest is its negative."""
        return 63 if self.reduce_range else 127
