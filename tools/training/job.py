"""What runs in the process of one measurement.

    python -m tools.training.job JOB

JOB is a `tools.training.processes.Job` as JSON; the record goes to the file that it names.
"""

import sys
from collections.abc import Callable, Mapping

import torch
from torch import nn

from autokd.core.codec import save_record, write_atomically
from autokd.core.record import Record
from autokd.core.trial import DistillParams
from autokd.distill.batches import TrainingData
from autokd.errors import AutoKDError
from autokd.space.program import Program
from tools.training.engine import BareTraining, ScoredTraining
from tools.training.floor import BareConvolutions, memory_format_of, profile_steps, time_in_turn
from tools.training.measurements import Cache, Floor, Settings, Timing
from tools.training.processes import Job
from tools.training.stopwatch import READINGS_PER_EPOCH, peak_memory_bytes, run_clocked
from tools.training.students import build_program
from tools.training.ways import START, Task
from tools.training.workfolder import open_prepared, training_data


def main() -> None:
    """Do the job of the command line."""
    job = Job.model_validate_json(sys.argv[1])
    torch.set_num_threads(job.settings.threads)
    torch.manual_seed(job.settings.seed)  # order and views of a DataLoader know no other
    try:
        save_record(MEASURE[job.kind](job), job.result)
    except AutoKDError as fault:
        raise SystemExit(str(fault)) from fault


def make_cache(job: Job) -> Cache:
    """Prepare images and teacher logits."""
    from tools.training.source import prepare  # with all that a teacher may be, as memory shows

    return prepare(job.data, job.work, job.settings, progress=_show).cache


def make_timing(job: Job) -> Timing:
    """Train a student one way, on the clock."""
    settings = job.settings
    data, program, params = _open(job)
    task = Task(
        program=program,
        data=data,
        load_teacher=lambda: _load_teacher(job),
        distill=_distill(settings),
        epochs=settings.epochs,
        in_order=settings.target_accuracy is not None,
        workers=settings.workers,
        seed=settings.seed,
    )
    clocked = run_clocked(
        START[job.way](task),
        window_seconds=settings.window_seconds,
        target_accuracy=settings.target_accuracy,
        images_per_reading=max(1, len(data.train) // READINGS_PER_EPOCH),
    )
    return Timing(
        round_number=job.round_number,
        student=job.student,
        way=job.way,
        params=params,
        window_steps=clocked.window_steps,
        window_images=clocked.window_images,
        window_seconds=clocked.window_seconds,
        readings=clocked.readings,
        peak_memory_bytes=peak_memory_bytes(),
    )


def make_floor(job: Job) -> Floor:
    """Time steps of the engine against their convolutions, and tell where the time goes."""
    settings = job.settings
    data, program, _ = _open(job)
    distill = _distill(settings)
    bare = BareTraining(program, data, distill, seed=settings.seed)
    convolutions = BareConvolutions(
        program, batch_images=data.batch_size, memory_format=memory_format_of(bare.network)
    )
    engine, floor = time_in_turn(
        bare.advance, convolutions.run, window_seconds=settings.window_seconds
    )
    if job.profile is not None:
        images = settings.epochs * len(data.train)
        whole = ScoredTraining(program, data, distill, images=images, seed=settings.seed)
        write_atomically(job.profile, profile_steps(whole))
    return Floor(
        round_number=job.round_number,
        student=job.student,
        engine_seconds=engine,
        floor_seconds=floor,
    )


MEASURE: Mapping[str, Callable[[Job], Record]] = {
    "cache": make_cache,
    "timing": make_timing,
    "floor": make_floor,
}


def _open(job: Job) -> tuple[TrainingData, Program, int]:
    prepared = open_prepared(job.work)
    data = training_data(job.work, prepared)
    program, params = build_program(
        job.student,
        input_px=data.train.px,
        image_channels=data.train.channels,
        classes=len(prepared.class_names),
    )
    return data, program, params


def _load_teacher(job: Job) -> nn.Module:
    from tools.source_folder import load_network  # not in the engine's process, as memory shows

    return load_network(job.data)


def _distill(settings: Settings) -> DistillParams:
    return DistillParams(temperature=settings.temperature, alpha=settings.alpha)


def _show(what: str, done: float, total: float) -> None:
    print(f"{what}: {done:,.0f} of {total:,.0f}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
