import os
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from autokd.errors import TeacherError
from autokd.teacher import file as teacher_file
from autokd.teacher.file import check_readable, detect_kind, sha256_of


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(TeacherError, match=r"gone\.pt: there is no such file"):
        check_readable(tmp_path / "gone.pt")


def test_a_folder_is_no_teacher(tmp_path: Path) -> None:
    with pytest.raises(TeacherError, match="is a folder, not a file"):
        check_readable(tmp_path)


def test_an_empty_file_is_no_teacher(tmp_path: Path) -> None:
    (tmp_path / "model.pt").touch()
    with pytest.raises(TeacherError, match=r"model\.pt: has 0 bytes"):
        check_readable(tmp_path / "model.pt")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_without_permission_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"x")
    (tmp_path / "model.pt").chmod(0)
    with pytest.raises(TeacherError, match="cannot be read"):
        check_readable(tmp_path / "model.pt")


def test_the_digest_is_that_of_the_standard(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a").startswith("ba7816bf8f01cfea")


@pytest.mark.parametrize("name", ["model.pt", "model.onnx", "model.whatever"])
def test_the_content_decides_not_the_name(tmp_path: Path, name: str) -> None:
    weights = {"a.weight": torch.zeros(2)}
    torch.save(weights, tmp_path / name)
    assert detect_kind(tmp_path / name) == "torch"
    torch.save(weights, tmp_path / name, _use_new_zipfile_serialization=False)
    assert detect_kind(tmp_path / name) == "torch"
    save_file(weights, tmp_path / name)
    assert detect_kind(tmp_path / name) == "safetensors"


def test_onnx_is_told_from_its_first_field(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"\x08\x07\x12\x04test")
    assert detect_kind(tmp_path / "model.bin") == "onnx"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"just some text\n", r"is no model file that autokd knows, it begins with b'just some"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"\x89HDF\r\n\x1a\nxx", "HDF5"),
        (b"\x1f\x8b\x08\x00", "gzip"),
    ],
)
def test_other_files_are_named_for_what_they_are(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "model.pt").write_bytes(content)
    with pytest.raises(TeacherError, match=message):
        detect_kind(tmp_path / "model.pt")


def test_a_zip_that_is_cut_short_is_damaged(tmp_path: Path) -> None:
    torch.save({"a.weight": torch.zeros(500)}, tmp_path / "model.pt")
    whole = (tmp_path / "model.pt").read_bytes()
    (tmp_path / "model.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TeacherError, match=r"model\.pt: is damaged or cut short"):
        detect_kind(tmp_path / "model.pt")


def test_a_zip_of_another_program_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as archive:
        archive.writestr("a/readme.txt", "hello")
    with pytest.raises(TeacherError, match="is a zip archive, but not one that torch writes"):
        detect_kind(tmp_path / "model.pt")


def test_a_zip_that_names_files_outside_itself_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as archive:
        archive.writestr("a/../../secret", "hello")
    with pytest.raises(TeacherError, match="names a file outside itself"):
        detect_kind(tmp_path / "model.pt")


def test_a_zip_that_unpacks_to_too_much_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "model.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", bytes(100_000))
    assert (tmp_path / "model.pt").stat().st_size < 1000
    monkeypatch.setattr(teacher_file, "MAX_UNPACKED_BYTES", 99_999)
    with pytest.raises(TeacherError, match="says it unpacks to 100000 bytes in 1 entries; at most"):
        detect_kind(tmp_path / "model.pt")


def test_the_cap_of_unpacked_bytes_is_eight_gibibytes() -> None:
    assert teacher_file.MAX_UNPACKED_BYTES == 8 * 2**30
