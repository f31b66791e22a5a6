"""Agents that die, hang or lie, on a real server."""

import contextlib
import sys
import threading

import pytest

from autokd.errors import DeviceError, MeasurementError
from autokd.measure import ssh
from autokd.measure.process import Finished
from autokd.measure.ssh_end import explain_end
from tests.measure.sshd import (
    a_target,
    all_processes,
    command_of,
    wait_for,
)

AS_AGENT = 'case "$1:$2" in -c:*|*:[0-9]*) exec {python} "$@";; esac\n'


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("kill -9 $$", "the agent was ended by SIGKILL: most likely .*memory"),
        ("yes", "answered more than 1048576 bytes"),
        ("printf '\\033]0;x\\007evil'", "gave no whole answer, but: ]0;x evil"),
        ("printf '\\033[2J' >&2; exit 1", r"with status 1 and no answer: \[2J"),
    ],
)
def test_a_hostile_or_dying_agent_is_told_in_plain_words(board, script, words):
    board.write_python(AS_AGENT.format(python=sys.executable) + script)
    with a_target(board.start()) as target, pytest.raises(DeviceError, match=words) as caught:
        target.probe()
    assert str(caught.value).isprintable()
    assert board.wait_until_empty() == []


@pytest.mark.parametrize(
    ("status", "stderr", "kind", "words"),
    [
        (7, "", DeviceError, "x: the agent ended with status 7 and no answer: it said nothing"),
        (1, "a\nb\x1b[1m", DeviceError, r"status 1 and no answer: a b \[1m\. 'autokd doctor"),
        (73, "f.lock: cannot be locked (Denied)", DeviceError, r"no answer: f\.lock: cannot be lo"),
        (128 + 4, "", DeviceError, "by SIGILL: this onnxruntime is not built for the processor"),
        (128 + 11, "", DeviceError, "by SIGSEGV: onnxruntime crashed: install another version"),
        (128 + 15, "", DeviceError, "by SIGTERM: look at who ended it"),
        (128 + 100, "", DeviceError, "by signal 100: look at"),
        (124, "", MeasurementError, "ran longer than 30 s and was stopped"),
        (
            75,
            "autokd: waiting for process 7\n",
            DeviceError,
            "after 9 s .* for process 7; end that",
        ),
        (75, "", DeviceError, "still measures for another run; end that"),
    ],
)
def test_why_an_agent_said_nothing(status, stderr, kind, words):
    fault = explain_end(Finished(status, b"", stderr), name="x", live=30.0, turn=9.0)
    assert type(fault) is kind
    with pytest.raises(kind, match=words):
        raise fault


def test_an_agent_that_hangs_is_ended_on_the_board(board, monkeypatch):
    monkeypatch.setattr(ssh, "START_SECONDS", 1.0)
    board.write_python(AS_AGENT.format(python=sys.executable) + "exec sleep 600.125")
    with (
        a_target(board.start()) as target,
        pytest.raises(MeasurementError, match="ran longer than 1 s and was stopped"),
    ):
        target.probe()
    sleeping = [p for p in all_processes() if "sleep\x00600.125" in command_of(p)]
    assert sleeping == []


def test_an_agent_ends_with_its_connection(board, make_model):
    board.write_python(AS_AGENT.format(python=sys.executable) + "exec sleep 601.125")
    target = a_target(board.start(), pauses_seconds=())

    def run():
        with contextlib.suppress(DeviceError):
            target.probe()

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: any("sleep\x00601.125" in command_of(p) for p in all_processes()))
    board.cut()
    thread.join()
    wait_for(lambda: not any("sleep\x00601.125" in command_of(p) for p in all_processes()))
    assert board.wait_until_empty() == []
