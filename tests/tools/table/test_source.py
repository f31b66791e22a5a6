from pathlib import Path

import pytest

from autokd.errors import DataError
from tools.table.source import load_source


def test_missing_data_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"load\.py: is missing"):
        load_source(tmp_path, seed=0)
