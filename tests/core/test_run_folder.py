import re

import pytest

from autokd.core.run_folder import new_run_folder
from autokd.errors import InputError


def test_a_folder_is_named_after_device_and_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = new_run_folder(None, "host", name="--out")
    assert re.fullmatch(r"runs/host-\d{8}-\d{6}", run.as_posix())
    assert not run.exists()


def test_an_empty_folder_may_be_given(tmp_path):
    assert new_run_folder(tmp_path, "host", name="out=") == tmp_path


@pytest.mark.parametrize(("inside", "text"), [(True, "is not empty"), (False, "is a file")])
def test_nothing_is_overwritten(tmp_path, inside, text):
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(InputError, match=f"^out= .*: {text}"):
        new_run_folder(tmp_path if inside else tmp_path / "mine", "host", name="out=")
