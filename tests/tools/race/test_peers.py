"""Other searchers on small tables; those of a library that is not installed are skipped."""

import importlib.util
from itertools import product

import numpy as np
import pytest

from autokd.core.cost import Limits
from autokd.errors import ConfigError, InfeasibleError
from tools.race.peers import NEED_LENGTHS, PEERS
from tools.race.peers.library_peer import LibraryPeer, Proposal
from tools.race.peers.policy_gradient import PolicyGradient, Settings
from tools.race.peers.rows import Rows
from tools.race.tables import Table, middles, row_cost

LIBRARIES = {
    "optuna-tpe": ("optuna",),
    "optuna-gp": ("optuna", "torch"),
    "optuna-nsga2": ("optuna",),
    "optuna-nsga2-front": ("optuna",),
    "optuna-hyperband": ("optuna",),
    "smac": ("smac",),
    "smac-hyperband": ("smac",),
    "syne-tune-bohb": ("syne_tune", "statsmodels"),
    "ax": ("ax",),
}
LENGTHS = (1 / 9, 1 / 3, 1.0)


def is_installed(name: str) -> bool:
    return all(importlib.util.find_spec(library) for library in LIBRARIES[name])


INSTALLED = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(not is_installed(name), reason=f"{LIBRARIES[name][0]} is missing"),
    )
    for name in LIBRARIES
]
# What a library warns of on its import is not ours to mend.
quiet = pytest.mark.filterwarnings("ignore")


def table(
    *,
    choices: tuple[int, ...] = (4, 4, 7),
    latency_limit_ms: float | None = 6.5,
    lengths: tuple[float, ...] = (1.0,),
) -> Table:
    """All choices, each better than the one before by 0.05 and slower by 1 ms; real ones by 100."""
    if 0 in choices:
        points = np.random.default_rng(0).random((100, len(choices)))
        levels = 4 * points
    else:
        numbers = np.array(list(product(*map(range, choices))))
        points, levels = middles(numbers, choices), numbers
    total = levels.sum(axis=1)
    members = 0.1 + 0.05 * total[:, None] + np.array([0.0, 0.01])
    scores = members[:, :, None] * np.linspace(0.7, 1.0, len(lengths))
    return Table(
        name="toy",
        points=points,
        choices=choices,
        descriptors=np.empty((len(points), 0)),
        limits=Limits(max_latency_ms=latency_limit_ms),
        costs=[row_cost(latency_ms=float(ms)) for ms in total],
        lengths=lengths,
        seconds=np.full(len(points), 9.0),
        scores=scores,
    )


def play(peer, table: Table, asks: int) -> list[tuple[int, int]]:
    """Ask and tell as a replay does; infeasible rows score 0."""
    asked = []
    for number in range(asks):
        place, length = peer.ask()
        feasible = table.feasible()[place]
        score = table.score(place, number, length) if feasible else 0.0
        seconds = table.seconds_until(place, length) if feasible else 0.0
        peer.tell(place, length, score, seconds)
        asked.append((place, length))
    return asked


# --- rows --------------------------------------------------------------------------------------


def test_rows_are_found_by_their_values_and_else_the_nearest_is() -> None:
    toy = table()
    rows = Rows(toy)
    assert rows.kinds == ("choice", "choice", "integer")
    assert all(rows.nearest(rows.values(place)) == place for place in range(len(toy.points)))
    assert rows.from_named(rows.named(5)) == rows.values(5)
    real = Rows(table(choices=(0, 0)))
    assert real.nearest([u + 1e-6 for u in real.values(17)]) == 17


def test_a_table_without_a_feasible_row_says_so() -> None:
    rows = Rows(table(latency_limit_ms=0.5, choices=(0, 0)))
    rows.feasible[:] = False
    with pytest.raises(InfeasibleError, match=r"none of 100 rows keeps the limits"):
        rows.random_feasible(np.random.default_rng(0))


# --- reinforce ---------------------------------------------------------------------------------


