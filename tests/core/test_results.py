"""The records of ``results.json``."""

import jsonschema
import pytest

from autokd.core.results import KdGain, LimitFeasibility, Report


def test_gain_is_the_difference_in_accuracy() -> None:
    gain = KdGain(epochs=1, with_teacher=0.82, without_teacher=0.80, seeds=1)
    assert gain.gain == pytest.approx(0.02)


def test_the_schema_of_a_report_is_a_json_schema_without_unknown_keys() -> None:
    schema = Report.model_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    assert all(d.get("additionalProperties", False) is False for d in _objects(schema["$defs"]))


def test_a_row_of_feasibility_survives_a_file() -> None:
    row = LimitFeasibility(limit="max_params", value=1e5, fitting=3, nearest=9e4)
    assert LimitFeasibility.model_validate_json(row.model_dump_json()) == row


def _objects(definitions: dict) -> list[dict]:
    return [d for d in definitions.values() if d.get("type") == "object"]
