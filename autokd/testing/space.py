"""The contract of a space of students, see `autokd.space.definition`."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from autokd.core.cost import Limits
from autokd.core.device import DeviceProfile, load_profile
from autokd.core.trial import Candidate
from autokd.export.onnx import build_model
from autokd.export.verify import check_file, run_onnx
from autokd.models.network import build_student
from autokd.space.coding import definition_of
from autokd.space.cost import cost_on
from autokd.space.dimension import Choice
from autokd.space.lowering import lower
from autokd.space.program import Program
from autokd.space.students import StudentSpace
from autokd.space.wiring import draw_genotype
from autokd.testing.contract import broken, leaving_chance_alone

# Side and channels of images: Fashion-MNIST, CIFAR, and photographs.
IMAGES = ((28, 1), (32, 3), (224, 3))
CLASSES = 7
MEMBERS = 12
EXPORTED = 3
WIDTHS = (1, 2, 5)  # times the smallest
FEWEST_FITTING = 0.5
# Of the largest logit. Deep students with random weights and no statistics of BatchNorm multiply
# what float32 rounds off: 0.6 % was seen. A trained student is held to a thousandth.
TOLERANCE = 0.02


def check_space(name: str) -> None:
    """Hold a space of students against its contract.

    Every point of its cube is a family, and the way back leads to the same one; what it starts with
    is in it; a member is the same however often it is drawn, costs more when it is wider, computes
    in torch what its layers say, and in onnxruntime the same; and most members fit a board of two
    megabytes.

    Args:
        name: By which a run asks for it.

    Raises:
        ContractBrokenError: It does not keep a rule.
        PluginError: It is not installed, cannot be imported, or fails.
    """
    profile = load_profile("raspberry-pi-5")
    with leaving_chance_alone(f"space {name!r}"):
        for image_px, channels in IMAGES:
            what = f"space {name!r}, images of {image_px} px with {channels} channels"
            space = StudentSpace(
                preset=name,
                profile=profile,
                limits=Limits(max_size_bytes=2 * 2**20),
                image_px=image_px,
                image_channels=channels,
                class_names=tuple(str(number) for number in range(CLASSES)),
            )
            _check_widths(what, space)  # first: nothing can be drawn where the cost does not rise
            _check_points(what, space)
            _check_members(what, space)


def _check_points(what: str, space: StudentSpace) -> None:
    for point in _points(space):
        family, distill = space.decode(point)
        back = space.encode(family, distill)
        if back.shape != (space.dimension,) or not bool(((back >= 0) & (back <= 1)).all()):
            broken(what, "a family lies in the unit cube", f"{family} lies at {back.tolist()}")
        again, taught = space.decode(back)
        if not _same(again.values(), family.values()) or not _same(
            taught.model_dump(), distill.model_dump()
        ):
            found = f"{family} became {again}"
            broken(what, "the way to the cube and back leads to the same family", found)
    for start in space.starts():
        if start.shape != (space.dimension,):
            broken(what, "a start has a value for each dimension", f"one has {start.shape}")
        if space.draw(start, member_seed=0, origin="prior") is None:
            broken(what, "what is tried first fits 2 MiB", f"{space.decode(start)[0]} does not")


def _points(space: StudentSpace) -> Iterator[np.ndarray]:
    """Give the ends of each dimension, each value of a choice, and points at random."""
    searched = definition_of(space.preset).ranges(space.image_px)
    for place, dimension in enumerate(searched):
        ends = (
            [dimension.encode(value) for value in dimension.values]
            if isinstance(dimension, Choice)
            else [0.0, 1.0]
        )
        for unit in ends:
            point = np.full(space.dimension, 0.5)
            point[place] = unit
            yield point
    rng = np.random.default_rng(0)
    for _ in range(20):
        yield rng.random(space.dimension)


def _check_members(what: str, space: StudentSpace) -> None:
    rng = np.random.default_rng(1)
    drawn = [
        space.draw(rng.random(space.dimension), member_seed=seed, origin="random")
        for seed in range(MEMBERS)
    ]
    fitting = [candidate for candidate in drawn if candidate is not None]
    if len(fitting) < FEWEST_FITTING * MEMBERS:
        found = f"{len(fitting)} of {MEMBERS} members do"
        broken(what, "most members fit 2 MiB at some width", found)
    for number, candidate in enumerate(fitting):
        where = f"{what}, member {number}"
        program = space.program(candidate)
        _check_again(where, space, candidate, program)
        if number < EXPORTED:
            _check_computes(where, program, space.profile)


def _check_again(where: str, space: StudentSpace, candidate: Candidate, program: Program) -> None:
    other = StudentSpace(
        preset=space.preset,
        profile=space.profile,
        limits=space.limits,
        image_px=space.image_px,
        image_channels=space.image_channels,
        class_names=tuple(str(number) for number in range(CLASSES)),
    )
    if other.program(candidate) != program:
        broken(where, "a candidate has the same layers in every process", "they differ")


def _check_widths(what: str, space: StudentSpace) -> None:
    rng = np.random.default_rng(2)
    smallest = definition_of(space.preset).smallest_width
    widths = [factor * smallest for factor in WIDTHS]
    for number in range(MEMBERS):
        family, _ = space.decode(rng.random(space.dimension))
        wiring = draw_genotype(
            family, member_seed=number, image_channels=space.image_channels, classes=space.classes
        )
        costs = [cost_on(lower(wiring.with_width(width)), space.profile) for width in widths]
        for name in ("params", "macs", "size_bytes", "memory_bytes"):
            values = [getattr(cost, name) for cost in costs]
            if values != sorted(set(values)):
                found = f"widths {widths} of {family} have {name} {values}"
                broken(what, "a wider student costs more, since the width is solved for", found)


def _check_computes(where: str, program: Program, profile: DeviceProfile) -> None:
    """Compare torch, the count of parameters, and the file for a board."""
    network = build_student(program, seed=0).eval()
    counted = cost_on(program, profile).params
    there = sum(parameter.numel() for parameter in network.parameters())
    if counted != there:
        broken(where, f"the layers count {counted} parameters", f"torch has {there}")
    shape = (2, program.input_px, program.input_px, program.image_channels)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        logits = network((pixels - 0.5) / 0.25).numpy()
    if logits.shape != (2, CLASSES) or not np.isfinite(logits).all():
        broken(where, f"two images give finite logits (2, {CLASSES})", f"they give {logits}")
    with tempfile.TemporaryDirectory(prefix="autokd-") as folder:
        path = Path(folder) / "student.onnx"
        model = build_model(
            program,
            {name: value.numpy() for name, value in network.state_dict().items()},
            target=profile.export,
            mean=(0.5,) * program.image_channels,
            std=(0.25,) * program.image_channels,
            class_names=tuple(str(number) for number in range(CLASSES)),
            metadata={},
        )
        path.write_bytes(model.SerializeToString())
        check_file(path, profile.export)
        error = np.abs(run_onnx(path, images) - logits).max()
    if not error <= TOLERANCE * np.abs(logits).max():
        found_text = f"a logit of {np.abs(logits).max():g} or less is off by {error:g}"
        broken(where, "the file for a board computes what torch does", found_text)


def _same(one: dict[str, object], other: dict[str, object]) -> bool:
    def close(a: object, b: object) -> bool:
        if isinstance(a, float) and isinstance(b, float):
            return abs(a - b) <= 1e-9 * max(1.0, abs(a))
        return a == b

    return one.keys() == other.keys() and all(close(one[key], other[key]) for key in one)
