"""A run as a journal of Optuna, which Optuna and its dashboard open.

The form is that of ``optuna.storages.journal``: one JSON object a line, each an operation on the
storage, here only "create study", "set study attribute" and "create trial". Nothing of Optuna is
imported, so nothing of it need be installed. Numbers of operations, states and distributions are
those of Optuna 3 to 5.

There are two studies, because Optuna shows intermediate values only where there is one objective:

* NAME: validation accuracy at the last rung of the search, with the values of the rungs.
* ``NAME costs``: the same accuracy against what a student costs on the device, for fronts.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autokd.core.cost import Limits
from autokd.core.trial import COMPARED, Trial, TrialState
from autokd.space.dimension import Choice, Dimension, Interval
from autokd.tracking.metrics import cost_values

# JournalOperation of optuna/storages/journal/_storage.py.
_CREATE_STUDY, _SET_STUDY_USER_ATTR, _SET_STUDY_SYSTEM_ATTR, _CREATE_TRIAL = 0, 2, 3, 4
# StudyDirection and TrialState of Optuna.
_MINIMIZE, _MAXIMIZE = 1, 2
_RUNNING, _COMPLETE, _PRUNED, _FAIL = 0, 1, 2, 3
_WORKER = "autokd"
ACCURACY = "accuracy"
COSTS = ("latency_ms", "memory_bytes", "size_bytes")


@dataclass(frozen=True, slots=True)
class Span:
    """When a trial was asked for and when its last result came, in ISO 8601; None while it runs."""

    begin: str
    end: str | None


@dataclass(frozen=True, slots=True)
class Search:
    """What a journal is made of.

    Attributes:
        name: Of the study.
        trials: All of the run; those that only show what the teacher gave are left out.
        spans: By trial id.
        dimensions: What was searched.
        limits: That each student keeps; they become constraints.
        last_rung: Of the search. A student's value is its accuracy there, so that all values are
            of one training length.
        attributes: Of both studies, such as the device.
    """

    name: str
    trials: Sequence[Trial]
    spans: Mapping[int, Span]
    dimensions: Sequence[Dimension]
    limits: Limits
    last_rung: int
    attributes: Mapping[str, Any]


def render_journal(search: Search) -> str:
    """Give the text of the journal."""
    shown = [t for t in search.trials if t.candidate.origin not in COMPARED]
    costs = tuple(n for n in COSTS if all(n in cost_values(t.candidate.cost) for t in shown))
    lines: list[dict[str, Any]] = []
    for study_id, (name, minimized) in enumerate(((search.name, ()), (_costs(search.name), costs))):
        lines += _study(study_id, name, minimized, search)
        lines += [_trial(study_id, trial, minimized, search) for trial in shown]
    return "".join(f"{json.dumps({'worker_id': _WORKER, **line})}\n" for line in lines)


def _costs(name: str) -> str:
    return f"{name} costs"


def _study(
    study_id: int, name: str, minimized: Sequence[str], search: Search
) -> list[dict[str, Any]]:
    directions = [_MAXIMIZE, *[_MINIMIZE] * len(minimized)]
    attributes = {**search.attributes, "constraints": list(_constraint_names(search.limits))}
    return [
        {"op_code": _CREATE_STUDY, "study_name": name, "directions": directions},
        {
            "op_code": _SET_STUDY_SYSTEM_ATTR,
            "study_id": study_id,
            "system_attr": {"study:metric_names": [ACCURACY, *minimized]},
        },
        *(
            {"op_code": _SET_STUDY_USER_ATTR, "study_id": study_id, "user_attr": {key: value}}
            for key, value in attributes.items()
        ),
    ]


def _trial(study_id: int, trial: Trial, minimized: Sequence[str], search: Search) -> dict[str, Any]:
    state, accuracy = _state(trial, search.last_rung)
    single = not minimized
    values = None
    if state == _COMPLETE and not single:
        values = [accuracy, *(cost_values(trial.candidate.cost)[name] for name in minimized)]
    span = search.spans[trial.trial_id]
    line = {
        "op_code": _CREATE_TRIAL,
        "study_id": study_id,
        "state": state,
        "value": accuracy if single else None,
        "values": values,
        "datetime_start": span.begin,
        "distributions": {d.name: _distribution(d) for d in search.dimensions},
        "params": {d.name: _internal(d, _value(trial, d.name)) for d in search.dimensions},
        "user_attrs": _attributes(trial),
        "system_attrs": _constraints(trial, search.limits),
        "intermediate_values": {
            str(seen.fidelity.rung): seen.accuracy for seen in trial.observations
        }
        if single
        else {},
    }
    if state != _RUNNING:
        line["datetime_complete"] = span.end
    return line


def _state(trial: Trial, last_rung: int) -> tuple[int, float | None]:
    """Give the state, and the accuracy at the rung where students are compared.

    A student that did not come so far was pruned, whether or not it may still be promoted; as
    Optuna has it, its value is then the last that it reported.
    """
    if trial.state in (TrialState.ASKED, TrialState.RUNNING) and trial.rung < last_rung:
        return _RUNNING, None
    if trial.failure is not None:
        return _FAIL, None
    for seen in trial.observations:
        if seen.fidelity.rung == last_rung:
            return _COMPLETE, seen.accuracy
    return _PRUNED, trial.observations[-1].accuracy if trial.observations else None


def _distribution(dimension: Dimension) -> str:
    """Give a dimension as Optuna writes a distribution."""
    if isinstance(dimension, Interval):
        name = "FloatDistribution"
        form: dict[str, Any] = {
            "low": dimension.low,
            "high": dimension.high,
            "log": dimension.log,
            "step": None,
        }
    elif _is_run_of_integers(dimension):
        name = "IntDistribution"
        low, high = dimension.values[0], dimension.values[-1]
        form = {"low": low, "high": high, "log": False, "step": 1}
    else:
        name, form = "CategoricalDistribution", {"choices": list(dimension.values)}
    return json.dumps({"name": name, "attributes": form})


def _internal(dimension: Dimension, value: Any) -> float:
    """Give a value as Optuna stores it: the place of a category, else the number itself."""
    if isinstance(dimension, Choice) and not _is_run_of_integers(dimension):
        return float(dimension.values.index(value))
    return float(value)


def _is_run_of_integers(dimension: Choice) -> bool:
    values = dimension.values
    return all(type(value) is int for value in values) and list(values) == list(
        range(values[0], values[0] + len(values))
    )


def _value(trial: Trial, name: str) -> Any:
    return {**trial.candidate.family.values(), **trial.candidate.distill.model_dump()}[name]


def _attributes(trial: Trial) -> dict[str, Any]:
    found: dict[str, Any] = {
        "trial_id": trial.trial_id,
        "origin": trial.candidate.origin,
        "member_seed": trial.candidate.member_seed,
        "base_width": trial.candidate.base_width,
        **cost_values(trial.candidate.cost),
    }
    for seen in trial.observations:
        found |= {
            f"rung{seen.fidelity.rung} {name}": value
            for name, value in (
                ("accuracy", seen.accuracy),
                ("agreement", seen.agreement),
                ("images", seen.fidelity.images),
                ("train_seconds", seen.train_seconds),
            )
        }
    if trial.failure is not None:
        found |= {"failure": trial.failure.kind, "failure message": trial.failure.message}
    return found


def _constraints(trial: Trial, limits: Limits) -> dict[str, Any]:
    """Give the excess over each limit; at most 0 is feasible, with Optuna as here."""
    found = limits.violations(trial.candidate.cost)
    return {"constraints": list(found.values())} if found else {}


def _constraint_names(limits: Limits) -> tuple[str, ...]:
    return tuple(limits.model_dump(exclude_none=True))
