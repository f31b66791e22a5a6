"""What a student costs on a device, and by how much that exceeds the limits.

One sign everywhere: a violation is a relative excess, and ``violation <= 0`` is feasible.
"""

import math
from dataclasses import dataclass
from typing import Self

from pydantic import Field, model_validator

from autokd.core.record import Record


class Cost(Record):
    """What one student costs. All of it is computed from its layers; a target may measure latency.

    Where onnxruntime does not run, sizes are those of the INT8 file that the device takes instead,
    and there is no claim of a latency: all three are None.

    Attributes:
        params: Trainable numbers, as ``sum(p.numel() for p in module.parameters())`` counts them.
        macs: Multiply-accumulates of one image in convolutions and linear layers. fvcore counts
            these; ``torch.utils.flop_counter`` reports twice as many.
        size_bytes: Bytes of the ONNX file for the device, in fp32 or in INT8.
        activation_bytes: Largest sum of live activations over the execution order, 4 bytes a number
            in fp32 and 1 in INT8.
        memory_bytes: Memory on the device: runtime, activations, and weights unless they stay in
            flash.
        runtime_bytes: The part of it that the runtime takes whatever the student is.
        is_measured: Whether the latency is what a target measured; all three are then the same.
        latency_ms: Median latency of one image.
        latency_low_ms: Lower end of the 80 % interval of that prediction.
        latency_high_ms: Upper end. Limits are checked against this end.
    """

    params: int
    macs: int
    size_bytes: int
    activation_bytes: int
    memory_bytes: int
    runtime_bytes: int = 0
    is_measured: bool = False
    latency_ms: float | None
    latency_low_ms: float | None
    latency_high_ms: float | None

    @model_validator(mode="after")
    def _claims_all_or_nothing(self) -> Self:
        given = (self.latency_ms, self.latency_low_ms, self.latency_high_ms)
        if None in given and set(given) != {None}:
            msg = f"a latency has a value and both ends of its interval or none, got {given}"
            raise ValueError(msg)
        return self

    @property
    def latency_interval_ms(self) -> tuple[float, float, float] | None:
        """The lower end, the prediction and the upper end; None where there is no claim."""
        if self.latency_ms is None or self.latency_low_ms is None or self.latency_high_ms is None:
            return None
        return self.latency_low_ms, self.latency_ms, self.latency_high_ms


class Limits(Record):
    """Upper limits on a Cost; None is no limit."""

    max_params: int | None = Field(default=None, gt=0)
    max_size_bytes: int | None = Field(default=None, gt=0)
    max_memory_bytes: int | None = Field(default=None, gt=0)
    max_latency_ms: float | None = Field(default=None, gt=0)

    def is_empty(self) -> bool:
        """Whether no limit is set."""
        return all(value is None for value in self.model_dump().values())

    def overridden_by(self, other: "Limits") -> "Limits":
        """Give these limits with those that ``other`` sets in their place."""
        return Limits(**{**self.model_dump(), **other.model_dump(exclude_none=True)})

    def violations(self, cost: Cost) -> dict[str, float]:
        """Give the relative excess over each limit that is set: ``cost / limit - 1``.

        A latency counts at the upper end of its interval, so that a student found feasible is so
        with nine chances in ten.

        Raises:
            ValueError: A latency is limited, and ``cost`` makes no claim of one.
        """
        return {name: value / limit - 1.0 for name, value, limit in self._pairs(cost)}

    def utilisation(self, cost: Cost) -> float:
        """Give the used fraction of the tightest limit; at most 1 is feasible, 0 without limits.

        Of a memory limit it is the fraction of what the runtime leaves to a student.
        """
        return max(self._shares(cost).values(), default=0.0)

    def binding(self, cost: Cost) -> str | None:
        """Name the limit that ``cost`` uses most of, None without limits."""
        shares = self._shares(cost)
        return max(shares, key=lambda name: shares[name]) if shares else None

    def _shares(self, cost: Cost) -> dict[str, float]:
        shares = {}
        for name, value, limit in self._pairs(cost):
            fixed = cost.runtime_bytes if name == "max_memory_bytes" else 0
            shares[name] = (value - fixed) / (limit - fixed) if limit > fixed else math.inf
        return shares

    def _pairs(self, cost: Cost) -> list[tuple[str, float, float]]:
        if self.max_latency_ms is not None and cost.latency_high_ms is None:
            msg = f"max_latency_ms = {self.max_latency_ms:g} on a device without a latency"
            raise ValueError(msg)  # refused to a person long before, with the place to change
        values: dict[str, float | None] = {
            "max_params": cost.params,
            "max_size_bytes": cost.size_bytes,
            "max_memory_bytes": cost.memory_bytes,
            "max_latency_ms": cost.latency_high_ms,
        }
        limits = self.model_dump(exclude_none=True)
        return [
            (name, value, limits[name])
            for name, value in values.items()
            if value is not None and name in limits
        ]


@dataclass(frozen=True, slots=True)
class LayerCost:
    """What the latency model needs of one operator that a runtime executes.

    Attributes:
        kind: Class of operator: conv, pointwise, depthwise, linear, elementwise or pool.
        macs: Multiply-accumulates.
        read_bytes: Of its inputs, in fp32.
        written_bytes: Of its output, in fp32.
        weight_bytes: Of its weights, in fp32.
        in_channels: Of its input.
        out_channels: Of its output.
        px: Side of its output.
    """

    kind: str
    macs: int
    read_bytes: int
    written_bytes: int
    weight_bytes: int = 0
    in_channels: int = 1
    out_channels: int = 1
    px: int = 1
