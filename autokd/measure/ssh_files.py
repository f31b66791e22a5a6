"""Files on a board: sent once each, checked there, and named only when they are whole."""

import hashlib
from pathlib import Path

from autokd.errors import DeviceError, InputError
from autokd.measure.process import Finished
from autokd.measure.protocol import strip_control
from autokd.measure.ssh_connection import ConnectionLostError, SshConnection

_SHORT_SECONDS = 60.0
_LEAST_BYTES_PER_SECOND = 20_000.0

_NO_SHA256, _DAMAGED = 91, 92
# A cut transfer looks to `cat` like the end of the file, so the name is given after the check.
_RECEIVE = (
    "cat > {part} || exit 90; s=$(sha256sum < {part}) || exit 91; "
    '[ "${{s%% *}}" = {digest} ] || exit 92; mv {part} {name} || exit 90'
)


class BoardFiles:
    """What was sent over one connection; it all goes when the connection ends."""

    def __init__(self, connection: SshConnection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._sent: dict[str, str] = {}

    def send(self, path: Path, suffix: str) -> str:
        """Give where ``path`` lies on the board, sent now unless its content lies there already.

        Raises:
            InputError: It cannot be read here.
            DeviceError: It cannot be written there.
            ConnectionLostError: The connection was cut, or the file arrived damaged.
        """
        try:
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
                size = stream.tell()
                if digest + suffix in self._sent:
                    return self._sent[digest + suffix]
                stream.seek(0)
                place = f"{self._connection.folder}/{digest[:16]}{suffix}"
                command = _RECEIVE.format(part=f"{place}.part", name=place, digest=digest)
                seconds = _SHORT_SECONDS + size / _LEAST_BYTES_PER_SECOND
                done = self._connection.run(command, stdin=stream, seconds=seconds)
        except TimeoutError:
            msg = f"{self._name}: {path.name} did not arrive in time"
            raise ConnectionLostError(msg) from None
        except OSError as fault:
            msg = f"{path}: cannot be read ({fault.strerror}); give the path of an ONNX file."
            raise InputError(msg) from None
        if done.status:
            raise self._explain(done, f"{path.name} ({size} bytes)")
        self._sent[digest + suffix] = place
        return place

    def _explain(self, done: Finished, what: str) -> DeviceError:
        if done.status == _DAMAGED:
            return ConnectionLostError(f"{self._name}: {what} arrived damaged")
        said = strip_control(done.stderr)[-200:] or f"status {done.status}"
        advice = "Free some space there, or let TMPDIR there name a folder that has some."
        if done.status == _NO_SHA256:
            advice = "Install sha256sum there; coreutils and busybox have it."
        return DeviceError(
            f"{self._name}: {what} cannot be written to {self._connection.folder} ({said}). "
            f"{advice}"
        )
