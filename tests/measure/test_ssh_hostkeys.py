"""Host keys of a real server: unknown, accepted, wrong, changed."""

import contextlib
import socket
import threading

import pytest

from autokd.errors import DeviceError
from tests.measure.sshd import (
    a_target,
    make_key,
)


def test_a_host_that_is_not_known_is_an_error_with_its_fingerprint(board, tmp_path):
    board.start()
    with (
        a_target(board, accept_host_key=None) as target,
        pytest.raises(DeviceError, match="is not known yet") as caught,
    ):
        target.probe()
    assert f"--accept-host-key {board.fingerprint}" in str(caught.value)
    assert not (tmp_path / "config" / "autokd" / "known_hosts").exists()
    assert "Accepted" not in (board.folder / "log").read_text()


def test_another_key_than_the_accepted_one_is_refused(board, tmp_path):
    wrong = "SHA256:" + "A" * 43
    with (
        a_target(board.start(), accept_host_key=wrong) as target,
        pytest.raises(DeviceError, match="somebody stands between") as caught,
    ):
        target.probe()
    assert board.fingerprint in str(caught.value)
    assert wrong in str(caught.value)
    assert not (tmp_path / "config" / "autokd" / "known_hosts").exists()


def test_an_accepted_key_is_kept_and_a_changed_one_is_a_hard_error(board):
    before = board.fingerprint
    with a_target(board.start(), accept_host_key=before) as target:
        target.probe()
    with a_target(board, accept_host_key=None) as target:
        target.probe()
    board.stop()
    make_key(board.folder / "host_key")
    board.start()
    for accept in (None, before, board.fingerprint):
        with (
            a_target(board, accept_host_key=accept) as target,
            pytest.raises(DeviceError) as caught,
        ):
            target.probe()
        assert before in str(caught.value)
        assert board.fingerprint in str(caught.value)
        assert "ssh-keygen -f" in str(caught.value)


def test_the_port_may_be_of_something_else(board):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                connection.close()

        threading.Thread(target=answer, daemon=True).start()
        target = a_target(board, port=listener.getsockname()[1], accept_host_key=board.fingerprint)
        with pytest.raises(DeviceError, match="cannot be reached"):
            target.probe()
