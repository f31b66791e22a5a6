"""What autokd sends to the agent ``deploy/bench.py``, and what it believes of the answer.

The answer comes from another machine: its size, form and numbers are checked before anything reads
it, and its text is stripped of what could steer a terminal.
"""

import json
import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from autokd.core.record import Record
from autokd.errors import DeviceError

SCHEMA = "autokd.bench/1"
BEGIN = b"-----BEGIN AUTOKD BENCH-----"
END = b"-----END AUTOKD BENCH-----"
MAX_ANSWER_BYTES = 2**20
_LOOK = "Look at what answers there."

_CONTROL = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")


# What to do, by the kind of a refusal of the agent.
_ADVICE = {
    "import": "'autokd doctor --target' asks that machine.",
    "input": "export it for this device again.",
    "load": "export it for this device again, or correct the runtime in the profile.",
    "memory": "give a smaller student, or end other programs there.",
    "model": "give an ONNX file.",
    "output": "export another winner.",
    "provider": "install the onnxruntime that has it there, or correct the profile.",
    "run": "export it for this device again, or correct the runtime in the profile.",
    "sha256": "measure again.",
}


def strip_control(text: str) -> str:
    """Give text in which every run of blanks and control characters is one space."""
    return _CONTROL.sub(" ", text).strip()


def _clean(value: object) -> object:
    return strip_control(value) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_clean), Field(max_length=4000)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Milliseconds = Annotated[float, Field(ge=0)]


class BenchJob(Record):
    """One job; the docstring of the agent says what each key means."""

    model: str
    model_sha256: Digest | None = None
    sample: str | None = None
    reference: str | None = None
    providers: tuple[str, ...] = Field(default=("CPUExecutionProvider",), min_length=1)
    threads: int = Field(ge=1, le=256)
    seconds: float = Field(gt=0)
    max_seconds: float = Field(gt=0)
    warmup_seconds: float = Field(default=1.0, ge=0)
    max_warmup_seconds: float = Field(default=5.0, ge=0)
    sustained_seconds: float | None = Field(default=None, gt=0)
    arena: bool = True
    memory_pattern: bool = True
    spinning: bool = True
    seed: int = Field(default=0, ge=0)

    @property
    def longest_seconds(self) -> float:
        """Time that warming up and measuring take at most, one run aside."""
        return self.max_warmup_seconds + self.max_seconds + (self.sustained_seconds or 0.0)


class _Part(Record):
    """Strict: a number in quotes is no number."""

    model_config = ConfigDict(strict=True)


class Refused(_Part):
    """Why there is no measurement."""

    kind: Text
    message: Text

    def in_words(self, where: str) -> str:
        """Give the message of an error: place, what the agent said, and what to do."""
        advice = _ADVICE.get(self.kind, "look at what runs there, and measure again.")
        return f"{where}: {self.message} ({self.kind}); {advice}"


class Runner(_Part):
    """The agent itself."""

    version: Text
    sha256: Digest
    started_utc: Text
    clock: Text


class Host(_Part):
    """The machine that it ran on."""

    machine: Text
    cpu_model: Text | None
    cpu_features: list[Text]
    board: Text | None
    nproc: int
    mem_total_kb: int | None
    os: Text
    kernel: Text
    python: Text
    glibc: Text | None
    virtualised: Literal["none", "container", "vm", "qemu-user"]


class RuntimeFacts(_Part):
    """Onnxruntime there; what follows the available providers only when a model was loaded.

    Attributes:
        node_placement: Nodes that each provider ran; empty when only the CPU was asked for.
    """

    name: Text
    version: Text
    providers_available: list[Text]
    providers_requested: list[Text] = Field(default_factory=list)
    providers_active: list[Text] = Field(default_factory=list)
    node_placement: dict[Text, int] = Field(default_factory=dict)
    threads: int | None = None
    arena: bool | None = None
    memory_pattern: bool | None = None
    spinning: bool | None = None


class MemoryKb(_Part):
    """Resident memory; a peak (VmHWM) but for ``start`` and the last two. None without /proc.

    Attributes:
        anonymous: Of ``resident``, what no file backs.
    """

    start: int | None
    after_import: int | None
    after_session: int | None = None
    after_first_run: int | None = None
    peak: int | None = None
    resident: int | None = None
    anonymous: int | None = None


class StateFacts(_Part):
    """Clocks, heat and load at one moment.

    Attributes:
        throttled: The Raspberry Pi's word: bits 0 to 3 are about now, 16 to 19 about the past.
        heat_events: How often an x86 processor slowed itself down since it was started.
        cooling: Steps by which the kernel holds the clock down for heat.
    """

    governor: list[Text]
    freq_khz: list[int]
    temp_mc: list[int]
    throttled: int | None
    heat_events: int | None
    cooling: int | None
    utc_seconds: float
    loadavg: list[float]
    mem_available_kb: int | None


