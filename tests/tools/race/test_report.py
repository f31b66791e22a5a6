from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from autokd.errors import ConfigError, DataError
from tests.tools.race.made_up import hand_made, made_up_table, run_of
from tools.race.comparable import read_field
from tools.race.report import FIGURE_FILES, REPORT_FILE, write_report
from tools.race.traces import NONE_YET, append_run

STEPS = [(1, 10.0, 3), (2, 20.0, 9), (5, 50.0, 99)]


@pytest.fixture
def field(tmp_path):
    """Give runs on two tables; on the second one strategy alone, with failed and empty traces."""
    path = tmp_path / "races.jsonl"
    for strategy in ("autokd", "random"):
        for seed in (0, 1):
            append_run(path, run_of(hand_made(*STEPS), strategy=strategy, seed=seed, table="a"))
    append_run(path, run_of(hand_made(), strategy="random", seed=0, table="b"))
    failed = hand_made((1, 10.0, NONE_YET))
    append_run(path, run_of(failed, strategy="random", seed=1, table="b"))
    return read_field(path)


def load(name):
    return replace(made_up_table(), name=name)


def test_a_text_and_two_figures_of_all_tables_are_written(field, tmp_path):
    folder = tmp_path / "new" / "report"
    write_report(field, load, folder, reference="autokd", after=None)
    assert sorted(p.name for p in folder.iterdir()) == sorted([REPORT_FILE, *FIGURE_FILES.values()])
    text = (folder / REPORT_FILE).read_text(encoding="utf-8")
    for name in FIGURE_FILES.values():
        assert f"]({name})" in text
        root = ET.fromstring((folder / name).read_text(encoding="utf-8"))  # noqa: S314  our own
        assert len([g for g in root.iter() if g.get("class") == "panel"]) == 2
    assert "| a | autokd | 2 | 5 | 0% | 1 | 50 |" in text
    assert "| b | random | 2 | at least 0.5 | 100% | - |" in text
    assert "random's best after 20" in text  # the cap; 100 would be more than the runs have


def test_the_same_runs_give_the_same_report(field, tmp_path):
    for name in ("one", "two"):
        write_report(field, load, tmp_path / name, reference="autokd", after=5)
    for file in (REPORT_FILE, *FIGURE_FILES.values()):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_reference_that_nobody_ran_is_refused_with_those_there_are(field, tmp_path):
    with pytest.raises(ConfigError, match="no runs of bohb; --against one of autokd, random"):
        write_report(field, load, tmp_path / "new", reference="bohb", after=None)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("after", [0, 21])
def test_more_evaluations_than_random_had_are_refused(field, tmp_path, after):
    with pytest.raises(
        ConfigError, match=f"--after {after}: .*random.* have 20 evaluations; give 1 to 20"
    ):
        write_report(field, load, tmp_path / "new", reference="autokd", after=after)


def test_nothing_is_written_of_runs_on_a_table_that_has_changed(field, tmp_path):
    def load_other(name):
        table = load(name)
        table.scores[99] -= 0.1
        return table

    with pytest.raises(DataError, match="the table has changed since"):
        write_report(field, load_other, tmp_path / "new", reference="autokd", after=None)
    assert not (tmp_path / "new").exists()
