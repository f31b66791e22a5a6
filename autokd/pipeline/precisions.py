"""The precisions of one winner: made, timed in turns, chosen among, and ``student.json``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autokd.core.codec import save_record
from autokd.core.measurement import LatencyMeasurement
from autokd.core.precision import Precision
from autokd.core.progress import Say
from autokd.core.results import ChosenFile, VariantResult
from autokd.pipeline.choice import choose, choose_for_tool
from autokd.pipeline.exporting import Exporter
from autokd.pipeline.turns import Timer, Turn, time_in_turns
from autokd.pipeline.variants import Source, VariantMaker

CHOSEN_FILE = "student.json"


@dataclass(frozen=True, slots=True)
class Precisions:
    """What came of one winner.

    Attributes:
        variants: Precisions that were tried, fp32 first.
        chosen: The one for the board.
        reason: Why, in a sentence.
    """

    variants: tuple[VariantResult, ...]
    chosen: Precision
    reason: str

    @property
    def measurement(self) -> LatencyMeasurement | None:
        """Of the fp32 file."""
        return self.variants[0].measurement


def settle_precision(
    exporter: Exporter, source: Source, *, timer: Timer | None, say: Say
) -> Precisions:
    """Make, score and time the precisions of a winner, choose one, and write ``student.json``.

    Args:
        exporter: Of this run.
        source: The winner.
        timer: Of the machine that times them; None where nothing is timed.
        say: Told what is tried.

    Raises:
        ExportError: A file is not what the board loads.
        StorageError: The disk is full or refuses.
    """
    variants = VariantMaker(exporter, source, say=say).make()
    most = source.config.max_accuracy_drop
    if source.profile.takes is not None and source.config.precision == "auto":
        files = [v for v in variants if v.file]
        chosen, reason = choose_for_tool(files, source.profile.takes, max_drop=most)
        _write_chosen(source, files, chosen, reason)
        return Precisions(tuple(variants), chosen, reason)
    timed = [v for v in variants if v.file and v.passed]
    turns = time_in_turns([exporter.run / str(v.file) for v in timed], timer)
    for variant, turn in zip(timed, turns, strict=True):
        variants[variants.index(variant)] = _with_timing(variant, turn)
    files = [v for v in variants if v.file]
    chosen, reason = choose(source.config.precision, files, max_drop=most)
    _write_chosen(source, files, chosen, reason)
    return Precisions(tuple(variants), chosen, reason)


def _with_timing(variant: VariantResult, turn: Turn) -> VariantResult:
    notes = [variant.note] if variant.note else []
    if turn.fault:
        notes.append(f"was timed, but that does not count: {turn.fault}")
    elif variant.precision != "fp32" and turn.measurement is None:
        notes.append("was not timed: only the board decides, and it was not there to time it")
    change = turn.change
    return variant.model_copy(
        update={
            "measurement": turn.measurement,
            "ratio": None if change is None else 1 + change.change,
            "ratio_low": None if change is None else 1 + change.low,
            "ratio_high": None if change is None else 1 + change.high,
            "note": "; ".join(notes),
        }
    )


def _write_chosen(
    source: Source, files: Sequence[VariantResult], chosen: Precision, reason: str
) -> None:
    best = next(v for v in files if v.precision == chosen)
    timed = best.measurement
    names = {v.precision: Path(str(v.file)).name for v in files}
    card = ChosenFile(
        device=source.profile.id,
        precision=chosen,
        file=names.pop(chosen),
        sha256=str(best.sha256),
        size_bytes=best.size_bytes,
        input=source.exported.input,
        validation_accuracy=best.validation_accuracy,
        reason=reason,
        others=tuple(names.values()),
        threads=None if timed is None else timed.threads,
        session=None if timed is None else timed.session,
    )
    save_record(card, source.exported.path.with_name(CHOSEN_FILE))
