"""One process at a time: a lock that ends with its process, however it ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def held_lock(file: Path) -> Iterator[None]:
    """Wait for the lock of ``file`` and hold it.

    Raises:
        OSError: The file cannot be made.
    """
    with file.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
