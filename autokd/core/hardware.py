"""What a board is made of, as its profile says it."""

from typing import Annotated, Literal, Self

from pydantic import model_validator

from autokd.core.record import Record
from autokd.core.sourced import Positive, below

Arch = Literal["aarch64", "x86_64", "armv7e-m", "xtensa", "any"]


class Cpu(Record):
    """The processor that the runtime uses."""

    arch: Arch
    model: str
    cores: Annotated[Positive, below(257)]
    clock_ghz: Annotated[Positive, below(8)]
    fp32_flop_per_cycle: Annotated[Positive, below(257)]

    @property
    def peak_macs_per_second(self) -> float:
        """Peak multiply-accumulates per second of all cores in fp32."""
        flops = self.cores.value * self.clock_ghz.value * 1e9 * self.fp32_flop_per_cycle.value
        return flops / 2


class Memory(Record):
    """Main memory.

    Attributes:
        ram_usable_mib: Left for a model and its runtime; of a microcontroller one block of it.
        flash_mib: Where a microcontroller has its program and weights; None where files are.
    """

    ram_mib: Annotated[Positive, below(2**20)]
    ram_usable_mib: Annotated[Positive, below(2**20)]
    bandwidth_gb_per_s: Annotated[Positive, below(2000)]
    flash_mib: Annotated[Positive, below(2**20)] | None = None

    @model_validator(mode="after")
    def _usable_fits(self) -> Self:
        if self.ram_usable_mib.value > self.ram_mib.value:
            msg = (
                f"ram_usable_mib = {self.ram_usable_mib.value:g} is more than "
                f"ram_mib = {self.ram_mib.value:g}"
            )
            raise ValueError(msg)
        return self


class Accelerator(Record):
    """A processor beside the CPU, and how a model gets there.

    Attributes:
        id: Names it in the profile.
        kind: Such as a GPU.
        model: For people.
        reach: The execution provider of onnxruntime that runs it, or what it takes instead.
        source: Where that was read.
    """

    id: str
    kind: Literal["gpu", "npu", "dsp", "tpu"]
    model: str
    reach: str
    source: str


class PowerMode(Record):
    """A setting that bounds the power, and so the clocks.

    Attributes:
        id: As the board's own tool names it.
        watts: Of the whole board, or of the part that ``note`` names.
        note: How it is set, or what it bounds; None when there is nothing to say.
    """

    id: str
    watts: Annotated[Positive, below(1000)]
    note: str | None = None
