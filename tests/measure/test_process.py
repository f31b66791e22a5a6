import contextlib
import signal
import sys
import time
from pathlib import Path

import pytest

from autokd.errors import DeviceError
from autokd.measure.process import run_limited


def run(code, *, stdin=b"", seconds=20.0, most_bytes=100, **options):
    argv = [sys.executable, "-c", code]
    return run_limited(
        argv, stdin=stdin, seconds=seconds, most_bytes=most_bytes, where="x", **options
    )


def test_what_a_program_said_and_how_it_ended():
    lines = []
    code = "import sys; print(sys.stdin.read().upper(), end=''); sys.exit('a\\nb')"
    done = run(code, stdin=b"hello", on_line=lines.append)
    assert (done.status, done.stdout, done.stderr) == (1, b"HELLO", "a\nb\n")
    assert lines == ["a", "b"]


def test_a_file_is_read_from_where_it_stands(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    with (tmp_path / "file").open("rb") as stream:
        done = run("import sys; print(sys.stdin.read(), end='')", stdin=stream)
    assert done.stdout == b"abc"


def test_too_much_is_refused_while_it_is_read_and_not_after():
    began = time.monotonic()
    with pytest.raises(DeviceError, match="x: answered more than 100 bytes"):
        run("import sys\nwhile True: sys.stdout.write('y' * 65536)")
    assert time.monotonic() - began < 10


def test_stderr_without_end_costs_no_memory_and_keeps_its_last_words():
    code = "import sys; sys.stderr.write('e' * 1_000_000 + 'last')"
    done = run(code)
    assert len(done.stderr) <= 16384
    assert done.stderr.endswith("last")


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.sleep(60)",
        "import os, time; os.close(1); os.close(2); time.sleep(60)",
        "import subprocess; subprocess.run(['sleep', '60.0625'])",
    ],
)
def test_a_program_that_hangs_is_killed_with_what_it_started(code):
    with pytest.raises(TimeoutError):
        run(code, seconds=0.7)
    until = time.monotonic() + 5
    while b"sleep\x0060.0625" in b"".join(command_lines()):
        assert time.monotonic() < until


def test_a_signal_is_a_negative_status():
    done = run("import os; os.kill(os.getpid(), 9)")
    assert done.status == -signal.SIGKILL


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(DeviceError, match="x: no-such-program cannot be run"):
        run_limited(["no-such-program"], stdin=b"", seconds=1, most_bytes=1, where="x")


def command_lines():
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield path.read_bytes()
