"""A winner's file against the sample beside it; `tests/cli/test_doctor_problems.py` spoils both."""

import numpy as np
import onnx
import pytest

from autokd.core.device import ExportTarget
from autokd.errors import ExportError, ParityError
from autokd.export.package import SAMPLE_FILE
from autokd.export.recheck import recheck
from tests.export.test_package import export


@pytest.fixture(params=["uint8", "float32"])
def exported(request, make_case, tmp_path):
    target = ExportTarget(opset=13, ir=7, input=request.param, reason="-")
    return export(tmp_path / "winner", make_case(), target).path


def test_a_file_as_it_was_exported_computes_the_same(exported):
    parity = recheck(exported)
    assert parity.images == 8
    assert parity.agreement == 1.0
    assert parity.max_error < 1e-4


def test_a_file_with_another_bias_does_not(exported):
    model = onnx.load_model(exported)
    last = model.graph.initializer[-1]
    moved = onnx.numpy_helper.to_array(last) + np.float32(1)
    last.CopyFrom(onnx.numpy_helper.from_array(moved, last.name))
    exported.write_bytes(model.SerializeToString())
    with pytest.raises(ParityError, match="8 of 8 images differ"):
        recheck(exported)


def test_a_sample_that_cannot_be_read_is_named(exported):
    sample = exported.with_name(SAMPLE_FILE)
    sample.write_bytes(b"PK")
    with pytest.raises(ExportError, match=rf"{SAMPLE_FILE}: cannot be read .* export it again"):
        recheck(exported)
    sample.unlink()
    with pytest.raises(ExportError, match="No such file"):
        recheck(exported)
