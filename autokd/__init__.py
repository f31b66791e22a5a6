"""autokd compresses an image classifier for a small board.

From Python, one call does what ``autokd compress`` does, with files or with what a program has in
memory::

    import autokd

    result = autokd.compress(teacher="model.pt", data="images", device="jetson-nano", budget="2h")
    result.best.path

Public names are imported when they are first used, so that ``import autokd`` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autokd.api.entry import compress, load, resume
    from autokd.api.result import Result
    from autokd.core.config import RunConfig
    from autokd.core.device import load_profile
    from autokd.core.results import Report

__version__ = "0.1.0"

__all__ = [
    "Report",
    "Result",
    "RunConfig",
    "__version__",
    "compress",
    "load",
    "load_profile",
    "resume",
]

_HOME = {
    "Report": "autokd.core.results",
    "Result": "autokd.api.result",
    "RunConfig": "autokd.core.config",
    "compress": "autokd.api.entry",
    "load": "autokd.api.entry",
    "load_profile": "autokd.core.device",
    "resume": "autokd.api.entry",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        msg = f"module 'autokd' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
