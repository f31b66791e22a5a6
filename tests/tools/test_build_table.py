import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from autokd.core.progress import silent
from autokd.data.images import ImageSet
from autokd.errors import DataError
from autokd.teacher.card import TeacherCard
from tools.table import setup as preparation
from tools.table import training
from tools.table.journal import Journal, journal_path, pack, read_journal, read_table
from tools.table.points import Design
from tools.table.setup import Build, prepare
from tools.table.source import Source


class FakeTeacher:
    """Knows the class by the brightest channel."""

    def __init__(self) -> None:
        self.card = TeacherCard(
            file="teacher",
            sha256="c",
            kind="module",
            arch=None,
            input_px=16,
            image_channels=3,
            mean=(0.0,) * 3,
            std=(1.0,) * 3,
            class_names=("red", "green", "blue"),
            classes=3,
            params=None,
            size_bytes=0,
            macs=None,
        )

    def logits(self, images: Tensor) -> Tensor:
        return images.float().mean(dim=(1, 2)) / 10


def make_images(count: int) -> ImageSet:
    """Stripes, brightest in the channel of the class."""
    labels = torch.arange(count) % 3
    rows = (torch.arange(16)[:, None] * torch.arange(1, 17)) % 64
    pixels = (
        rows[None, :, :, None].repeat(count, 1, 1, 3)
        + (torch.arange(count) % 32)[:, None, None, None]
    )
    pixels[torch.arange(count), :, :, labels] += 64
    return ImageSet(pixels.to(torch.uint8), labels)


def make_source() -> Source:
    return Source(
        train=make_images(150),
        validation=make_images(60),
        test=make_images(30),
        class_names=("red", "green", "blue"),
        teacher=FakeTeacher(),
    )


SMALL = Design(
    max_params=3000, families=1, members=2, rungs=2, full_seconds=0.3
)  # two members and a twin


@pytest.fixture
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(build: Build, out: Path, **share: int) -> int:
    worker = share.get("worker", 0)
    with Journal(journal_path(out, worker)) as journal:
        return training.work(
            build,
            journal,
            worker=worker,
            workers=share.get("workers", 1),
            most=share.get("most"),
            say=lambda line: None,
        )


@pytest.mark.slow
@pytest.mark.usefixtures("_one_thread")
def test_a_killed_build_goes_on_and_gives_the_same_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparation, "TIMED_STUDENTS", 5)
    out = tmp_path / "out"
    build = prepare(out, SMALL, source_of=make_source, progress=silent)
    assert run(build, out, most=1) == 1
    assert run(build, out) == 2
    rows = read_journal(journal_path(out, 0))
    assert [row.origin for row in rows] == ["prior", "prior", "twin"]
    assert all(len(row.rungs) == 2 and row.test_accuracy is not None for row in rows)
    assert all(set(row.devices) == set(training.DEVICES) for row in rows)
    assert list((out / "trials").iterdir()) == []
    assert pack(out, tmp_path / "table.jsonl.gz") == 3

    setup, _ = read_table(tmp_path / "table.jsonl.gz")
    other = tmp_path / "other"
    again = prepare(other, SMALL, source_of=make_source, packed=setup, progress=silent)
    assert again.plan == build.plan
    assert again.plan.setup.pace == setup.pace
    assert run(again, other, worker=1, workers=3) == 1
    (repeated,) = read_journal(journal_path(other, 1))
    assert [rung.accuracy for rung in repeated.rungs] == [r.accuracy for r in rows[1].rungs]
    assert repeated.test_accuracy == rows[1].test_accuracy

    with pytest.raises(DataError, match="design is not the one asked for"):
        prepare(
            out,
            SMALL.model_copy(update={"full_seconds": 1.0}),
            source_of=make_source,
            progress=silent,
        )
    darker = dataclasses.replace(make_source(), test=make_images(27))
    with pytest.raises(DataError, match="images_digest"):
        prepare(tmp_path / "third", SMALL, source_of=lambda: darker, packed=setup, progress=silent)

    monkeypatch.setattr(preparation, "ENGINE", preparation.ENGINE + 1)
    with pytest.raises(DataError, match=r"by engine 2, this is engine 3; .* the commit that began"):
        prepare(out, SMALL, source_of=make_source, progress=silent)
    with pytest.raises(DataError, match=r"\(engine differ\)"):
        prepare(tmp_path / "fourth", SMALL, source_of=make_source, packed=setup, progress=silent)
