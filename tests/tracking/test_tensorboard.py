"""Event files are read back with TensorBoard's own reader."""

import shutil

import pytest

pytest.importorskip("tensorboard", reason="pip install 'autokd[tensorboard]' brings tensorboard")

from autokd.tracking.tensorboard import FOLDER, TensorBoardTracker
from tests.report.conftest import build_report
from tests.tracking.fakes import BEGAN, make_opening, some_results

# Of tensorboard and what it imports.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture
def run(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "summary.md").write_text("# The summary\n")
    return tmp_path / "run"


def read(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    held = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    held.Reload()
    return held


def points(folder) -> dict[str, list[tuple[int, float]]]:
    held = read(folder)
    # The sessions of a test begin in one second, by which their files are sorted.
    return {
        tag: sorted((p.step, p.value) for p in held.Scalars(tag)) for tag in held.Tags()["scalars"]
    }


def track(run, results, *, report=None) -> None:
    tracker = TensorBoardTracker()
    tracker.open(make_opening(run))
    for one in results:
        tracker.tell(one)
    if report is None:
        tracker.stop(interrupted=True)
    else:
        tracker.finish(report)


def test_the_curves_of_the_run_lie_over_the_number_of_results(run) -> None:
    track(run, some_results())
    found = points(run / FOLDER)
    assert found["rung0/accuracy"] == [(1, 0.5), (3, 0.25)]
    assert found["rung0/best_accuracy"] == [(1, 0.5), (3, 0.5)]
    assert found["rung1/accuracy"] == [(4, 0.75)]
    assert found["failed"] == [(2, 1.0)]
    assert [p.wall_time for p in read(run / FOLDER).Scalars("rung0/accuracy")] == [
        BEGAN + 1,
        BEGAN + 3,
    ]


def test_each_student_has_its_curve_over_images_and_its_parameters(run) -> None:
    from tensorboard.plugins.hparams import plugin_data_pb2

    track(run, some_results())
    students = run / FOLDER / "students"
    assert sorted(p.name for p in students.iterdir()) == ["0000", "0002"]
    assert points(students / "0000")["student/accuracy"] == [(1000, 0.5), (3000, 0.75)]
    held = read(students / "0002").SummaryMetadata("_hparams_/session_start_info")
    data = plugin_data_pb2.HParamsPluginData.FromString(held.plugin_data.content)
    params = data.session_start_info.hparams
    assert params["alpha"].number_value == some_results()[2].candidate.distill.alpha
    assert params["block"].string_value == "conv"


def test_a_run_that_goes_on_has_each_point_once(run) -> None:
    report = build_report()
    for end in (1, 3, 4):
        track(run, some_results()[:end])
    track(run, some_results(), report=report)
    once = points(run / FOLDER)
    track(run, some_results(), report=report)
    assert points(run / FOLDER) == once
    assert all(len({step for step, _ in seen}) == len(seen) for seen in once.values())
    assert once["rung0/accuracy"] == [(1, 0.5), (3, 0.25)]
    assert points(run / FOLDER / "students" / "0000")["student/accuracy"] == [
        (1000, 0.5),
        (3000, 0.75),
    ]
    texts = read(run / FOLDER)
    assert {tag: len(texts.Tensors(tag)) for tag in texts.Tags()["tensors"]} == {
        "settings/text_summary": 1,
        "verdict/text_summary": 1,
        "summary/text_summary": 1,
    }


def test_a_record_that_a_kill_cut_off_is_written_again(run, tmp_path) -> None:
    tracker = TensorBoardTracker()
    tracker.open(make_opening(run))
    for one in some_results()[:3]:
        tracker.tell(one)
    left = tmp_path / "left" / FOLDER
    shutil.copytree(run / FOLDER, left)  # as the disk is when the process is killed now
    tracker.stop(interrupted=True)
    (events,) = left.glob("events*")
    events.write_bytes(events.read_bytes()[:-9])
    (left.parent / "summary.md").touch()
    track(left.parent, some_results())
    assert points(left) == points_of_one_session(run)


def points_of_one_session(run):
    shutil.rmtree(run / FOLDER)
    track(run, some_results())
    return points(run / FOLDER)


def test_the_end_has_the_winner_and_the_texts(run) -> None:
    report = build_report()
    track(run, some_results(), report=report)
    found = points(run / FOLDER)
    ((step, value),) = found["winner/validation_accuracy"]
    assert (step, value) == (0, pytest.approx(report.winners[0].validation_accuracy))
    texts = read(run / FOLDER)
    (summary,) = texts.Tensors("summary/text_summary")
    assert summary.tensor_proto.string_val[0] == b"# The summary\n"
    (settings,) = texts.Tensors("settings/text_summary")
    assert b"| search.trials | 4 |" in settings.tensor_proto.string_val[0]
