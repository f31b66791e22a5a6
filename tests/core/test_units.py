"""Quantities as people write them."""

import pytest

from autokd.core import units
from autokd.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30m", 1800),
        ("1h30m", 5400),
        (" 45S ", 45),
        ("1.5h", 5400),
        ("2d", 172800),
        ("7", 7),
        (8, 8),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert units.parse_duration_seconds(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "m", "10 x", "30min", "-5m", "0", "0s", "nan", "inf", "1h 30"]
)
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a duration; write it as 45s, 30m, 8h or 1h30m"):
        units.parse_duration_seconds(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("64MiB", 64 * 2**20), ("1.5 MB", 1_500_000), ("300kB", 300_000), ("12b", 12), (2048, 2048)],
)
def test_a_size_is_read_and_mib_is_not_mb(text: str, size: int) -> None:
    assert units.parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "big", "0.5", "-1MB", "0", "0.2b", "5M", "nan", "inf"])
def test_what_is_no_size_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a size; write it as 64MiB"):
        units.parse_bytes(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1536, "1.5 KiB"),
        (2**20, "1 MiB"),
        (999.6 * 2**20, "1000 MiB"),
        (2**40, "1024 GiB"),
    ],
)
def test_bytes_are_shown_in_binary_units(size: float, text: str) -> None:
    assert units.format_bytes(size) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (148_000, "148 k"), (11_200_000, "11.2 M"), (999_700, "1000 k")],
)
def test_counts_are_shown_short(number: float, text: str) -> None:
    assert units.format_count(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (4.23, "4.2 s"), (59.97, "60.0 s"), (200, "3m 20s"), (3900, "1h 05m")],
)
def test_durations_are_shown_short(seconds: float, text: str) -> None:
    assert units.format_duration(seconds) == text


@pytest.mark.parametrize("seconds", [1, 59, 60, 61, 3599, 3600, 86400])
def test_a_shown_duration_reads_back(seconds: int) -> None:
    shown = units.format_duration(seconds).replace(" ", "")
    assert units.parse_duration_seconds(shown) == pytest.approx(seconds, abs=59)
