"""What each parameter moved."""

import pytest

from autokd.core.effects import ParameterEffect
from autokd.report.parameters import WORDS, parameter_effects
from autokd.space.coding import dimensions


def with_effects(report, *rows):
    names = ("name", "share", "share_low", "share_high")
    effects = tuple(ParameterEffect(**dict(zip(names, row, strict=True))) for row in rows)
    return parameter_effects(report.model_copy(update={"effects": effects}))


def test_without_effects_there_is_nothing(report) -> None:
    assert parameter_effects(report) is None


def test_a_bar_ends_at_its_share_and_its_line_spans_the_interval(report) -> None:
    effects = with_effects(report, ("fill", 0.2, 0.1, 0.4), ("alpha", 0.1, 0.0, 0.15))
    assert (effects.axis.low, effects.axis.high) == (0, 0.4)
    assert effects.rows[0].places == (50, 25, 100)
    assert effects.rows[0].text == "20 % (10 to 40)"
    assert effects.rows[0].words == "use of the limits"


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            [("fill", 0.5, 0.4, 0.6), ("alpha", 0.1, 0.05, 0.2)],
            "Use of the limits clearly moved accuracy most.",
        ),
        (
            [("fill", 0.5, 0.1, 0.6), ("alpha", 0.1, 0.05, 0.2)],
            "Use of the limits moved accuracy most; its interval overlaps with others.",
        ),
        (
            [("fill", 0.1, 0.0, 0.6), ("alpha", 0.1, 0.004, 0.2)],
            "No parameter stands out: every interval reaches down to nothing.",
        ),
        ([("gates", 0.3, 0.2, 0.4)], "Gates clearly moved accuracy most."),
    ],
)
def test_the_sentence_says_no_more_than_the_intervals(report, rows, sentence) -> None:
    assert with_effects(report, *rows).sentence == sentence


def test_every_parameter_of_the_shipped_spaces_has_words() -> None:
    names = {d.name for preset in ("edge", "paper") for d in dimensions(preset, 32)}
    assert names <= set(WORDS)


def test_a_parameter_of_a_plug_in_is_named_as_it_is(report) -> None:
    assert with_effects(report, ("token_count", 0.2, 0.1, 0.3)).rows[0].words == "token count"
