"""Host keys that a person has accepted, in a file of autokd's own."""

import base64
import binascii
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from autokd.errors import DeviceError, StorageError
from autokd.measure.process import run_limited
from autokd.measure.protocol import strip_control
from autokd.measure.ssh_address import SshAddress
from autokd.measure.ssh_options import CONNECT_SECONDS, key_argv


@dataclass(frozen=True, slots=True)
class HostKey:
    """A public key.

    Attributes:
        kind: Such as ``ssh-ed25519``.
        blob: In base64.
    """

    kind: str
    blob: str

    @property
    def fingerprint(self) -> str:
        """``SHA256:...`` as ssh prints it."""
        digest = hashlib.sha256(base64.b64decode(self.blob)).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def known_hosts_file() -> Path:
    """Give the path of the file; it may not exist yet."""
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return config / "autokd" / "known_hosts"


def known_keys(file: Path, name: str) -> list[HostKey]:
    """Give the keys that ``file`` has for ``name``."""
    if not file.is_file():
        return []
    found = []
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        fields = line.split()
        if len(fields) >= 3 and fields[0] == name:
            try:
                base64.b64decode(fields[2], validate=True)
            except binascii.Error:
                continue  # ssh reads the file too, and refuses such a line itself
            found.append(HostKey(fields[1], fields[2]))
    return found


def require_known(address: SshAddress, *, accept: str | None) -> None:
    """Check that the key of a host was accepted, now by ``accept`` or before.

    Raises:
        DeviceError: It was not; the message has the fingerprint. Or the host does not answer.
        StorageError: The accepted key cannot be kept.
    """
    file = known_hosts_file()
    known = known_keys(file, address.known_as)
    if accept is not None and known and accept not in {key.fingerprint for key in known}:
        msg = (
            f"{address}: the key {known[0].fingerprint} was accepted before, and now {accept} is "
            f"given. {_how_to_forget(address, file)}"
        )
        raise DeviceError(msg)
    if known:
        return
    shown = fetch_key(address)
    if accept is None:
        msg = (
            f"{address}: is not known yet; its host key is {shown.fingerprint} ({shown.kind}). "
            "Compare it with the board's own ('ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub' "
            f"there), then give --accept-host-key {shown.fingerprint}"
        )
        raise DeviceError(msg)
    if accept != shown.fingerprint:
        msg = (
            f"{address}: shows the host key {shown.fingerprint}, and {accept} was to be accepted. "
            "Either the fingerprint is of another key or board, or somebody stands between; "
            "compare it with the board's own."
        )
        raise DeviceError(msg)
    _remember(file, address.known_as, shown)


def explain_change(address: SshAddress) -> str:
    """Say what to do about a host whose key is not the one that was accepted."""
    file = known_hosts_file()
    before = ", ".join(key.fingerprint for key in known_keys(file, address.known_as)) or "none"
    return (
        f"{address}: THE HOST KEY HAS CHANGED. Accepted was {before}; now the machine shows "
        f"{fetch_key(address).fingerprint}. Either the board was set up anew, or somebody stands "
        f"between. {_how_to_forget(address, file)}"
    )


def fetch_key(address: SshAddress) -> HostKey:
    """Ask a host for its key, without logging in.

    Raises:
        DeviceError: It does not answer.
    """
    with tempfile.TemporaryDirectory(prefix="akd") as folder:
        file = Path(folder, "known_hosts")
        argv = key_argv(address, known_hosts=file)
        try:
            done = run_limited(
                argv,
                stdin=b"",
                seconds=4 * CONNECT_SECONDS,
                most_bytes=65536,
                where=str(address),
            )
        except TimeoutError:
            msg = f"{address}: does not answer; is the board on, and the port right?"
            raise DeviceError(msg) from None
        found = known_keys(file, address.known_as)
    if not found:
        said = strip_control(done.stderr)[-300:] or "no reason"
        msg = f"{address}: cannot be reached: {said}. Is the board on, and the port right?"
        raise DeviceError(msg)
    return found[0]


def _how_to_forget(address: SshAddress, file: Path) -> str:
    return (
        f"If you know why, remove the old key with: ssh-keygen -f '{file}' -R "
        f"'{address.known_as}', and accept the new one."
    )


def _remember(file: Path, name: str, key: HostKey) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # One write of one line: two runs that do it at once leave two whole lines.
        with file.open("a", encoding="ascii") as stream:
            stream.write(f"{name} {key.kind} {key.blob}\n")
    except OSError as fault:
        msg = (
            f"{file}: the host key cannot be kept ({fault.strerror}); check that folder's "
            "permissions."
        )
        raise StorageError(msg) from None
