"""Runs a command on a board when no other one measures there, and ends it with the connection.

    python3 turn.py WAIT_SECONDS LIVE_SECONDS COMMAND...

The exit status is the command's; 128 and the number of the signal that ended it; 73 when there is
no lock to be had; 75 when somebody else still measured after WAIT_SECONDS; 124 when it ran longer
than LIVE_SECONDS; 129 when who started this is gone, or tells it to end. Python 3.6 and its
standard library.

The lock is one file of the user in the folder of temporary files. The system frees it when its
holder dies, so it cannot go stale, and the file is removed in the end.
"""

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import time

WAITING = "autokd: waiting for "  # on stderr, with who measures now
REFUSED, BUSY, LATE, ALONE = 73, 75, 124, 129
LOOK_SECONDS = 1.0  # seldom, so that looking does not disturb what is measured


class Busy(Exception):  # noqa: N818 - an answer, not a defect
    """Somebody else measured all the time."""


def main(arguments):
    """Wait for the turn, run the command and give the exit status."""
    parent = os.getppid()
    wait_seconds, live_seconds, command = float(arguments[0]), float(arguments[1]), arguments[2:]
    path = os.path.join(tempfile.gettempdir(), "autokd-bench-%d.lock" % os.getuid())
    try:
        lock = take(path, wait_seconds)
    except Busy:
        return BUSY
    except OSError as fault:
        sys.stderr.write("%s: cannot be locked (%s)\n" % (path, fault.strerror))
        return REFUSED
    try:
        return run(command, live_seconds, parent, lock)
    finally:
        os.unlink(path)
        os.close(lock)


def take(path, seconds):
    """Give the open file at ``path``, locked and signed; raises Busy when it takes too long."""

    def give_up(*_):
        raise Busy

    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        lock = _lock(path)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    client = os.environ.get("SSH_CONNECTION", "").partition(" ")[0] or "this machine"
    utc = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    os.ftruncate(lock, 0)
    os.write(lock, ("process %d of %s, since %s" % (os.getpid(), client, utc)).encode())
    return lock


def _lock(path):
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.stderr.write("%s%s\n" % (WAITING, os.read(lock, 200).decode("utf-8", "replace")))
            sys.stderr.flush()
            fcntl.flock(lock, fcntl.LOCK_EX)
        # Who holds it removes it before letting go, so this may be a file that is gone.
        try:
            if os.fstat(lock).st_ino == os.stat(path).st_ino:
                return lock
        except OSError:
            pass
        os.close(lock)


def run(command, live_seconds, parent, lock):
    """Run the command and give its exit status; ends it with its time or with our parent."""
    told = []  # not an exception, which might come between the start of the child and its name
    for ending in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(ending, lambda number, _: told.append(number))
    # The command holds the lock too: if this process is killed, nobody measures beside the command.
    child = subprocess.Popen(command, pass_fds=[lock])
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    until = time.time() + live_seconds
    try:
        while child.poll() is None:
            if told or os.getppid() != parent:
                return ALONE
            if time.time() > until:
                return LATE
            signal.sigtimedwait({signal.SIGCHLD}, LOOK_SECONDS)
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
