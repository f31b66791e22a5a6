"""Inputs, plans and trials of a run that trains nothing."""

from pathlib import Path
from types import SimpleNamespace

import torch

from autokd.core.config import RunConfig
from autokd.core.cost import Limits
from autokd.core.device import load_profile
from autokd.core.results import DataResult, Feasibility, TeacherResult
from autokd.core.seeds import derive_seed
from autokd.core.trial import Observation
from autokd.data.images import Dataset, ImageSet
from autokd.errors import TrainingError
from autokd.pipeline.inputs import Inputs
from autokd.pipeline.plan import Lengths, RunPlan, plan_lengths
from autokd.search.executors import InlineExecutor
from autokd.space.pace import Pace
from autokd.space.program import Program, ProgramBuilder

# Every multiply-accumulate takes a nanosecond, and nothing else takes time.
PACE = Pace(seconds=(1e-9, 1e-9, 1e-9, 0.0, 0.0), relative_error=0.0)
CLASSES = ("ant", "bee", "cat")


def make_images(count: int, *, labelled: bool = True, px: int = 16) -> ImageSet:
    generator = torch.Generator().manual_seed(count)
    images = torch.randint(0, 256, (count, px, px, 1), dtype=torch.uint8, generator=generator)
    labels = torch.arange(count) % len(CLASSES) if labelled else torch.full((count,), -1)
    return ImageSet(images, labels)


def make_config(*, budget: str = "10m", data: dict | None = None, **search: object) -> RunConfig:
    return RunConfig.model_validate(
        {
            "device": "raspberry-pi-zero-2w",
            "budget": budget,
            "teacher": {"file": "model.pt"},
            "data": data or {},
            "search": {"strategy": "asha", **search},
        }
    )


def make_inputs(config: RunConfig | None = None, *, digest: str = "d" * 64) -> Inputs:
    test = make_images(5)
    dataset = Dataset(
        train=make_images(20),
        validation=make_images(10),
        class_names=CLASSES,
        digest=digest,
        unreadable=(),
        test_images=len(test),
        _read_test=lambda: test,
    )
    card = SimpleNamespace(
        file="model.pt",
        sha256="5f" * 32,
        kind="state_dict",
        arch=None,
        params=30_000,
        size_bytes=120_000,
        macs=None,
        classes=len(CLASSES),
        class_names=(),
    )
    config = config or make_config()
    return Inputs(config, load_profile(config.device), dataset, SimpleNamespace(card=card))


def make_plan(lengths: Lengths | None = None, **changes: object) -> RunPlan:
    """Give a plan of 2 workers for what `make_inputs` gives; ``changes`` replaces fields of it."""
    fields = {
        "profile": load_profile("raspberry-pi-zero-2w"),
        "limits": Limits(max_params=20_000),
        "workers": 2,
        "threads": 1,
        "mean": (0.5,),
        "std": (0.25,),
        "logits_file": "logits.npy",
        "lengths": lengths or make_lengths(),
        "data": DataResult(
            path="data",
            digest="d" * 64,
            classes=CLASSES,
            image_px=16,
            image_channels=1,
            train_images=20,
            validation_images=10,
            test_images=5,
            labelled=True,
            flip=False,
        ),
        "teacher": TeacherResult(
            file="model.pt",
            sha256="5f" * 32,
            kind="state_dict",
            arch=None,
            params=30_000,
            size_bytes=120_000,
            macs=None,
            validation_accuracy=0.9,
            test_accuracy=None,
        ),
        "feasibility": Feasibility(drawn=10, fitting=10, binding=None, limits=()),
        "preflight_seconds": 1.0,
        "teach_seconds": 2.0,
    }
    return RunPlan.model_validate(fields | changes)


def make_lengths(*, trials: int | None = 6, budget_seconds: float = 600.0) -> Lengths:
    return plan_lengths(
        PACE,
        budget_seconds=budget_seconds,
        trials=trials,
        epochs=9,
        train_images=20,
        workers=2,
        gain_seeds=1,
    )


def small_program(width: int = 4) -> Program:
    """One convolution 3 x 3 of a gray image of 16 px, and a classifier."""
    builder = ProgramBuilder(image_channels=1, input_px=16)
    builder.classify(builder.conv("conv", 0, width), len(CLASSES))
    return builder.build()


class FakeTraining:
    """Scores a candidate without training it, and can fail or be interrupted on the way.

    Attributes:
        calls: Trial and rung of each training that came to its end.
        executors: Workers and threads of each executor that was opened.
    """

    def __init__(self, *, fails: object = (), interrupt_at: int | None = None) -> None:
        self.calls: list[tuple[int, int]] = []
        self.executors: list[tuple[int, int]] = []
        self._fails = fails
        self._interrupt_at = interrupt_at

    def __call__(self, trial_id, candidate, fidelity) -> Observation:
        if len(self.calls) == self._interrupt_at:
            self._interrupt_at = None
            raise KeyboardInterrupt
        self.calls.append((trial_id, fidelity.rung))
        if self._fails == "all" or (trial_id, fidelity.rung) in self._fails:
            msg = "the loss is nan."
            raise TrainingError(msg)
        names = (candidate.origin == "twin", *([candidate.repeat] if candidate.repeat else []))
        luck = derive_seed(candidate.member_seed, *names) % 1000 / 1000
        accuracy = 0.2 + 0.4 * luck + 0.1 * fidelity.rung
        return Observation(
            fidelity=fidelity,
            accuracy=accuracy,
            loss=1.0,
            agreement=accuracy,
            train_seconds=0.0,
            images_per_second=1.0,
        )

    def open(self, evaluator: object, *, workers: int, threads: int) -> "_Inline":
        """Stand in for ProcessExecutor."""
        self.executors.append((workers, threads))
        return _Inline(self)


class _Inline(InlineExecutor):
    def __enter__(self) -> "_Inline":
        return self

    def __exit__(self, *fault: object) -> None:
        self.close()


class Lines(list):
    """Takes progress and notes, in their order."""

    def progress(self, what: str, done: float, total: float) -> None:
        self.append((what, done, total))

    def say(self, text: str) -> None:
        self.append(text)


def folder_of(run: Path) -> list[str]:
    return sorted(str(p.relative_to(run)) for p in run.rglob("*") if p.is_file())
