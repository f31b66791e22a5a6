"""What a student costs on a device, and by how much that exceeds the limits.

One sign everywhere: a violation is a relative excess, and ``violation <= 0`` is feasible.
"""

import math
from dataclasses import dataclass

from pydantic import Field

from autokd.core.record import Record


class Cost(Record):
    """What one student costs. All of it is computed from its layers; nothing here is measured.

    Attributes:
        params: Trainable numbers, as ``sum(p.numel() for p in module.parameters())`` counts them.
        macs: Multiply-accumulates of one image in convolutions and linear layers. fvcore counts
            these; ``torch.utils.flop_counter`` reports twice as many.
        size_bytes: Bytes of the exported fp32 ONNX file.
        activation_bytes: Largest sum of live fp32 activations over the execution order.
        memory_bytes: Resident memory on the device: runtime, weights and activations.
        runtime_bytes: The part of it that the runtime takes whatever the student is.
        latency_ms: Predicted median latency of one image.
        latency_low_ms: Lower end of the 80 % interval of that prediction.
        latency_high_ms: Upper end. Limits are checked against this end.
    """

    params: int
    macs: int
    size_bytes: int
    activation_bytes: int
    memory_bytes: int
    runtime_bytes: int = 0
    latency_ms: float
    latency_low_ms: float
    latency_high_ms: float


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
        values = {
            "max_params": cost.params,
            "max_size_bytes": cost.size_bytes,
            "max_memory_bytes": cost.memory_bytes,
            "max_latency_ms": cost.latency_high_ms,
        }
        limits = self.model_dump(exclude_none=True)
        return [(name, values[name], limits[name]) for name in limits]


@dataclass(frozen=True, slots=True)
class LayerCost:
    """What the latency model needs of one layer.

    Attributes:
        kind: Class of operator: conv, pointwise, depthwise, linear or elementwise.
        macs: Multiply-accumulates.
        moved_bytes: Bytes read and written: inputs, outputs and weights.
    """

    kind: str
    macs: int
    moved_bytes: int
