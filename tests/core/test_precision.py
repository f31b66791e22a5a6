"""The form of INT8."""

import pytest

from autokd.core.codec import parse_record
from autokd.core.precision import Int8Form
from autokd.errors import ProfileError


def test_an_activation_of_another_type_is_refused() -> None:
    raw = {"activation": "int4", "per_channel": True, "reduce_range": False}
    with pytest.raises(ProfileError, match="activation"):
        parse_record(Int8Form, raw, where="a profile", error=ProfileError)
