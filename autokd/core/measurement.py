"""A latency as it was measured, with all that says whether and for what it counts."""

from pydantic import Field

from autokd.core.record import Record

# How the agent's reasons begin that two models timed in turns share.
_SHARED_REASONS = ("drift:", "noise:")


class SessionOptions(Record):
    """How onnxruntime was told to use memory and threads.

    Attributes:
        arena: It keeps the memory that it took, and hands it out itself.
        memory_pattern: It plans all blocks of a run at once.
        spinning: Its threads wait by turning in circles: faster, and warmer.
    """

    arena: bool = True
    memory_pattern: bool = True
    spinning: bool = True


class SustainedResult(Record):
    """What a long run did to speed and heat.

    Attributes:
        window_seconds: Length of the windows, of which the lists below have one value each.
        p50_ms: Medians.
        temp_c: Hottest sensor; None where none can be read.
        freq_mhz: Slowest clock; None where it cannot be read.
        slowdown_pct: Median of the last tenth of the windows over that of the first.
    """

    seconds: float
    window_seconds: float
    p50_ms: tuple[float, ...]
    temp_c: tuple[float | None, ...]
    freq_mhz: tuple[float | None, ...]
    slowdown_pct: float


class LatencyMeasurement(Record):
    """What the agent measured; see ``deploy/bench.py``.

    Attributes:
        host: Where it ran, in words. A local run is this host, never the board.
        is_device: Whether that was the board of the profile.
        valid: Whether the numbers count.
        reason: The rule that failed when they do not.
        target: The address, ``this host`` for a local run.
        p90_early_stop_ms: Upper bound on p90 at 99 % confidence, as MLPerf takes it.
        drift_pct: The last third of the run over the first.
        noise_pct: Spread of the medians of the tenths of the run.
        reference_p50_ms: Of another model that ran in turns with it; None where none did.
        reference_ratio: Its time over that of the other model beside it, median over the turns.
        input: Type and shape that the model takes, such as ``uint8 1x3x32x32``.
        virtualised: ``none``, ``container`` or ``vm``.
        session: As the session was made.
        node_placement: Nodes that each provider ran; empty when only the CPU was asked for.
        throttled: What the board says about power and heat, in words; None when nothing.
        governor: Of the clock, before.
        freq_mhz: Slowest core's clock, before and after.
        temp_c: Hottest sensor, before and after.
        session_memory_bytes: Resident peak once the model was loaded.
        first_run_memory_bytes: Resident peak after the first run.
        anonymous_memory_bytes: Resident memory in the end that no file backs.
        sustained: Of a long run afterwards, when one was asked for.
    """

    host: str
    is_device: bool
    valid: bool
    reason: str | None
    runtime: str
    provider: str
    threads: int
    samples: int
    load_ms: float
    first_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float | None
    min_ms: float
    mean_ms: float
    std_ms: float
    peak_memory_bytes: int | None
    runtime_memory_bytes: int | None
    target: str = "this host"
    p90_early_stop_ms: float | None = None
    drift_pct: float | None = None
    noise_pct: float | None = None
    reference_p50_ms: float | None = None
    reference_ratio: float | None = None
    input: str | None = None
    virtualised: str | None = None
    session: SessionOptions = SessionOptions()
    node_placement: dict[str, int] = Field(default_factory=dict)
    throttled: str | None = None
    governor: tuple[str, ...] = ()
    freq_mhz: tuple[float | None, float | None] = (None, None)
    temp_c: tuple[float | None, float | None] = (None, None)
    session_memory_bytes: int | None = None
    first_run_memory_bytes: int | None = None
    anonymous_memory_bytes: int | None = None
    sustained: SustainedResult | None = None

    @property
    def lasting_reason(self) -> str | None:
        """Why it does not count even beside what ran in turns with it; None when it does.

        A drift and noise meet both alike; heat and too few samples spoil it.
        """
        reasons = [] if self.valid else (self.reason or "no reason was given").split("; ")
        return next((r for r in reasons if not r.startswith(_SHARED_REASONS)), None)


class TimedStudent(Record):
    """A student whose latency was predicted and then measured on the target.

    Attributes:
        trial_id: Of the trial; None for a member that was drawn and refused.
        predicted_ms: As it was predicted when it was drawn.
    """

    trial_id: int | None
    predicted_ms: float = Field(gt=0)
    measured_ms: float = Field(gt=0)
