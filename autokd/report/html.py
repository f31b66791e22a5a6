"""``report.html``: one file that needs no network, no script and no other file."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from autokd.core.measurement import LatencyMeasurement
from autokd.core.results import ExportResult, Report, Winner
from autokd.core.toml import render_toml
from autokd.core.units import format_bytes, format_count, format_duration
from autokd.report.cells import (
    DASH,
    Cell,
    latency_cell,
    measured_cell,
    measured_where,
    milliseconds,
    optional_bytes,
    percent,
    points,
    test_cell,
    validation_cell,
    whole,
)
from autokd.report.family_picture import count_operators, draw_family
from autokd.report.figures import front_plots, progress_plot
from autokd.report.precisions import precision_sentence, precisions_table
from autokd.report.summary import kd_gain_effect, kd_gain_missing, kd_gain_noise, kd_gain_seeds
from autokd.report.tables import (
    compare_with_teacher,
    failures_table,
    feasibility_table,
    trials_table,
    winners_table,
)

Facts = tuple[tuple[str, Cell], ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """A key figure of the first screen."""

    label: str
    value: str
    note: str


def render_html(report: Report) -> str:
    """Give the whole page."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    source = (files("autokd.report") / "report.html.j2").read_text(encoding="utf-8")
    winner = report.winners[0]
    genotype = winner.genotype
    # The drawing holds numbers and words of our own alone, nothing that came from a file.
    pictures = [Markup(draw_family(genotype, vertical=tall)) for tall in (False, True)]  # noqa: S704
    return environment.from_string(source).render(
        report=report,
        created=report.created_utc.replace("T", " ").replace("Z", " UTC"),
        tiles=_tiles(report),
        comparison=compare_with_teacher(report, winner),
        fronts=front_plots(report),
        progress=progress_plot(report),
        pictures=pictures,
        counts=count_operators(genotype),
        family=_family_facts(report),
        gain=_gain_sentences(report),
        winners=winners_table(report),
        feasibility=feasibility_table(report),
        export=_export_facts(report, winner.export),
        precisions=precisions_table(report, winner),
        precision=precision_sentence(winner),
        measurement=_measurement_facts(report, winner.measurement),
        measured_where=measured_where(report, winner.measurement),
        code=run_code(winner),
        config=render_toml(report.config.model_dump()),
        versions=sorted(report.versions.items()),
        machine=_machine_facts(report.machine),
        seconds=[(k, format_duration(v)) for k, v in report.seconds.model_dump().items()],
        trials=trials_table(report),
        failures=failures_table(report),
    )


def run_code(winner: Winner) -> str:
    """Give Python code that runs the student on its sample, from inside the run folder."""
    export, chosen = winner.export, winner.chosen_variant
    file = export.file if chosen is None else str(chosen.file)
    sample = PurePosixPath(export.file).with_name("sample.npz")
    span = "0 to 255" if export.input == "uint8" else "0 to 1"
    compared = "np.abs(logits - expected).max()"
    if winner.cost.latency_interval_ms is None:  # a full-integer file, whose logits are bytes
        compared = '"as before" if best == expected.argmax() else "another before"'
    return f"""\
import numpy as np
import onnxruntime as ort

session = ort.InferenceSession({file!r}, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
sample = np.load({str(sample)!r})
names = sample["class_names"]

# {export.input}, {span}, (images, channels, height, width); the model normalises by itself
for image, expected in zip(sample["image"], sample["logits"]):
    logits = session.run(None, {{name: image[None]}})[0][0]
    best = int(logits.argmax())
    print(names[best] if len(names) else best, {compared})
"""


def _tiles(report: Report) -> list[Tile]:
    winner, teacher = report.winners[0], report.teacher
    latency = latency_cell(winner.cost)
    size = winner.file_bytes
    return [
        _accuracy_tile(report),
        Tile(
            "Parameters",
            format_count(winner.cost.params),
            _ratio(winner.cost.params, teacher.params, "fewer", "more"),
        ),
        Tile(
            "File size", format_bytes(size), _ratio(size, teacher.size_bytes, "smaller", "larger")
        ),
        Tile("Latency", latency.text, f"on {report.device_name}, {latency.note}"),
    ]


def _accuracy_tile(report: Report) -> Tile:
    winner, teacher = report.winners[0], report.teacher
    for label, student_score, teacher_score in (
        ("Accuracy, test", winner.test_accuracy, teacher.test_accuracy),
        ("Accuracy, validation", winner.validation_accuracy, teacher.validation_accuracy),
    ):
        if student_score is None:
            continue
        note = "the teacher was not scored"
        if teacher_score is not None:
            difference = student_score - teacher_score
            side = "above" if difference > 0 else "below"
            note = f"{points(difference)} {side} the teacher's {percent(teacher_score)}"
            note = note if difference else f"the same as the teacher's {percent(teacher_score)}"
        return Tile(label, percent(student_score), note)
    agreement = percent(winner.validation_agreement)
    return Tile("Agreement with the teacher", agreement, "on validation images, without labels")


