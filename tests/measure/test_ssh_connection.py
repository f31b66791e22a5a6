"""One connection to a real server: logging in, the folder there, the end."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autokd.errors import DeviceError
from tests.measure.sshd import (
    a_target,
    make_key,
)


def test_a_key_that_may_not_log_in_is_told_how_to(board):
    make_key(board.folder / "login_key")  # another one than the board knows
    with (
        a_target(board.start()) as target,
        pytest.raises(DeviceError, match=r"refuses the login .*ssh-copy-id"),
    ):
        target.probe()


def test_a_board_that_is_off_is_told_at_once_and_not_after_minutes(board):
    target = a_target(board, pauses_seconds=(60.0,))
    began = time.monotonic()
    with pytest.raises(DeviceError, match=r"refused\. Is the board on"):
        target.probe()
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    "answer",
    ["/tmp/autokd.12345678;id", "/tmp/autokd.12345678/../..", "x" * 70_000],
)
def test_a_folder_that_no_mktemp_makes_is_refused(board, answer):
    """The folder's name is written into commands, so a board may not choose it."""
    script = board.folder / "force"
    script.write_text(f"#!/bin/sh\necho 'AUTOKD-FOLDER {answer}'\ncat > /dev/null\n")
    script.chmod(0o755)
    with (
        a_target(board.start(force=str(script))) as target,
        pytest.raises(DeviceError, match="and not with a folder") as caught,
    ):
        target.probe()
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


def test_login_scripts_that_talk_do_not_disturb(board):
    script = board.folder / "force"
    script.write_text('#!/bin/sh\necho "Welcome!"\neval "$SSH_ORIGINAL_COMMAND"\n')
    script.chmod(0o755)
    with a_target(board.start(force=str(script))) as target:
        assert target.probe().ok


def test_a_host_that_is_killed_leaves_nothing_on_the_board(board, make_model, tmp_path):
    code = (
        "import os, sys\n"
        "from autokd.measure.ssh import SshTarget\n"
        "from autokd.measure.ssh_address import parse_address\n"
        "SshTarget(parse_address(sys.argv[1]), accept_host_key=sys.argv[2]).probe()\n"
        "os.kill(os.getpid(), 9)\n"
    )
    argv = [sys.executable, "-c", code, board.start().address, board.fingerprint]
    done = subprocess.run(argv, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == -signal.SIGKILL
    assert board.wait_until_empty() == []


def test_a_long_folder_of_temporary_files_is_no_place_for_a_socket(board, tmp_path, monkeypatch):
    long = tmp_path / ("x" * 90)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with a_target(board.start()) as target:
        assert target.probe().ok
