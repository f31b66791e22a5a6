"""The steps of a run in order: the only place where the parts are wired together.

preflight   load all, score the teacher, say what is feasible, teach      -> plan.json
students    search, new members of the best families, full length         -> ledger.sqlite
deliver     export, parity, precisions, timing, accuracy in onnxruntime  -> winners/
assemble    one record of it all                                          -> results.json
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autokd.pipeline.demo import make_demo
    from autokd.pipeline.optuna_export import export_optuna
    from autokd.pipeline.run import compress, dry_run, export_winner_for, resume
    from autokd.pipeline.status import RunReader, read_status

__all__ = [
    "RunReader",
    "compress",
    "dry_run",
    "export_optuna",
    "export_winner_for",
    "make_demo",
    "read_status",
    "resume",
]

# Names come late, so that 'autokd status' does not import torch.
_MODULES = {
    "RunReader": "autokd.pipeline.status",
    "compress": "autokd.pipeline.run",
    "dry_run": "autokd.pipeline.run",
    "export_optuna": "autokd.pipeline.optuna_export",
    "export_winner_for": "autokd.pipeline.run",
    "make_demo": "autokd.pipeline.demo",
    "read_status": "autokd.pipeline.status",
    "resume": "autokd.pipeline.run",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(_MODULES[name]), name)
