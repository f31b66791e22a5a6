"""A disk that is full, and one that takes no large files."""

import os
import subprocess

import pytest

TMPFS_BYTES = 2 * 2**20


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_BYTES}", "tmpfs", str(place)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no 'mount'")
    if done.returncode:
        pytest.skip(f"mount is not permitted: {done.stderr.strip()}")
    yield place
    # Lazily: a mount that stayed behind would be in the way of every later session of tests.
    if subprocess.run(["umount", str(place)], check=False).returncode:
        subprocess.run(["umount", "-l", str(place)], check=True)
        pytest.fail(f"{place}: a file there is still open")


def check_stopped(done, run):
    assert done.code == 75, done.err
    assert "Traceback" not in done.err
    assert "cannot be written" in done.error
    assert "Free some space" in done.error
    assert not list(run.rglob("*.tmp*"))


def fill(place, leave_bytes):
    """Fill a disk up to its last bytes."""
    free = os.statvfs(place)
    size = free.f_bavail * free.f_frsize - leave_bytes
    (place / "ballast").write_bytes(bytes(size))


def test_a_disk_that_is_full_from_the_start(here, small_disk, words):
    fill(small_disk, 0)
    done = here("compress", *words, "--out", small_disk / "run")
    check_stopped(done, small_disk / "run")
    assert str(small_disk / "run") in done.error


def test_a_disk_that_is_full_when_the_ledger_begins(here, small_disk, words):
    fill(small_disk, 8192)
    run = small_disk / "run"
    done = here("compress", *words, "--out", run)
    check_stopped(done, run)
    assert "autokd resume" in done.error


@pytest.mark.slow
@pytest.mark.parametrize("leave_kib", [64, 160, 400, 700, 1000])
def test_a_run_goes_on_when_the_disk_has_space_again(
    autokd, small_disk, words, finished, leave_kib
):
    fill(small_disk, leave_kib * 1024)
    run = small_disk / "run"
    done = autokd.run("compress", *words, "--out", run)
    check_stopped(done, run)
    (small_disk / "ballast").unlink()
    done = autokd.run("resume", run)
    assert done.code == 0, done.err
    for winner in ("1", "2"):
        name = f"winners/{winner}/student.safetensors"
        assert (run / name).read_bytes() == (finished.run / name).read_bytes()


def test_a_limit_on_the_size_of_files(autokd, words):
    run = autokd.work / "run"
    done = autokd.run("compress", *words, "--out", run, largest_file_bytes=40_000)
    check_stopped(done, run)
    assert "File too large" in done.error
