"""Students with random weights as files: drawn under a profile's limits, or very small."""

import zlib
from pathlib import Path

import numpy as np
import onnx

from autokd.core.device import ExportTarget
from autokd.export.onnx import build_model
from autokd.space.program import Program
from tests.export.conftest import make_program, make_weights
from tests.space.conftest import draw_members, make_space

MEAN, STD = (0.3, 0.5, 0.4), (0.2, 0.25, 0.3)


def drawn_student(device: str) -> Program:
    """A member that keeps the default limits of a device, small enough to test with."""
    space = make_space(device=device, max_params=100_000)
    (member,) = draw_members(space, 1, seed=zlib.crc32(device.encode()))
    assert max(space.limits.violations(member.cost).values()) <= 0
    return space.program(member)


def exported(program: Program, target: ExportTarget, folder: Path) -> Path:
    """The file of a student for a target."""
    path = folder / f"{target.opset}-{target.ir}-{target.input}.onnx"
    model = build_model(
        program,
        make_weights(program),
        target=target,
        mean=MEAN,
        std=STD,
        class_names=(),
        metadata={},
    )
    path.write_bytes(model.SerializeToString())
    return path


def stamped(path: Path, *, opset: int, ir: int) -> Path:
    """A copy of a file that claims other versions; no operator of a student differs in them."""
    model = onnx.load_model(path)
    model.opset_import[0].version = opset
    model.ir_version = ir
    copy = path.with_name(f"stamped-{opset}-{ir}.onnx")
    copy.write_bytes(model.SerializeToString())
    return copy


def noise(program: Program, *, images: int = 1) -> np.ndarray:
    """Images (n, px, px, c) of random bytes."""
    shape = (images, program.input_px, program.input_px, program.image_channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def smallest_student() -> Program:
    """Every kind of layer, on an image of 8 px."""
    return make_program()
