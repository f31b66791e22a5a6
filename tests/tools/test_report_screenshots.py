"""Pictures of a page at its widths."""

import importlib.util
import os
import shutil

import pytest

from tools.report_screenshots import PICTURES, main

CHROMIUM = os.environ.get("AUTOKD_CHROMIUM") or shutil.which("chromium")


def test_without_chromium_it_says_what_is_needed(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert main([str(tmp_path / "page.html"), str(tmp_path)]) == 2
    assert "chromium and pdftoppm are needed" in capsys.readouterr().out


@pytest.mark.browser
@pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="no playwright")
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
@pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="pdftoppm is not installed")
def test_each_picture_has_its_width_and_the_colours_of_its_scheme(tmp_path) -> None:
    from PIL import Image

    page = tmp_path / "page.html"
    page.write_text(
        "<!doctype html><title>a</title><style>body { background: #fff }"
        "@media (prefers-color-scheme: dark) { body { background: #000 } }</style><p>text"
    )
    assert main([str(page), str(tmp_path / "out"), "--chromium", str(CHROMIUM)]) == 0
    for one in PICTURES:
        with Image.open(tmp_path / "out" / f"{one.name}.png") as opened:
            picture = opened.convert("RGB")
        assert picture.size == (one.width_px, one.height_px)
        assert picture.getpixel((1, 1)) == ((0, 0, 0) if one.dark else (255, 255, 255))
    with Image.open(tmp_path / "out" / "report-print.png") as printed:
        assert printed.width > 500
    assert not list((tmp_path / "out").glob("report-print-*"))
