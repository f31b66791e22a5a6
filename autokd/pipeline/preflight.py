"""Everything before the search: score the teacher, say what is feasible, teach, plan."""

import io
import os
import time
from pathlib import Path
from typing import Literal

import numpy as np

from autokd.core.cache import cache_folder
from autokd.core.codec import load_record, save_record, write_atomically
from autokd.core.config import RunConfig
from autokd.core.cost import Limits
from autokd.core.progress import Progress, Say
from autokd.core.seeds import derive_seed
from autokd.data.augment import channel_statistics
from autokd.data.store import stored_dataset
from autokd.distill.batches import TrainingData
from autokd.distill.evaluator import WorkerSetup
from autokd.distill.placement import choose_device
from autokd.distill.probe import time_students
from autokd.errors import DataError, TeacherError
from autokd.pipeline.given_teacher import CARD_FILE
from autokd.pipeline.input_facts import (
    data_result,
    teacher_line,
    teacher_result,
    unreadable_warning,
)
from autokd.pipeline.inputs import Inputs, class_names
from autokd.pipeline.plan import RunPlan, plan_training
from autokd.pipeline.survey import make_space, require_feasible, survey_space
from autokd.pipeline.warm_start import points_of_earlier_runs
from autokd.search.pool import random_candidate
from autokd.space.pace import Pace, fit_pace
from autokd.teacher.logits import teach
from autokd.teacher.preflight import PreflightScore, preflight

# Three of each block; enough for five coefficients, and some seconds of work.
PROBES = 9
MAX_WORKERS = 4


def make_plan(inputs: Inputs, run: Path, *, progress: Progress, say: Say) -> RunPlan:
    """Do all that comes before the search, or read what an earlier session did.

    Raises:
        InputError: The teacher scores near chance, or the data changed since the run began.
        InfeasibleError: No student meets the limits.
        StorageError: The disk is full.
    """
    path = run / "plan.json"
    if path.is_file():
        return _read_plan(path, inputs, run, progress=progress)
    began = time.monotonic()
    limits, feasibility = survey_space(inputs)
    require_feasible(feasibility)
    starts = points_of_earlier_runs(inputs.config.search.warm_start, make_space(inputs, limits))
    score = preflight(
        inputs.teacher, inputs.dataset.validation, flip=inputs.config.data.flip, progress=progress
    )
    say(teacher_line(inputs, score))
    save_record(inputs.teacher.card, run / CARD_FILE)
    _save_validation_logits(run, score)
    preflight_seconds = time.monotonic() - began
    began = time.monotonic()
    logits_file = _teach(inputs, flip=score.flip, progress=progress)
    teach_seconds = time.monotonic() - began
    workers, threads = share_cores(inputs.config.search.workers)
    mean, std = statistics = channel_statistics(inputs.dataset.train)
    pace = _measure_pace(inputs, limits, logits_file, score, statistics, progress=progress)
    lengths, seeds = plan_training(
        inputs.config,
        pace,
        train_images=len(inputs.dataset.train),
        labelled=inputs.dataset.validation.labelled,
        workers=workers,
    )
    plan = RunPlan(
        limits=limits,
        profile=inputs.profile,
        workers=workers,
        threads=threads,
        mean=mean,
        std=std,
        logits_file=str(logits_file),
        lengths=lengths,
        kd_gain_seeds=seeds,
        data=data_result(inputs, flip=score.flip),
        teacher=teacher_result(inputs, score),
        feasibility=feasibility,
        preflight_seconds=preflight_seconds,
        teach_seconds=teach_seconds,
        starts=tuple(tuple(float(number) for number in point) for point in starts),
        warnings=(*score.warnings, *unreadable_warning(inputs.dataset)),
    )
    save_record(plan, path)
    return plan


def _read_plan(path: Path, inputs: Inputs, run: Path, *, progress: Progress) -> RunPlan:
    """Read the plan of an earlier session, and make again what is no longer in the cache."""
    plan = load_record(RunPlan, path)
    _require_same(plan, inputs)
    if not _validation_logits(run).is_file():
        flip: Literal["yes", "no"] = "yes" if plan.data.flip else "no"
        validation = inputs.dataset.validation
        score = preflight(inputs.teacher, validation, flip=flip, progress=progress)
        _save_validation_logits(run, score)
    if Path(plan.logits_file).is_file():
        return plan
    logits_file = _teach(inputs, flip=plan.data.flip, progress=progress)
    return plan.model_copy(update={"logits_file": str(logits_file)})


