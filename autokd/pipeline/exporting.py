"""Exports trained students of a run, each held against the student on real images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from autokd.core.config import RunConfig
from autokd.core.device import ExportTarget
from autokd.core.trial import Trial
from autokd.data.augment import resize, to_input
from autokd.data.images import ImageSet
from autokd.distill.placement import choose_device
from autokd.distill.scoring import student_logits
from autokd.errors import ExportError
from autokd.export.package import ExportedStudent, TrainedStudent, export_winner
from autokd.models.network import StudentNetwork
from autokd.pipeline.plan import FINAL_RUNG, RunPlan
from autokd.space.students import StudentSpace

PARITY_IMAGES = 256


@dataclass(frozen=True, slots=True)
class Exporter:
    """Exports trained students of one run."""

    config: RunConfig
    plan: RunPlan
    space: StudentSpace
    run: Path

    def export(
        self, trial: Trial, folder: Path, *, images: ImageSet, target: ExportTarget, device: str
    ) -> ExportedStudent:
        """Write the folder of ``trial`` and hold the file against the student on real images.

        Raises:
            ExportError: The file is not what the board loads, or does not compute the same.
        """
        program = self.space.program(trial.candidate)
        network = self._network(trial)
        shown = self.board_images(
            images.subset(torch.arange(min(PARITY_IMAGES, len(images)))), trial
        )
        with torch.inference_mode():
            reference = network(
                to_input(
                    torch.from_numpy(shown),
                    channels=program.image_channels,
                    mean=self.plan.mean,
                    std=self.plan.std,
                )
            )
        genotype = self.space.genotype(trial.candidate)
        student = TrainedStudent(
            program=program,
            weights={name: value.numpy() for name, value in network.state_dict().items()},
            genotype=genotype,
            mean=self.plan.mean,
            std=self.plan.std,
            class_names=self.plan.data.classes,
            metadata={
                "device": device,
                "genotype": genotype.digest,
                "teacher_sha256": self.plan.teacher.sha256,
                "data_digest": self.plan.data.digest,
                "trial": str(trial.trial_id),
                "seed": str(self.config.seed),
            },
        )
        return export_winner(
            folder, student, target=target, images=shown, reference=reference.numpy()
        )

    def board_images(self, images: ImageSet, trial: Trial) -> np.ndarray:
        """Give images (n, px, px, c) as the board feeds them to the student of ``trial``."""
        return resize(images.images, trial.candidate.family.input_px).numpy()

    def logits(self, trial: Trial, images: ImageSet) -> np.ndarray:
        """Give the logits (n, classes) of the student of ``trial``, in torch, as it was scored.

        Raises:
            ExportError: The trained weights cannot be read.
        """
        network = self._network(trial).to(choose_device(self.config.search.train_on))
        logits = student_logits(network, images, mean=self.plan.mean, std=self.plan.std)
        return np.asarray(logits.numpy())

    def _network(self, trial: Trial) -> StudentNetwork:
        path = self.run / "trials" / str(trial.trial_id) / f"rung{FINAL_RUNG}.safetensors"
        network = StudentNetwork(self.space.program(trial.candidate))
        try:
            weights = safetensors.torch.load_file(path)
        except (OSError, safetensors.SafetensorError) as fault:
            msg = f"{path}: the trained weights cannot be read ({fault}); begin a new run."
            raise ExportError(msg) from None
        network.load_state_dict(weights, strict=False)
        return network.eval()
