"""The folder of a new run."""

import os
from datetime import datetime
from pathlib import Path

from autokd.errors import InputError


def new_run_folder(out: str | os.PathLike[str] | None, device: str, *, name: str) -> Path:
    """Give the folder of a new run, ``runs/DEVICE-TIME`` if none is given; it is not made yet.

    Args:
        out: As a person gave it.
        device: Id of the device.
        name: Of the setting, in messages.

    Raises:
        InputError: It is a file, or holds something already.
    """
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    run = Path(out) if out is not None else Path("runs") / f"{device}-{stamp}"
    if run.exists() and not run.is_dir():
        message = f"{name} {run}: is a file; give a folder that does not exist yet."
        raise InputError(message)
    if run.is_dir() and any(run.iterdir()):
        message = (
            f"{name} {run}: is not empty, and a run is never overwritten. "
            f"Give another folder, or go on with it by 'autokd resume {run}'."
        )
        raise InputError(message)
    return run
