"""Input that is wrong: the exit code, and a text that says what is wrong where, and what to do."""

import os
import pickle
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.usefixtures("undisturbed")  # trains beside these, for the tests after them


def check_refused(done, code, *texts):
    assert done.code == code, done.err
    assert "Traceback" not in done.err + done.out
    for text in texts:
        assert text in done.error, done.error
    assert done.error.endswith((".", "?", ".)")), done.error


class Trap:
    """Runs code when it is unpickled."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return os.mkdir, (self.mark,)


@pytest.fixture
def with_teacher(here, pictures, folder):
    """Call ``compress`` with a teacher of some content."""

    def call(path, *more):
        options = ("--data", pictures, "--device", "jetson-nano", "--out", "run", *more)
        done = here("compress", "--teacher", path, *options)
        assert not (folder / "run").exists()
        return done

    return call


@pytest.fixture
def with_data(here, teacher, folder):
    """Call ``compress`` with some data."""

    def call(path, *more):
        options = ("--data", path, "--device", "jetson-nano", "--out", "run", *more)
        done = here("compress", "--teacher", teacher, *options)
        assert not (folder / "run").exists()
        return done

    return call


@pytest.fixture
def with_profile(here, teacher, pictures, folder):
    """Call ``compress`` with the profile of a Jetson Nano after some change."""

    def call(old, new):
        text = (ROOT / "profiles" / "jetson-nano.toml").read_text()
        assert re.search(old, text, re.M)
        (folder / "board.toml").write_text(re.sub(old, new, text, count=1, flags=re.M))
        given = ("--teacher", teacher, "--data", pictures, "--device", "board.toml")
        return here("compress", *given, "--dry-run")

    return call


def test_a_teacher_that_is_not_there(with_teacher):
    check_refused(with_teacher("none.pt"), 2, "none.pt", "no such file")


def test_a_teacher_of_zero_bytes(with_teacher, folder):
    (folder / "zero.pt").touch()
    check_refused(with_teacher("zero.pt"), 2, "zero.pt", "has 0 bytes", "copy it again")


def test_a_text_as_teacher(with_teacher, folder):
    (folder / "notes.pt").write_text("The weights are on the other disk.\n")
    check_refused(with_teacher("notes.pt"), 2, "notes.pt", "text")


def test_a_folder_as_teacher(with_teacher, folder):
    (folder / "model.pt").mkdir()
    check_refused(with_teacher("model.pt"), 2, "model.pt", "folder")


def test_a_teacher_that_was_copied_in_part(with_teacher, teacher, folder):
    whole = teacher.read_bytes()
    (folder / "part.pt").write_bytes(whole[: len(whole) // 2])
    check_refused(with_teacher("part.pt"), 2, "part.pt", "cut short", "copy or save it again")


def test_a_teacher_with_nan_weights(with_teacher, teacher, folder):
    state = torch.load(teacher, weights_only=True)
    state["fc.bias"][3] = float("nan")
    torch.save(state, "nan.pt")
    check_refused(with_teacher("nan.pt"), 2, "nan.pt", "fc.bias", "NaN")


def test_a_teacher_that_would_run_code_does_not(with_teacher, folder):
    with (folder / "trap.pt").open("wb") as stream:
        pickle.dump(Trap(folder / "sprung"), stream)
    torch.save({"state_dict": Trap(folder / "sprung")}, folder / "trap2.pt")
    for name in ("trap.pt", "trap2.pt"):
        check_refused(with_teacher(name), 2, name, "--trust-code")
        assert not (folder / "sprung").exists()


def test_a_teacher_of_no_known_architecture(with_teacher, folder):
    torch.save({"layer.weight": torch.ones(3, 4)}, "own.pt")
    check_refused(with_teacher("own.pt"), 2, "own.pt", "--arch")


def test_a_misspelt_architecture(with_teacher, teacher):
    done = with_teacher(teacher, "--arch", "torchvision:shuflenet_v2_x0_5")
    check_refused(done, 2, "torchvision:shuflenet_v2_x0_5", "did you mean", "'shufflenet_v2_x0_5'")


def test_a_teacher_that_knows_other_classes(with_data, pictures, folder):
    shutil.copytree(pictures, "data")
    for split in ("train", "val", "test"):
        shutil.rmtree(Path("data") / split / "bag")
    check_refused(with_data("data"), 2, "model.pt", "10", "9", "class")


def test_a_teacher_near_chance_stops_before_anything_is_trained(here, teacher, pictures, folder):
    state = torch.load(teacher, weights_only=True)
    generator = torch.Generator().manual_seed(0)
    state["fc.weight"] = torch.randn(state["fc.weight"].shape, generator=generator)
    torch.save(state, "blank.pt")
    given = ("--data", pictures, "--device", "jetson-nano", "--trials", 1, "--out", "run")
    done = here("compress", "--teacher", "blank.pt", *given)
    check_refused(done, 2, "blank.pt", "where chance has 10.0%")
    assert not (folder / "run" / "plan.json").exists()


def test_data_that_is_not_there(with_data):
    check_refused(with_data("none"), 2, "none", "no such folder or file", "--data")


def test_a_folder_without_images(with_data, folder):
    (folder / "empty").mkdir()
    check_refused(with_data("empty"), 2, "empty", "image")


def test_a_single_class(with_data, pictures):
    shutil.copytree(pictures / "train" / "bag", "data/bag")
    check_refused(with_data("data"), 2, "data", "class")


def test_an_array_file_of_zero_bytes(with_data, folder):
    (folder / "data.npz").touch()
    check_refused(with_data("data.npz"), 2, "data.npz", "empty (0 bytes)")


def test_arrays_with_floats_as_images(with_data):
    np.savez("data.npz", images=np.zeros((20, 8, 8)), labels=np.arange(20) % 2)
    check_refused(with_data("data.npz"), 2, "images is float64", "must be uint8")


def test_a_misspelt_key_in_the_settings(with_data, pictures, folder):
    (folder / "autokd.toml").write_text("[data]\nveiws = 2\n")
    check_refused(with_data(pictures), 2, "autokd.toml", "'data.veiws'", "2", "'views'")


def test_a_wrong_value_in_the_settings(with_data, pictures, folder):
    (folder / "autokd.toml").write_text("[limits]\nmax_size = '500 kilo'\n")
    check_refused(with_data(pictures), 2, "autokd.toml", "limits.max_size", "500 kilo", "kB")


def test_settings_that_are_not_toml(with_data, pictures, folder):
    (folder / "autokd.toml").write_text("device = jetson-nano\n")
    check_refused(with_data(pictures), 2, "autokd.toml", "not valid TOML", "line 1")


@pytest.mark.parametrize(
    ("option", "value", "rule"),
    [
        ("--max-params", "-5", "greater than 0"),
        ("--max-size", "12 parsecs", "kB"),
        ("--budget", "soon", "30m"),
        ("--views", "0", "greater than or equal to 1"),
    ],
)
def test_a_wrong_value_of_an_option(with_data, pictures, option, value, rule):
    check_refused(with_data(pictures, option, value), 2, option, value, rule)


def test_a_misspelt_device(here, teacher, pictures):
    given = ("--teacher", teacher, "--data", pictures)
    done = here("compress", *given, "--device", "jetson-nanno")
    check_refused(done, 2, "jetson-nanno", "did you mean", "'jetson-nano'")


def test_a_misspelt_key_in_a_profile(with_profile):
    done = with_profile(r"^ram_mib = ", "ram_mb = ")
    check_refused(done, 2, "board.toml", "'memory.ram_mb'", "did you mean", "'ram_mib'")


def test_a_wrong_unit_in_a_profile(with_profile):
    done = with_profile(r"^clock_ghz = \{ value = [\d.]+", "clock_ghz = { value = 1430")
    check_refused(done, 2, "board.toml", "cpu.clock_ghz", "1430", "must be below 8", "unit")


def test_a_number_without_its_source_in_a_profile(with_profile):
    done = with_profile(r"^clock_ghz = .*$", "clock_ghz = 1.43")
    check_refused(done, 2, "board.toml", "cpu.clock_ghz", "1.43", "source")


def test_a_run_folder_that_holds_something(with_data, pictures, here, teacher, folder):
    (folder / "old").mkdir()
    (folder / "old" / "results.json").write_text("{}")
    given = ("--data", pictures, "--device", "jetson-nano", "--out", "old")
    done = here("compress", "--teacher", teacher, *given)
    check_refused(done, 2, "--out old", "not empty", "Give another folder")
    assert [path.name for path in Path("old").iterdir()] == ["results.json"]


@pytest.mark.parametrize("command", ["resume", "status", "report"])
def test_a_folder_that_is_no_run(here, folder, command):
    (folder / "photos").mkdir()
    check_refused(here(command, "photos"), 2, "photos", "config.toml")
    check_refused(here(command, "nowhere"), 2, "nowhere", "no such run folder")


def test_the_report_of_a_run_that_has_not_ended(here, folder):
    (folder / "run").mkdir()
    (folder / "run" / "config.toml").write_text("device = 'jetson-nano'\n")
    check_refused(here("report", "run"), 2, "results.json", "autokd resume")


def test_a_run_whose_settings_were_damaged(here, folder):
    (folder / "run").mkdir()
    (folder / "run" / "config.toml").write_text("device = 'jetson-nano'\n")
    check_refused(here("resume", "run"), 2, "config.toml", "'teacher'")


def test_a_dry_run_says_how_many_students_fit(here, teacher, pictures, folder):
    given = ("--teacher", teacher, "--data", pictures, "--device", "jetson-nano")
    done = here("compress", *given, "--max-params", 20_000, "--dry-run")
    assert done.code == 0, done.err
    fitting = re.search(r"^(\d+) of 200 drawn students fit all limits", done.out)
    assert 0 < int(fitting[1]) <= 200
    assert re.search(r"^parameters  20 k ", done.out, re.M), done.out
    assert list(folder.iterdir()) == []


def test_a_dry_run_without_a_student_that_fits(here, teacher, pictures, folder):
    given = ("--teacher", teacher, "--data", pictures, "--device", "jetson-nano")
    done = here("compress", *given, "--max-params", 100, "--dry-run")
    check_refused(done, 3, "none of 200 drawn students", "parameters: at most 100", "needs")
    assert "0 of 200 drawn students fit" in done.out
    assert list(folder.iterdir()) == []


def test_limits_that_nothing_can_meet_end_a_run_before_it_trains(here, teacher, pictures, folder):
    given = ("--teacher", teacher, "--data", pictures, "--device", "jetson-nano", "--trials", 1)
    limits = ("--max-size", "2kB", "--max-params", 20_000)
    done = here("compress", *given, *limits, "--out", "run")
    check_refused(done, 3, "200 drawn students", "size: at most", "the smallest student needs")
    assert "max_size_bytes" not in done.error
    assert not (folder / "run" / "plan.json").exists()


def test_an_error_on_a_terminal_breaks_between_words(teacher, tmp_path):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "autokd", "compress", "--teacher", str(teacher)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    environment.pop("CI", None)
    ended = subprocess.run(
        [*command, "--device", "jetson-nanno"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=theirs,
        check=False,
    )
    os.close(theirs)
    lines = os.read(ours, 10_000).decode().splitlines()
    os.close(ours)
    assert ended.returncode == 2
    assert len(lines) > 1
    assert max(len(line) for line in lines) <= 80
    assert "did you mean 'jetson-nano'" in " ".join(line.strip() for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("--teacher", "none.pt"), 2, "none.pt"),
        (("--data", "none"), 2, "none"),
        (("--max-params", "100"), 3, "the smallest student needs"),
        (("--max-params", "100", "--dry-run"), 3, "the smallest student needs"),
    ],
)
def test_the_same_in_a_process_of_its_own(autokd, teacher, pictures, words, code, text):
    given = ("--teacher", teacher, "--data", pictures, "--device", "jetson-nano")
    done = autokd.run("compress", *given, *words)
    check_refused(done, code, text)
    assert done.code == code
