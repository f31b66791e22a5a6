"""``benchmark.json``: what is charted over time, in the form of github-action-benchmark.

A list of entries with ``name``, ``unit``, ``value``, ``range`` and ``extra``, for its tool
``customSmallerIsBetter``; so accuracy is written as an error. The action reads these five keys and
no other (its src/extract.ts); ours is ``autokd``, which ``autokd compare`` reads.
"""

import json
from collections.abc import Iterator
from typing import Any

from autokd.core.measurement import LatencyMeasurement
from autokd.core.record import Record
from autokd.core.results import Report, Winner

MOST_WINNERS = 3  # each is some lines of a chart


class BenchmarkFacts(Record):
    """What of one student a later comparison needs.

    Attributes:
        device: The id of the profile.
        file: The ONNX file, relative to the run.
        precision: Of the file.
        input: Type and shape of its input, in words.
        accuracy: On ``split``; None without labels.
        images: Of that split.
        measurement: None when it was not timed.
    """

    device: str
    file: str
    precision: str
    input: str
    size_bytes: int
    accuracy: float | None
    split: str
    images: int
    data_digest: str
    measurement: LatencyMeasurement | None


def render_benchmark(report: Report) -> str:
    """Give the entries of the best students as JSON; a value that is not known has no entry."""
    entries = [
        entry for winner in report.winners[:MOST_WINNERS] for entry in _entries(report, winner)
    ]
    return json.dumps(entries, indent=1, ensure_ascii=False) + "\n"


def facts_of(report: Report, winner: Winner) -> BenchmarkFacts:
    """Give what a comparison needs of the file that a winner has for the board.

    Its accuracy is that on the test split where it was scored there.
    """
    export, data, variant = winner.export, report.data, winner.chosen_variant
    scored = export if variant is None else variant
    tested = scored.test_accuracy is not None
    validated = data.validation_images if variant is None else variant.validation_images
    channels, px = winner.genotype.image_channels, winner.genotype.input_px
    return BenchmarkFacts(
        device=report.device,
        file=(variant and variant.file) or export.file,
        precision=winner.chosen,
        input=f"{export.input} 1x{channels}x{px}x{px}",
        size_bytes=scored.size_bytes,
        accuracy=scored.test_accuracy if tested else scored.validation_accuracy,
        split="test" if tested else "validation",
        images=data.test_images if tested else validated,
        data_digest=data.digest,
        measurement=winner.measurement if variant is None else variant.measurement,
    )


def _entries(report: Report, winner: Winner) -> Iterator[dict[str, Any]]:
    facts = facts_of(report, winner)
    name, found = f"student {winner.rank}", facts.measurement
    size = _entry(f"{name}: file size", "bytes", facts.size_bytes, extra=report.device_name)
    yield size | {"autokd": facts.model_dump(mode="json")}
    yield _entry(f"{name}: parameters", "parameters", winner.cost.params)
    if facts.accuracy is not None:
        error = round(100 * (1 - facts.accuracy), 4)
        extra = f"{facts.images} images of the {facts.split} split"
        yield _entry(f"{name}: error", "%", error, extra=extra)
    if found is None or not found.valid:
        return
    where = report.device_name if found.is_device else f"{found.host}, not the board"
    extra = f"{where}; {found.runtime}, {found.provider}, {found.threads} threads"
    spread = f"± {found.std_ms:.3g}"
    yield _entry(f"{name}: latency p50", "ms", found.p50_ms, range=spread, extra=extra)
    yield _entry(f"{name}: latency p90", "ms", found.p90_ms, range=spread, extra=extra)
    if found.peak_memory_bytes is not None:
        yield _entry(f"{name}: peak memory", "bytes", found.peak_memory_bytes, extra=extra)


def _entry(name: str, unit: str, value: float, **more: str) -> dict[str, Any]:
    return {"name": name, "unit": unit, "value": value, **more}
