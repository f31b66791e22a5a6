"""A whole run as one record: ``autokd.toml``, overlaid by the command line."""

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from autokd.core.cost import Limits
from autokd.core.plugin_record import Plugin, PluginName
from autokd.core.record import Record
from autokd.core.track_choice import check_choices
from autokd.core.units import parse_bytes, parse_duration_seconds

TrainOn = Literal["auto", "cpu", "cuda", "mps"]
# Those that come with autokd.
StrategyName = Literal["autokd", "bohb", "asha", "evolution", "random"]

# Begins the name of a teacher that was given as a module from Python, in place of a file.
MODULE = "module:"


class TeacherConfig(Record):
    """The teacher's file and what it expects.

    Attributes:
        file: A state_dict, checkpoint or ONNX file; ``module:CLASS`` for one given from Python.
        arch: ``torchvision:NAME``, ``timm:NAME`` or ``package.module:factory``; None to recognise.
        trust_code: Allow formats that run code when loaded.
        input_px: Side of the image it was trained on.
        mean: Per channel, of pixels in 0..1.
        std: Per channel.
        class_names: In the order of its outputs.
    """

    file: str
    arch: str | None = None
    trust_code: bool = False
    input_px: int | None = Field(default=None, ge=8, le=1024)
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    class_names: tuple[str, ...] | None = None


class DataConfig(Record):
    """The images.

    Attributes:
        path: A folder, an ``.npz`` file, or ``torchvision:NAME@ROOT``.
        size_px: Side to which images are brought; None takes their own common size.
        validation_fraction: Share of training images that selects students, where none is given.
        test_fraction: Share that is read once at the end, where none is given.
        max_train_images: Use at most this many, balanced over classes.
        flip: Mirror images; ``auto`` asks the teacher whether mirrored images keep their class.
        views: Augmented views of each image for which teacher logits are kept.
    """

    path: str = "data"
    size_px: int | None = Field(default=None, ge=8, le=512)
    validation_fraction: float = Field(default=0.1, gt=0, lt=0.5)
    test_fraction: float = Field(default=0.1, gt=0, lt=0.5)
    max_train_images: int | None = Field(default=None, gt=0)
    flip: Literal["auto", "yes", "no"] = "auto"
    views: int = Field(default=4, ge=1, le=64)


class SearchConfig(Record):
    """How students are searched.

    Attributes:
        strategy: Who proposes; this and the next two may be a plug-in, see `autokd.core.plugins`.
        space: Preset of the student space.
        loss: How all students are taught; temperature and weight are searched.
        trials: Stop after this many students; None goes by ``budget``.
        epochs: Length of the last rung when ``trials`` is given; with a budget it follows from it.
        workers: Training processes side by side; None is one for each core, at most four.
        train_on: Where students are trained; ``auto`` is CUDA or MPS where torch finds it.
        kd_gain: Train the winner once more without the teacher, and report the difference.
        kd_gain_seeds: With how many seeds; None is 1, or 3 where the budget affords it.
        warm_start: Folders of earlier runs, whose best families are tried first.
    """

    strategy: PluginName = "autokd"
    space: PluginName = "edge"
    loss: PluginName = "kd"
    trials: int | None = Field(default=None, gt=0)
    epochs: float = Field(default=12.0, gt=0)
    workers: int | None = Field(default=None, gt=0, le=64)
    train_on: TrainOn = "auto"
    kd_gain: bool = True
    kd_gain_seeds: int | None = Field(default=None, ge=1, le=10)
    warm_start: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _warm_start_is_read(self) -> Self:
        if self.warm_start and self.strategy != "autokd":
            msg = (
                f"warm_start goes with strategy 'autokd', and '{self.strategy}' is given; leave "
                "one of them out"
            )
            raise ValueError(msg)
        return self


class LimitsConfig(Record):
    """Limits as people write them: sizes may carry a unit."""

    max_params: int | None = Field(default=None, gt=0)
    max_size: str | int | None = None
    max_memory: str | int | None = None
    max_latency_ms: float | None = Field(default=None, gt=0)

    @field_validator("max_size", "max_memory")
    @classmethod
    def _is_a_size(cls, value: str | int | None) -> str | int | None:
        if value is not None:
            parse_bytes(value)
        return value

    def to_limits(self) -> Limits:
        """Give the limits in bytes and milliseconds."""
        return Limits(
            max_params=self.max_params,
            max_size_bytes=None if self.max_size is None else parse_bytes(self.max_size),
            max_memory_bytes=None if self.max_memory is None else parse_bytes(self.max_memory),
            max_latency_ms=self.max_latency_ms,
        )


class ExportConfig(Record):
    """In which precision the winner goes to the board.

    Attributes:
        precision: ``auto``: of those that the device's runtime has, the fastest that keeps its
            accuracy, by timing. Any other is what must be delivered, or the run ends with exit
            code 4.
        max_accuracy_drop: What a precision may lose against fp32 on validation images, as a
            fraction: 0.01 is one point.
    """

    precision: Literal["auto", "fp32", "fp16", "int8"] = "auto"
    max_accuracy_drop: float = Field(default=0.01, ge=0, lt=1)


class RunConfig(Record):
    """All that a run depends on, saved as ``config.toml`` in its folder.

    Attributes:
        target: Where winners are timed, see `autokd.measure.target.open_target`; None is this host.
        track: Where the run is told as it goes on, see `autokd.core.track_choice`.
        plugins: Those that the settings name, in the version that the run began with; filled by
            `autokd.core.plugins.with_plugins`.
    """

    device: str
    target: str | None = None
    budget: str = "30m"
    seed: int = Field(default=0, ge=0, lt=2**31)
    track: tuple[str, ...] = ()
    teacher: TeacherConfig
    data: DataConfig = DataConfig()
    limits: LimitsConfig = LimitsConfig()
    search: SearchConfig = SearchConfig()
    export: ExportConfig = ExportConfig()
    plugins: tuple[Plugin, ...] = ()

    @field_validator("budget")
    @classmethod
    def _is_a_duration(cls, value: str) -> str:
        parse_duration_seconds(value)
        return value

    @field_validator("track")
    @classmethod
    def _trackers_are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        check_choices(value)
        return value

    @model_validator(mode="before")
    @classmethod
    def _budget_may_be_a_number(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and isinstance(raw.get("budget"), (int, float)):
            return {**raw, "budget": f"{raw['budget']}s"}
        return raw

    @property
    def budget_seconds(self) -> float:
        """The budget in seconds."""
        return parse_duration_seconds(self.budget)
