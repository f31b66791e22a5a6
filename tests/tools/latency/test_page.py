"""The whole page on the real tables, where they are."""

import os
from pathlib import Path

import pytest

from tools.latency.__main__ import main

DATA = os.environ.get("AUTOKD_TABLES")


@pytest.mark.slow
def test_the_prediction_beats_the_plain_roofline(capsys):
    """Set AUTOKD_TABLES to the folder of nb201.npz; the table of latencies lies beside it."""
    if DATA is None:
        pytest.skip("set AUTOKD_TABLES to the folder of nb201.npz")
    published = Path(DATA).parent / "published_latencies.csv"
    if not published.is_file():
        pytest.skip(f"{published.name} is not beside the folder of AUTOKD_TABLES")
    main([str(published), DATA])
    lines = capsys.readouterr().out.splitlines()
    errors = [int(line.split("%")[3].split()[-1]) for line in lines if line.startswith(("A ", "a"))]
    assert errors[1] < errors[0]
    assert errors[3] < errors[2]


def test_a_file_that_is_not_there_ends_in_words(tmp_path):
    with pytest.raises(SystemExit, match=r"none\.csv"):
        main([str(tmp_path / "none.csv"), str(tmp_path)])
