"""The exported file as it was checked, and its timing with all that says what that counts for."""

from autokd.core.measurement import LatencyMeasurement
from autokd.core.results import ExportResult, Report, Winner
from autokd.core.units import format_bytes, format_duration
from autokd.report.cells import (
    DASH,
    Cell,
    measured_cell,
    measured_where,
    milliseconds,
    optional_bytes,
    percent,
    test_cell,
    validation_cell,
    whole,
)

Facts = tuple[tuple[str, Cell], ...]
NOT_READABLE = "not readable there"


def board_measurement(winner: Winner) -> LatencyMeasurement | None:
    """Give the timing of the file for the board, or of the fp32 file where only that was timed."""
    chosen = winner.chosen_variant
    return (chosen and chosen.measurement) or winner.measurement


def export_facts(report: Report, export: ExportResult) -> Facts:
    """Give what was found when the file was read again."""
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


def speed_facts(measurement: LatencyMeasurement | None) -> Facts:
    """Give the times and the memory that were measured."""
    if measurement is None:
        return (("Latency", measured_cell(measurement)),)
    spread = f"{milliseconds(measurement.mean_ms)} ± {milliseconds(measurement.std_ms)}"
    few = Cell(DASH, f"{measurement.samples} samples are too few")
    p99 = few if measurement.p99_ms is None else Cell(milliseconds(measurement.p99_ms))
    facts: list[tuple[str, Cell]] = [
        ("p50", Cell(milliseconds(measurement.p50_ms))),
        ("p90", Cell(milliseconds(measurement.p90_ms), _bound(measurement))),
        ("p99", p99),
        ("Least", Cell(milliseconds(measurement.min_ms))),
        ("Mean and deviation", Cell(spread)),
        ("Load", Cell(milliseconds(measurement.load_ms))),
        ("First run", Cell(milliseconds(measurement.first_ms))),
        ("Peak memory", optional_bytes(measurement.peak_memory_bytes, NOT_READABLE)),
        (
            "Memory of the runtime alone",
            optional_bytes(measurement.runtime_memory_bytes, NOT_READABLE),
        ),
    ]
    long = measurement.sustained
    if long is not None:
        note = f"medians of {len(long.p50_ms)} windows over {format_duration(long.seconds)}"
        facts.append(("Slower at the end of a long run", Cell(f"{long.slowdown_pct:+.1f} %", note)))
    return tuple(facts)


def certificate_facts(report: Report, measurement: LatencyMeasurement | None) -> Facts:
    """Give what says whether the times count, and for what: machine, runtime, clocks and heat."""
    if measurement is None:
        return ()
    placed = ", ".join(f"{name} {count}" for name, count in measurement.node_placement.items())
    nodes = f"nodes: {placed}" if placed else ""
    governor = ", ".join(dict.fromkeys(measurement.governor))
    unknown = Cell(DASH, NOT_READABLE)
    return (
        ("Machine", Cell(measurement.host, measured_where(report, measurement))),
        ("Runtime", Cell(measurement.runtime, measurement.provider)),
        ("Provider's share", Cell(nodes or DASH, "" if nodes else "only the CPU was asked for")),
        ("Threads", Cell(str(measurement.threads))),
        ("Session", Cell(_session(measurement))),
        ("Samples", Cell(whole(measurement.samples))),
        ("Drift and noise", _steadiness(measurement)),
        ("Input", Cell(measurement.input) if measurement.input else Cell(DASH, "not told")),
        ("Clock", _change(measurement.freq_mhz, "MHz", governor) or unknown),
        ("Temperature", _change(measurement.temp_c, "°C", "hottest sensor") or unknown),
        ("Power and heat", Cell(measurement.throttled or DASH, _quiet(measurement))),
        ("Virtual machine", _virtual(measurement)),
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


def _change(pair: tuple[float | None, float | None], unit: str, note: str) -> Cell | None:
    before, after = pair
    if before is None or after is None:
        return None
    text = f"{before:.0f}" if round(before) == round(after) else f"{before:.0f} to {after:.0f}"
    return Cell(f"{text} {unit}", note)


def _quiet(measurement: LatencyMeasurement) -> str:
    return "" if measurement.throttled else "the machine reports nothing"


def _virtual(measurement: LatencyMeasurement) -> Cell:
    found = measurement.virtualised
    words = {"none": "no", "vm": "yes", "container": "no, a container"}
    return Cell(DASH, "not told") if found is None else Cell(words.get(found, found))
