"""What a precision of a student costs in accuracy, in onnxruntime."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from autokd.export.calibrate import activation_session
from autokd.export.onnx import OUTPUT_NAME
from autokd.export.verify import board_input, run_onnx

_BATCH = 16


@dataclass(frozen=True, slots=True)
class VariantScore:
    """Of one file on labelled or unlabelled images.

    Attributes:
        accuracy: Fraction that is right; None without labels.
        agreement: Fraction where it names the class that the fp32 student names.
        drop: Accuracy of the fp32 student less its own; without labels, what agreement lacks.
    """

    accuracy: float | None
    agreement: float
    drop: float


@dataclass(frozen=True, slots=True)
class Judge:
    """Images, and what the fp32 student names on them.

    Attributes:
        images: (n, px, px, c), at the student's size.
        labels: (n,), -1 where there is none.
        named: (n,), classes that the fp32 student names.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    named: NDArray[np.int64]

    @classmethod
    def of(cls, path: Path, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> "Judge":
        """Let the fp32 student at ``path`` name the images.

        Raises:
            ExportError: The file does not load.
        """
        return cls(images, labels, run_onnx(path, images).argmax(axis=1))

    def part(self, most: int) -> "Judge":
        """Give a judge of at most ``most`` of the images, spread over all of them."""
        few = np.linspace(0, len(self.images) - 1, min(most, len(self.images))).round()
        index = few.astype(np.int64)
        return Judge(self.images[index], self.labels[index], self.named[index])

    def file(self, path: Path) -> VariantScore:
        """Score a file, one image at a time, as a board runs it.

        Raises:
            ExportError: The file does not load.
        """
        return self._score(run_onnx(path, self.images).argmax(axis=1))

    def model(self, model: onnx.ModelProto) -> VariantScore:
        """Score a model that is not written yet, some images at a time."""
        session = activation_session(model, ())
        taken = session.get_inputs()[0]
        kind = "uint8" if "uint8" in taken.type else "float32"
        named = [
            session.run(
                [OUTPUT_NAME],
                {taken.name: board_input(self.images[start : start + _BATCH], kind)},
            )[0].argmax(axis=1)
            for start in range(0, len(self.images), _BATCH)
        ]
        return self._score(np.concatenate(named))

    def _score(self, named: NDArray[np.int64]) -> VariantScore:
        agreement = float((named == self.named).mean())
        known = self.labels >= 0
        if not known.any():
            return VariantScore(None, agreement, 1 - agreement)
        accuracy = float((named == self.labels)[known].mean())
        before = float((self.named == self.labels)[known].mean())
        return VariantScore(accuracy, agreement, before - accuracy)
