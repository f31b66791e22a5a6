"""Precisions of an exported student, and the form of INT8 that a runtime runs fast and right."""

from typing import Literal

from autokd.core.record import Record

Precision = Literal["fp32", "fp16", "int8"]


class Int8Form(Record):
    """How a student is quantised for one runtime; weights are symmetric 8-bit integers always.

    Attributes:
        activation: ``int8`` (symmetric) on ARM and TensorRT, ``uint8`` on x86.
        per_channel: A scale for each output channel of a weight, instead of one for all.
        reduce_range: Weights of 7 bits: x86 without VNNI adds pairs of products in 16 bits, which
            overflow with 8 (onnxruntime docs/performance/model-optimizations/quantization.md).
    """

    activation: Literal["int8", "uint8"]
    per_channel: bool
    reduce_range: bool
