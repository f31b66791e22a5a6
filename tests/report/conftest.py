"""A report as a real run gives it: some twenty trials, two of them without a result."""

import random
from collections.abc import Callable

import networkx as nx
import pytest

from autokd.core.config import DataConfig, LimitsConfig, RunConfig, SearchConfig, TeacherConfig
from autokd.core.cost import Cost, Limits
from autokd.core.family import FamilyParams
from autokd.core.genotype import Cell, Genotype, Graph
from autokd.core.measurement import LatencyMeasurement
from autokd.core.results import (
    DataResult,
    ExitStatus,
    ExportResult,
    Feasibility,
    KdGain,
    LimitFeasibility,
    Report,
    StageSeconds,
    TeacherResult,
    Winner,
)
from autokd.core.trial import (
    Candidate,
    DistillParams,
    Failure,
    Fidelity,
    Observation,
    Trial,
    TrialState,
)

LIMITS = Limits(max_params=150_000, max_memory_bytes=201 * 2**20, max_latency_ms=61.5)


@pytest.fixture(scope="session")
def report() -> Report:
    return build_report()


@pytest.fixture(scope="session")
def make_report() -> Callable[..., Report]:
    return build_report


@pytest.fixture(scope="session")
def untimed() -> Report:
    """A report of a device where onnxruntime does not run: no time is predicted or measured."""
    base = build_report(limits=LIMITS.model_copy(update={"max_latency_ms": None}))

    def bare(candidate: Candidate | Winner) -> dict[str, Cost]:
        none = {"latency_ms": None, "latency_low_ms": None, "latency_high_ms": None}
        return {"cost": candidate.cost.model_copy(update=none)}

    feasibility = base.feasibility.model_copy(update={"limits": base.feasibility.limits[:2]})
    return base.model_copy(
        update={
            "feasibility": feasibility,
            "config": base.config.model_copy(update={"limits": LimitsConfig(max_params=150_000)}),
            "trials": tuple(
                trial.model_copy(
                    update={"candidate": trial.candidate.model_copy(update=bare(trial.candidate))}
                )
                for trial in base.trials
            ),
            "winners": tuple(
                winner.model_copy(update={**bare(winner), "measurement": None})
                for winner in base.winners
            ),
        }
    )


@pytest.fixture(scope="session")
def make_genotype() -> Callable[..., Genotype]:
    return draw_genotype


