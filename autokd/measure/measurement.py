"""The record of ``results.json`` for an answer of the agent, and what makes it none."""

from collections.abc import Sequence
from dataclasses import dataclass

from autokd.core.measurement import LatencyMeasurement, SessionOptions, SustainedResult
from autokd.errors import DeviceError
from autokd.measure.protocol import (
    BenchAnswer,
    BenchJob,
    Host,
    JobFacts,
    LatencyMs,
    MemoryKb,
    RuntimeFacts,
    StateAround,
    StateFacts,
    SustainedFacts,
    Validity,
)

_KIB = 1024
# Of the Raspberry Pi's word; 16 bits further up, the same since it was started.
_THROTTLE_BITS = ("low voltage", "clock capped", "throttled", "soft limit of heat")


@dataclass(frozen=True, slots=True)
class _Timed:
    """The parts of an answer that timed a model; all are there."""

    host: Host
    runtime: RuntimeFacts
    memory: MemoryKb
    state: StateAround
    job: JobFacts
    latency: LatencyMs
    validity: Validity


def to_measurement(
    answer: BenchAnswer, *, target: str, job: BenchJob, is_device: bool
) -> LatencyMeasurement:
    """Give the record for an answer to ``job``.

    Args:
        answer: Of the agent.
        target: Name of the target.
        job: What it was asked.
        is_device: Whether the target is the board.

    Raises:
        DeviceError: The agent refused, did not time a model, timed another one or on another
            provider, or runs on an emulated processor.
    """
    parts = _timed(answer, target)
    _require_asked(parts, target=target, job=job)
    host, latency, runtime, memory = parts.host, parts.latency, parts.runtime, parts.memory
    before, after = parts.state.before, parts.state.after
    return LatencyMeasurement(
        host=describe_host(target, host),
        is_device=is_device,
        valid=parts.validity.valid,
        reason="; ".join(parts.validity.reasons) or None,
        runtime=f"{runtime.name} {runtime.version}",
        provider=runtime.providers_active[0],
        threads=runtime.threads or 0,
        samples=latency.n,
        load_ms=latency.load,
        first_ms=latency.first,
        p50_ms=latency.p50,
        p90_ms=latency.p90,
        p99_ms=latency.p99,
        min_ms=latency.min,
        mean_ms=latency.mean,
        std_ms=latency.std,
        peak_memory_bytes=_to_bytes(memory.peak),
        runtime_memory_bytes=_to_bytes(memory.after_import),
        target=target,
        p90_early_stop_ms=latency.p90_early_stop,
        drift_pct=latency.drift_pct,
        noise_pct=latency.noise_pct,
        reference_p50_ms=latency.reference_p50,
        reference_ratio=latency.reference_ratio,
        input=_describe_input(parts.job),
        virtualised=host.virtualised,
        session=SessionOptions(
            arena=bool(runtime.arena),
            memory_pattern=bool(runtime.memory_pattern),
            spinning=bool(runtime.spinning),
        ),
        node_placement=runtime.node_placement,
        throttled=describe_throttling(parts.state),
        governor=tuple(before.governor),
        freq_mhz=(_slowest_mhz(before), _slowest_mhz(after)),
        temp_c=(_hottest_c(before), _hottest_c(after)),
        session_memory_bytes=_to_bytes(memory.after_session),
        first_run_memory_bytes=_to_bytes(memory.after_first_run),
        anonymous_memory_bytes=_to_bytes(memory.anonymous),
        sustained=_sustained(answer.sustained),
    )


def describe_host(target: str, host: Host) -> str:
    """Say in words where an answer comes from and what the processor is."""
    return f"{target} ({host.board or host.machine}, {host.cpu_model or 'unknown processor'})"


def describe_throttling(around: StateAround) -> str | None:
    """Say in words what a board tells about power and heat; None when it tells nothing.

    A board that has a way to tell and is well says so: ``none``.
    """
    after = around.after or around.before
    found, told = [], False
    for state in (around.before, after):
        if state.throttled is not None:
            told = True
            found += _words(state.throttled & 0xF, "now") + _words(state.throttled >> 16, "before")
        if state.cooling is not None:
            told = True
            found += ["the clock is held down for heat"] if state.cooling > 0 else []
    if after.heat_events is not None:
        told = True
        events = after.heat_events - (around.before.heat_events or 0)
        found += [f"{events} heat events"] if events > 0 else []
    return ", ".join(dict.fromkeys(found)) or ("none" if told else None)


def _words(bits: int, when: str) -> list[str]:
    return [f"{name} {when}" for bit, name in enumerate(_THROTTLE_BITS) if bits >> bit & 1]


def _describe_input(job: JobFacts) -> str:
    tensors = job.input.values()
    return ", ".join(f"{one.dtype} {'x'.join(map(str, one.shape))}" for one in tensors)


def _timed(answer: BenchAnswer, target: str) -> _Timed:
    if answer.error is not None:
        msg = answer.error.in_words(target)
        raise DeviceError(msg)
    host, runtime, memory, state = answer.host, answer.runtime, answer.memory_kb, answer.state
    job, latency, validity = answer.job, answer.latency_ms, answer.validity
    if host is None or runtime is None or memory is None or state is None:
        msg = f"{target}: the agent's answer says nothing about the machine; measure again."
        raise DeviceError(msg)
    if job is None or latency is None or validity is None:
        msg = f"{target}: the agent answered a probe, not a measurement; measure again."
        raise DeviceError(msg)
    return _Timed(host, runtime, memory, state, job, latency, validity)


def _require_asked(parts: _Timed, *, target: str, job: BenchJob) -> None:
    if parts.host.virtualised == "qemu-user":
        msg = f"{target}: runs under qemu-user, whose times are never a latency; give a board."
        raise DeviceError(msg)
    if job.model_sha256 not in (None, parts.job.model_sha256):
        msg = f"{target}: timed another file than the one that was sent; measure again."
        raise DeviceError(msg)
    if job.reference is not None and parts.latency.reference_ratio is None:
        msg = (
            f"{target}: timed the model without the reference that was sent; let its plug-in set "
            "the job's reference to where that file lies."
        )
        raise DeviceError(msg)
    active = parts.runtime.providers_active[0]
    if active != job.providers[0]:
        msg = (
            f"{target}: runs the model on {active}, and {job.providers[0]} was asked for; "
            "install the onnxruntime that has it, or correct the profile."
        )
        raise DeviceError(msg)


def _sustained(facts: SustainedFacts | None) -> SustainedResult | None:
    if facts is None:
        return None
    return SustainedResult(
        seconds=facts.seconds,
        window_seconds=facts.window_seconds,
        p50_ms=tuple(facts.p50_ms),
        temp_c=tuple(_scaled(facts.temp_mc)),
        freq_mhz=tuple(_scaled(facts.freq_khz)),
        slowdown_pct=facts.slowdown_pct,
    )


def _scaled(values: Sequence[int | None]) -> list[float | None]:
    return [None if value is None else value / 1000 for value in values]


def _slowest_mhz(state: StateFacts | None) -> float | None:
    return min(state.freq_khz) / 1000 if state and state.freq_khz else None


def _hottest_c(state: StateFacts | None) -> float | None:
    return max(state.temp_mc) / 1000 if state and state.temp_mc else None


def _to_bytes(kb: int | None) -> int | None:
    return None if kb is None else kb * _KIB
