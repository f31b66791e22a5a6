"""``results.json``: every number that any other file of a run shows."""

from typing import Any, Literal

from autokd.core.config import RunConfig
from autokd.core.cost import Cost, Limits
from autokd.core.departures import ClassScore, DisagreementStrip
from autokd.core.effects import ParameterEffect
from autokd.core.genotype import Genotype
from autokd.core.measurement import LatencyMeasurement, SessionOptions, TimedStudent
from autokd.core.precision import CalibrationMethod, Int8Form, Precision
from autokd.core.record import Record
from autokd.core.trial import DistillParams, Trial


class ExitStatus(Record):
    """How the command ended."""

    code: int
    name: str


class TeacherResult(Record):
    """The teacher as it scored.

    Attributes:
        params: None when they cannot be counted.
        validation_accuracy: None for images without labels.
        test_accuracy: Read once, at the end; None without labels.
        mirrored_accuracy: On mirrored validation images; decides whether training mirrors them.
    """

    file: str
    sha256: str
    kind: str
    arch: str | None
    params: int | None
    size_bytes: int
    macs: int | None
    validation_accuracy: float | None
    test_accuracy: float | None
    mirrored_accuracy: float | None = None


class DataResult(Record):
    """The images that were used."""

    path: str
    digest: str
    classes: tuple[str, ...]
    image_px: int
    image_channels: int
    train_images: int
    validation_images: int
    test_images: int
    labelled: bool
    flip: bool
    unreadable: tuple[str, ...] = ()


class LimitFeasibility(Record):
    """One limit against the members that were drawn."""

    limit: str
    value: float
    fitting: int
    nearest: float


class Feasibility(Record):
    """What of the space fits before anything is trained.

    Attributes:
        drawn: Members drawn.
        fitting: Members that a width exists for under all limits.
        binding: The limit that stops most members.
        limits: One row a limit; ``nearest`` is the smallest cost at the smallest width.
    """

    drawn: int
    fitting: int
    binding: str | None
    limits: tuple[LimitFeasibility, ...]


class ExportResult(Record):
    """The ONNX file as it was checked after writing.

    Attributes:
        parity_max_error: Largest absolute difference of a logit on real images, torch against
            onnxruntime.
        agreement: Fraction of those images where both name the same class.
        validation_accuracy: In onnxruntime, on the validation split.
        test_accuracy: In onnxruntime, over the whole test split; None without labels.
    """

    file: str
    sha256: str
    size_bytes: int
    opset: int
    ir: int
    input: Literal["uint8", "float32"]
    export_seconds: float
    parity_images: int
    parity_max_error: float
    agreement: float
    validation_accuracy: float | None
    test_accuracy: float | None
    test_agreement: float | None


class VariantResult(Record):
    """A student in one precision, as it was tried.

    Attributes:
        form: How it is quantised; None for fp32 and fp16.
        method: How ranges of activations were chosen; ``trained`` when training found them, with
            the weights. None for fp32 and fp16.
        excluded: Nodes that go on computing in floats.
        file: Relative to the run; None for one that was only tried.
        validation_images: Number of validation images that the next three are on.
        validation_accuracy: In onnxruntime; None without labels.
        agreement: Fraction where it names the class that the fp32 student names.
        drop: What it loses against fp32, as a fraction: of accuracy, or without labels of
            agreement.
        passed: Whether the drop is within what the run allows.
        measurement: By itself; None when it was not timed.
        ratio: Time over that of fp32, from short timings in turns; below 1 is faster. None when
            there is no timing that counts.
        ratio_low: Lower end of its interval of 99 %.
        ratio_high: Upper end.
        test_accuracy: Of the chosen one alone, over the whole test split; None without labels.
        note: What a person should know.
    """

    precision: Precision
    form: Int8Form | None = None
    method: CalibrationMethod | Literal["trained"] | None = None
    excluded: tuple[str, ...] = ()
    file: str | None
    sha256: str | None
    size_bytes: int
    validation_images: int
    validation_accuracy: float | None
    agreement: float
    drop: float
    passed: bool
    measurement: LatencyMeasurement | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    test_accuracy: float | None = None
    test_agreement: float | None = None
    note: str = ""


