"""From precisions to the file for the board, with scripted timings."""

from types import SimpleNamespace

import pytest

from autokd.core.codec import load_record
from autokd.core.config import ExportConfig
from autokd.core.device import load_profile
from autokd.core.results import ChosenFile
from autokd.pipeline import precisions as module
from autokd.pipeline.precisions import settle_precision
from tests.pipeline.test_choice import FP32, variant
from tests.report.conftest import build_report

MEASURED = build_report().winners[0].measurement.model_copy(update={"is_device": True})


@pytest.fixture
def settle(monkeypatch, tmp_path):
    """Give a function that settles on one of the variants, with the times of each file in ms."""

    def go(variants, times_ms, *, device="host", **config):
        class Maker:
            def __init__(self, exporter, source, *, say):
                pass

            def make(self):
                return list(variants)

        monkeypatch.setattr(module, "VariantMaker", Maker)
        asked = []

        def measure(path):
            asked.append(path.name)
            time_ms = times_ms[path.name]
            fault = {"valid": False, "reason": "throttled: heat"} if time_ms < 0 else {}
            times = {"p50_ms": abs(time_ms), "min_ms": abs(time_ms)}
            return MEASURED.model_copy(update={**times, **fault})

        folder = tmp_path / "winners" / "1"
        folder.mkdir(parents=True)
        source = SimpleNamespace(
            config=ExportConfig(**config),
            profile=load_profile(device),
            exported=SimpleNamespace(path=folder / "student.onnx", input="uint8"),
        )
        exporter = SimpleNamespace(run=tmp_path)
        timer = SimpleNamespace(measure=measure, measure_block=measure)
        made = settle_precision(exporter, source, timer=timer, say=print)
        return made, load_record(ChosenFile, folder / "student.json"), asked

    return go


FIRST = FP32.model_copy(update={"file": "winners/1/student.onnx"})
TRIED = variant(drop=0.03, passed=False).model_copy(update={"file": None, "sha256": None})


def test_a_faster_file_is_chosen_with_its_ratio(settle) -> None:
    times = {"student.onnx": 4.0, "student.int8.onnx": 2.0}
    made, card, asked = settle([FIRST, TRIED, variant()], times)
    assert made.chosen == card.precision == "int8"
    assert (card.file, card.others) == ("student.int8.onnx", ("student.onnx",))
    assert asked[:4] == ["student.onnx", "student.int8.onnx", "student.onnx", "student.int8.onnx"]
    assert [v.ratio for v in made.variants] == [None, None, pytest.approx(0.5)]
    assert card.reason == made.reason
    assert (card.threads, card.session) == (MEASURED.threads, MEASURED.session)
    assert made.measurement.p50_ms == 4.0


def test_a_timing_that_does_not_count_never_decides(settle) -> None:
    times = {"student.onnx": 4.0, "student.int8.onnx": -0.1}
    made, card, _ = settle([FIRST, variant()], times)
    assert made.chosen == card.precision == "fp32"
    assert made.variants[1].ratio is None
    assert made.reason == "fp32: int8 was timed, but that does not count: throttled: heat."


def test_what_loses_too_much_is_not_even_timed(settle) -> None:
    made, _, asked = settle([FIRST, variant(drop=0.2, passed=False)], {"student.onnx": 4.0})
    assert made.chosen == "fp32"
    assert asked == ["student.onnx"]


def test_a_device_that_takes_integers_alone_gets_them_without_a_timing(settle) -> None:
    times = {"student.onnx": 4.0, "student.int8.onnx": 9.0}
    made, card, _ = settle([FIRST, variant()], times, device="stm32h7")
    assert made.chosen == card.precision == "int8"
