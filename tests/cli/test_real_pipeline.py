"""The command line before the real pipeline: input that is wrong, met by the parts themselves."""

import pytest

pytestmark = pytest.mark.slow  # torch, torchvision and botorch are imported in each process


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--dry-run"], "data"),
        (["--out", "run"], "data"),
        (["--data", "empty", "--dry-run"], "empty"),
    ],
)
def test_input_that_is_wrong_is_exit_code_2_without_a_traceback(command, folder, words, text):
    (folder / "empty").mkdir()
    done = command(
        "compress", "--teacher", "none.pt", "--device", "jetson-nano", *words, timeout=120
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    last = done.stderr.splitlines()[-1]
    assert last.startswith("autokd: error: ")
    assert text in last
    assert "Traceback" not in done.stderr


def test_the_status_of_a_run_that_was_only_begun(command, folder):
    (folder / "run").mkdir()
    (folder / "run" / "config.toml").write_text(
        "device = 'jetson-nano'\n[teacher]\nfile = 'model.pt'\n"
    )
    done = command("status", "run", timeout=120)
    assert done.returncode == 0, done.stderr
    assert "stopped" in done.stdout
    assert "none yet" in done.stdout
