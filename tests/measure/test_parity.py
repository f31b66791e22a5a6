import numpy as np
import pytest

from autokd.errors import DeviceError
from autokd.measure.parity import compare_output
from autokd.measure.protocol import parse_answer
from tests.measure.answers import an_answer, changed, wrapped


def answer(values, **changes):
    output = {"values": values, "size": len(values), "argmax": int(np.argmax(values)), **changes}
    return parse_answer(wrapped(changed("output", **output)), where="x")


def test_equal_outputs_agree():
    found = compare_output(answer([0.5, -1.5]), np.array([0.5, -1.5], dtype=np.float32))
    assert (found.compared, found.max_error, found.agrees, found.same_class) == (2, 0.0, True, True)


@pytest.mark.parametrize(
    ("off", "reference", "agrees"),
    [
        (0.99e-4, 0.0, True),  # the absolute part alone
        (1.01e-4, 0.0, False),
        (0.99e-4 + 1e-2, 10.0, True),  # with a thousandth of 10
        (1.02e-4 + 1e-2, 10.0, False),
        (-0.99e-4 - 1e-2, -10.0, True),
    ],
)
def test_fp32_may_differ_by_a_ten_thousandth_and_a_thousandth_of_the_value(off, reference, agrees):
    found = compare_output(answer([reference + off, 20.0]), np.array([reference, 20.0]))
    assert found.agrees == agrees
    assert found.max_error == pytest.approx(abs(off))
    assert found.same_class


def test_other_precisions_have_other_tolerances():
    reference = np.array([0.0, 1.0])
    assert not compare_output(answer([0.01, 1.0]), reference).agrees
    assert compare_output(answer([0.01, 1.0]), reference, atol=0.02).agrees


def test_the_class_is_of_all_numbers_and_not_only_of_those_sent():
    reference = np.zeros(2000)
    reference[1999] = 9.0
    found = compare_output(answer([0.0] * 1024, size=2000, argmax=1999), reference)
    assert (found.compared, found.same_class) == (1024, True)
    assert not compare_output(answer([0.0] * 1024, size=2000, argmax=3), reference).same_class


def test_outputs_of_other_sizes_are_not_compared():
    with pytest.raises(DeviceError, match="gave 2 numbers there, and 3 here"):
        compare_output(answer([0.0, 1.0]), np.zeros(3))
    with pytest.raises(DeviceError, match="gave 2 numbers there, and 2 here"):
        compare_output(parse_answer(wrapped(changed("output", values=[])), where="x"), np.zeros(2))


def test_a_probe_has_no_output():
    parts = ("job", "latency_ms", "output", "validity")
    probe = {key: value for key, value in an_answer().items() if key not in parts}
    with pytest.raises(DeviceError, match="no output to compare"):
        compare_output(parse_answer(wrapped(probe), where="x"), np.zeros(2))