def draw_genotype(cells: int = 7, nodes: int = 4, operators: int = 5, seed: int = 3) -> Genotype:
    """Draw nested graphs with networkx, as the student space does."""
    top = _graph(nx.connected_watts_strogatz_graph(cells, min(4, cells - 1), 0.4, seed=seed))
    drawn = []
    for number in range(cells):
        mid = nx.gnp_random_graph(nodes, 0.6, seed=seed * 100 + number)
        nx.add_path(mid, range(nodes))
        rings = tuple(
            _graph(nx.watts_strogatz_graph(operators, min(4, operators - 1), 0.4, seed=number + k))
            if operators > 2
            else Graph(nodes=operators, edges=((0, 1),) if operators == 2 else ())
            for k in range(nodes)
        )
        drawn.append(Cell(stage=min(2, 3 * number // cells), graph=_graph(mid), operators=rings))
    return Genotype(
        preset="edge",
        block="separable",
        top=top,
        cells=tuple(drawn),
        growth=1.83,
        base_width=23,
        input_px=32,
        image_channels=3,
        classes=100,
    )


def build_report(*, count: int = 22, seed: int = 5, **changes: object) -> Report:
    """Give a report; ``changes`` replaces fields of it."""
    rng = random.Random(seed)  # noqa: S311 - a sample, no secret
    made = tuple(_trial(rng, number) for number in range(count))
    finished = [t for t in made if t.rung == 2 and not t.failure]
    front = tuple(
        t.trial_id
        for t in finished
        if not any(o.accuracy >= t.accuracy and _use(o) <= _use(t) and o is not t for o in finished)
    )
    best = sorted(finished, key=lambda t: -t.accuracy)[:3]
    winners = tuple(_winner(rng, rank, trial) for rank, trial in enumerate(best, start=1))
    fields = _surroundings() | {"trials": made, "front": front, "winners": winners}
    return Report.model_validate(fields | changes)


def _graph(undirected: nx.Graph) -> Graph:
    edges = tuple(sorted(tuple(sorted(edge)) for edge in undirected.edges))
    return Graph(nodes=undirected.number_of_nodes(), edges=edges)


def _use(trial: Trial) -> float:
    return LIMITS.utilisation(trial.candidate.cost)


def _cost(rng: random.Random, params: int) -> Cost:
    latency = params / 150_000 * rng.uniform(22, 40)
    weights = 4 * params
    activations = rng.randint(300_000, 900_000)
    return Cost(
        params=params,
        macs=params * rng.randint(180, 260),
        size_bytes=weights + 41_317,
        activation_bytes=activations,
        memory_bytes=43_211_776 + 2 * weights + activations,
        latency_ms=latency,
        latency_low_ms=latency / 1.517,
        latency_high_ms=latency * 1.517,
    )


def _trial(rng: random.Random, number: int) -> Trial:
    fill = rng.uniform(0.2, 1.0)
    family = FamilyParams(
        preset="edge",
        top_nodes=rng.randint(3, 10),
        top_degree=rng.choice((2, 4)),
        top_rewire=rng.random(),
        mid_nodes=rng.randint(1, 6),
        mid_edge=rng.random(),
        bottom_nodes=rng.randint(1, 6),
        bottom_degree=rng.choice((2, 4)),
        bottom_rewire=rng.random(),
        block=rng.choice(("conv", "separable", "inverted")),
        growth=rng.uniform(1.2, 2.4),
        last_stage_share=rng.uniform(0.2, 0.5),
        input_px=rng.choice((24, 28, 32)),
        fill=fill,
    )
    candidate = Candidate(
        family=family,
        distill=DistillParams(
            temperature=rng.uniform(1, 8), alpha=rng.uniform(0.3, 1), loss="logit-std"
        ),
        member_seed=rng.getrandbits(62),
        base_width=rng.randint(8, 40),
        cost=_cost(rng, int(149_000 * fill)),
        origin="prior" if number < 6 else "acquisition",
    )
    if number == 9:
        failure = Failure(kind="TrainingError", message="the loss is not finite", rung=0)
        return Trial(trial_id=9, candidate=candidate, state=TrialState.FAILED, failure=failure)
    if number == 21:
        return Trial(trial_id=21, candidate=candidate, state=TrialState.ASKED)
    skill = 0.34 + 0.2 * fill**0.5 + 0.005 * min(number, 22) + rng.gauss(0, 0.02)
    rungs = rng.choice((1, 2, 3, 3))
    observations = tuple(
        Observation(
            fidelity=Fidelity(rung=r, images=45_000 * 3**r, seconds=20.0 * 3**r),
            accuracy=skill + 0.055 * r,
            loss=3.1 - 0.4 * r,
            agreement=skill + 0.05 * r + 0.02,
            train_seconds=20.5 * 3**r,
            images_per_second=rng.uniform(1500, 4000),
        )
        for r in range(rungs)
    )
    return Trial(
        trial_id=number,
        candidate=candidate,
        state=TrialState.PAUSED,
        observations=observations,
    )


def _winner(rng: random.Random, rank: int, trial: Trial) -> Winner:
    candidate = trial.candidate
    accuracy = trial.accuracy + 0.0613
    export = ExportResult(
        file=f"winners/{rank}/student.onnx",
        sha256=f"{rng.getrandbits(256):064x}",
        size_bytes=candidate.cost.size_bytes + 1_234,
        opset=13,
        ir=7,
        input="uint8",
        export_seconds=0.04217,
        parity_images=256,
        parity_max_error=3.21e-6,
        agreement=1.0,
        validation_accuracy=accuracy,
        test_accuracy=accuracy - 0.0087,
        test_agreement=0.7034,
    )
    measurement = LatencyMeasurement(
        host="x86_64, 2 cores at 2.6 GHz",
        is_device=False,
        valid=True,
        reason=None,
        runtime="onnxruntime 1.32.0",
        provider="CPUExecutionProvider",
        threads=1,
        samples=412,
        load_ms=18.73,
        first_ms=4.912,
        p50_ms=2.417 + rank,
        p90_ms=2.633 + rank,
        p99_ms=None,
        min_ms=2.311 + rank,
        mean_ms=2.471 + rank,
        std_ms=0.147,
        peak_memory_bytes=58_720_256,
        runtime_memory_bytes=None,
    )
    return Winner(
        rank=rank,
        trial_id=trial.trial_id,
        genotype=draw_genotype(seed=rank + 2),
        distill=candidate.distill,
        member_seed=candidate.member_seed,
        cost=candidate.cost,
        violations=LIMITS.violations(candidate.cost),
        epochs=31.5,
        train_seconds=611.3,
        validation_accuracy=accuracy,
        validation_agreement=0.7213,
        export=export,
        measurement=measurement if rank < 3 else None,
    )


def _surroundings() -> dict[str, object]:
    config = RunConfig(
        device="raspberry-pi-zero-2w",
        budget="40m",
        seed=7,
        teacher=TeacherConfig(
            file="teacher.pt", arch="torchvision:resnet18", mean=(0.507, 0.487, 0.441)
        ),
        data=DataConfig(path="data/cifar100"),
        limits=LimitsConfig(max_params=150_000, max_latency_ms=61.5),
        search=SearchConfig(workers=2),
    )
    feasibility = Feasibility(
        drawn=1_000,
        fitting=913,
        binding="max_params",
        limits=(
            LimitFeasibility(limit="max_params", value=150_000, fitting=921, nearest=9_844),
            LimitFeasibility(
                limit="max_memory_bytes", value=201 * 2**20, fitting=999, nearest=44_040_192
            ),
            LimitFeasibility(limit="max_latency_ms", value=61.5, fitting=966, nearest=3.917),
        ),
    )
    teacher = TeacherResult(
        file="teacher.pt",
        sha256="5f" * 32,
        kind="state_dict",
        arch="torchvision:resnet18",
        params=11_227_812,
        size_bytes=44_987_331,
        macs=None,
        validation_accuracy=0.8108,
        test_accuracy=0.8077,
        mirrored_accuracy=0.8093,
    )
    data = DataResult(
        path="data/cifar100",
        digest="9c41d2",
        classes=tuple(f"class {n}" for n in range(100)),
        image_px=32,
        image_channels=3,
        train_images=45_000,
        validation_images=5_000,
        test_images=10_000,
        labelled=True,
        flip=True,
        unreadable=("data/cifar100/train/apple/0017.png",),
    )
    return {
        "autokd_version": "0.1.0",
        "created_utc": "2026-11-20T14:03:11Z",
        "versions": {
            "python": "3.11.9",
            "torch": "2.14.1",
            "botorch": "0.18.1",
            "onnx": "1.23.2",
            "onnxruntime": "1.32.0",
        },
        "machine": {
            "system": "Linux x86_64",
            "cpu": "2 cores at 2.6 GHz",
            "memory": {"total_bytes": 16_727_000_000},
        },
        "exit": ExitStatus(code=0, name="done"),
        "verdict": (
            "A student with 1.3 % of the teacher's parameters keeps every limit of the "
            "Raspberry Pi Zero 2 W."
        ),
        "config": config,
        "device": "raspberry-pi-zero-2w",
        "device_name": "Raspberry Pi Zero 2 W",
        "limits": LIMITS,
        "feasibility": feasibility,
        "teacher": teacher,
        "data": data,
        "kd_gain": KdGain(epochs=31.5, with_teacher=0.6842, without_teacher=0.6731, seeds=1),
        "seconds": StageSeconds(
            preflight=12.4, teach=318.2, search=1_988.0, finalists=401.7, export=1.3, measure=15.2
        ),
        "warnings": ("The latency model of this board is fitted to no measurement of it.",),
    }
