"""Records reach a file in one step, and come back or say what is wrong with it."""

import errno
import os
import stat
from pathlib import Path

import pytest
from pydantic import Field

from autokd.core import codec
from autokd.core.record import Record
from autokd.errors import ConfigError, ProfileError, StorageError


class Inner(Record):
    width: int = Field(default=8, gt=0)


class Outer(Record):
    title: str
    inner: Inner = Inner()
    parts: tuple[Inner, ...] = ()
    spare: Inner | None = None


def test_a_record_is_the_same_after_a_file(tmp_path: Path) -> None:
    record = Outer(title="é", parts=(Inner(width=3),))
    codec.save_record(record, tmp_path / "new" / "a.json")
    assert codec.load_record(Outer, tmp_path / "new" / "a.json") == record


def test_toml_and_json_are_read_by_their_ending(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('title = "a"\n[inner]\nwidth = 5\n')
    assert codec.load_record(Outer, tmp_path / "a.toml").inner.width == 5


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ({}, "a.toml: missing key 'title'; add it."),
        (
            {"title": "a", "iner": 1},
            "a.toml: unknown key 'iner' with value 1; did you mean 'inner'?",
        ),
        (
            {"title": "a", "inner": {"with": 9}},
            "a.toml: unknown key 'inner.with' with value 9; did you mean 'width'?",
        ),
        (
            {"title": "a", "parts": [{"widht": 9}]},
            "a.toml: unknown key 'parts.0.widht' with value 9; did you mean 'width'?",
        ),
        (
            {"title": "a", "spare": {"zzz": 9}},
            "a.toml: unknown key 'spare.zzz' with value 9; known: width.",
        ),
        (
            {"title": "a", "inner": {"width": 0}},
            "a.toml: inner.width = 0: must be greater than 0.",
        ),
    ],
)
def test_a_wrong_key_or_value_is_named_with_the_right_ones(raw: dict, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        codec.parse_record(Outer, raw, where="a.toml")
    assert str(caught.value) == text


def test_a_misspelt_key_is_named_before_the_key_that_it_leaves_missing() -> None:
    with pytest.raises(ProfileError) as caught:
        codec.parse_record(Outer, {"titel": "a"}, where="a.toml", error=ProfileError)
    assert str(caught.value) == (
        "a.toml: unknown key 'titel' with value 'a'; did you mean 'title'? (1 more in this file.)"
    )


def test_a_long_value_is_cut_in_the_message() -> None:
    with pytest.raises(ConfigError) as caught:
        codec.parse_record(Outer, {"title": ["x" * 500]}, where="a.toml")
    assert len(str(caught.value)) < 160
    assert "..." in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.toml", b"title = ", "is not valid TOML"),
        ("a.toml", b"\xff\xfe", "is not valid TOML"),
        ("a.json", b"{", "is not valid JSON"),
        ("a.json", b"", "is not valid JSON"),
    ],
)
def test_a_file_in_the_wrong_format_is_an_input_error(
    tmp_path: Path, name: str, content: bytes, text: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=f"{name}: {text}"):
        codec.load_record(Outer, tmp_path / name)


@pytest.mark.parametrize("name", ["none.toml", "none.json"])
def test_a_missing_file_is_an_input_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=rf"{name}: cannot be read \(No such file"):
        codec.load_record(Outer, tmp_path / name)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.json"
    codec.write_atomically(target, "old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"No space left on device.*autokd resume"):
        codec.write_atomically(target, "new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_file_has_the_mode_that_the_persons_mask_leaves(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        codec.write_atomically(tmp_path / "a.json", "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == 0o666 & ~mask


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        codec.write_atomically(tmp_path / "file" / "a.json", "new")


def test_a_full_disk_is_told_with_what_helps_in_that_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOKD_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    full = OSError(errno.ENOSPC, "No space left on device")
    run = tmp_path / "run" / "a.json"
    assert str(codec.storage_error(run, full)) == (
        f"{run}: cannot be written (No space left on device). "
        "Free some space, then go on with 'autokd resume RUN'."
    )
    for cached in (tmp_path / "cache" / "logits" / "a.npy", Path("cache/logits/a.npy")):
        assert str(codec.storage_error(cached, full)) == (
            f"{cached}: cannot be written (No space left on device). Free some space, or set "
            "AUTOKD_CACHE to a folder on another disk, then go on with 'autokd resume RUN'."
        )


def test_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    codec.write_atomically(tmp_path / "a.bin", b"\x00\r\n\xff")
    assert (tmp_path / "a.bin").read_bytes() == b"\x00\r\n\xff"


def test_nearest_gives_close_names_first_and_all_when_none_is_close() -> None:
    assert codec.nearest("jetson-nan", ["host", "jetson-nano"]) == "did you mean 'jetson-nano'?"
    assert codec.nearest("zzz", ["b", "a"]) == "known: a, b."
