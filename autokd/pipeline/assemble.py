"""The report of a run, put together from what its steps left."""

import platform
from datetime import UTC, datetime
from importlib import metadata

import autokd
from autokd.core.config import RunConfig
from autokd.core.device import DeviceProfile
from autokd.core.results import ExitStatus, KdGain, Report, StageSeconds, Winner
from autokd.core.trial import Trial, searched
from autokd.core.units import format_bytes, format_count
from autokd.pipeline.deliver import Delivery
from autokd.pipeline.plan import RunPlan
from autokd.pipeline.students import FINAL_RUNG, Trained
from autokd.search.front import pareto_front

_PACKAGES = ("torch", "torchvision", "botorch", "onnx", "onnxruntime", "networkx", "numpy")


def assemble_report(
    config: RunConfig, profile: DeviceProfile, plan: RunPlan, trained: Trained, delivery: Delivery
) -> Report:
    """Give the report; every other file is rendered from it."""
    winners = delivery.winners
    return Report(
        autokd_version=autokd.__version__,
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        versions={"python": platform.python_version(), **_versions()},
        machine={
            "system": platform.system(),
            "machine": platform.machine(),
            "workers": plan.workers,
            "threads": plan.threads,
        },
        exit=ExitStatus(code=0, name="done"),
        verdict=_verdict(winners[0], profile, plan, delivery.teacher_test_accuracy),
        config=config,
        device=profile.id,
        device_name=profile.name,
        limits=plan.limits,
        feasibility=plan.feasibility,
        teacher=plan.teacher.model_copy(update={"test_accuracy": delivery.teacher_test_accuracy}),
        data=plan.data,
        trials=trained.trials,
        front=search_front(trained.trials, plan),
        winners=winners,
        full_rung=FINAL_RUNG,
        kd_gain=_kd_gain(trained, plan),
        seconds=StageSeconds(
            preflight=plan.preflight_seconds,
            teach=plan.teach_seconds,
            search=trained.search_seconds,
            finalists=trained.finalists_seconds,
            export=delivery.export_seconds,
            measure=delivery.measure_seconds,
        ),
        warnings=(*plan.warnings, *_warnings(winners[0], trained)),
    )


def search_front(trials: tuple[Trial, ...], plan: RunPlan) -> tuple[int, ...]:
    """Give the front of the search, where all trials had the same training time."""
    return pareto_front(searched(trials, full_rung=FINAL_RUNG), plan.limits)


def _kd_gain(trained: Trained, plan: RunPlan) -> KdGain | None:
    if trained.twin is None or not plan.data.labelled:
        return None
    taught, plain = trained.finalists[0].observations[-1], trained.twin.observations[-1]
    return KdGain(
        epochs=taught.fidelity.images / plan.data.train_images,
        with_teacher=taught.accuracy,
        without_teacher=plain.accuracy,
        seeds=1,
    )


def _verdict(
    winner: Winner, profile: DeviceProfile, plan: RunPlan, teacher_accuracy: float | None
) -> str:
    cost = winner.cost
    size = (
        f"{format_count(cost.params)} parameters{_fewer(cost.params, plan.teacher.params)}, "
        f"{format_bytes(winner.export.size_bytes)}; predicted {cost.latency_ms:.2g} ms "
        f"({cost.latency_low_ms:.2g} to {cost.latency_high_ms:.2g}) on {profile.name}, an estimate."
    )
    test = winner.export.test_accuracy
    if test is not None and teacher_accuracy is not None:
        return (
            f"The student gets {test:.2%} of the test images right, its teacher "
            f"{teacher_accuracy:.2%}, with {size}"
        )
    return (
        f"The student names the teacher's class for {winner.validation_agreement:.2%} of the "
        f"validation images, with {size}"
    )


def _fewer(student: int, teacher: int | None) -> str:
    return "" if teacher is None else f" ({teacher / student:.0f} times fewer)"


def _warnings(winner: Winner, trained: Trained) -> list[str]:
    found = []
    if winner.measurement is None:
        found.append("The winner was not timed on this host.")
    elif not winner.measurement.valid:
        found.append(f"The timing on this host does not count: {winner.measurement.reason}.")
    twin = trained.twin
    if twin is not None and twin.accuracy > trained.finalists[0].accuracy:
        found.append(
            "Trained without the teacher, the same student scored better on validation images: "
            "distillation did not help here."
        )
    failed = sum(t.failure is not None and not t.too_slow for t in trained.trials)
    if failed:
        found.append(f"{failed} of {len(trained.trials)} students failed; the table says why.")
    return found


def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in _PACKAGES}
