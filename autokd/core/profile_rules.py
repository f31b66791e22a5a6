"""What a profile must not say: parts that contradict each other, and numbers in another unit."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autokd.core.device import DeviceProfile


def contradictions(profile: "DeviceProfile") -> Iterator[str]:
    """Give every rule that the tables of a profile break together, in words."""
    yield from _runs_or_takes(profile)
    yield from _ids_are_unique(profile)
    yield from _memory_has_its_unit(profile)
    yield from _limits_can_be_kept(profile)
    yield from _runtimes_fit_the_board(profile)
    yield from _every_runtime_loads_the_file(profile)


def _runs_or_takes(profile: "DeviceProfile") -> Iterator[str]:
    if bool(profile.runtimes) == bool(profile.takes):
        yield "exactly one is needed: [[runtimes]], or [takes] where onnxruntime does not run"
    if profile.runtimes and "fp32" not in profile.runtimes[0].latency:
        yield (
            f"runtime {profile.runtimes[0].id!r} is the first, so it needs a table "
            "[runtimes.latency.fp32]"
        )


def _ids_are_unique(profile: "DeviceProfile") -> Iterator[str]:
    for table, parts in (
        ("runtimes", profile.runtimes),
        ("accelerators", profile.accelerators),
        ("power", profile.power),
    ):
        ids = [part.id for part in parts]
        if twice := [name for name in ids if ids.count(name) > 1]:
            yield f"{table}: the id {twice[0]!r} is there twice"


def _memory_has_its_unit(profile: "DeviceProfile") -> Iterator[str]:
    ram = profile.memory.ram_mib.value
    if profile.kind == "mcu" and ram >= 128:
        yield f"memory.ram_mib = {ram:g} looks like KiB; {ram:g} KiB are {ram / 1024:g} MiB"
    if profile.kind != "mcu" and ram < 128:
        yield f"memory.ram_mib = {ram:g} looks like GB; {ram:g} GB are {ram * 1024:g} MiB"


def _limits_can_be_kept(profile: "DeviceProfile") -> Iterator[str]:
    if profile.takes is not None and profile.limits.max_latency_ms is not None:
        yield (
            f"limits.max_latency_ms = {profile.limits.max_latency_ms.value:g} cannot be held: no "
            "time is known where onnxruntime does not run; limit size and memory"
        )
    if profile.takes is None:
        return
    if profile.export.input != "uint8":
        yield f"export.input = {profile.export.input!r}: a full-integer file takes 'uint8'"
    runtime_mib = profile.takes.runtime_memory_kib.value / 2**10
    usable = profile.memory.ram_usable_mib.value
    if runtime_mib >= usable:
        yield (
            f"takes.runtime_memory_kib = {runtime_mib * 2**10:g} is all of ram_usable_mib = "
            f"{usable:g} and leaves nothing for a model"
        )
    flash = profile.memory.flash_mib
    if flash is None:
        if profile.kind == "mcu":
            yield "a microcontroller needs memory.flash_mib, which the file must fit"
    elif profile.takes.runtime_flash_kib.value / 2**10 >= flash.value:
        yield (
            f"takes.runtime_flash_kib = {profile.takes.runtime_flash_kib.value:g} is all of "
            f"memory.flash_mib = {flash.value:g} and leaves nothing for a model"
        )


def _runtimes_fit_the_board(profile: "DeviceProfile") -> Iterator[str]:
    cores, usable = profile.cpu.cores.value, profile.memory.ram_usable_mib.value
    for runtime in profile.runtimes:
        if runtime.threads > cores:
            yield (
                f"runtime {runtime.id!r} has threads = {runtime.threads}, more than cpu.cores = "
                f"{cores:g}; cores counts those that the runtime uses"
            )
        if runtime.base_memory_mib.value >= usable:
            yield (
                f"runtime {runtime.id!r} takes base_memory_mib = {runtime.base_memory_mib.value:g} "
                f"of ram_usable_mib = {usable:g} and leaves nothing for a model"
            )
        for bad in profile.known_bad:
            if (bad.package, bad.version) == (runtime.package, runtime.version):
                yield (
                    f"runtime {runtime.id!r} is {bad.package} {bad.version}, which known_bad says "
                    f"fails here: {bad.reason}"
                )


def _every_runtime_loads_the_file(profile: "DeviceProfile") -> Iterator[str]:
    for runtime in profile.runtimes:
        for name, wanted, most in (
            ("opset", profile.export.opset, runtime.max_opset),
            ("ir", profile.export.ir, runtime.max_ir),
        ):
            if wanted > most:
                yield (
                    f"export.{name} = {wanted} is above max_{name} = {most} of runtime "
                    f"{runtime.id!r}; every runtime of a profile must load the file"
                )
