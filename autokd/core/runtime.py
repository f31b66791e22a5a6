"""What runs a model on a board: a build of onnxruntime, or the tool that takes the file instead."""

from typing import Literal, Self

from pydantic import Field, model_validator

from autokd.core.latency import LatencyModel
from autokd.core.onnx_versions import IR_OF_OPSET, LIMITS_OF_ONNXRUNTIME, release_of
from autokd.core.precision import Int8Form, Precision
from autokd.core.record import Record
from autokd.core.sourced import Positive


class Runtime(Record):
    """One build of onnxruntime with its execution providers.

    Attributes:
        id: Names it in the profile.
        package: As pip or the vendor names it.
        version: Of the package.
        providers: In the order in which they are asked for.
        threads: That it runs with on the CPU.
        max_opset: Newest operator set that all of ``providers`` take; a parser of an accelerator
            may take less than onnxruntime.
        max_ir: Newest file format that it loads.
        precisions: In which it runs a student.
        int8: Form of INT8 that it wants; given if and only if ``precisions`` has int8.
        source: Of the version and its limits.
        base_memory_mib: Resident memory with the smallest model.
        weight_memory_factor: Resident bytes for each byte of weights.
        latency: How fast it is believed to be in a precision, by the CPU's peak; empty for what
            runs elsewhere, of which no prediction is made.
    """

    id: str
    package: str
    version: str
    providers: tuple[str, ...] = Field(min_length=1)
    threads: int = Field(gt=0, le=256)
    max_opset: int = Field(ge=13, le=28)
    max_ir: int = Field(ge=7, le=14)
    precisions: tuple[Precision, ...] = Field(min_length=1)
    int8: Int8Form | None = None
    source: str
    base_memory_mib: Positive
    weight_memory_factor: Positive
    latency: dict[Precision, LatencyModel] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _ir_fits_opset(self) -> Self:
        if self.max_ir < IR_OF_OPSET[self.max_opset]:
            msg = (
                f"max_opset = {self.max_opset} came with IR {IR_OF_OPSET[self.max_opset]}, "
                f"so max_ir = {self.max_ir} is too low"
            )
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _limits_are_of_the_release(self) -> Self:
        release = release_of(self.version)
        limits = LIMITS_OF_ONNXRUNTIME.get(release) if release else None
        if not self.package.startswith("onnxruntime") or limits is None:
            return self
        if self.max_opset > limits[0] or self.max_ir > limits[1]:
            msg = (
                f"onnxruntime {self.version} loads up to opset {limits[0]} and IR {limits[1]}, "
                f"not max_opset = {self.max_opset} and max_ir = {self.max_ir}"
            )
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _precisions_agree(self) -> Self:
        if len(set(self.precisions)) < len(self.precisions):
            msg = f"precisions = {list(self.precisions)} names one twice"
            raise ValueError(msg)
        if ("int8" in self.precisions) != (self.int8 is not None):
            msg = "precisions has int8 without a table int8 that says its form"
            if self.int8:
                msg = "has a table int8, but precisions does not list int8"
            raise ValueError(msg)
        for precision in self.latency:
            if precision not in self.precisions:
                msg = f"latency.{precision} is given, but precisions does not list {precision}"
                raise ValueError(msg)
        return self


class Takes(Record):
    """What a device takes on which onnxruntime does not run.

    Attributes:
        tool: Of the vendor, which turns the exported file into what the device runs.
        form: Of the exported file: ``int8-qdq`` is full-integer ONNX with QuantizeLinear pairs.
        int8: How it is quantised.
        source: Where that was read.
        runtime_memory_kib: RAM that the tool's runtime takes beside the tensors.
        runtime_flash_kib: Flash that its code takes beside the weights.
        arena_factor: RAM for tensors over the largest sum of live INT8 tensors: scratch buffers,
            alignment and gaps.
    """

    tool: str
    form: Literal["int8-qdq"]
    int8: Int8Form
    source: str
    runtime_memory_kib: Positive
    runtime_flash_kib: Positive
    arena_factor: Positive


class KnownBad(Record):
    """A version of a package that fails on this board."""

    package: str
    version: str
    reason: str
