import numpy as np
import pytest

from autokd.data.splits import balanced, cut


def parts_of(labels, *, validation=0.1, test=0.1, seed=0):
    return cut(np.asarray(labels), validation_fraction=validation, test_fraction=test, seed=seed)


def test_a_cut_holds_every_place_once_and_each_class_in_its_share():
    labels = np.repeat([0, 1, 2], [100, 50, 20])
    parts = parts_of(labels)
    together = np.concatenate((parts.train, parts.validation, parts.test))
    assert sorted(together.tolist()) == list(range(170))
    assert np.bincount(labels[parts.validation]).tolist() == [10, 5, 2]
    assert np.bincount(labels[parts.test]).tolist() == [10, 5, 2]


def test_the_same_seed_cuts_alike_and_another_differently():
    labels = np.arange(1000) % 10
    one, again, other = parts_of(labels), parts_of(labels), parts_of(labels, seed=1)
    assert np.array_equal(one.validation, again.validation)
    assert not np.array_equal(one.validation, other.validation)


def test_a_cut_does_not_follow_the_order_of_the_images():
    parts = parts_of(np.zeros(1000, np.int64))
    assert 350 < parts.validation.mean() < 650


@pytest.mark.parametrize(
    ("images", "expected"), [(1, (1, 0, 0)), (2, (1, 1, 0)), (3, (1, 1, 1)), (4, (1, 2, 1))]
)
def test_small_classes_keep_training_images_first_then_validation_then_test(images, expected):
    parts = parts_of([7] * images, validation=0.49, test=0.49)
    assert (parts.train.size, parts.validation.size, parts.test.size) == expected


def test_a_fraction_of_zero_gives_an_empty_part():
    parts = parts_of([0] * 10 + [1] * 10, test=0)
    assert (parts.train.size, parts.validation.size, parts.test.size) == (18, 2, 0)


def test_images_without_labels_are_cut_as_one_class():
    parts = parts_of([-1] * 50)
    assert (parts.train.size, parts.validation.size, parts.test.size) == (40, 5, 5)


def test_balanced_takes_small_classes_whole_and_shares_the_rest():
    labels = np.repeat([0, 1, 2], [100, 3, 50])
    chosen = balanced(labels, 43, seed=0)
    assert np.bincount(labels[chosen]).tolist() == [20, 3, 20]
    assert len(set(chosen.tolist())) == 43


def test_balanced_takes_exactly_as_many_as_asked_when_shares_do_not_divide():
    assert balanced(np.repeat([0, 1, 2], 10), 8, seed=0).size == 8


def test_balanced_takes_all_when_there_are_no_more():
    assert balanced(np.asarray([0, 1, 1]), 3, seed=0).tolist() == [0, 1, 2]
