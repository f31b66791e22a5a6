"""A board as a file: hardware, runtime, what it can load, and how fast it is believed to be.

Every number in a profile is written with its source, ``{ value = 1.43, source = "..." }``; a number
that nobody looked up says ``source = "estimate"``.
"""

import os
import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from autokd.core.codec import load_record, nearest
from autokd.core.cost import Limits
from autokd.core.latency import LatencyModel
from autokd.core.record import Record
from autokd.core.sourced import Positive, below
from autokd.errors import ProfileError

# First opset that belongs to each IR version (onnx docs/Versioning.md).
_IR_OF_OPSET = {13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11}
_ID = r"[a-z0-9][a-z0-9-]{0,62}"


class Cpu(Record):
    """The processor that the runtime uses."""

    arch: Literal["aarch64", "x86_64", "any"]
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
    """Main memory."""

    ram_mib: Annotated[Positive, below(2**20)]
    ram_usable_mib: Annotated[Positive, below(2**20)]
    bandwidth_gb_per_s: Annotated[Positive, below(2000)]

    @model_validator(mode="after")
    def _usable_fits(self) -> Self:
        if self.ram_usable_mib.value > self.ram_mib.value:
            msg = (
                f"ram_usable_mib = {self.ram_usable_mib.value:g} is more than "
                f"ram_mib = {self.ram_mib.value:g}"
            )
            raise ValueError(msg)
        return self


class Runtime(Record):
    """What runs the model on the board."""

    package: str
    version: str
    providers: tuple[str, ...] = Field(min_length=1)
    threads: int = Field(gt=0, le=256)
    max_opset: int = Field(ge=13, le=27)
    max_ir: int = Field(ge=7, le=13)
    source: str
    base_memory_mib: Positive
    weight_memory_factor: Positive


class ExportTarget(Record):
    """The form of ONNX file that the board loads.

    Attributes:
        opset: Version of the operator set to write.
        ir: Version of the file format to write.
        input: What the board feeds: ``uint8`` in 0..255, or ``float32`` in 0..1.
        reason: Why these and not the newest.
    """

    opset: int = Field(ge=13, le=23)
    ir: int = Field(ge=7, le=11)
    input: Literal["uint8", "float32"]
    reason: str

    @model_validator(mode="after")
    def _ir_belongs(self) -> Self:
        if self.ir < _IR_OF_OPSET[self.opset]:
            msg = f"opset {self.opset} needs ir >= {_IR_OF_OPSET[self.opset]}, got ir = {self.ir}"
            raise ValueError(msg)
        return self


class DefaultLimits(Record):
    """Limits that hold unless a person sets others."""

    max_latency_ms: Positive | None = None
    max_memory_mib: Positive | None = None
    max_size_mib: Positive | None = None
    max_params: Positive | None = None


class KnownBad(Record):
    """A version of a package that fails on this board."""

    package: str
    version: str
    reason: str


class DeviceProfile(Record):
    """One board. Read it with `load_profile`."""

    schema_version: Literal[1]
    id: str = Field(pattern=f"^{_ID}$")
    name: str
    kind: Literal["sbc", "minipc", "host"]
    software: str
    cpu: Cpu
    memory: Memory
    runtime: Runtime
    export: ExportTarget
    latency: LatencyModel
    limits: DefaultLimits = DefaultLimits()
    known_bad: tuple[KnownBad, ...] = ()

    @model_validator(mode="after")
    def _export_fits_runtime(self) -> Self:
        for name, wanted, most in (
            ("opset", self.export.opset, self.runtime.max_opset),
            ("ir", self.export.ir, self.runtime.max_ir),
        ):
            if wanted > most:
                msg = f"export.{name} = {wanted} is above runtime.max_{name} = {most}"
                raise ValueError(msg)
        return self

    def default_limits(self) -> Limits:
        """Give the limits of the profile; memory is at most what the board can spare."""
        given = self.limits
        usable = self.memory.ram_usable_mib.value
        memory = min(given.max_memory_mib.value, usable) if given.max_memory_mib else usable
        return Limits(
            max_latency_ms=given.max_latency_ms.value if given.max_latency_ms else None,
            max_memory_bytes=int(memory * 2**20),
            max_size_bytes=int(given.max_size_mib.value * 2**20) if given.max_size_mib else None,
            max_params=int(given.max_params.value) if given.max_params else None,
        )


def profile_folders() -> list[Path]:
    """List the folders that are searched for profiles, a person's own first."""
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    installed = Path(str(files("autokd"))) / "_profiles"
    checkout = Path(str(files("autokd"))).parent / "profiles"
    return [config / "autokd" / "profiles", installed if installed.is_dir() else checkout]


def list_profiles() -> dict[str, Path]:
    """Give the path of every profile by its id; a person's own hides one of ours."""
    found: dict[str, Path] = {}
    for folder in profile_folders():
        for path in sorted(folder.glob("*.toml")):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def load_profile(name: str) -> DeviceProfile:
    """Read the profile with the id ``name``, or from the file ``name`` if that ends in ``.toml``.

    Raises:
        ProfileError: No such profile, or the file breaks the schema.
    """
    path = Path(name) if name.endswith(".toml") else _shipped(name)
    profile = load_record(DeviceProfile, path, error=ProfileError)
    if profile.id != path.stem:
        msg = f"{path}: id = {profile.id!r} must be the name of the file, {path.stem!r}."
        raise ProfileError(msg)
    return profile


def _shipped(name: str) -> Path:
    known = list_profiles()
    if re.fullmatch(_ID, name) and name in known:
        return known[name]
    msg = (
        f"--device {name!r}: no such device; {nearest(name, list(known))} "
        "'autokd devices list' shows all; a profile of your own is given as a path ending in .toml."
    )
    raise ProfileError(msg)