class ChosenFile(Record):
    """``student.json`` beside a winner's files: which of them is for the board, and why.

    Attributes:
        file: Name of the file in this folder.
        input: What it is fed: bytes in 0..255, or floats in 0..1.
        reason: Why this precision.
        others: Names of the other precisions' files in this folder.
        threads: With which it was timed; None when it was not. Run it with the same.
        session: Options of the session with which it was timed.
    """

    schema_version: Literal[1] = 1
    device: str
    precision: Precision
    file: str
    sha256: str
    size_bytes: int
    input: Literal["uint8", "float32"]
    validation_accuracy: float | None
    reason: str
    others: tuple[str, ...] = ()
    threads: int | None = None
    session: SessionOptions | None = None


class Winner(Record):
    """An exported student.

    Attributes:
        export: Its fp32 file.
        measurement: Of the fp32 file.
        variants: Precisions that were tried, fp32 first; empty when only fp32 was made.
        chosen: The precision whose file is for the board.
        chosen_reason: Why, in a sentence.
        classes: One for each class, in their order; empty without labels.
        strip: Where it departs from the teacher; None when nowhere.
    """

    rank: int
    trial_id: int
    genotype: Genotype
    distill: DistillParams
    member_seed: int
    cost: Cost
    violations: dict[str, float]
    epochs: float
    train_seconds: float
    validation_accuracy: float | None
    validation_agreement: float
    export: ExportResult
    measurement: LatencyMeasurement | None
    variants: tuple[VariantResult, ...] = ()
    chosen: Precision = "fp32"
    chosen_reason: str = ""
    classes: tuple[ClassScore, ...] = ()
    strip: DisagreementStrip | None = None

    @property
    def chosen_variant(self) -> VariantResult | None:
        """The variant whose file is for the board; None where no precisions were tried."""
        kept = (v for v in self.variants if v.file and v.precision == self.chosen)
        return next(kept, None)

    @property
    def file_bytes(self) -> int:
        """Size of the file for the board."""
        return (self.chosen_variant or self.export).size_bytes

    @property
    def test_accuracy(self) -> float | None:
        """Of the file for the board, over the whole test split; None without labels."""
        return (self.chosen_variant or self.export).test_accuracy


class KdGain(Record):
    """The winner trained with the teacher and without, everything else the same.

    Attributes:
        epochs: Of each training.
        with_teacher: Validation accuracy, the mean over the seeds.
        without_teacher: As ``with_teacher``.
        seeds: Pairs that were trained.
        gain_std: Standard deviation of the gain over the seeds; None with a single one.
    """

    epochs: float
    with_teacher: float
    without_teacher: float
    seeds: int
    gain_std: float | None = None

    @property
    def gain(self) -> float:
        """Difference in validation accuracy, as a fraction."""
        return self.with_teacher - self.without_teacher


class StageSeconds(Record):
    """Wall time of the steps of a run."""

    preflight: float = 0.0
    teach: float = 0.0
    search: float = 0.0
    finalists: float = 0.0
    export: float = 0.0
    measure: float = 0.0


class Report(Record):
    """A whole run. Enough to repeat it.

    Attributes:
        verdict: One sentence.
        front: Ids of the trials that no other beats in both accuracy and use of the limits.
        trials: Every trial, failed ones included.
        winners: Best first; none only in a report of a run that has not ended.
        full_rung: The rung of the full length; those below it are of the search.
        effects: What each searched parameter moves, the largest share first; empty when too few
            trials finished to say.
        timed: Students whose predicted latency was held against a timing on the target.
    """

    schema_version: Literal[1] = 1
    autokd_version: str
    created_utc: str
    versions: dict[str, str]
    machine: dict[str, Any]
    exit: ExitStatus
    verdict: str
    config: RunConfig
    device: str
    device_name: str
    limits: Limits
    feasibility: Feasibility
    teacher: TeacherResult
    data: DataResult
    trials: tuple[Trial, ...]
    front: tuple[int, ...]
    winners: tuple[Winner, ...]
    full_rung: int | None = None
    effects: tuple[ParameterEffect, ...] = ()
    timed: tuple[TimedStudent, ...] = ()
    kd_gain: KdGain | None
    seconds: StageSeconds
    warnings: tuple[str, ...] = ()
