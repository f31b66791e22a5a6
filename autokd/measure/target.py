"""Where a model is timed: this host, or a board that ssh reaches."""

import hashlib
import re
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from autokd.core.device import DeviceProfile
from autokd.core.measurement import LatencyMeasurement
from autokd.core.plugin_record import NAME_FORM
from autokd.core.progress import Say
from autokd.errors import ConfigError, DeviceError, InputError
from autokd.measure.measurement import to_measurement
from autokd.measure.protocol import BenchAnswer, BenchJob, Host

LOCAL = "local"
_NAMES_A_PLUGIN = re.compile(NAME_FORM.removesuffix("$") + "://")
_FORMS = "give 'local', ssh://[user@]host[:port], or NAME://... of an installed plug-in"


class UnreachableError(DeviceError):
    """The machine does not answer, after all attempts."""


class Target(Protocol):
    """A machine that runs the agent. Also a context manager, which closes it.

    Attributes:
        name: For people, such as ``this host`` or ``ssh://pi@board:22``.
        is_device: Whether a timing there counts as the board's.
        on_this_host: Whether it shares the processor with what else runs here.
    """

    name: str
    is_device: bool
    on_this_host: bool

    def probe(self) -> BenchAnswer:
        """Give facts about the machine; asked once and remembered.

        Raises:
            DeviceError: It cannot be reached, or the agent does not run there.
        """

    def bench(
        self,
        job: BenchJob,
        *,
        model: Path,
        sample: Path | None = None,
        reference: Path | None = None,
    ) -> BenchAnswer:
        """Run the agent on ``job``, with the files where the agent finds them.

        Args:
            job: Its ``model``, ``sample`` and ``reference`` are set to where the files lie there.
            model: The ONNX file here; it is sent once, however often it is timed.
            sample: The ``sample.npz`` here whose first image is the input; noise when None.
            reference: Another ONNX file here, run in turns with the model.

        Raises:
            DeviceError: The machine cannot be reached, or the agent failed.
            MeasurementError: It did not end in time.
        """

    def close(self) -> None:
        """Remove what lies on the machine and end the connection; may be called twice."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def open_target(
    text: str,
    profile: DeviceProfile,
    *,
    accept_host_key: str | None = None,
    say: Say = lambda _: None,
) -> Target:
    """Give the target that ``text`` names; nothing is connected before it is used.

    Args:
        text: ``local``, ``ssh://[user@]host[:port][/path/of/python3]``, or ``NAME://...`` for the
            plug-in of that name.
        profile: What the target is taken to be.
        accept_host_key: ``SHA256:...`` of a board that is not known yet.
        say: Told when the board is busy or the connection comes back.

    Raises:
        ConfigError: It is no such address.
        PluginError: It names a plug-in that there is not, or that does not work.
    """
    if text == LOCAL:
        if accept_host_key is not None:
            msg = "--accept-host-key: 'local' has no host key; leave it out, or give --target ssh://..."
            raise ConfigError(msg)
        from autokd.measure.local import LocalTarget

        return LocalTarget(is_device=profile.kind == "host")
    if text.startswith("ssh://"):
        from autokd.measure.ssh import SshTarget
        from autokd.measure.ssh_address import check_fingerprint, parse_address

        accepted = None if accept_host_key is None else check_fingerprint(accept_host_key)
        return SshTarget(parse_address(text), accept_host_key=accepted, say=say)
    if text.startswith("adb://"):
        msg = (
            f"--target {text!r}: adb is not supported, since it was never tried on a phone; "
            f"{_FORMS}. An sshd on the phone, such as Termux has, is reached by ssh."
        )
        raise ConfigError(msg)
    if not _NAMES_A_PLUGIN.match(text):
        msg = f"--target {text!r}: is no target; {_FORMS}."
        raise ConfigError(msg)
    if accept_host_key is not None:
        msg = f"--accept-host-key: goes with --target ssh://..., not with {text!r}; leave it out."
        raise ConfigError(msg)
    from autokd.measure.plugin_target import open_plugin_target

    return open_plugin_target(text, profile)


def measure_on(  # noqa: PLR0913 - a job as people ask for it
    target: Target,
    model: Path,
    profile: DeviceProfile,
    *,
    seconds: float = 10.0,
    threads: int | None = None,
    sample: Path | None = None,
    seed: int = 0,
    max_warmup_seconds: float | None = None,
    sustained_seconds: float | None = None,
    reference: Path | None = None,
) -> LatencyMeasurement:
    """Time ``model`` on ``target``; a measurement that does not count says so itself.

    Args:
        target: Where.
        model: The ONNX file.
        profile: Its threads are used as far as the machine has processors, and its providers
            when the target is the board.
        seconds: To measure after warming up; at least 64 samples are taken.
        threads: Instead of the profile's.
        sample: ``sample.npz`` whose first image is the input; noise when None.
        seed: Of the noise.
        max_warmup_seconds: Warm up no longer than this.
        sustained_seconds: Go on that long afterwards, to see what heat does to it.
        reference: Another ONNX file, run in turns with it: their ratio stays where it is when the
            speed of the machine moves.

    Raises:
        InputError: There is no such model.
        DeviceError: The machine is not what the profile says, cannot be reached, or onnxruntime or
            the model cannot be used there.
        MeasurementError: It did not end in time.
    """
    digest = _digest(model)
    host = require_board(target, target.probe(), profile)
    job = BenchJob(
        model=str(model),
        model_sha256=digest,
        sample=None if sample is None else str(sample),
        reference=None if reference is None else str(reference),
        threads=threads or max(1, min(profile.threads, host.nproc)),
        seconds=seconds,
        max_seconds=max(4 * seconds, 60.0),
        seed=seed,
        sustained_seconds=sustained_seconds,
    )
    runtime = profile.runtime
    if target.is_device and runtime is not None:
        job = job.model_copy(update={"providers": runtime.providers})
    if max_warmup_seconds is not None:
        warmup = min(job.warmup_seconds, max_warmup_seconds)
        update = {"warmup_seconds": warmup, "max_warmup_seconds": max_warmup_seconds}
        job = job.model_copy(update=update)
    answer = target.bench(job, model=model, sample=sample, reference=reference)
    return to_measurement(answer, target=target.name, job=job, is_device=target.is_device)


def meet_target(
    target: str | None,
    profile: DeviceProfile,
    *,
    accept_host_key: str | None,
    say: Say,
) -> None:
    """Reach the target before hours are spent, and keep its host key for the end.

    Raises:
        InputError: It is no address.
        DeviceError: It cannot be reached, or is not what the profile says.
    """
    if target is None:
        return
    with open_target(target, profile, accept_host_key=accept_host_key, say=say) as board:
        require_board(board, board.probe(), profile)
    say(f"target: {board.name}")


def require_board(target: Target, probed: BenchAnswer, profile: DeviceProfile) -> Host:
    """Give the machine of a probe, which can stand for the board where the target claims to.

    Raises:
        DeviceError: Its processor is another than the profile's, or it is emulated.
    """
    host = probed.host
    if host is None:
        msg = f"{target.name}: the agent's probe says nothing about the machine; ask it again."
        raise DeviceError(msg)
    if host.virtualised == "qemu-user":
        msg = (
            f"{target.name}: runs under qemu-user, whose times say nothing about a processor; "
            "what it computes may be compared, its latency is not taken; give a board."
        )
        raise DeviceError(msg)
    if target.is_device and profile.cpu.arch not in ("any", host.machine):
        msg = (
            f"{target.name}: is a {host.machine} machine, and the profile {profile.id!r} is of "
            f"{profile.cpu.arch}; give the device that it is, or another target."
        )
        raise DeviceError(msg)
    return host


def _digest(model: Path) -> str:
    try:
        with model.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as fault:
        msg = f"{model}: cannot be read ({fault.strerror}); give the path of an ONNX file."
        raise InputError(msg) from None
