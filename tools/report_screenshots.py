"""Pictures of a report.html at three widths, in the dark, and as it is printed.

    python tools/report_screenshots.py RUN/report.html docs [--chromium PATH] [--tall]

Needs Chromium, the package playwright and, for the printed page, pdftoppm of poppler. Writes
report.png (the first screen, for the README), report-desktop.png, report-tablet.png,
report-phone.png, report-dark.png, and of the first four printed pages report-print.png.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DPI = 70


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture.

    Attributes:
        height_px: What is shown; with ``--tall`` the whole page, but of the first screen.
    """

    name: str
    width_px: int
    height_px: int
    dark: bool = False


PICTURES = (
    Picture("report", 1280, 720),
    Picture("report-desktop", 1280, 3300),
    Picture("report-tablet", 820, 2700),
    Picture("report-phone", 390, 2600),
    Picture("report-dark", 1280, 3300, dark=True),
)


def take(page_file: Path, folder: Path, *, chromium: str, tall: bool) -> list[Path]:
    """Write all pictures of ``PICTURES`` and the PDF; give their paths."""
    # Only who takes pictures needs it.
    from playwright.sync_api import sync_playwright  # type: ignore[import-not-found, unused-ignore]

    url = page_file.resolve().as_uri()
    made = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for one in PICTURES:
            page = browser.new_page(
                viewport={"width": one.width_px, "height": one.height_px},
                color_scheme="dark" if one.dark else "light",
            )
            page.goto(url)
            path = folder / f"{one.name}.png"
            page.screenshot(path=path, full_page=tall and one.name != "report")
            page.close()
            _make_small(path)
            made.append(path)
        made.append(_printed(browser, url, folder))
        browser.close()
    return made


def _printed(browser: Any, url: str, folder: Path) -> Path:
    page = browser.new_page()
    page.goto(url)
    target = folder / "report-print.png"
    margin = {"top": "14mm", "bottom": "14mm", "left": "14mm", "right": "14mm"}
    with tempfile.TemporaryDirectory() as temporary:
        pdf = Path(temporary) / "report.pdf"
        page.pdf(path=pdf, format="A4", margin=margin, print_background=True)
        stem = str(target.with_suffix(""))
        command = ["pdftoppm", "-png", "-r", str(DPI), "-f", "1", "-l", "4", str(pdf), stem]
        subprocess.run(command, check=True)
    pages = sorted(folder.glob(f"{target.stem}-*.png"))
    _side_by_side(pages, target)
    for one in pages:
        one.unlink()
    page.close()
    return target


def _make_small(path: Path) -> None:
    """Keep 256 colours, which a page of few has anyway; a third of the bytes stay."""
    from PIL import Image

    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def _side_by_side(pages: list[Path], target: Path) -> None:
    from PIL import Image

    images = []
    for path in pages:
        with Image.open(path) as opened:
            images.append(opened.convert("RGB"))
    gap = 12
    width = sum(image.width + gap for image in images) + gap
    sheet = Image.new("RGB", (width, images[0].height + 2 * gap), (120, 126, 130))
    left = gap
    for image in images:
        sheet.paste(image, (left, gap))
        left += image.width + gap
    sheet.save(target)
    _make_small(target)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("page", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    parser.add_argument("--tall", action="store_true", help="whole pages, to look at")
    given = parser.parse_args(words)
    if given.chromium is None or shutil.which("pdftoppm") is None:
        print("chromium and pdftoppm are needed; install chromium and poppler-utils")
        return 2
    if not given.page.is_file():
        print(f"{given.page}: not found; give the report.html of a run")
        return 2
    given.folder.mkdir(parents=True, exist_ok=True)
    for path in take(given.page, given.folder, chromium=given.chromium, tall=given.tall):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