class StateAround(_Part):
    """The state before anything was done, and after the last sample."""

    before: StateFacts
    after: StateFacts | None = None


class TensorFacts(_Part):
    """Type and shape of an input."""

    dtype: Literal["uint8", "float32"]
    shape: list[int]


class JobFacts(_Part):
    """What was timed, as the agent found it."""

    model_bytes: int
    model_sha256: Digest
    input: dict[Text, TensorFacts]
    sample: bool
    seed: int


class LatencyMs(_Part):
    """Statistics over all samples; no outlier is dropped."""

    n: int = Field(ge=1)
    seconds: float
    warmup_n: int
    warmup_seconds: float
    warmup_settled: bool
    load: Milliseconds
    first: Milliseconds
    min: Milliseconds
    mean: Milliseconds
    std: Milliseconds
    p50: Milliseconds
    p90: Milliseconds
    p90_early_stop: Milliseconds | None
    p99: Milliseconds | None
    max: Milliseconds
    drift_pct: float
    noise_pct: float
    reference_p50: Milliseconds | None = None
    reference_ratio: float | None = Field(default=None, gt=0)


class SustainedFacts(_Part):
    """The course of a long run in windows; temperatures are the highest, clocks the lowest."""

    seconds: float
    window_seconds: float
    n: list[int]
    p50_ms: list[Milliseconds] = Field(min_length=1)
    temp_mc: list[int | None]
    freq_khz: list[int | None]
    slowdown_pct: float


class OutputFacts(_Part):
    """What the model computed, for parity on the board."""

    sha256: Digest
    argmax: int
    size: int
    values: list[float]


class Validity(_Part):
    """Whether the numbers count, and the rules that were broken when not."""

    valid: bool
    reasons: list[Text]


class BenchAnswer(_Part):
    """One answer. A probe has neither ``job`` nor what follows from a model."""

    schema_: Literal["autokd.bench/1"] = Field(alias="schema")
    ok: bool
    error: Refused | None
    runner: Runner
    host: Host | None = None
    runtime: RuntimeFacts | None = None
    memory_kb: MemoryKb | None = None
    state: StateAround | None = None
    job: JobFacts | None = None
    latency_ms: LatencyMs | None = None
    output: OutputFacts | None = None
    sustained: SustainedFacts | None = None
    validity: Validity | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> "BenchAnswer":
        facts = (self.host, self.runtime, self.memory_kb, self.state)
        timed = (self.job, self.latency_ms, self.output, self.validity)
        if self.ok and (self.error or None in facts):
            msg = "says ok, but host facts are missing or there is an error"
            raise ValueError(msg)
        if not self.ok and self.error is None:
            msg = "says not ok, without an error"
            raise ValueError(msg)
        if any(timed) and (None in timed or not (self.runtime and self.runtime.providers_active)):
            msg = "has a part of a measurement only"
            raise ValueError(msg)
        return self


def parse_answer(output: bytes, *, where: str) -> BenchAnswer:
    """Read the answer from all that the agent wrote to stdout.

    Args:
        output: May have other text before and after the answer.
        where: Names the host in messages.

    Raises:
        DeviceError: There is no whole answer, it is too large, or breaks the schema.
    """
    if len(output) > MAX_ANSWER_BYTES:
        msg = f"{where}: answered {len(output)} bytes; at most {MAX_ANSWER_BYTES} are read. {_LOOK}"
        raise DeviceError(msg)
    _, begin, rest = output.partition(BEGIN)
    text, end, _ = rest.partition(END)
    if not begin or not end:
        seen = strip_control(output[:200].decode("utf-8", "replace")) or "nothing"
        msg = f"{where}: the agent gave no whole answer, but: {seen}. {_LOOK}"
        raise DeviceError(msg)
    try:
        raw = json.loads(text, parse_constant=_refuse_constant)
        return BenchAnswer.model_validate(raw)
    except ValidationError as fault:
        first = fault.errors(include_input=False)[0]
        place = strip_control(".".join(str(part) for part in first["loc"])) or "(whole answer)"
        msg = f"{where}: the answer's {place} is wrong: {strip_control(first['msg'])}. {_LOOK}"
        raise DeviceError(msg) from None
    except (ValueError, RecursionError) as fault:
        msg = f"{where}: the answer is not JSON: {strip_control(str(fault))}. {_LOOK}"
        raise DeviceError(msg) from None


def _refuse_constant(name: str) -> Any:
    msg = f"{name} is not a number"
    raise ValueError(msg)
