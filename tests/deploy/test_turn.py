"""What lets one agent measure at a time, as the program that it is on a board."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autokd.measure.local import agent_file

SLEEP = ["sleep", "30"]


@pytest.fixture
def turn(tmp_path):
    """Start it with a lock of its own; gives the process."""
    started = []

    def start(wait, live, *command, client=""):
        argv = [sys.executable, str(agent_file("turn.py")), str(wait), str(live), *command]
        env = {**os.environ, "TMPDIR": str(tmp_path), "SSH_CONNECTION": client}
        started.append(
            subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def lock_of(tmp_path):
    return next(iter(tmp_path.glob("autokd-bench-*.lock")), None)


def until(condition, seconds=15.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def ended(process):
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def a_script(code):
    return [sys.executable, "-c", code]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("print('yes')", 0),
        ("raise SystemExit(7)", 7),
        ("import os; os.kill(os.getpid(), 9)", 128 + 9),
        ("import os; os.kill(os.getpid(), 4)", 128 + 4),
    ],
)
def test_the_exit_status_is_the_commands(turn, tmp_path, code, status):
    process = turn(5, 20, *a_script(code))
    found, out, _ = ended(process)
    assert found == status
    assert out == (b"" if status else b"yes\n")
    assert list(tmp_path.iterdir()) == []


def test_the_command_reads_and_writes_as_if_alone(tmp_path):
    done = subprocess.run(
        [sys.executable, str(agent_file("turn.py")), "5", "20", "cat"],
        input=b"job",
        capture_output=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        check=True,
    )
    assert done.stdout == b"job"


def test_the_second_waits_and_says_for_whom(turn, tmp_path):
    first = turn(
        5, 20, *a_script("import time; time.sleep(1.0)"), client="192.0.2.9 5 192.0.2.1 22"
    )
    until(lambda: lock_of(tmp_path) and lock_of(tmp_path).read_text())
    second = turn(20, 20, "true")
    status, _, err = ended(second)
    assert status == 0
    assert f"autokd: waiting for process {first.pid} of 192.0.2.9, since 20".encode() in err
    assert first.poll() is not None
    assert lock_of(tmp_path) is None


def test_the_second_gives_up_in_time(turn, tmp_path):
    turn(5, 30, *SLEEP)
    until(lambda: lock_of(tmp_path) and lock_of(tmp_path).read_text())
    assert ended(turn(0.3, 20, "true"))[0] == 75


def test_three_at_once_never_run_side_by_side(turn, tmp_path):
    log = tmp_path / "log"
    code = (
        f"import os, time; f = os.open({str(log)!r}, os.O_APPEND | os.O_WRONLY | os.O_CREAT);"
        "os.write(f, b'('); time.sleep(0.2); os.write(f, b')')"
    )
    for process in [turn(30, 30, *a_script(code)) for _ in range(3)]:
        assert ended(process)[0] == 0
    assert log.read_text() == "()()()"


def test_a_killed_holder_leaves_the_turn_to_the_next(turn, tmp_path):
    first = turn(5, 30, *a_script("import time; time.sleep(1.5)"))
    until(lambda: lock_of(tmp_path) and lock_of(tmp_path).read_text())
    until(lambda: children(first.pid))
    began = time.monotonic()
    first.kill()
    status, _, err = ended(turn(20, 20, "true"))
    assert status == 0
    assert b"waiting for" in err, "the command still measured"
    assert time.monotonic() - began < 15
    assert lock_of(tmp_path) is None


def test_a_command_that_takes_too_long_is_killed(turn, tmp_path):
    process = turn(5, 0.3, *SLEEP)
    assert ended(process)[0] == 124
    assert lock_of(tmp_path) is None


def test_it_ends_the_command_when_its_starter_is_gone(tmp_path):
    """As sshd is when a connection is cut."""
    code = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, sys.argv[1], '5', '30', 'sleep', '30'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(1.0)\n"
        "os._exit(0)\n"
    )
    argv = [sys.executable, "-c", code, str(agent_file("turn.py"))]
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(argv, env=env, stdout=subprocess.PIPE, timeout=20, check=True)
    until(lambda: not Path(f"/proc/{int(done.stdout)}").exists() or is_zombie(int(done.stdout)))
    assert lock_of(tmp_path) is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_ends_the_command_when_it_is_told_to_end(turn, tmp_path, number):
    process = turn(5, 30, *SLEEP)
    until(lambda: children(process.pid))
    (child,) = children(process.pid)
    process.send_signal(number)
    assert ended(process)[0] == 129
    assert not Path(f"/proc/{child}").exists()
    assert lock_of(tmp_path) is None


def test_a_link_is_not_taken_for_the_lock(turn, tmp_path):
    (tmp_path / "mine").write_text("keep")
    (tmp_path / f"autokd-bench-{os.getuid()}.lock").symlink_to(tmp_path / "mine")
    status, _, err = ended(turn(1, 5, "true"))
    assert status == 73
    assert b"lock: cannot be locked (Too many levels of symbolic links)" in err
    assert (tmp_path / "mine").read_text() == "keep"


def children(pid):
    found = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in found.read_text().split()] if found.exists() else []


def is_zombie(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
