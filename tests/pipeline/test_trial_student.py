import pytest

from autokd.core.device import load_profile
from autokd.errors import ProfileError
from autokd.export.verify import INT8_OPERATORS, check_file
from autokd.pipeline.trial_student import write_trial_student


def test_a_student_is_written_in_the_form_that_the_board_loads(tmp_path):
    profile = load_profile("jetson-nano")
    made = write_trial_student(tmp_path, profile)
    fp32, int8 = made.files
    check_file(fp32, profile.export)
    check_file(int8, profile.export, operators=INT8_OPERATORS)
    assert int8.stat().st_size < fp32.stat().st_size
    low, middle, high = made.predicted_ms
    factor = profile.latency.interval_factor.value
    assert low == pytest.approx(middle / factor)
    assert high == pytest.approx(middle * factor)


def test_a_microcontroller_has_none(tmp_path):
    with pytest.raises(ProfileError, match="onnxruntime does not run there"):
        write_trial_student(tmp_path, load_profile("stm32h7"))
