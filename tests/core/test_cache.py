from pathlib import Path

import pytest

from autokd.core.cache import cache_folder


def test_the_own_variable_comes_before_the_shared_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOKD_CACHE", "/a/own")
    monkeypatch.setenv("XDG_CACHE_HOME", "/b")
    assert cache_folder() == Path("/a/own")


def test_the_shared_variable_names_the_folder_above(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOKD_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "/b")
    assert cache_folder() == Path("/b/autokd")


def test_without_variables_it_is_in_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTOKD_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/h")
    assert cache_folder() == Path("/h/.cache/autokd")
