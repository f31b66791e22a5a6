"""The form of INT8."""

import pytest

from autokd.core.codec import parse_record
from autokd.core.precision import Int8Form
from autokd.errors import ProfileError


def test_an_activation_of_another_type_is_refused() -> None:
    raw = {"activation": "int4", "per_channel": True, "reduce_range": False}
    with pytest.raises(ProfileError, match="activation"):
        parse_record(Int8Form, raw, where="a profile", error=ProfileError)


def test_symmetric_activations_are_signed() -> None:
    raw = {"activation": "uint8", "per_channel": True, "reduce_range": False, "symmetric": True}
    with pytest.raises(ProfileError, match="symmetric = true goes with activation = 'int8'"):
        parse_record(Int8Form, raw, where="a profile", error=ProfileError)


@pytest.mark.parametrize(
    ("activation", "symmetric", "span"),
    [("uint8", False, (0, 255)), ("int8", False, (-128, 127)), ("int8", True, (-127, 127))],
)
def test_the_integers_of_an_activation(activation, symmetric, span) -> None:
    form = Int8Form(
        activation=activation, per_channel=True, reduce_range=False, symmetric=symmetric
    )
    assert form.activation_span == span


def test_reduced_weights_leave_pairs_of_products_in_16_bits() -> None:
    form = Int8Form(activation="uint8", per_channel=True, reduce_range=True)
    assert 2 * 255 * form.weight_limit < 2**15
    assert form.model_copy(update={"reduce_range": False}).weight_limit == 127
