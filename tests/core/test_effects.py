import pytest
from pydantic import ValidationError

from autokd.core.codec import load_record, save_record
from autokd.core.effects import ParameterEffect

EFFECT = ParameterEffect(name="block", share=0.31, share_low=0.12, share_high=0.44)


def test_an_effect_comes_back_from_its_file_as_it_was(tmp_path) -> None:
    save_record(EFFECT, tmp_path / "effect.json")
    assert load_record(ParameterEffect, tmp_path / "effect.json") == EFFECT


def test_an_effect_without_its_interval_is_refused() -> None:
    with pytest.raises(ValidationError, match="share_low"):
        ParameterEffect.model_validate({"name": "block", "share": 0.31, "share_high": 0.44})
