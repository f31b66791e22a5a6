"""What is tried, at what length, and what came of it."""

import enum
from collections.abc import Sequence
from typing import Literal, Protocol

from pydantic import Field

from autokd.core.cost import Cost
from autokd.core.family import FamilyParams
from autokd.core.plugin_record import PluginName
from autokd.core.record import Record

# ``member``: drawn from a family that did well. ``twin``: the winner, taught by labels alone.
# ``repeat``: the winner with another seed, to be compared with its own twin.
Origin = Literal["prior", "acquisition", "random", "fallback", "member", "twin", "repeat"]
# Trained to show what the teacher gave, and never winners themselves.
COMPARED: frozenset[Origin] = frozenset(("twin", "repeat"))
# Those that come with autokd; definitions in `autokd.distill.losses`.
LossName = Literal["kd", "dkd", "dist", "logit-std"]


class DistillParams(Record):
    """How a student learns from the teacher: L = (1 - alpha) CE + alpha taught.

    Attributes:
        temperature: T of the softmax.
        alpha: Weight of the teacher; 0 is plain training.
        loss: What is taught; ``kd`` is T^2 KL. Records from before there was a choice have none.
    """

    temperature: float = Field(ge=1, le=20)
    alpha: float = Field(ge=0, le=1)
    loss: PluginName = "kd"


class Fidelity(Record):
    """How long a student is trained.

    Attributes:
        rung: Step of the ladder; the trials of one rung are compared with each other.
        images: Images seen since the start, earlier rungs included. A student that is slow to
            train sees fewer in the same time, which is what a rung holds equal.
        seconds: Training time that this stands for, on the machine of the run.
    """

    rung: int = Field(ge=0)
    images: int = Field(gt=0)
    seconds: float = Field(ge=0)


class Candidate(Record):
    """A point to try: a family, how it is taught, and which member of it is drawn.

    Attributes:
        repeat: Which training of this student; another number is another seed of weights and order.
    """

    family: FamilyParams
    distill: DistillParams
    member_seed: int = Field(ge=0)
    base_width: int = Field(ge=1)
    cost: Cost
    origin: Origin
    repeat: int = Field(default=0, ge=0)

    @property
    def network(self) -> tuple[FamilyParams, int, int]:
        """What names its network, however that is taught: family, member and width."""
        return self.family, self.member_seed, self.base_width


class Observation(Record):
    """What training at one fidelity gave.

    Attributes:
        fidelity: How long it was trained.
        accuracy: Fraction of validation images that are right, after a decayed learning rate.
        loss: Mean cross-entropy on validation images.
        agreement: Fraction of validation images where student and teacher name the same class; for
            data without labels this is the accuracy too.
        train_seconds: Time spent for this rung alone.
        images_per_second: Training speed.
    """

    fidelity: Fidelity
    accuracy: float = Field(ge=0, le=1)
    loss: float
    agreement: float = Field(ge=0, le=1)
    train_seconds: float = Field(ge=0)
    images_per_second: float = Field(ge=0)


class BoardTiming(Record):
    """What a target measured of a candidate with random weights, before any training.

    Attributes:
        candidate: As it was timed, with its predicted cost.
        p50_ms: Median latency of one image.
        samples: That it is the median of.
        target: Where it ran.
    """

    candidate: Candidate
    p50_ms: float = Field(gt=0)
    samples: int = Field(ge=1)
    target: str


# A target measured that a candidate breaks the latency limit. It was never trained, so it says
# nothing about accuracy.
TOO_SLOW = "too_slow"


class Failure(Record):
    """Why a trial ended without a result; text, so that it compares and stores.

    Attributes:
        kind: Name of the error, or `TOO_SLOW`.
        message: For people.
        rung: That it did not finish.
    """

    kind: str
    message: str
    rung: int


class TrialState(enum.Enum):
    """Where a trial stands.

    asked  -> running
    running -> paused (a rung is done), failed
    paused  -> running (promoted to the next rung)

    A failed trial met an error or a loss that is not finite, and is never run again. Values are
    stored, so add but never rename.
    """

    ASKED = "asked"
    RUNNING = "running"
    PAUSED = "paused"
    FAILED = "failed"


class Trial(Record):
    """One candidate and all that has become of it."""

    trial_id: int = Field(ge=0)
    candidate: Candidate
    state: TrialState
    observations: tuple[Observation, ...] = ()
    failure: Failure | None = None

    @property
    def rung(self) -> int:
        """The highest finished rung, -1 before the first."""
        return self.observations[-1].fidelity.rung if self.observations else -1

    @property
    def too_slow(self) -> bool:
        """Whether it was refused for what a target measured, and never trained."""
        return self.failure is not None and self.failure.kind == TOO_SLOW

    @property
    def accuracy(self) -> float:
        """Accuracy at the highest finished rung; 0 before the first and after a failure."""
        return self.observations[-1].accuracy if self.observations and not self.failure else 0.0


def searched(trials: Sequence[Trial], *, full_rung: int) -> tuple[Trial, ...]:
    """Give the trials as the search compared them.

    Results at full length, which only finalists have, are left out, and so are `COMPARED`.
    """
    return tuple(
        trial.model_copy(
            update={
                "observations": tuple(
                    seen for seen in trial.observations if seen.fidelity.rung < full_rung
                )
            }
        )
        for trial in trials
        if trial.candidate.origin not in COMPARED
    )


class Evaluator(Protocol):
    """Trains a candidate up to a fidelity; the search knows no more about training than this.

    It is called in a worker process, so it must pickle. It goes on from the checkpoint of an
    earlier rung of the same trial when there is one.
    """

    def __call__(self, trial_id: int, candidate: Candidate, fidelity: Fidelity) -> Observation:
        """Train and score.

        Raises:
            TrainingError: The loss is not finite; the trial fails and the search goes on.
        """
        ...
