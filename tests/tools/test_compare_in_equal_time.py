"""Both ways train the same students; the engine gets the time of the loop less the teacher's."""

import dataclasses
import sys
from pathlib import Path

import pytest

from autokd.core.record_lines import read_lines
from autokd.space.baselines import resnet
from tests.tools.training.made_up import make_folder, make_task
from tools import compare_in_equal_time as comparison
from tools.compare_in_equal_time import Kept, train_engine, train_plain


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "PACE_SECONDS", 0.02)
    small = {"small": lambda **images: resnet(4, depth=8, **images)}
    monkeypatch.setattr(comparison, "STUDENTS", small)


def test_what_is_done_is_kept_and_not_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "found.jsonl"
    given = [str(make_folder(tmp_path / "data", images=120)), "--out", str(out)]
    given += ["--minutes", "0.01", "--workers", "0", "--threads", "1"]
    monkeypatch.setattr(sys, "argv", ["compare_in_equal_time.py", *given])
    comparison.main()
    first = capsys.readouterr().out.splitlines()
    plain, engine = (line.outcome for line in read_lines(out, Kept))
    assert (plain.way, engine.way) == ("plain", "autokd")
    assert plain.params == engine.params > 0
    assert plain.images % 108 == 0
    assert plain.cache_seconds == 0 < engine.cache_seconds
    comparison.main()
    again = capsys.readouterr().out.splitlines()
    assert again == first[2:]
    assert len(again) == 4
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--seed", "1"])
    with pytest.raises(SystemExit, match=r"\.jsonl: was begun with .*seed=0, not .*seed=1; "):
        comparison.main()


def test_lengths_follow_from_speeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = dataclasses.replace(make_task(tmp_path, px=8, images=60), epochs=1)
    monkeypatch.setattr(comparison, "images_per_second", lambda task, way: 54.0)
    assert train_plain("small", task, 2.6).images == 3 * 54
    assert train_plain("small", task, 0.1).images == 54
    found = train_engine("small", task, 5.0, asking=1.0)
    assert (found.images, found.cache_seconds) == (4 * 54, 1.0)
