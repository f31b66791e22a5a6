"""The page of settings has every key, with what is known of it."""

import re

from autokd.core.config import DataConfig, ExportConfig, RunConfig
from autokd.core.setting_names import KEYS
from tests.docs.blocks import ROOT
from tools.site.settings import meanings, render_settings


def rows():
    """Give the cells of each row by table and key."""
    found, table = {}, ""
    for line in render_settings(ROOT).splitlines():
        if line.startswith("## "):
            table = "".join(re.findall(r"\[(\w+)\]", line))
        elif line.startswith("| `"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            found[table, cells[0].strip("`")] = cells
    return found


def test_every_key_that_has_an_option_stands_there_with_it():
    for parameter, path in KEYS.items():
        cells = rows()["" if len(path) == 1 else path[0], path[-1]]
        assert cells[1] == f"`--{parameter.replace('_', '-')}`"


def test_every_key_of_the_record_stands_there():
    names = set(RunConfig.model_fields) - {"teacher", "data", "limits", "search", "export"}
    assert names <= {key for table, key in rows() if table == ""}
    assert set(DataConfig.model_fields) == {key for table, key in rows() if table == "data"}


def test_a_row_has_default_rule_and_meaning():
    _, flag, default, rule, meaning = rows()["data", "views"]
    assert (flag, default, rule) == ("`--views`", "`4`", "at least 1, at most 64")
    assert "Augmented views" in meaning
    assert rows()["data", "flip"][3] == "`auto`, `yes`, `no`"
    assert rows()["teacher", "file"][2] == "must be given"
    assert rows()["search", "kd_gain"][2] == "`true`"


def test_a_meaning_of_two_lines_is_whole():
    assert meanings(ExportConfig)["max_accuracy_drop"].endswith("0.01 is one point.")
    assert "max_accuracy_drop" not in meanings(ExportConfig)["precision"]
