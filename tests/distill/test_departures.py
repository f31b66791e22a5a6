import numpy as np
import pytest

from autokd.core.departures import ClassScore, Disagreement
from autokd.distill.departures import Answers, class_scores, disagreements, telling_images

NAMES = ("ant", "bee", "cat")


def answers(labels: list[int], student: list[int], teacher: list[int], sure=None) -> Answers:
    """Give answers whose logit of the named class is ``sure``, 1 where nothing is said."""
    logits = np.zeros((len(student), len(NAMES)), dtype=np.float32)
    logits[np.arange(len(student)), student] = sure or 1.0
    return Answers(np.array(labels), logits, np.array(teacher))


def test_each_class_has_its_images_and_what_both_name_right() -> None:
    # Of four ants two are named right, one is a bee and one a cat to the student.
    given = answers(
        labels=[0, 0, 0, 0, 1, 1], student=[0, 0, 1, 2, 2, 2], teacher=[0, 0, 0, 1, 1, 0]
    )
    assert class_scores(given, NAMES) == (
        ClassScore(name="ant", images=4, student_right=2, teacher_right=3, confused_with="bee"),
        ClassScore(name="bee", images=2, student_right=0, teacher_right=1, confused_with="cat"),
        ClassScore(name="cat", images=0, student_right=0, teacher_right=0, confused_with=None),
    )


def test_the_class_that_is_named_is_the_one_it_is_taken_for_most_often() -> None:
    given = answers(labels=[2] * 5, student=[0, 1, 1, 2, 2], teacher=[2] * 5)
    assert class_scores(given, NAMES)[2].confused_with == "bee"


def test_images_without_a_label_count_for_no_class() -> None:
    given = answers(labels=[-1, 0], student=[1, 0], teacher=[0, 0])
    assert [score.images for score in class_scores(given, NAMES)] == [1, 0, 0]
    assert class_scores(answers([-1, -1], [1, 0], [0, 0]), NAMES) == ()


def test_counts_add_up_to_the_accuracy() -> None:
    rng = np.random.default_rng(0)
    labels, student, teacher = rng.integers(0, 3, (3, 500))
    scores = class_scores(answers(list(labels), list(student), list(teacher)), NAMES)
    assert sum(score.images for score in scores) == 500
    assert sum(score.student_right for score in scores) == (student == labels).sum()
    assert sum(score.teacher_right for score in scores) == (teacher == labels).sum()


def test_the_surest_mistakes_come_first_and_those_of_the_teacher_last() -> None:
    given = answers(
        labels=[0, 0, 0, 0, 0, 0],
        student=[1, 1, 0, 0, 2, 1],
        teacher=[0, 0, 0, 1, 1, 0],
        #     mistake, surer, both right, the student right, both wrong, surest
        sure=[2.0, 4.0, 9.0, 9.0, 8.0, 6.0],
    )
    assert telling_images(given, most=9) == [5, 1, 0, 4, 3]
    assert telling_images(given, most=2) == [5, 1]
    assert given.differing == 5


def test_how_sure_a_student_is_does_not_round_to_one() -> None:
    # All three have a probability of 1 in 32 and in 64 bits.
    given = answers([0, 0, 0], [1, 1, 1], [0, 0, 0], sure=[60.0, 200.0, 100.0])
    assert telling_images(given, most=3) == [1, 2, 0]


def test_it_is_the_odds_that_count_and_not_the_logit() -> None:
    given = answers([0, 0], [1, 1], [0, 0], sure=[5.0, 4.0])
    given.student[0] += np.array([4.0, 4.0, 4.0])
    given.student[0, 2] = 8.5  # so near to 9 that the first is in doubt
    assert telling_images(given, most=2) == [1, 0]


def test_without_a_label_the_teacher_is_right() -> None:
    given = answers([-1, 0], [1, 1], [0, 2], sure=[1.0, 5.0])
    assert telling_images(given, most=2) == [0, 1]
    assert disagreements(given, [0, 1], NAMES) == (
        Disagreement(index=0, label=None, student="bee", teacher="ant"),
        Disagreement(index=1, label="ant", student="bee", teacher="cat"),
    )


@pytest.mark.parametrize("labels", [[0, 1], [-1, -1]])
def test_who_agrees_on_everything_has_no_images(labels) -> None:
    assert telling_images(answers(labels, [0, 1], [0, 1]), most=24) == []


def test_a_single_class_leaves_nothing_to_mistake() -> None:
    only = Answers(np.array([0, 0]), np.ones((2, 1), dtype=np.float32), np.array([0, 0]))
    assert telling_images(only, most=24) == []
    assert class_scores(only, ("ant",))[0].student_right == 2