def test_reinforce_learns_the_best_arm() -> None:
    toy = table(choices=(5, 5), latency_limit_ms=None)
    peer = PolicyGradient(
        toy, seed=0, free_infeasible=True, settings=Settings(learning_rate=1.0, entropy_weight=0.0)
    )
    play(peer, toy, 600)
    assert [int(p.argmax()) for p in peer.probabilities] == [4, 4]
    assert min(p.max() for p in peer.probabilities) > 0.8


def test_reinforce_learns_the_best_bins_of_real_coordinates() -> None:
    toy = table(choices=(0, 0), latency_limit_ms=None)
    peer = PolicyGradient(toy, seed=0, free_infeasible=True, settings=Settings(learning_rate=1.0))
    play(peer, toy, 800)
    assert all(p[4:].sum() > 0.8 for p in peer.probabilities)


def test_entropy_keeps_the_policy_open() -> None:
    toy = table(choices=(5, 5), latency_limit_ms=None)
    sharpest = []
    for weight in (0.0, 0.2):
        settings = Settings(learning_rate=1.0, entropy_weight=weight)
        peer = PolicyGradient(toy, seed=0, free_infeasible=True, settings=settings)
        play(peer, toy, 400)
        sharpest.append(min(p.max() for p in peer.probabilities))
    assert sharpest[1] < sharpest[0]


def test_a_row_over_the_limit_is_rewarded_less() -> None:
    toy = table(latency_limit_ms=6.0)
    peer = PolicyGradient(toy, seed=0, free_infeasible=False)
    slow = next(p for p, cost in enumerate(toy.costs) if cost.latency_ms == 12.0)
    fast = next(p for p, cost in enumerate(toy.costs) if cost.latency_ms == 6.0)
    assert peer.reward(slow, 0.8) == pytest.approx(0.4)
    assert peer.reward(fast, 0.8) == 0.8


@pytest.mark.parametrize("free", [True, False])
def test_reinforce_pays_for_infeasible_asks_unless_they_are_free(free) -> None:
    toy = table()
    asked = play(PolicyGradient(toy, seed=0, free_infeasible=free), toy, 100)
    infeasible = sum(not toy.feasible()[place] for place, _ in asked)
    assert (infeasible == 0) is free


def test_reinforce_finds_a_feasible_row_that_its_policy_has_given_up() -> None:
    toy = table(latency_limit_ms=1e-9)  # of 112 rows one keeps it
    asked = play(PolicyGradient(toy, seed=0, free_infeasible=True), toy, 3)
    assert {place for place, _ in asked} == {0}


# --- all ---------------------------------------------------------------------------------------


def test_a_seed_is_a_sequence_of_reinforce() -> None:
    toy = table()
    sequences = [
        play(PolicyGradient(toy, seed=seed, free_infeasible=True), toy, 30) for seed in (1, 1, 2)
    ]
    assert sequences[0] == sequences[1] != sequences[2]


