"""BASELINE and CURRENT of a comparison, from a run folder, a file of results, or a model."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autokd.core.codec import load_record, parse_record
from autokd.core.comparison import Certificate, ImageOutcomes, outcomes_file
from autokd.core.measurement import LatencyMeasurement
from autokd.core.results import Report
from autokd.errors import InputError
from autokd.report.benchmark import BenchmarkFacts, facts_of
from autokd.report.write import load_report

SAMPLE_FILE = "sample.npz"
_FORMS = (
    "give a run folder, a results.json, a benchmark.json, what 'autokd bench --json' printed, "
    "or an .onnx file"
)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """An accuracy and the images that it is of."""

    value: float
    split: str
    images: int
    data_digest: str


@dataclass(frozen=True, slots=True)
class Side:
    """What is known of one side before anything is timed.

    Attributes:
        name: As the person gave it.
        model: The ONNX file; None when it is not here.
        sample: Real input for it; None when it is not here.
        device: Id of the profile; None when the side does not say.
        precision: Of the file; None when the side does not say.
        input: Type and shape of its input; None when the side does not say.
        measurement: Taken earlier; None when there is none.
        outcomes: Image by image; None when they were not kept.
    """

    name: str
    model: Path | None = None
    sample: Path | None = None
    device: str | None = None
    precision: str | None = None
    input: str | None = None
    size_bytes: int | None = None
    accuracy: Accuracy | None = None
    measurement: LatencyMeasurement | None = None
    outcomes: ImageOutcomes | None = None


def read_side(path: Path) -> Side:
    """Read one side of a comparison.

    Raises:
        InputError: There is no such file, or it is none of the known forms.
    """
    if path.is_dir():
        return _from_report(path, load_report(path))
    if not path.is_file():
        msg = f"{path}: no such file or folder; {_FORMS}."
        raise InputError(msg)
    if path.suffix == ".onnx":
        return _from_model(path)
    if path.suffix != ".json":
        msg = f"{path}: is neither a folder nor .json nor .onnx; {_FORMS}."
        raise InputError(msg)
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        msg = f"{path}: cannot be read as JSON ({fault}); {_FORMS}."
        raise InputError(msg) from None
    return _from_json(path, raw)


def certificate_of(measurement: LatencyMeasurement, side: Side) -> Certificate:
    """Give the conditions under which a latency of one side was taken."""
    session = measurement.session
    return Certificate(
        host=measurement.host,
        runtime=measurement.runtime,
        provider=measurement.provider,
        threads=measurement.threads,
        precision=side.precision,
        session=", ".join(f"{name} {'on' if on else 'off'}" for name, on in session),
        input=measurement.input or side.input,
    )


def _from_report(path: Path, report: Report) -> Side:
    facts = facts_of(report, report.winners[0])
    folder = path if path.is_dir() else path.parent
    return _from_facts(str(path), facts, folder / facts.file)


def _from_facts(name: str, facts: BenchmarkFacts, model: Path | None) -> Side:
    accuracy = None
    if facts.accuracy is not None:
        accuracy = Accuracy(facts.accuracy, facts.split, facts.images, facts.data_digest)
    here = model if model is not None and model.is_file() else None
    return Side(
        name=name,
        model=here,
        sample=None if here is None else _beside(here, SAMPLE_FILE),
        device=facts.device,
        precision=facts.precision,
        input=facts.input,
        size_bytes=facts.size_bytes,
        accuracy=accuracy,
        measurement=facts.measurement,
        outcomes=None if here is None else _outcomes_beside(here),
    )


def _from_model(path: Path) -> Side:
    outcomes = _outcomes_beside(path)
    accuracy = None
    if outcomes is not None:
        right = sum(outcomes.right()) / outcomes.images
        accuracy = Accuracy(right, outcomes.split, outcomes.images, outcomes.data_digest)
    return Side(
        name=str(path),
        model=path,
        sample=_beside(path, SAMPLE_FILE),
        size_bytes=path.stat().st_size,
        accuracy=accuracy,
        outcomes=outcomes,
    )


def _from_json(path: Path, raw: Any) -> Side:
    if isinstance(raw, dict) and "winners" in raw:
        return _from_report(path, load_report(path))
    listed = raw.get("measurements") if isinstance(raw, dict) else raw
    entries = [e for e in listed if isinstance(e, dict)] if isinstance(listed, list) else []
    if any("autokd" in entry for entry in entries):
        first = next(entry["autokd"] for entry in entries if "autokd" in entry)
        return _from_facts(str(path), parse_record(BenchmarkFacts, first, where=str(path)), None)
    if entries and all("p50_ms" in entry for entry in entries):
        return _from_timings(path, entries)
    msg = f"{path}: holds neither results nor measurements; {_FORMS}."
    raise InputError(msg)


def _from_timings(path: Path, entries: list[dict[str, Any]]) -> Side:
    models = sorted({str(entry.get("model")) for entry in entries})
    if len(models) > 1:
        msg = f"{path}: holds timings of {len(models)} models ({', '.join(models)}); give one each."
        raise InputError(msg)
    found = [
        parse_record(
            LatencyMeasurement,
            {key: value for key, value in entry.items() if key != "model"},
            where=str(path),
        )
        for entry in entries
    ]
    middle = sorted(found, key=lambda one: one.p50_ms)[(len(found) - 1) // 2]
    return Side(name=str(path), measurement=middle)


def _beside(model: Path, name: str) -> Path | None:
    file = model.parent / name
    return file if file.is_file() else None


def _outcomes_beside(model: Path) -> ImageOutcomes | None:
    file = outcomes_file(model)
    return load_record(ImageOutcomes, file) if file.is_file() else None
