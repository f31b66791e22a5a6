"""All that comes before the first student: images, logits, the pace, and who is trained.

It is done once for a build and kept in its folder, by whichever worker comes first.
"""

import io
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from autokd.core.codec import load_record, save_record, write_atomically
from autokd.core.cost import Limits
from autokd.core.device import DeviceProfile, load_profile
from autokd.core.progress import Progress
from autokd.core.record import Record
from autokd.core.seeds import derive_seed
from autokd.data.augment import channel_statistics
from autokd.data.images import ImageSet
from autokd.data.store import open_image_set, save_image_set
from autokd.distill.batches import TrainingData
from autokd.distill.evaluator import StudentEvaluator, WorkerSetup
from autokd.distill.probe import time_students
from autokd.errors import DataError
from autokd.pipeline.preflight import PROBES
from autokd.search.pool import random_candidate
from autokd.space.pace import Pace, fit_pace
from autokd.space.students import StudentSpace
from autokd.teacher.load import Teacher
from autokd.teacher.logits import teach
from tools.table.journal import SETUP_FILE, alone
from tools.table.points import Design, Point, digest_of, draw_points
from tools.table.rows import TableSetup
from tools.table.source import Source

# Raised whenever the trainer changes what a student comes to: 1 had images of full size throughout,
# 2 has smaller ones before the decay. Students of two engines are not mixed.
ENGINE = 2
VIEWS = 2
# A run times PROBES students. Here all lengths hang on the fit for good, so it gets three times as
# many.
TIMED_STUDENTS = 3 * PROBES
_CHUNK = 256
# What two machines must agree on; numbers that they compute may differ in the last bit.
_WHAT_IS_TRAINED = ("engine", "design", "points_digest", "images_digest", "teacher_sha256")


class Plan(Record):
    """What a build keeps beside images and logits.

    Attributes:
        setup: Goes into the packed table.
        points: All students of the table, in order.
        logits_file: Name of the teacher's logits on training views, in the folder of the build.
    """

    setup: TableSetup
    points: tuple[Point, ...]
    logits_file: str


@dataclass(frozen=True, slots=True)
class Build:
    """A folder in which everything is ready for training.

    Attributes:
        plan: What was decided.
        evaluator: The product's own; it trains every student.
        test: Images that no search may see.
    """

    plan: Plan
    evaluator: StudentEvaluator
    test: ImageSet


def prepare(
    out: Path,
    design: Design,
    *,
    source_of: Callable[[], Source],
    packed: TableSetup | None = None,
    progress: Progress,
) -> Build:
    """Make a folder ready, or find it so.

    Args:
        out: Folder of the build.
        design: Who is trained, and for how long.
        source_of: Called when something is missing.
        packed: Setup of a table to go on with; its pace holds.
        progress: Told when work takes long.

    Raises:
        DataError: The folder or the packed table is of another design, or of other images.
    """
    with alone(out / "prepare.lock"):
        file = out / "plan.json"
        if not file.is_file():
            plan = _make(out, design, source_of(), packed, progress)
            save_record(plan.setup, out / SETUP_FILE)
            save_record(plan, file)
        plan = load_record(Plan, file, error=DataError)
    _require_same(out, "design", plan.setup.design, design)
    if plan.setup.engine != ENGINE:
        msg = (
            f"{out}: its students are trained by engine {plan.setup.engine}, this is engine "
            f"{ENGINE}; name an empty folder, or go on with the commit that began it."
        )
        raise DataError(msg)
    if packed is not None:
        _require_same(out, "setup", plan.setup, packed)
    return open_build(out)


def open_build(out: Path) -> Build:
    """Give what `prepare` left in a folder, of whatever engine.

    Raises:
        DataError: There is nothing, or it cannot be read.
    """
    plan = load_record(Plan, out / "plan.json", error=DataError)
    evaluator = StudentEvaluator(_worker_setup(out, plan))
    return Build(plan, evaluator, open_image_set(out / "images", "test"))


def space_of(setup: TableSetup) -> StudentSpace:
    """Give the space that the students of a table are of."""
    profile, limits = _profile_and_limits(setup.design)
    return StudentSpace(
        preset="edge",
        profile=profile,
        limits=limits,
        image_px=setup.image_px,
        image_channels=setup.image_channels,
        class_names=setup.class_names,
    )