@quiet
@pytest.mark.parametrize("name", INSTALLED)
def test_a_seed_is_a_sequence(name) -> None:
    toy = table(lengths=LENGTHS)
    asks = 12 if name in ("ax", "optuna-gp") else 40
    first, again, other = (
        play(PEERS[name](toy, seed=seed, free_infeasible=True), toy, asks) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


@quiet
@pytest.mark.parametrize("choices", [(4, 4, 7), (0, 0)])
@pytest.mark.parametrize("name", INSTALLED)
def test_what_is_free_is_not_asked(name, choices) -> None:
    toy = table(choices=choices, latency_limit_ms=4.5, lengths=LENGTHS)
    asks = 15 if name in ("ax", "optuna-gp") else 60
    asked = play(PEERS[name](toy, seed=0, free_infeasible=True), toy, asks)
    assert all(toy.feasible()[place] for place, _ in asked)


@quiet
@pytest.mark.parametrize("name", INSTALLED)
def test_what_is_not_free_is_paid_for_and_once_alone_by_rung(name) -> None:
    toy = table(latency_limit_ms=4.5, lengths=LENGTHS)
    asks = 12 if name in ("ax", "optuna-gp") else 60
    asked = play(PEERS[name](toy, seed=0, free_infeasible=False), toy, asks)
    paid = [(place, length) for place, length in asked if not toy.feasible()[place]]
    assert paid
    if "hyperband" in name or "bohb" in name:
        longer = [place for place, length in paid if length > 0]
        assert len(longer) == len(set(longer))


@quiet
@pytest.mark.parametrize(
    "name",
    [
        p
        for p in INSTALLED
        if p.values[0] in ("optuna-hyperband", "smac-hyperband", "syne-tune-bohb")
    ],
)
def test_rungs_are_the_lengths_of_the_table(name) -> None:
    toy = table(lengths=LENGTHS)
    asked = play(PEERS[name](toy, seed=0, free_infeasible=True), toy, 80)
    lengths = [length for _, length in asked]
    assert {0, 1, 2} == set(lengths)
    assert lengths.count(0) > lengths.count(2)


@quiet
@pytest.mark.parametrize("name", INSTALLED)
def test_a_library_beats_chance(name) -> None:
    toy = table(choices=(7, 7, 7), latency_limit_ms=None)
    if name in NEED_LENGTHS:
        toy = table(choices=(7, 7, 7), latency_limit_ms=None, lengths=LENGTHS)
    peer = PEERS[name](toy, seed=0, free_infeasible=True)
    asked = play(peer, toy, 25 if name in ("ax", "optuna-gp") else 120)
    late = [toy.true_score(place) for place, _ in asked[-len(asked) // 3 :]]
    assert np.mean(late) > toy.true_scores.mean() + 0.05


@pytest.mark.parametrize("name", sorted(NEED_LENGTHS))
def test_rungs_want_a_table_of_several_lengths(name) -> None:
    with pytest.raises(ConfigError, match="toy: has one length"):
        PEERS[name](table(), seed=0, free_infeasible=True)


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_missing_library_is_named_as_it_is_installed(name, monkeypatch) -> None:
    packages = {"optuna": "optuna", "smac": "smac", "syne": "syne-tune", "ax": "ax-platform"}
    tops = ("optuna", "smac", "syne_tune", "ax")
    for module in [m for m in __import__("sys").modules if m.split(".")[0] in tops]:
        monkeypatch.delitem(__import__("sys").modules, module)
    original = importlib.import_module

    def refuse(module, package=None):
        if module.split(".")[0] in tops:
            raise ImportError(module)
        return original(module, package)

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(SystemExit, match=f"pip install {packages[name.split('-')[0]]}$"):
        PEERS[name](table(lengths=LENGTHS), seed=0, free_infeasible=True)


@quiet
@pytest.mark.skipif(not is_installed("optuna-nsga2-front"), reason="optuna is missing")
def test_nsga2_spreads_over_the_front_when_it_is_asked_to() -> None:
    """On a table where better is slower it goes on with fast rows; for the score alone it does not.

    Rows of the last third are compared by their mean use of the limit.
    """
    toy = table(choices=(7, 7, 7), latency_limit_ms=15.0)
    means = {}
    for name in ("optuna-nsga2", "optuna-nsga2-front"):
        asked = play(PEERS[name](toy, seed=0, free_infeasible=True), toy, 240)
        means[name] = np.mean([toy.use[place] for place, _ in asked[-80:]])
    assert means["optuna-nsga2-front"] < means["optuna-nsga2"] - 0.1


class Stubborn(LibraryPeer):
    """Proposes row 0 of the longest length for ever."""

    def __init__(self, table, *, seed, free_infeasible) -> None:
        super().__init__(table, seed=seed, free_infeasible=free_infeasible)
        self.learned: list[float | None] = []

    def propose(self):
        return Proposal(None, self.rows.values(len(self.rows.feasible) - 1), self.last)

    def learn(self, proposal, place, score):
        self.learned.append(score)


def test_a_library_that_finds_nothing_feasible_is_helped() -> None:
    toy = table()
    peer = Stubborn(toy, seed=0, free_infeasible=True)
    asked = play(peer, toy, 3)
    assert all(toy.feasible()[place] for place, _ in asked)
    assert peer.learned == [None] * (3 * peer.TRIES)


def test_an_infeasible_row_is_told_without_the_score_of_the_replay() -> None:
    toy = table()
    peer = Stubborn(toy, seed=0, free_infeasible=False)
    assert peer.worst == 0.0
    play(peer, toy, 2)
    assert peer.learned == [None, None]
    assert peer.worst == 0.0
