"""Everything before the search: load all, score the teacher, say what is feasible, teach, plan."""

import io
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from torch import nn

from autokd.core.cache import cache_folder
from autokd.core.codec import load_record, save_record, write_atomically
from autokd.core.config import RunConfig
from autokd.core.cost import Limits
from autokd.core.device import DeviceProfile, load_profile
from autokd.core.progress import Progress
from autokd.core.results import DataResult, Feasibility, TeacherResult
from autokd.core.seeds import derive_seed
from autokd.core.shortfall import explain_infeasible, require_known_latency
from autokd.data.augment import channel_statistics
from autokd.data.dataset import Dataset, load_dataset
from autokd.data.store import stored_dataset
from autokd.distill.batches import TrainingData
from autokd.distill.evaluator import WorkerSetup
from autokd.distill.placement import choose_device
from autokd.distill.probe import time_students
from autokd.errors import ConfigError, DataError, InfeasibleError, TeacherError
from autokd.pipeline.choice import require_precision
from autokd.pipeline.given_teacher import CARD_FILE, find_teacher
from autokd.pipeline.named_plugins import require_loss, require_plugins
from autokd.pipeline.plan import RunPlan, plan_training
from autokd.pipeline.warm_start import points_of_earlier_runs
from autokd.search.pool import random_candidate
from autokd.space.feasibility import survey
from autokd.space.pace import Pace, fit_pace
from autokd.space.students import StudentSpace
from autokd.teacher.load import Teacher
from autokd.teacher.logits import teach
from autokd.teacher.preflight import PreflightScore, preflight

Say = Callable[[str], None]

SURVEY_MEMBERS = 200
# Three of each block; enough for five coefficients, and some seconds of work.
PROBES = 9
MAX_WORKERS = 4
# Classes that logit standardisation needs to say anything, see `autokd.distill.losses`.
FEWEST_STANDARDISED = 3


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a person gave, loaded."""

    config: RunConfig
    profile: DeviceProfile
    dataset: Dataset
    teacher: Teacher


def load_inputs(
    config: RunConfig,
    *,
    progress: Progress,
    run: Path | None = None,
    module: nn.Module | None = None,
) -> Inputs:
    """Load profile, images and teacher.

    Args:
        config: Of the run.
        progress: Told when work takes long.
        run: Folder of a run that has begun; None for a new one.
        module: The teacher, where it has no file.

    Raises:
        InputError: One of them cannot be used.
    """
    require_plugins(config)
    profile = load_profile(config.device)
    require_known_latency(config.limits.max_latency_ms, profile)
    require_precision(config.export, profile)
    choose_device(config.search.train_on)
    dataset = load_dataset(config.data, seed=config.seed, progress=progress, cache=cache_folder())
    teacher = find_teacher(config.teacher, dataset, module=module, run=run, progress=progress)
    inputs = Inputs(config, profile, dataset, teacher)
    _require_teachable(inputs)
    require_loss(config.search.loss, classes=len(class_names(inputs)))
    return inputs


def survey_space(inputs: Inputs) -> tuple[Limits, Feasibility]:
    """Give the limits of the run, and how much of the space keeps them.

    A student that is larger than its teacher compresses nothing: where no limit on parameters is
    set, the teacher's own count is one.
    """
    limits = inputs.profile.default_limits().overridden_by(inputs.config.limits.to_limits())
    if limits.max_params is None and inputs.teacher.card.params is not None:
        limits = limits.overridden_by(Limits(max_params=inputs.teacher.card.params))
    space = make_space(inputs, limits)
    return limits, survey(
        space, members=SURVEY_MEMBERS, seed=derive_seed(inputs.config.seed, "survey")
    )


def make_space(
    inputs: Inputs, limits: Limits, *, starts: tuple[tuple[float, ...], ...] = ()
) -> StudentSpace:
    """Give the space of students for these images and limits; ``starts`` are tried first."""
    return StudentSpace(
        preset=inputs.config.search.space,
        profile=inputs.profile,
        limits=limits,
        image_px=inputs.dataset.train.px,
        image_channels=inputs.dataset.train.channels,
        class_names=class_names(inputs),
        loss=inputs.config.search.loss,
        starts=starts,
    )


def class_names(inputs: Inputs) -> tuple[str, ...]:
    """Give the names of the classes, in the order of the logits; numbers without any."""
    card = inputs.teacher.card
    numbers = tuple(str(number) for number in range(card.classes))
    return inputs.dataset.class_names or tuple(card.class_names or ()) or numbers


def require_feasible(feasibility: Feasibility) -> None:
    """Stop when no member fits.

    Raises:
        InfeasibleError: With the binding limit and the nearest miss of each.
    """
    if feasibility.fitting:
        return
    raise InfeasibleError(explain_infeasible(feasibility))


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
    say(_teacher_line(inputs, score))
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
        data=_data_result(inputs, flip=score.flip),
        teacher=_teacher_result(inputs, score),
        feasibility=feasibility,
        preflight_seconds=preflight_seconds,
        teach_seconds=teach_seconds,
        starts=tuple(tuple(float(number) for number in point) for point in starts),
        warnings=(*score.warnings, *_unreadable_warning(inputs.dataset)),
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


def _require_teachable(inputs: Inputs) -> None:
    """Refuse a loss that teaches nothing about so few classes."""
    classes = len(class_names(inputs))
    if inputs.config.search.loss == "logit-std" and classes < FEWEST_STANDARDISED:
        msg = (
            f"--loss logit-std: there are {classes} classes, and it needs {FEWEST_STANDARDISED} or "
            "more: two standardised logits are always 1 and -1, which teaches nothing. Give "
            "another loss, or leave it out."
        )
        raise ConfigError(msg)


def _teacher_line(inputs: Inputs, score: PreflightScore) -> str:
    card = inputs.teacher.card
    name = card.arch or card.kind
    size = "parameters not counted" if card.params is None else f"{card.params:,} parameters"
    if score.accuracy is None:
        return f"teacher: {name}, {size}; no labels, so nothing to score."
    return (
        f"teacher: {name}, {size}, {score.accuracy:.2%} of "
        f"{len(inputs.dataset.validation):,} validation images right."
    )


def _unreadable_warning(dataset: Dataset) -> tuple[str, ...]:
    if not dataset.unreadable:
        return ()
    return (f"{len(dataset.unreadable)} images could not be read and were left out.",)


def _data_result(inputs: Inputs, *, flip: bool) -> DataResult:
    dataset = inputs.dataset
    return DataResult(
        path=inputs.config.data.path,
        digest=dataset.digest,
        classes=class_names(inputs),
        image_px=dataset.train.px,
        image_channels=dataset.train.channels,
        train_images=len(dataset.train),
        validation_images=len(dataset.validation),
        test_images=dataset.test_images,
        labelled=dataset.validation.labelled,
        flip=flip,
        unreadable=dataset.unreadable,
    )


def _teacher_result(inputs: Inputs, score: PreflightScore) -> TeacherResult:
    card = inputs.teacher.card
    return TeacherResult(
        file=card.file,
        sha256=card.sha256,
        kind=card.kind,
        arch=card.arch,
        params=card.params,
        size_bytes=card.size_bytes,
        macs=card.macs,
        validation_accuracy=score.accuracy,
        test_accuracy=None,
        mirrored_accuracy=score.mirrored_accuracy,
    )
