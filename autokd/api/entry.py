"""`autokd.compress`, `autokd.resume` and `autokd.load`."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from autokd.api.result import Result
from autokd.api.settings import Settings, StrPath, read_keywords
from autokd.core.cache import cache_folder
from autokd.core.config import DataConfig, RunConfig, TeacherConfig
from autokd.core.device import load_profile
from autokd.core.progress import Progress, silent
from autokd.core.run_folder import new_run_folder
from autokd.errors import ConfigError, InputError

if TYPE_CHECKING:
    from torch import nn

_log = logging.getLogger("autokd")


def compress(  # noqa: PLR0913 - what goes in, and who is told
    teacher: "StrPath | nn.Module | None" = None,
    data: Any = None,
    device: StrPath | None = None,
    *,
    config: RunConfig | StrPath | None = None,
    out: StrPath | None = None,
    accept_host_key: str | None = None,
    progress: Progress = silent,
    say: Callable[[str], None] = _log.info,
    **settings: Unpack[Settings],
) -> Result:
    """Make a small student of a teacher that fits a device, as ``autokd compress`` does.

    Args:
        teacher: A file as the command line takes it, or a ``torch.nn.Module``. A module needs
            ``input_px``, ``mean`` and ``std`` with it; a copy of it works in evaluation mode on the
            CPU, it is never pickled, and no training process gets it.
        data: A path as the command line takes it; a map-style torch ``Dataset`` of images or of
            (image, class number), see `autokd.data.given`; a ``DataLoader``, whose dataset is
            taken; numpy arrays ``(images, labels)``; or a mapping of these by ``train``,
            ``validation`` and ``test``. What is in memory is kept in the cache once, by its
            content.
        device: Id of a device, or the path of a profile.
        config: Settings, or a file of them, over which the keywords are put.
        out: Folder of the run; ``runs/DEVICE-TIME`` if not given.
        accept_host_key: As ``--accept-host-key``.
        progress: Told of each step.
        say: Told what was found, a line at a time; ``print`` will do. Goes to the logger
            ``autokd`` if not given.
        settings: Options of the command line by name: ``budget="2h"``, ``max_params=50_000``.

    Raises:
        InputError: Something that was given is wrong; `ConfigError` for a keyword.
        InfeasibleError: No student meets the limits.
        GateError: The precision that was asked for loses too much; `load` gives the result.
        DeviceError: The target cannot be reached.
        ExportError: The exported file is not what the board loads.
        StoppedError: The budget ended before one student was trained.
        StorageError: The disk is full; `resume` goes on.
    """
    module, name = _teacher_of(teacher)
    given = {**settings, "teacher": name, "device": device}
    if data is None or _is_path(data):
        given["data"] = data
    chosen = read_keywords(given, config)
    profile = load_profile(chosen.device)
    run = new_run_folder(out, profile.id, name="out=").absolute()
    if data is not None and not _is_path(data):
        chosen = _with_data(chosen, _kept(data, chosen.data, chosen.teacher, progress))
    if chosen.target is None and accept_host_key is not None:
        msg = "accept_host_key=: goes with target='ssh://...'; give that too, or leave it out."
        raise ConfigError(msg)
    from autokd.measure.target import meet_target
    from autokd.pipeline import compress as run_pipeline

    meet_target(chosen.target, profile, accept_host_key=accept_host_key, say=say)
    say(f"run folder: {run}")
    report = run_pipeline(chosen, run, progress=progress, say=say, module=module)
    return Result(run, report)


def resume(
    run: StrPath,
    *,
    teacher: "nn.Module | None" = None,
    data: Any = None,
    progress: Progress = silent,
    say: Callable[[str], None] = _log.info,
) -> Result:
    """Go on with a run that was stopped; one that has ended gives its result.

    Args:
        run: Its folder.
        teacher: The module, for a run whose teacher was one. It is needed only where its logits
            are not on the disk any more; without it the teacher is not scored on the test images.
        data: What was given to `compress`, for a run whose images were in memory. It is needed only
            where the cache was emptied.
        progress: As in `compress`.
        say: As in `compress`.

    Raises:
        InputError: It is no run folder, or what was given is not what the run began with.
        AutoKDError: As `compress`.
    """
    from autokd.core.codec import load_record
    from autokd.pipeline import resume as resume_pipeline

    folder = Path(run)
    module, _ = _teacher_of(teacher)
    if teacher is not None and module is None:
        msg = "teacher=: is a file, and a run knows its teacher's file; give a module, or nothing."
        raise ConfigError(msg)
    if data is not None and (folder / "config.toml").is_file():
        config = load_record(RunConfig, folder / "config.toml")
        found = _kept(data, config.data, config.teacher, progress)
        if str(found) != config.data.path:
            msg = f"data=: holds other images than this run began with, {config.data.path}."
            raise InputError(msg)
    return Result(folder, resume_pipeline(folder, progress=progress, say=say, module=module))


def load(run: StrPath) -> Result:
    """Give the result of a run that has ended, from its folder.

    Raises:
        ConfigError: It is no folder of a run that has ended.
    """
    from autokd.report.write import load_report

    return Result(Path(run), load_report(Path(run)))


def _teacher_of(teacher: Any) -> tuple["nn.Module | None", str | None]:
    """Give the module, None for a file, and the name that stands for it in the settings."""
    if teacher is None or _is_path(teacher):
        return None, teacher
    from torch import nn

    if isinstance(teacher, nn.Module):
        from autokd.teacher.module import name_of_module

        return teacher, name_of_module(teacher)
    msg = f"teacher=: is a {type(teacher).__name__}; give a file, or a torch.nn.Module."
    raise ConfigError(msg)


def _kept(data: Any, config: DataConfig, teacher: TeacherConfig, progress: Progress) -> Path:
    from autokd.data.given_store import keep_given

    return keep_given(
        data,
        cache=cache_folder().absolute(),
        size_px=config.size_px,
        class_names=teacher.class_names or (),
        progress=progress,
    )


def _with_data(config: RunConfig, folder: Path) -> RunConfig:
    return config.model_copy(update={"data": config.data.model_copy(update={"path": str(folder)})})


def _is_path(value: object) -> bool:
    return isinstance(value, (str, Path)) or hasattr(value, "__fspath__")
