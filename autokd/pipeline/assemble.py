"""The report of a run, put together from what its steps left."""

from datetime import UTC, datetime

import autokd
from autokd.core.config import RunConfig
from autokd.core.cost import Cost
from autokd.core.device import DeviceProfile
from autokd.core.results import ExitStatus, Report, StageSeconds, Winner
from autokd.core.trial import Trial, searched
from autokd.core.units import format_bytes, format_count
from autokd.errors import EXIT_NAMES, DeviceError, GateError
from autokd.measure.target import LOCAL
from autokd.pipeline.choice import require_chosen
from autokd.pipeline.deliver import Delivery
from autokd.pipeline.kd_gain import kd_gain_of
from autokd.pipeline.plan import FINAL_RUNG, RunPlan
from autokd.pipeline.search_facts import SearchFacts
from autokd.pipeline.students import Trained
from autokd.pipeline.surroundings import machine_facts, tool_versions
from autokd.search.front import pareto_front


def assemble_report(
    config: RunConfig,
    profile: DeviceProfile,
    plan: RunPlan,
    trained: Trained,
    delivery: Delivery,
    facts: SearchFacts,
) -> Report:
    """Give the report; every other file is rendered from it."""
    winners = delivery.winners
    return Report(
        autokd_version=autokd.__version__,
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=tool_versions(),
        machine=machine_facts(plan),
        exit=_exit(config, winners[0]),
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
        effects=facts.effects,
        timed=facts.timed,
        kd_gain=kd_gain_of(trained.pairs, plan.data.train_images) if plan.data.labelled else None,
        seconds=StageSeconds(
            preflight=plan.preflight_seconds,
            teach=plan.teach_seconds,
            search=trained.search_seconds,
            finalists=trained.finalists_seconds,
            export=delivery.export_seconds,
            measure=delivery.measure_seconds,
        ),
        warnings=(
            *plan.warnings,
            *_warnings(trained),
            *_timing_warnings(config, winners[0], delivery.timing_failure),
        ),
    )


def _exit(config: RunConfig, winner: Winner) -> ExitStatus:
    """Give how the command ends after the report is written."""
    try:
        require_chosen(config.export, winner)
    except GateError as fault:
        return ExitStatus(code=fault.exit_code, name=EXIT_NAMES[fault.exit_code])
    if config.target is not None and winner.measurement is None:
        return ExitStatus(code=DeviceError.exit_code, name=EXIT_NAMES[DeviceError.exit_code])
    return ExitStatus(code=0, name=EXIT_NAMES[0])


def search_front(trials: tuple[Trial, ...], plan: RunPlan) -> tuple[int, ...]:
    """Give the front of the search, where all trials had the same training time."""
    return pareto_front(searched(trials, full_rung=FINAL_RUNG), plan.limits)


def _verdict(
    winner: Winner, profile: DeviceProfile, plan: RunPlan, teacher_accuracy: float | None
) -> str:
    cost = winner.cost
    size = (
        f"{format_count(cost.params)} parameters{_fewer(cost.params, plan.teacher.params)}, "
        f"{format_bytes(winner.file_bytes)}; {_claim(cost, profile)}"
    )
    test = winner.test_accuracy
    if test is not None and teacher_accuracy is not None:
        return (
            f"The student gets {test:.2%} of the test images right, its teacher "
            f"{teacher_accuracy:.2%}, with {size}"
        )
    return (
        f"The student names the teacher's class for {winner.validation_agreement:.2%} of the "
        f"validation images, with {size}"
    )


def _claim(cost: Cost, profile: DeviceProfile) -> str:
    """Say how fast it is believed to be, or what the file is for where nobody can know."""
    if cost.latency_interval_ms is None:
        tool = profile.takes.tool if profile.takes else "its own tool"
        return (
            f"an INT8 file for {tool}, and no claim of a latency: onnxruntime does not run on "
            f"{profile.name}."
        )
    low, middle, high = cost.latency_interval_ms
    if cost.is_measured:
        return f"{middle:.2g} ms on {profile.name}, measured before it was trained."
    return f"predicted {middle:.2g} ms ({low:.2g} to {high:.2g}) on {profile.name}, an estimate."


def _fewer(student: int, teacher: int | None) -> str:
    return "" if teacher is None else f" ({teacher / student:.0f} times fewer)"


def _warnings(trained: Trained) -> list[str]:
    found = []
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


def _timing_warnings(config: RunConfig, winner: Winner, failure: str | None) -> list[str]:
    """Say what is wrong with the winner's timing; a command that ends with code 5 repeats it."""
    measured = winner.measurement
    if measured is None and (config.target or winner.cost.latency_interval_ms is not None):
        where = config.target if config.target not in (None, LOCAL) else "this host"
        reason = f": {failure.rstrip('.')}" if failure else ""
        return [f"The winner was not timed on {where}{reason}."]
    if measured is not None and not measured.valid:
        return [f"The timing on {measured.target} does not count: {measured.reason}."]
    return []
