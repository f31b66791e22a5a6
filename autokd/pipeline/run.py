"""A run from its settings to its report, and again from wherever it was stopped."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import nn

from autokd.core.codec import load_record, write_atomically
from autokd.core.config import RunConfig
from autokd.core.device import load_profile
from autokd.core.progress import Progress, Say, silent
from autokd.core.results import Feasibility, Report
from autokd.core.shortfall import limit_name, limit_text
from autokd.core.toml import render_toml
from autokd.data.images import ImageSet
from autokd.distill.evaluator import StudentEvaluator
from autokd.errors import ConfigError
from autokd.pipeline.assemble import assemble_report
from autokd.pipeline.choice import require_chosen
from autokd.pipeline.deliver import deliver
from autokd.pipeline.exporting import Exporter
from autokd.pipeline.given_teacher import NOT_ASKED
from autokd.pipeline.inputs import Inputs, load_inputs
from autokd.pipeline.plan import RunPlan
from autokd.pipeline.precisions import settle_precision
from autokd.pipeline.preflight import make_plan, worker_setup
from autokd.pipeline.search_facts import find_search_facts
from autokd.pipeline.students import train_students
from autokd.pipeline.survey import make_space, require_feasible, survey_space
from autokd.pipeline.tracking import tracked
from autokd.pipeline.variants import FILES, Source
from autokd.report.write import load_report, write_report
from autokd.search.ledger import Ledger
from autokd.teacher.module import AbsentTeacher
from autokd.tracking.choice import require_packages

CONFIG_FILE = "config.toml"
LEDGER_FILE = "ledger.sqlite"


def compress(
    config: RunConfig, run: Path, *, progress: Progress, say: Say, module: nn.Module | None = None
) -> Report:
    """Make small students of a teacher, in the new folder ``run``.

    Args:
        config: Of the run.
        run: Its folder.
        progress: Told of each step.
        say: Told what was found.
        module: The teacher, where it has no file.

    Raises:
        InputError: Something that the person gave is wrong.
        InfeasibleError: No student meets the limits.
        ExportError: The exported file is not what the board loads.
        StoppedError: The budget ended before one student was trained.
        StorageError: The disk is full.
        GateError: The precision that was asked for loses too much; the report is written.
    """
    require_packages(config.track)
    inputs = load_inputs(config, progress=progress, module=module)
    require_feasible(survey_space(inputs)[1])
    with Ledger.open(run / LEDGER_FILE) as ledger:
        if (run / CONFIG_FILE).exists():
            msg = f"{run}: holds a run already; give a new folder, or 'autokd resume {run}'."
            raise ConfigError(msg)
        write_atomically(run / CONFIG_FILE, render_toml(config.model_dump(mode="json")))
        return _go_on(inputs, run, ledger, progress=progress, say=say)


def resume(run: Path, *, progress: Progress, say: Say, module: nn.Module | None = None) -> Report:
    """Go on with a run; a finished one gives its report.

    A teacher that was a module is needed again only for what is not on the disk.

    Raises:
        ConfigError: ``run`` is no run folder.
        AutoKDError: As `compress`.
    """
    if (run / "results.json").is_file():
        say(f"{run} is done already.")
        report = load_report(run)
        write_report(report, run)  # a kill may have come between its files
        _tell_trackers(report, run, say=say)
        require_chosen(report.config.export, report.winners[0])
        return report
    config = _read_config(run)
    with Ledger.open(run / LEDGER_FILE) as ledger:
        inputs = load_inputs(config, progress=progress, run=run, module=module)
        return _go_on(inputs, run, ledger, progress=progress, say=say)


def dry_run(
    config: RunConfig, *, progress: Progress, say: Say, module: nn.Module | None = None
) -> Feasibility:
    """Say what of the space fits, without training anything.

    Raises:
        InputError: Something that the person gave is wrong.
    """
    inputs = load_inputs(config, progress=progress, module=module)
    limits, feasibility = survey_space(inputs)
    given = limits.model_dump(exclude_none=True)
    shown = ", ".join(f"{limit_name(name)} {limit_text(name, given[name])}" for name in given)
    say(f"limits on {inputs.profile.name}: {shown}")
    return feasibility


def export_winner_for(run: Path, *, winner: int, device: str, say: Say = lambda _: None) -> Path:
    """Export winner ``winner`` (1 is the best) once more, in the form that ``device`` loads.

    Gives the file to use there. Its other precisions are beside it, each with its accuracy; as
    nothing times them, fp32 is the one to use unless the run asked for another.

    Raises:
        ConfigError: The run has no such winner.
        ProfileError: No such device.
        ExportError: The file is not what the board loads.
    """
    report = load_report(run)
    if not 1 <= winner <= len(report.winners):
        msg = (
            f"--winner {winner}: {run} has the winners 1 to {len(report.winners)}; give one of "
            "these."
        )
        raise ConfigError(msg)
    profile = load_profile(device)
    inputs = load_inputs(_read_config(run), progress=silent, run=run)
    exporter = _exporter(inputs, load_record(RunPlan, run / "plan.json"), run)
    chosen = report.winners[winner - 1]
    trial = next(t for t in report.trials if t.trial_id == chosen.trial_id)
    found = exporter.export(
        trial,
        run / "winners" / str(winner) / profile.id,
        images=inputs.dataset.validation,
        target=profile.export,
        device=profile.id,
    )
    source = Source(
        trial=trial,
        exported=found,
        profile=profile,
        config=inputs.config.export,
        train=inputs.dataset.train,
        validation=inputs.dataset.validation,
        training=None,
        seed=inputs.config.seed,
    )
    made = settle_precision(exporter, source, timer=None, say=say)
    return found.path.with_name(FILES[made.chosen])


def _go_on(inputs: Inputs, run: Path, ledger: Ledger, *, progress: Progress, say: Say) -> Report:
    """Do what is missing; the ledger is held to the end, so that nobody else works in ``run``."""
    plan = make_plan(inputs, run, progress=progress, say=say)
    inputs = replace(inputs, profile=plan.profile)
    if isinstance(inputs.teacher, AbsentTeacher):
        plan = plan.model_copy(update={"warnings": (*plan.warnings, NOT_ASKED)})
    exporter = _exporter(inputs, plan, run)
    with tracked(inputs.config, plan.limits, run, ledger, say=say) as follower:
        setup = worker_setup(inputs, plan, run)
        trained = train_students(
            inputs,
            plan,
            setup,
            ledger,
            run=run,
            progress=progress,
            say=say,
            on_result=follower.follow,
        )
        delivery = deliver(
            exporter,
            trained.finalists,
            profile=inputs.profile,
            dataset=inputs.dataset,
            training=lambda: StudentEvaluator(setup).data,
            teacher_classes=lambda: np.load(setup.validation_logits_file).argmax(axis=1),
            load_test=lambda: _read_test(inputs, progress),
            progress=progress,
            say=say,
        )
        facts = find_search_facts(inputs, plan, ledger, progress=progress)
        report = assemble_report(inputs.config, inputs.profile, plan, trained, delivery, facts)
        write_report(report, run)
        follower.finish(report)
    require_chosen(inputs.config.export, report.winners[0])
    return report


def _tell_trackers(report: Report, run: Path, *, say: Say) -> None:
    """Send the trackers of a run that is done what has not reached them."""
    if report.config.track and (run / LEDGER_FILE).is_file():
        with (
            Ledger.open_read_only(run / LEDGER_FILE) as ledger,
            tracked(report.config, report.limits, run, ledger, say=say) as follower,
        ):
            follower.finish(report)


def _read_test(
    inputs: Inputs, progress: Progress
) -> tuple[ImageSet | None, float | None, np.ndarray | None]:
    """Read the test split, once, and let the teacher name its classes."""
    test = inputs.dataset.load_test()
    if test is None or not len(test):
        return None, None, None
    if isinstance(inputs.teacher, AbsentTeacher):
        return test, None, None
    named = []
    for start in range(0, len(test), 500):
        progress("teacher on the test split", start, len(test))
        named.append(inputs.teacher.logits(test.images[start : start + 500]).argmax(dim=1).numpy())
    progress("teacher on the test split", len(test), len(test))
    classes = np.concatenate(named)
    labels = test.labels.numpy()
    known = labels >= 0
    accuracy = float((classes == labels)[known].mean()) if known.any() else None
    return test, accuracy, classes


def _exporter(inputs: Inputs, plan: RunPlan, run: Path) -> Exporter:
    return Exporter(inputs.config, plan, make_space(inputs, plan.limits), run)


def _read_config(run: Path) -> RunConfig:
    path = run / CONFIG_FILE
    if not path.is_file():
        msg = f"{run}: is no run folder (it has no {CONFIG_FILE}); give the --out of 'compress'."
        raise ConfigError(msg)
    return load_record(RunConfig, path)
