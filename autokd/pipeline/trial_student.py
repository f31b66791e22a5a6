"""A student with random weights, to see in some seconds what a target does with such files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autokd.core.device import DeviceProfile
from autokd.export.quantise import quantise
from autokd.pipeline.untrained import write_untrained
from autokd.space.cost import cost_on
from autokd.space.probe_set import draw_students

_CALIBRATION_IMAGES = 8


@dataclass(frozen=True, slots=True)
class TrialStudent:
    """Files of one student.

    Attributes:
        files: In fp32, and as INT8 where the default runtime of the profile has it.
        predicted_ms: Lower end, prediction and upper end of the time of the fp32 file.
    """

    files: tuple[Path, ...]
    predicted_ms: tuple[float, float, float] | None


def write_trial_student(folder: Path, profile: DeviceProfile) -> TrialStudent:
    """Write the first student that calibration would draw for ``profile``.

    Raises:
        ProfileError: Onnxruntime does not run on this device.
        ExportError: A file is not what the board loads.
        StorageError: It cannot be written.
    """
    program = next(draw_students(profile, 1, seed=0)).program
    files = [write_untrained(folder / "student.onnx", program, profile.export)]
    form = profile.required_runtime().int8
    if form is not None:
        shape = (_CALIBRATION_IMAGES, program.input_px, program.input_px, program.image_channels)
        images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        out = folder / "student.int8.onnx"
        quantise(files[0], out, form=form, method="minmax", images=images, target=profile.export)
        files.append(out)
    return TrialStudent(tuple(files), cost_on(program, profile).latency_interval_ms)