def share_cores(wanted: int | None) -> tuple[int, int]:
    """Give workers and the threads of each: one thread a core, never more.

    Many small students train faster side by side than one after another with all threads.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = cores or 1
    workers = wanted or min(cores, MAX_WORKERS)
    return workers, max(1, cores // workers)


def worker_setup(inputs: Inputs, plan: RunPlan, run: Path) -> WorkerSetup:
    """Give what a worker process needs; writes the images where it finds them."""
    return WorkerSetup(
        data_folder=stored_dataset(inputs.dataset, cache_folder()),
        logits_file=Path(plan.logits_file),
        validation_logits_file=_validation_logits(run),
        trials_folder=run / "trials",
        preset=inputs.config.search.space,
        profile=inputs.profile,
        limits=plan.limits,
        class_names=class_names(inputs),
        image_px=inputs.dataset.train.px,
        image_channels=inputs.dataset.train.channels,
        flip=plan.data.flip,
        view_seed=_view_seed(inputs.config),
        mean=plan.mean,
        std=plan.std,
        seed=inputs.config.seed,
        train_on=inputs.config.search.train_on,
    )


def _teach(inputs: Inputs, *, flip: bool, progress: Progress) -> Path:
    return teach(
        inputs.teacher,
        inputs.dataset.train,
        views=inputs.config.data.views,
        flip=flip,
        seed=_view_seed(inputs.config),
        dataset_digest=inputs.dataset.digest,
        cache=cache_folder(),
        progress=progress,
    )


def _measure_pace(
    inputs: Inputs,
    limits: Limits,
    logits_file: Path,
    score: PreflightScore,
    statistics: tuple[tuple[float, ...], tuple[float, ...]],
    *,
    progress: Progress,
) -> Pace:
    """Time members spread over the space, with the threads that a worker has."""
    import torch

    space = make_space(inputs, limits)
    seed = derive_seed(inputs.config.seed, "pace")
    programs = [
        space.program(random_candidate(space, derive_seed(seed, number), origin="prior"))
        for number in range(PROBES)
    ]
    mean, std = statistics
    data = TrainingData(
        train=inputs.dataset.train,
        validation=inputs.dataset.validation,
        logits=np.load(logits_file, mmap_mode="r"),
        validation_logits=score.logits,
        views=inputs.config.data.views,
        flip=score.flip,
        view_seed=_view_seed(inputs.config),
        mean=mean,
        std=std,
    )
    before = torch.get_num_threads()
    torch.set_num_threads(share_cores(inputs.config.search.workers)[1])
    try:
        device = choose_device(inputs.config.search.train_on)
        return fit_pace(programs, time_students(programs, data, progress=progress, device=device))
    finally:
        torch.set_num_threads(before)


def _view_seed(config: RunConfig) -> int:
    return derive_seed(config.seed, "views")


def _validation_logits(run: Path) -> Path:
    return run / "teacher" / "validation_logits.npy"


def _save_validation_logits(run: Path, score: PreflightScore) -> None:
    stream = io.BytesIO()
    np.save(stream, score.logits.numpy())
    write_atomically(_validation_logits(run), stream.getvalue())


def _require_same(plan: RunPlan, inputs: Inputs) -> None:
    """Refuse to go on with other images or another teacher than the run began with."""
    if plan.data.digest != inputs.dataset.digest:
        msg = (
            f"{plan.data.path}: the images are not those that this run began with "
            f"(digest {inputs.dataset.digest[:12]}, was {plan.data.digest[:12]}). Put the old ones "
            "back, or begin a new run."
        )
        raise DataError(msg)
    if plan.teacher.sha256 != inputs.teacher.card.sha256:
        msg = (
            f"{plan.teacher.file}: is not the teacher that this run began with (SHA-256 "
            f"{inputs.teacher.card.sha256[:12]}, was {plan.teacher.sha256[:12]}). Put the old one "
            "back, or begin a new run."
        )
        raise TeacherError(msg)