def _ratio(student: float, teacher: float | None, fewer: str, more: str) -> str:
    if teacher is None:
        return "the teacher's are not counted"
    if student == teacher:
        return "as the teacher's"
    factor = max(student, teacher) / min(student, teacher)
    text = f"{factor:.3g}" if factor < 1000 else f"{factor:,.0f}"
    return f"{text} times {fewer if student < teacher else more} than the teacher's"


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


def _export_facts(report: Report, export: ExportResult) -> Facts:
    span = "0 to 255" if export.input == "uint8" else "0 to 1"
    return (
        ("File", Cell(export.file, f"SHA-256 {export.sha256}")),
        ("Size", Cell(format_bytes(export.size_bytes), f"{whole(export.size_bytes)} bytes")),
        ("Opset", Cell(str(export.opset))),
        ("IR version", Cell(str(export.ir))),
        ("Input", Cell(export.input, f"{span}, normalised inside the model")),
        ("Written in", Cell(f"{export.export_seconds:.3f} s")),
        (
            "Parity",
            Cell(
                f"{export.parity_max_error:.2e}",
                f"largest difference of a logit on {whole(export.parity_images)} real images",
            ),
        ),
        ("Same class on those", Cell(percent(export.agreement))),
        (
            "Accuracy in onnxruntime, validation",
            validation_cell(report, export.validation_accuracy),
        ),
        ("Accuracy in onnxruntime, test", test_cell(report, export.test_accuracy)),
        ("Agreement with the teacher, test", test_cell(report, export.test_agreement)),
    )


def _measurement_facts(report: Report, measurement: LatencyMeasurement | None) -> Facts:
    if measurement is None:
        return (("Latency", measured_cell(measurement)),)
    valid = "VALID" if measurement.valid else "INVALID"
    spread = f"{milliseconds(measurement.mean_ms)} ± {milliseconds(measurement.std_ms)}"
    few = Cell(DASH, f"{measurement.samples} samples are too few")
    p99 = few if measurement.p99_ms is None else Cell(milliseconds(measurement.p99_ms))
    return (
        ("Machine", Cell(measurement.host, measured_where(report, measurement))),
        ("Counts", Cell(valid, measurement.reason or "")),
        ("Runtime", Cell(measurement.runtime, measurement.provider)),
        ("Threads", Cell(str(measurement.threads))),
        ("Samples", Cell(whole(measurement.samples))),
        ("p50", Cell(milliseconds(measurement.p50_ms))),
        ("p90", Cell(milliseconds(measurement.p90_ms), _bound(measurement))),
        ("p99", p99),
        ("Drift and noise", _steadiness(measurement)),
        ("Least", Cell(milliseconds(measurement.min_ms))),
        ("Mean and deviation", Cell(spread)),
        ("Load", Cell(milliseconds(measurement.load_ms))),
        ("First run", Cell(milliseconds(measurement.first_ms))),
        ("Peak memory", optional_bytes(measurement.peak_memory_bytes, "not readable there")),
        (
            "Memory of the runtime alone",
            optional_bytes(measurement.runtime_memory_bytes, "not readable there"),
        ),
        ("Session", Cell(_session(measurement))),
        ("Power and heat", Cell(measurement.throttled or DASH, _clocks(measurement))),
    )


def _bound(measurement: LatencyMeasurement) -> str:
    bound = measurement.p90_early_stop_ms
    return "" if bound is None else f"at most {milliseconds(bound)} with 99 % confidence"


def _steadiness(measurement: LatencyMeasurement) -> Cell:
    if measurement.drift_pct is None or measurement.noise_pct is None:
        return Cell(DASH, "not told")
    note = f"spread of the tenths {measurement.noise_pct:.1f} %"
    return Cell(f"{measurement.drift_pct:+.1f} %", note)


def _session(measurement: LatencyMeasurement) -> str:
    switches = measurement.session.model_dump().items()
    return ", ".join(f"{'' if on else 'no '}{name.replace('_', ' ')}" for name, on in switches)


def _clocks(measurement: LatencyMeasurement) -> str:
    pairs = ((measurement.freq_mhz, "MHz"), (measurement.temp_c, "°C"))
    return "; ".join(
        f"{before:.0f} to {after:.0f} {unit}"
        for (before, after), unit in pairs
        if before is not None and after is not None
    )


def _machine_facts(machine: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(key.replace("_", " "), _flat(value)) for key, value in machine.items()]


def _flat(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_flat(inner)}" for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_flat(inner) for inner in value)
    return DASH if value is None else str(value)
