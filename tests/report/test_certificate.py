"""What was measured, and what it counts for."""

from autokd.core.measurement import SustainedResult
from autokd.report.certificate import (
    board_measurement,
    certificate_facts,
    export_facts,
    speed_facts,
)


def texts(facts):
    return {name: (cell.text, cell.note) for name, cell in facts}


def measured(report, **changes):
    return report.winners[0].measurement.model_copy(update=changes)


def test_a_board_is_certified_with_clocks_heat_and_placement(report) -> None:
    found = measured(
        report,
        is_device=True,
        target="nano",
        governor=("schedutil", "schedutil"),
        freq_mhz=(1479.0, 1224.0),
        temp_c=(41.2, 56.8),
        node_placement={"CUDAExecutionProvider": 31, "CPUExecutionProvider": 2},
        throttled="under-voltage has occurred",
        virtualised="none",
        input="uint8 1x3x32x32",
    )
    facts = texts(certificate_facts(report, found))
    assert facts["Machine"] == (found.host, "on Raspberry Pi Zero 2 W (nano)")
    assert facts["Clock"] == ("1479 to 1224 MHz", "schedutil")
    assert facts["Temperature"] == ("41 to 57 °C", "hottest sensor")
    assert facts["Provider's share"][0] == "nodes: CUDAExecutionProvider 31, CPUExecutionProvider 2"
    assert facts["Power and heat"] == ("under-voltage has occurred", "")
    assert facts["Virtual machine"] == ("no", "")
    assert facts["Session"][0] == "arena, memory pattern, spinning"


def test_what_could_not_be_read_is_said(report) -> None:
    facts = texts(certificate_facts(report, measured(report)))
    assert facts["Clock"] == facts["Temperature"] == ("–", "not readable there")  # noqa: RUF001
    assert facts["Input"][1] == "not told"


def test_a_steady_clock_is_one_number(report) -> None:
    facts = texts(certificate_facts(report, measured(report, freq_mhz=(1500.2, 1499.8))))
    assert facts["Clock"][0] == "1500 MHz"


def test_times_have_their_bound_and_a_long_run_its_slowdown(report) -> None:
    found = measured(
        report,
        p90_early_stop_ms=3.7,
        sustained=SustainedResult(
            seconds=1800,
            window_seconds=10,
            p50_ms=(3.0,) * 180,
            temp_c=(50.0,) * 180,
            freq_mhz=(None,) * 180,
            slowdown_pct=12.3,
        ),
    )
    facts = texts(speed_facts(found))
    assert facts["p50"][0] == "3.42 ms"
    assert facts["p90"][1] == "at most 3.70 ms with 99 % confidence"
    assert facts["p99"][1] == "412 samples are too few"
    assert facts["Slower at the end of a long run"] == (
        "+12.3 %",
        "medians of 180 windows over 30m 00s",
    )


def test_without_a_timing_there_is_no_certificate(report) -> None:
    assert certificate_facts(report, None) == ()
    assert texts(speed_facts(None)) == {"Latency": ("–", "not measured")}  # noqa: RUF001


def test_the_timing_is_of_the_file_for_the_board(report) -> None:
    assert board_measurement(report.winners[0]) is report.winners[0].measurement
    assert board_measurement(report.winners[2]) is None


def test_an_export_says_what_was_checked(report) -> None:
    facts = texts(export_facts(report, report.winners[0].export))
    assert facts["Opset"][0] == "13"
    assert facts["Parity"][0] == "3.21e-06"
