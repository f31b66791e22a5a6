"""Writes the search of a run as a journal of Optuna, from what lies in the run folder."""

from pathlib import Path

import autokd
from autokd.core.codec import load_record, write_atomically
from autokd.core.config import RunConfig
from autokd.errors import ConfigError
from autokd.pipeline.plan import RUNGS, RunPlan
from autokd.search.ledger import Ledger
from autokd.space.coding import dimensions
from autokd.tracking.optuna_journal import Search, Span, render_journal


def export_optuna(run: Path, file: Path) -> int:
    """Write ``file``, the students of the search as two studies of Optuna; give how many.

    A run that goes on may be exported, too: the file holds what is known now.

    Raises:
        ConfigError: ``run`` has not begun to search, or ``file`` exists.
        StorageError: It cannot be written.
    """
    if file.exists():
        msg = f"{file}: exists already; give another name or remove it."
        raise ConfigError(msg)
    for name in ("plan.json", "ledger.sqlite"):
        if not (run / name).is_file():
            msg = f"{run}: has no {name}, so it has not begun to search; 'autokd status' says more."
            raise ConfigError(msg)
    plan = load_record(RunPlan, run / "plan.json")
    config = load_record(RunConfig, run / "config.toml")
    with Ledger.open_read_only(run / "ledger.sqlite") as ledger:
        trials, spans = ledger.trials(), _spans(ledger)
    journal = render_journal(
        Search(
            name=run.absolute().name,
            trials=trials,
            spans=spans,
            dimensions=dimensions(config.search.space, plan.data.image_px),
            limits=plan.limits,
            last_rung=RUNGS - 1,
            attributes={
                "autokd": autokd.__version__,
                "device": plan.profile.id,
                "strategy": config.search.strategy,
                "loss": config.search.loss,
                "seed": config.seed,
            },
        )
    )
    write_atomically(file, journal)
    return len(trials)


def _spans(ledger: Ledger) -> dict[int, Span]:
    found: dict[int, Span] = {}
    for event in ledger.events():
        if event.kind == "asked":
            found.setdefault(event.trial_id, Span(begin=event.at, end=None))
        elif event.kind in ("observed", "failed"):
            found[event.trial_id] = Span(begin=found[event.trial_id].begin, end=event.at)
    return found
