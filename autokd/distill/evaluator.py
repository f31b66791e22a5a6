"""Trains the candidates of a search; what crosses into a worker process is one small record."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from autokd.core.codec import load_record, save_record, write_atomically
from autokd.core.config import TrainOn
from autokd.core.cost import Limits
from autokd.core.device import DeviceProfile
from autokd.core.plugin_record import PluginName
from autokd.core.record import Record
from autokd.core.seeds import derive_seed
from autokd.core.trial import Candidate, Fidelity, Observation
from autokd.data.store import open_image_set
from autokd.distill.batches import TrainingData
from autokd.distill.placement import choose_device
from autokd.distill.trainer import TrainResult, train
from autokd.errors import InputError
from autokd.space.students import StudentSpace


class WorkerSetup(Record):
    """All that a worker process needs to train candidates, as paths and numbers.

    Attributes:
        data_folder: Where the image sets ``train`` and ``validation`` were saved.
        logits_file: ``.npy``, as `autokd.teacher.logits.teach` gives it: the teacher on the
            training images.
        validation_logits_file: ``.npy`` (n, classes): the teacher on the validation images.
        trials_folder: Where every trial gets a folder of its own.
        preset: Of the student space, as the next five.
        profile: The device.
        limits: That hold for every student.
        class_names: In the order of the logits.
        image_px: Side of the images as stored.
        image_channels: 1 for gray, 3 for RGB.
        flip: Whether a view may be mirrored.
        view_seed: Seed of the views for which the logits were computed.
        mean: Per channel, of pixels in 0..1.
        std: Per channel.
        seed: Root seed of the run.
        train_on: Where students are trained.
    """

    data_folder: Path
    logits_file: Path
    validation_logits_file: Path
    trials_folder: Path
    preset: PluginName
    profile: DeviceProfile
    limits: Limits
    class_names: tuple[str, ...]
    image_px: int
    image_channels: int
    flip: bool
    view_seed: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    seed: int
    train_on: TrainOn = "cpu"


class StudentEvaluator:
    """An `autokd.core.trial.Evaluator` that trains on this machine.

    A finished rung is two files in the trial's folder, ``rung<k>.safetensors`` and, written after
    it, ``rung<k>.json``; when both are there the rung is not trained again.
    """

    def __init__(self, setup: WorkerSetup) -> None:
        self.setup = setup

    def __reduce__(self) -> tuple[Callable[..., "StudentEvaluator"], tuple[WorkerSetup]]:
        return StudentEvaluator, (self.setup,)

    def __call__(self, trial_id: int, candidate: Candidate, fidelity: Fidelity) -> Observation:
        """Train and score, going on from the trial's checkpoint when there is one.

        Raises:
            TrainingError: The loss is not finite.
            StorageError: The disk is full or refuses.
        """
        folder = self.setup.trials_folder / str(trial_id)
        weights, record = (
            folder / f"rung{fidelity.rung}{suffix}" for suffix in (".safetensors", ".json")
        )
        if weights.is_file() and (done := _read_observation(record)) and done.fidelity == fidelity:
            return done
        result = train(
            self.space.program(candidate),
            self.data,
            candidate.distill,
            images=fidelity.images,
            seed=training_seed(self.setup.seed, candidate),
            checkpoint=folder / "checkpoint.pt",
            device=choose_device(self.setup.train_on),
        )
        observation = _to_observation(fidelity, result)
        record.unlink(missing_ok=True)  # of another fidelity, if any: never beside our weights
        write_atomically(weights, safetensors.torch.save(result.weights))
        save_record(observation, record)
        return observation

    @cached_property
    def space(self) -> StudentSpace:
        """The space that candidates are of."""
        setup = self.setup
        return StudentSpace(
            preset=setup.preset,
            profile=setup.profile,
            limits=setup.limits,
            image_px=setup.image_px,
            image_channels=setup.image_channels,
            class_names=setup.class_names,
        )

    @cached_property
    def data(self) -> TrainingData:
        """Images and logits, opened once in each process."""
        setup = self.setup
        logits = np.load(setup.logits_file, mmap_mode="r")
        return TrainingData(
            train=open_image_set(setup.data_folder, "train"),
            validation=open_image_set(setup.data_folder, "validation"),
            logits=logits,
            validation_logits=torch.from_numpy(np.load(setup.validation_logits_file)).float(),
            views=len(logits),
            flip=setup.flip,
            view_seed=setup.view_seed,
            mean=setup.mean,
            std=setup.std,
        )


def training_seed(root: int, candidate: Candidate) -> int:
    """Name the training by its student; the number of the trial is of no matter."""
    seed = derive_seed(root, "train", candidate.member_seed)
    return derive_seed(seed, "repeat", candidate.repeat) if candidate.repeat else seed


def _read_observation(path: Path) -> Observation | None:
    """Read what a finished rung left; None when it did not finish, or the file is damaged."""
    try:
        return load_record(Observation, path)
    except InputError:
        return None


def _to_observation(fidelity: Fidelity, result: TrainResult) -> Observation:
    return Observation(
        fidelity=fidelity,
        accuracy=result.accuracy,
        loss=result.loss,
        agreement=result.agreement,
        train_seconds=result.train_seconds,
        images_per_second=result.images_per_second,
    )
