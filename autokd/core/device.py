"""A board as a file: hardware, runtime, what it can load, and how fast it is believed to be.

Every number in a profile is written with its source, ``{ value = 1.43, source = "..." }``; a number
that nobody looked up says ``source = "estimate"``.
"""

import os
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from autokd.core.codec import load_record, nearest
from autokd.core.cost import Limits
from autokd.core.hardware import Accelerator, Cpu, Memory, PowerMode
from autokd.core.latency import LatencyModel
from autokd.core.onnx_versions import IR_OF_OPSET
from autokd.core.profile_rules import contradictions
from autokd.core.record import Record
from autokd.core.runtime import KnownBad, Runtime, Takes
from autokd.core.sourced import Positive
from autokd.core.toml import render_toml
from autokd.errors import ProfileError

ID_PATTERN = r"[a-z0-9][a-z0-9-]{0,62}"


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
        if self.ir < IR_OF_OPSET[self.opset]:
            msg = f"opset {self.opset} needs ir >= {IR_OF_OPSET[self.opset]}, got ir = {self.ir}"
            raise ValueError(msg)
        return self


class DefaultLimits(Record):
    """Limits that hold unless a person sets others."""

    max_latency_ms: Positive | None = None
    max_memory_mib: Positive | None = None
    max_size_mib: Positive | None = None
    max_params: Positive | None = None


class DeviceProfile(Record):
    """One board. Read it with `load_profile`.

    Attributes:
        runtimes: What runs a model; the first is the default, and the only one whose latency must
            be given. Empty where onnxruntime does not run.
        takes: For those: what the device takes instead. Exactly one of the two is given.
        export: The form of file that each of ``runtimes`` loads.
    """

    schema_version: Literal[1]
    id: str = Field(pattern=f"^{ID_PATTERN}$")
    name: str
    kind: Literal["sbc", "minipc", "host", "phone", "mcu"]
    software: str
    cpu: Cpu
    memory: Memory
    runtimes: tuple[Runtime, ...] = ()
    takes: Takes | None = None
    accelerators: tuple[Accelerator, ...] = ()
    power: tuple[PowerMode, ...] = ()
    export: ExportTarget
    limits: DefaultLimits = DefaultLimits()
    known_bad: tuple[KnownBad, ...] = ()

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        for fault in contradictions(self):
            raise ValueError(fault)
        return self

    @property
    def runtime(self) -> Runtime | None:
        """The default runtime, None where onnxruntime does not run."""
        return self.runtimes[0] if self.runtimes else None

    @property
    def latency(self) -> LatencyModel | None:
        """How fast the default runtime is believed to be in fp32, None without a runtime."""
        return self.runtime.latency["fp32"] if self.runtime else None

    @property
    def threads(self) -> int:
        """Threads of the default runtime, 1 without a runtime."""
        return self.runtime.threads if self.runtime else 1

    def required_runtime(self) -> Runtime:
        """Give the default runtime.

        Raises:
            ProfileError: Onnxruntime does not run on this device.
        """
        if self.runtime is not None:
            return self.runtime
        assert self.takes is not None  # noqa: S101 - a profile has one of the two
        msg = (
            f"device {self.id}: onnxruntime does not run there; it takes a file of form "
            f"{self.takes.form} through {self.takes.tool}. Give a device that runs onnxruntime."
        )
        raise ProfileError(msg)

    def to_toml(self) -> str:
        """Give the text of the profile's file, with what was set and no defaults."""
        raw = self.model_dump(mode="json", exclude_unset=True, exclude_none=True)
        return render_toml(raw, is_inline=_is_inline)

    def with_latency(self, latency: LatencyModel) -> Self:
        """Give the profile with another belief in the speed of the default runtime in fp32.

        Raises:
            ProfileError: Onnxruntime does not run on this device.
        """
        used = self.required_runtime()
        changed = used.model_copy(update={"latency": {**used.latency, "fp32": latency}})
        return self.model_copy(update={"runtimes": (changed, *self.runtimes[1:])})

    def default_limits(self) -> Limits:
        """Give the limits of the profile; memory is at most what the board can spare.

        On a microcontroller so is the file: flash without the code of the tool's runtime.
        """
        given = self.limits
        usable = self.memory.ram_usable_mib.value
        memory = min(given.max_memory_mib.value, usable) if given.max_memory_mib else usable
        size = given.max_size_mib.value if given.max_size_mib else None
        if self.memory.flash_mib is not None and self.takes is not None:
            flash = self.memory.flash_mib.value - self.takes.runtime_flash_kib.value / 2**10
            size = flash if size is None else min(size, flash)
        return Limits(
            max_latency_ms=given.max_latency_ms.value if given.max_latency_ms else None,
            max_memory_bytes=int(memory * 2**20),
            max_size_bytes=None if size is None else int(size * 2**20),
            max_params=int(given.max_params.value) if given.max_params else None,
        )


def _is_inline(table: Mapping[str, Any]) -> bool:
    return set(table) == {"value", "source"} or "activation" in table


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
        msg = (
            f"{path}: id = {profile.id!r} must be the name of the file, {path.stem!r}; rename one."
        )
        raise ProfileError(msg)
    return profile


def _shipped(name: str) -> Path:
    known = list_profiles()
    if re.fullmatch(ID_PATTERN, name) and name in known:
        return known[name]
    msg = (
        f"--device {name!r}: no such device; {nearest(name, list(known))} "
        "'autokd devices list' shows all; a profile of your own is given as a path ending in .toml."
    )
    raise ProfileError(msg)
