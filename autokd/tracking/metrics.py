"""Numbers and names that every tracker shows, so that a run looks the same in all of them.

Names are paths, ``rung0/accuracy``. Accuracies of different rungs are of different training
lengths, so each rung has its own.
"""

from collections.abc import Mapping
from typing import Any

from autokd.core.cost import Cost, Limits
from autokd.core.results import Report
from autokd.core.trial import COMPARED, Candidate, Observation
from autokd.tracking.tracker import Opening, Told

Param = str | int | float | bool


class Tally:
    """Counts results, and gives what each of them adds to the curves of the whole run."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._failed = 0
        self._best: dict[int, float] = {}

    def add(self, told: Told) -> dict[str, float]:
        """Give the values of this result, whose step is ``told.number``."""
        seen, cost = told.result, told.candidate.cost
        if not isinstance(seen, Observation):
            self._failed += 1
            return {"failed": float(self._failed)}
        rung = seen.fidelity.rung
        place = f"rung{rung}"
        if told.candidate.origin in COMPARED:  # beside the winner, and never winners themselves
            place = told.candidate.origin
        found = {f"{place}/{name}": value for name, value in _training(seen).items()}
        found |= {f"cost/{name}": value for name, value in cost_values(cost).items()}
        if not self._limits.is_empty():
            found["cost/limit_use"] = self._limits.utilisation(cost)
        if told.candidate.origin not in COMPARED:
            self._best[rung] = max(seen.accuracy, self._best.get(rung, 0.0))
            found[f"{place}/best_accuracy"] = self._best[rung]
        return found


def student_values(told: Told) -> dict[str, float]:
    """Give what one result says of its student; nothing for a failure."""
    if not isinstance(told.result, Observation):
        return {}
    return _training(told.result) | cost_values(told.candidate.cost)


def student_params(candidate: Candidate) -> dict[str, Param]:
    """Give what the student was drawn from, by the names of the records."""
    return {
        **candidate.family.values(),
        **candidate.distill.model_dump(),
        "member_seed": candidate.member_seed,
        "base_width": candidate.base_width,
        "origin": candidate.origin,
    }


def cost_values(cost: Cost) -> dict[str, float]:
    """Give what a student costs; without a latency where nobody can know it."""
    found = {
        "params": float(cost.params),
        "macs": float(cost.macs),
        "size_bytes": float(cost.size_bytes),
        "memory_bytes": float(cost.memory_bytes),
    }
    if cost.latency_ms is not None:
        found["latency_ms"] = cost.latency_ms
    return found


def run_params(opening: Opening) -> dict[str, str]:
    """Give the settings and limits of a run that are set, one word each: ``search.strategy``.

    Where it is tracked is left out.
    """
    raw = opening.config.model_dump(mode="json", exclude={"track"})
    return _flat(raw) | _flat({"limits": opening.limits.model_dump()})


def run_name(opening: Opening) -> str:
    """Give what a list of runs shows: the run folder, whose own name tells device and time."""
    return opening.run.absolute().name


def report_values(report: Report) -> dict[str, float]:
    """Give what the winner reached, beside its teacher; what was not measured is left out."""
    winner = report.winners[0]
    found: dict[str, float | None] = {
        "winner/validation_accuracy": winner.validation_accuracy,
        "winner/validation_agreement": winner.validation_agreement,
        "winner/test_accuracy": winner.test_accuracy,
        "winner/file_bytes": winner.file_bytes,
        "winner/epochs": winner.epochs,
        "teacher/validation_accuracy": report.teacher.validation_accuracy,
        "teacher/test_accuracy": report.teacher.test_accuracy,
        "teacher/params": report.teacher.params,
        "teacher/size_bytes": report.teacher.size_bytes,
        "kd_gain": report.kd_gain.gain if report.kd_gain else None,
    }
    found |= {f"winner/{name}": value for name, value in cost_values(winner.cost).items()}
    chosen = winner.chosen_variant
    measured = (chosen.measurement if chosen else None) or winner.measurement
    if measured is not None and measured.valid:
        found["winner/measured_p50_ms"] = measured.p50_ms
    seconds = report.seconds.model_dump()
    found |= {f"seconds/{name}": value for name, value in seconds.items()}
    return {name: float(value) for name, value in found.items() if value is not None}


def _training(seen: Observation) -> dict[str, float]:
    return {
        "accuracy": seen.accuracy,
        "agreement": seen.agreement,
        "loss": seen.loss,
        "train_seconds": seen.train_seconds,
        "images_per_second": seen.images_per_second,
    }


def _flat(raw: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in raw.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}.")
        elif isinstance(value, (list, tuple)):
            found |= {f"{prefix}{key}": ",".join(map(str, value))} if value else {}
        elif value is not None:
            found[f"{prefix}{key}"] = str(value)
    return found
