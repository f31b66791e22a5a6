"""How far members of one family differ: students that were drawn by the same rules."""

from collections import defaultdict
from dataclasses import dataclass

from autokd.core.results import Report
from autokd.core.trial import Trial
from autokd.report.axes import Axis, make_axis
from autokd.report.cells import milliseconds, percent, points
from autokd.report.figures import has_result, of_search, round_percent

MOST_FAMILIES = 6


@dataclass(frozen=True, slots=True)
class FamilySpread:
    """The members of one family that were trained to one rung.

    Attributes:
        name: The family, by the first of its trials.
        places: Of the members on the axis, in percent.
        accuracy: Lowest and highest, in words.
        latency: As ``accuracy``; empty where none is claimed.
    """

    name: str
    members: int
    rung: int
    places: tuple[float, ...]
    accuracy: str
    difference: str
    latency: str


@dataclass(frozen=True, slots=True)
class Spread:
    """Families of which several members were trained, the best first."""

    axis: Axis
    families: tuple[FamilySpread, ...]


def members_spread(report: Report) -> Spread | None:
    """Give the spread of each family; None where no family has two members on one rung.

    Members share family and teaching and differ in the graphs that were drawn. They are compared
    on the highest rung that two of them finished.
    """
    groups: defaultdict[str, list[Trial]] = defaultdict(list)
    for trial in of_search(report).trials:
        if has_result(trial):
            candidate = trial.candidate
            key = candidate.family.model_dump_json() + candidate.distill.model_dump_json()
            groups[key].append(trial)
    found = [shared for group in groups.values() if (shared := _on_one_rung(group))]
    if not found:
        return None
    found.sort(key=lambda shared: (-shared[0], -max(shared[1].values())))
    found = found[:MOST_FAMILIES]
    values = [value for _, scores in found for value in scores.values()]
    name = "accuracy, validation" if report.data.labelled else "agreement with the teacher"
    axis = make_axis(name, values, round_percent, zero=False)
    trials = {trial.trial_id: trial for trial in report.trials}
    return Spread(axis, tuple(_family(axis, rung, scores, trials) for rung, scores in found))


def _on_one_rung(group: list[Trial]) -> tuple[int, dict[int, float]] | None:
    """Give the highest rung that two members share, and the accuracy of each there by its trial."""
    rungs: defaultdict[int, dict[int, float]] = defaultdict(dict)
    seen: defaultdict[int, set[int]] = defaultdict(set)
    for trial in group:
        for observation in trial.observations:
            rung, seed = observation.fidelity.rung, trial.candidate.member_seed
            if seed not in seen[rung]:  # a member that was trained twice is one member
                seen[rung].add(seed)
                rungs[rung][trial.trial_id] = observation.accuracy
    shared = [rung for rung, scores in rungs.items() if len(scores) > 1]
    return (max(shared), rungs[max(shared)]) if shared else None


def _family(
    axis: Axis, rung: int, scores: dict[int, float], trials: dict[int, Trial]
) -> FamilySpread:
    low, high = min(scores.values()), max(scores.values())
    costs = [trials[number].candidate.cost.latency_ms for number in scores]
    times = [cost for cost in costs if cost is not None]
    ends = list(dict.fromkeys(map(milliseconds, (min(times), max(times))))) if times else []
    return FamilySpread(
        f"Family of trial {min(scores)}",
        len(scores),
        rung,
        tuple(axis.place(value) for value in scores.values()),
        f"{percent(low)} to {percent(high)}",
        points(high - low),
        " to ".join(ends),
    )
