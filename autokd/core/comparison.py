"""Two students side by side: what was timed under which conditions, and what each gate says."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from autokd.core.measurement import LatencyMeasurement
from autokd.core.record import Record

# The worst first; a comparison is as bad as the worst of its checks.
Outcome = Literal["failed", "not_comparable", "invalid", "pass"]
OUTCOMES: tuple[Outcome, ...] = ("failed", "not_comparable", "invalid", "pass")

CONFIDENCE = 0.99  # of every interval that a gate reads


class Certificate(Record):
    """What a latency is a latency of. Two latencies compare only when all of this is equal.

    Attributes:
        host: The machine and its processor, in words.
        runtime: Name and version.
        provider: The execution provider that really ran.
        threads: Of one operator.
        precision: Of the file that was timed; None when it does not say.
        session: Options of the session, in words.
        input: Type and shape of the model's input; None when the file does not say.
    """

    host: str
    runtime: str
    provider: str
    threads: int
    precision: str | None
    session: str
    input: str | None

    def differences(self, other: "Certificate") -> tuple[str, ...]:
        """Give one line for each field that is known on both sides and differs."""
        ours, theirs = self.model_dump(), other.model_dump()
        return tuple(
            f"{name}: {ours[name]} against {theirs[name]}"
            for name in ours
            if ours[name] != theirs[name] and None not in (ours[name], theirs[name])
        )


class Pair(Record):
    """Two blocks timed one right after the other, each in a process of its own.

    Attributes:
        current_first: Which came first; it changes from pair to pair, A B B A, so that a drift
            that is the same over two pairs cancels.
    """

    current_first: bool
    baseline: LatencyMeasurement
    current: LatencyMeasurement


class Check(Record):
    """What one gate says.

    Attributes:
        name: Such as ``latency.p50``.
        outcome: ``information`` where there is no gate; it never decides.
        unit: Of ``baseline`` and ``current``.
        change: Relative for latency and size, a difference for accuracy; negative is better for
            latency and size, worse for accuracy.
        low: Lower end of the interval of ``change``; None where there is none.
        limit: What the person set.
        method: How change and interval were found.
        text: One sentence for people.
    """

    name: str
    outcome: Outcome | Literal["information"]
    unit: Literal["ms", "fraction", "bytes", ""] = ""
    baseline: float | None = None
    current: float | None = None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    method: str = ""
    text: str


class Comparison(Record):
    """What ``autokd compare --json`` prints.

    Attributes:
        rounds: The timed pairs; a second round is there only when the first one found a change
            above the limit.
    """

    schema_version: Literal[1] = 1
    baseline: str
    current: str
    outcome: Outcome
    checks: tuple[Check, ...] = Field(min_length=1)
    rounds: tuple[tuple[Pair, ...], ...] = ()

    @model_validator(mode="after")
    def _outcome_is_the_worst(self) -> Self:
        found = {check.outcome for check in self.checks}
        worst = next((outcome for outcome in OUTCOMES if outcome in found), "pass")
        if self.outcome != worst:
            msg = f"outcome is {self.outcome!r}, but the checks say {worst!r}"
            raise ValueError(msg)
        return self


def outcomes_file(model: Path) -> Path:
    """Give where the outcomes of an ONNX file are kept: ``student.outcomes.json`` beside it."""
    return model.with_suffix(".outcomes.json")


class ImageOutcomes(Record):
    """Which images of a split a student names rightly; what a paired test needs.

    Attributes:
        data_digest: Of the data; outcomes of other images cannot be paired.
        split: Such as ``test``.
        images: With a label.
        right_hex: One bit an image in the order of the split, the first image the highest bit of
            the first digit; bits after the last image are zero.
    """

    schema_version: Literal[1] = 1
    data_digest: str
    split: Literal["validation", "test"]
    images: int = Field(gt=0)
    right_hex: str = Field(pattern=r"^[0-9a-f]+$")

    @model_validator(mode="after")
    def _has_a_bit_for_each_image(self) -> Self:
        if len(self.right_hex) != -(-self.images // 4) or any(self._bits()[self.images :]):
            msg = f"right_hex has {len(self.right_hex)} digits, which is not {self.images} images"
            raise ValueError(msg)
        return self

    @classmethod
    def of(
        cls, right: list[bool], *, data_digest: str, split: Literal["validation", "test"]
    ) -> "ImageOutcomes":
        """Pack one truth value an image."""
        bits = "".join("1" if one else "0" for one in right)
        digits = -(-len(bits) // 4)
        packed = f"{int(bits.ljust(4 * digits, '0') or '0', 2):0{digits}x}"
        return cls(data_digest=data_digest, split=split, images=len(right), right_hex=packed)

    def right(self) -> list[bool]:
        """Give one truth value an image."""
        return self._bits()[: self.images]

    def _bits(self) -> list[bool]:
        return [bit == "1" for digit in self.right_hex for bit in f"{int(digit, 16):04b}"]