def _profile_and_limits(design: Design) -> tuple[DeviceProfile, Limits]:
    profile = load_profile(design.device)
    own = Limits(max_params=design.max_params)
    return profile, profile.default_limits().overridden_by(own)


def _make(
    out: Path, design: Design, source: Source, packed: TableSetup | None, progress: Progress
) -> Plan:
    for name in ("train", "validation", "test"):
        save_image_set(getattr(source, name), out / "images", name)
    logits_file = teach(
        source.teacher,
        source.train,
        views=VIEWS,
        flip=True,
        seed=derive_seed(design.seed, "views"),
        dataset_digest=source.digest,
        cache=out,
        progress=progress,
    )
    validation_logits = _ask(source.teacher, source.validation)
    _save_array(out / "validation_logits.npy", validation_logits.numpy())
    mean, std = channel_statistics(source.train)
    setup = TableSetup(
        engine=ENGINE,
        design=design,
        pace=Pace(seconds=(0.0,) * 5, relative_error=0.0),
        points_digest="",
        images_digest=source.digest,
        teacher_sha256=source.teacher.card.sha256,
        teacher_validation_accuracy=_accuracy(validation_logits, source.validation),
        teacher_test_accuracy=_accuracy(_ask(source.teacher, source.test), source.test),
        class_names=source.class_names,
        image_px=source.train.px,
        image_channels=source.train.channels,
        views=VIEWS,
        mean=mean,
        std=std,
    )
    points = draw_points(space_of(setup), design)
    setup = setup.model_copy(update={"points_digest": digest_of(points)})
    plan = Plan(setup=setup, points=points, logits_file=os.path.relpath(logits_file, out))
    if packed is None:
        pace = _measure_pace(StudentEvaluator(_worker_setup(out, plan)), progress)
        final = setup.model_copy(update={"pace": pace})
    else:
        _require_same(out, "setup", setup, packed, fields=_WHAT_IS_TRAINED)
        final = packed
    return plan.model_copy(update={"setup": final})


def _worker_setup(out: Path, plan: Plan) -> WorkerSetup:
    setup = plan.setup
    profile, limits = _profile_and_limits(setup.design)
    return WorkerSetup(
        data_folder=out / "images",
        logits_file=out / plan.logits_file,
        validation_logits_file=out / "validation_logits.npy",
        trials_folder=out / "trials",
        preset="edge",
        profile=profile,
        limits=limits,
        class_names=setup.class_names,
        image_px=setup.image_px,
        image_channels=setup.image_channels,
        flip=True,
        view_seed=derive_seed(setup.design.seed, "views"),
        mean=setup.mean,
        std=setup.std,
        seed=setup.design.seed,
    )


def _measure_pace(evaluator: StudentEvaluator, progress: Progress) -> Pace:
    """Time students drawn at random; none of them is one of the table."""
    space = evaluator.space
    seed = derive_seed(evaluator.setup.seed, "pace")
    programs = [
        space.program(random_candidate(space, derive_seed(seed, number), origin="prior"))
        for number in range(TIMED_STUDENTS)
    ]
    data: TrainingData = evaluator.data
    return fit_pace(programs, time_students(programs, data, progress=progress))


def _ask(teacher: Teacher, images: ImageSet) -> Tensor:
    """Give float32 logits (n, classes) of images as they are."""
    chunks: Sequence[Tensor] = torch.split(images.images, _CHUNK)
    return torch.cat([teacher.logits(chunk) for chunk in chunks])


def _accuracy(logits: Tensor, images: ImageSet) -> float:
    return float((logits.argmax(dim=1) == images.labels).double().mean())


def _save_array(path: Path, array: np.ndarray) -> None:
    stream = io.BytesIO()
    np.save(stream, array)
    write_atomically(path, stream.getvalue())


def _require_same(
    out: Path, what: str, found: Record, wanted: Record, *, fields: Iterable[str] = ()
) -> None:
    """Refuse to mix two builds.

    Raises:
        DataError: The records differ, in ``fields`` if any are named.
    """
    names = tuple(fields) or tuple(type(wanted).model_fields)
    differ = [name for name in names if getattr(found, name) != getattr(wanted, name)]
    if differ:
        msg = (
            f"{out}: the {what} is not the one asked for ({', '.join(differ)} differ); "
            "name an empty folder, or the table and flags that belong to this one."
        )
        raise DataError(msg)
