"""Progress that nobody watches."""

import pytest

from autokd.core.progress import Progress, silent


def test_silent_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress: Progress = silent
    progress("reading", 1, 2)
    assert capsys.readouterr() == ("", "")
