"""What a teacher's file is, told from its content, without running any of it."""

import hashlib
import zipfile
from pathlib import Path
from typing import Literal

from autokd.errors import TeacherError

FileKind = Literal["torch", "safetensors", "onnx", "torchscript", "exported"]

MAX_UNPACKED_BYTES = 8 * 2**30
MAX_ENTRIES = 100_000
_MAX_HEADER_BYTES = 100 * 2**20
_ACCEPTED = (
    "Accepted are a state_dict or checkpoint (.pt, .pth, .safetensors) and ONNX (.onnx); "
    "with --trust-code also TorchScript, torch.export .pt2 and pickled modules."
)
_FOREIGN = (
    (b"version https://git-lfs", "is a Git LFS pointer, not the file itself; run 'git lfs pull'."),
    (b"\x89HDF\r\n\x1a\n", "is an HDF5 (Keras) file; export the model to ONNX first."),
    (b"\x1f\x8b", "is compressed with gzip; unpack it first."),
)


def check_readable(path: Path) -> None:
    """Check that ``path`` is a file with something in it.

    Raises:
        TeacherError: It is missing, a folder, empty, or cannot be read.
    """
    if not path.exists():
        msg = f"{path}: there is no such file; check --teacher."
        raise TeacherError(msg)
    if not path.is_file():
        msg = f"{path}: is a folder, not a file; give the teacher's file itself."
        raise TeacherError(msg)
    try:
        with path.open("rb") as stream:
            empty = not stream.read(1)
    except OSError as fault:
        msg = f"{path}: cannot be read ({fault.strerror}); check its permissions."
        raise TeacherError(msg) from None
    if empty:
        msg = f"{path}: has 0 bytes; it was not saved or copied whole. Save or copy it again."
        raise TeacherError(msg)


def sha256_of(path: Path) -> str:
    """Give the file's SHA-256 as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def detect_kind(path: Path) -> FileKind:
    """Tell what the file holds; ``torch`` is a pickle of whatever torch.save was given.

    Raises:
        TeacherError: It is none of the formats, is cut short, or would unpack to too much.
    """
    with path.open("rb") as stream:
        head = stream.read(512)
    for magic, reason in _FOREIGN:
        if head.startswith(magic):
            msg = f"{path}: {reason}"
            raise TeacherError(msg)
    if head.startswith(b"PK"):
        return _kind_of_archive(path)
    if head[:1] == b"\x80" and head[1:2] in {b"\x02", b"\x03", b"\x04", b"\x05"}:
        return "torch"
    if _is_safetensors(head, path.stat().st_size):
        return "safetensors"
    # An ONNX file has no magic number: it is a protobuf message whose first field is a number.
    if head[:1] == b"\x08" or path.suffix.lower() == ".onnx":
        return "onnx"
    msg = f"{path}: is no model file that autokd knows, it begins with {head[:16]!r}. {_ACCEPTED}"
    raise TeacherError(msg)


def _kind_of_archive(path: Path) -> FileKind:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as fault:
        msg = f"{path}: is damaged or cut short ({fault}); copy or save it again."
        raise TeacherError(msg) from None
    _check_size(path, members)
    # Every member stands in one folder that has the name of the file as it was saved.
    inner = {member.filename.partition("/")[2] for member in members}
    if "constants.pkl" in inner and any(name.startswith("code/") for name in inner):
        return "torchscript"
    if "archive_format" in inner or any(
        name in {"serialized_exported_program.json", "models/model.json"}
        or name.startswith(("models/", "data/weights/"))
        for name in inner | {member.filename for member in members}
    ):
        return "exported"
    if "data.pkl" in inner:
        return "torch"
    msg = f"{path}: is a zip archive, but not one that torch writes. {_ACCEPTED}"
    raise TeacherError(msg)


def _check_size(path: Path, members: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(member.file_size for member in members)
    if unpacked > MAX_UNPACKED_BYTES or len(members) > MAX_ENTRIES:
        msg = (
            f"{path}: says it unpacks to {unpacked} bytes in {len(members)} entries; at most "
            f"{MAX_UNPACKED_BYTES} bytes and {MAX_ENTRIES} entries are read. Save the weights "
            "alone, torch.save(model.state_dict(), 'model.pt')."
        )
        raise TeacherError(msg)
    for member in members:
        if member.filename.startswith("/") or ".." in Path(member.filename).parts:
            msg = (
                f"{path}: names a file outside itself, {member.filename!r}; it is not loaded; save "
                "it again."
            )
            raise TeacherError(msg)


def _is_safetensors(head: bytes, size_bytes: int) -> bool:
    """Tell whether the file starts with the length of a JSON header, then the header."""
    header_bytes = int.from_bytes(head[:8], "little")
    return head[8:9] == b"{" and 2 <= header_bytes <= min(size_bytes - 8, _MAX_HEADER_BYTES)
