"""``report.html``: one file that needs no network, no script and no other file."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from autokd.core.results import Report
from autokd.core.toml import render_toml
from autokd.core.units import format_duration
from autokd.report.cells import (
    DASH,
    LIMIT_NAMES,
    Cell,
    measured_where,
    percent,
    points,
    whole,
)
from autokd.report.certificate import (
    Facts,
    board_measurement,
    certificate_facts,
    export_facts,
    speed_facts,
)
from autokd.report.cost_measures import Against
from autokd.report.departures import class_figure, classes_table, read_strip
from autokd.report.family_picture import count_operators, draw_family
from autokd.report.figures import KIND_NAMES, learning_curves, progress_plot
from autokd.report.front import front_figure, front_plots
from autokd.report.parameters import parameter_effects
from autokd.report.precisions import precision_sentence, precisions_table
from autokd.report.predictions import predictions_plot, predictions_sentence
from autokd.report.ready_code import cpp_code, run_code
from autokd.report.spread import members_spread
from autokd.report.summary import kd_gain_effect, kd_gain_missing, kd_gain_noise, kd_gain_seeds
from autokd.report.tables import (
    compare_with_teacher,
    failures_table,
    feasibility_table,
    trials_table,
    winners_table,
)
from autokd.report.tiles import accuracy_tile, cost_tiles

PRINTED_AXES: tuple[Against, ...] = ("latency", "memory", "size", "limits")


def render_html(report: Report, folder: Path | None = None) -> str:
    """Give the whole page.

    Args:
        report: Of a run that has ended, or without winners of one that goes on; sections whose
            facts are not there are left out.
        folder: Of the run, from which the images are read where the student departs from the
            teacher; without it they are left out.
    """
    content = _of_run(report) | _of_search(report)
    content |= _of_student(report, folder) if report.winners else {"winner": None}
    return _environment().get_template("report.html.j2").render(report=report, **content)


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("autokd.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _of_run(report: Report) -> dict[str, Any]:
    return {
        "created": report.created_utc[:16].replace("T", " ") + " UTC",
        "accuracy": accuracy_tile(report),
        "tiles": cost_tiles(report),
        "binding": LIMIT_NAMES.get(report.feasibility.binding or "", report.feasibility.binding),
        "feasibility": feasibility_table(report),
        "config": render_toml(report.config.model_dump()),
        "versions": sorted(report.versions.items()),
        "machine": _machine_facts(report.machine),
        "seconds": [(k, format_duration(v)) for k, v in report.seconds.model_dump().items() if v],
        "trials": trials_table(report),
        "failures": failures_table(report),
    }


def _of_search(report: Report) -> dict[str, Any]:
    plots = front_plots(report)
    return {
        "kind_names": KIND_NAMES,
        "front": front_figure(report),
        "printed": [plots[key] for key in PRINTED_AXES if key in plots],
        "progress": progress_plot(report),
        "curves": learning_curves(report),
        "effects": parameter_effects(report),
        "spread": members_spread(report),
        "predictions": predictions_plot(report),
        "predictions_sentence": predictions_sentence(report),
    }


def _of_student(report: Report, folder: Path | None) -> dict[str, Any]:
    winner = report.winners[0]
    # The drawing holds numbers and words of our own alone, nothing that came from a file.
    pictures = [
        Markup(draw_family(winner.genotype, vertical=tall))  # noqa: S704
        for tall in (False, True)
    ]
    measurement = board_measurement(winner)
    return {
        "winner": winner,
        "comparison": compare_with_teacher(report, winner),
        "pictures": pictures,
        "counts": count_operators(winner.genotype),
        "family": _family_facts(report),
        "gain": _gain_sentences(report),
        "winners": winners_table(report),
        "classes": class_figure(winner),
        "classes_table": classes_table(winner),
        "strip": read_strip(report, folder),
        "export": export_facts(report, winner.export),
        "precisions": precisions_table(report, winner),
        "precision": precision_sentence(winner),
        "measurement": measurement,
        "measured_where": measured_where(report, measurement),
        "speed": speed_facts(measurement),
        "certificate": certificate_facts(report, measurement),
        "python_code": run_code(winner),
        "cpp_code": cpp_code(winner),
    }


def _gain_sentences(report: Report) -> tuple[str, str]:
    gain = report.kd_gain
    if gain is None:
        return f"{DASH} ({kd_gain_missing(report)})", ""
    effect = kd_gain_effect(gain)
    noise = kd_gain_noise(gain, report.data.validation_images)
    size = f": {points(gain.gain)}" if gain.gain else ""
    chance = ", which may be chance" if 0 < abs(gain.gain) < noise else ""
    head = f"{effect[0].upper()}{effect[1:]}{size}{chance}."
    images = report.data.validation_images
    return head, (
        f"{percent(gain.with_teacher)} with the teacher, {percent(gain.without_teacher)} without, "
        f"on validation images; the same student, {gain.epochs:.1f} epochs each, "
        f"{kd_gain_seeds(gain)}. "
        f"On {whole(images)} images a difference below about {points(noise)} "
        "may be chance."
    )


def _family_facts(report: Report) -> Facts:
    winner = report.winners[0]
    genotype, distill = winner.genotype, winner.distill
    return (
        ("Operator", Cell(genotype.block)),
        ("Space", Cell(genotype.preset)),
        ("Growth of width", Cell(f"{genotype.growth:.2f}")),
        ("Loss", Cell(distill.loss)),
        ("Temperature", Cell(f"{distill.temperature:.2f}")),
        ("Weight of the teacher, alpha", Cell(f"{distill.alpha:.2f}")),
        ("Training", Cell(f"{winner.epochs:.1f} epochs", format_duration(winner.train_seconds))),
        ("Member seed", Cell(str(winner.member_seed))),
    )


def _machine_facts(machine: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(key.replace("_", " "), _flat(value)) for key, value in machine.items()]


def _flat(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_flat(inner)}" for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_flat(inner) for inner in value)
    return DASH if value is None else str(value)
