"""autokd compresses an image classifier for a small board.

From Python, one call does what ``autokd compress`` does::

    from pathlib import Path
    from autokd import RunConfig, compress
    from autokd.core.progress import silent

    config = RunConfig(device="jetson-nano", teacher={"file": "model.pt"})
    report = compress(config, Path("runs/first"), progress=silent, say=print)

Public names are imported when they are first used, so that ``import autokd`` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autokd.core.config import RunConfig
    from autokd.core.device import load_profile
    from autokd.core.results import Report
    from autokd.pipeline import compress

__version__ = "0.1.0"

__all__ = ["Report", "RunConfig", "__version__", "compress", "load_profile"]

_HOME = {
    "Report": "autokd.core.results",
    "RunConfig": "autokd.core.config",
    "compress": "autokd.pipeline",
    "load_profile": "autokd.core.device",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        msg = f"module 'autokd' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
