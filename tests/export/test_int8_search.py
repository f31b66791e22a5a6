"""The search for an INT8 form that keeps the accuracy, on a student that is really trained."""

import numpy as np
import pytest

from autokd.core.precision import Int8Form
from autokd.export.accuracy import Judge
from autokd.export.graph import read_graph
from autokd.export.int8_search import search_int8
from autokd.export.onnx import build_model
from tests.export.fashion import MEAN, PX, STD, fashion_data, fashion_program, trained_fashion, wild

X86 = Int8Form(activation="uint8", per_channel=True, reduce_range=False)


def board_images(images):
    from autokd.data.augment import resize

    return resize(images.images, PX).numpy()


@pytest.fixture
def setting(nano, tmp_path):
    def make(weights):
        model = build_model(
            fashion_program(), weights, target=nano, mean=MEAN, std=STD,
            class_names=(), metadata={},
        )  # fmt: skip
        path = tmp_path / "student.onnx"
        path.write_bytes(model.SerializeToString())
        data = fashion_data()
        judge = Judge.of(path, board_images(data.validation), data.validation.labels.numpy())
        return read_graph(model), judge, board_images(data.train)[::3]

    return make


def test_a_trained_student_keeps_its_accuracy_in_the_first_form(setting):
    graph, judge, images = setting(trained_fashion())
    tries = search_int8(graph, images, form=X86, judge=judge, max_drop=0.01)
    assert {t.method for t in tries} == {"minmax", "percentile", "entropy"}
    assert {t.form for t in tries} == {X86}
    assert tries[-1].score.drop <= 0.01
    assert tries[-1].score.drop == min(t.score.drop for t in tries)
    assert tries[-1].images == 300


def test_channels_that_differ_a_thousandfold_need_more_than_the_first_form(setting):
    graph, judge, images = setting(wild(trained_fashion(), spread=1000.0))
    form = X86.model_copy(update={"per_channel": False})
    tries = search_int8(graph, images, form=form, judge=judge, max_drop=0.01)
    first = [t for t in tries if not t.excluded]
    assert min(t.score.drop for t in first) > 0.01
    later = [t for t in tries if t.excluded]
    assert later
    assert all(t.images == 300 for t in later)
    lengths = sorted(len(t.excluded) for t in later)
    assert lengths == [1, 2, 4][: len(lengths)]
    longest = max(later, key=lambda t: len(t.excluded))
    assert all(set(t.excluded) <= set(longest.excluded) for t in later)
    assert tries[-1].score.drop == min(t.score.drop for t in tries)


def test_the_model_that_is_given_is_the_one_that_was_scored(setting):
    graph, judge, images = setting(trained_fashion())
    best = search_int8(graph, images, form=X86, judge=judge, max_drop=0.0)[-1]
    assert judge.model(best.model) == best.score
    assert np.isfinite(best.score.drop)
