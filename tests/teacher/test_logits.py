import errno
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from autokd.core.lock import held_lock
from autokd.core.progress import silent
from autokd.data.augment import apply_view, make_view
from autokd.data.images import ImageSet
from autokd.errors import InterruptedRunError, StorageError, TeacherError
from autokd.teacher import logits as logits_module
from autokd.teacher.card import TeacherCard
from autokd.teacher.logits import cache_key, teach

IMAGES = 300


def _card(**changes: object) -> TeacherCard:
    plain = {
        "file": "m",
        "sha256": "0",
        "kind": "onnx",
        "arch": None,
        "input_px": 8,
        "image_channels": 3,
        "mean": (0.0,) * 3,
        "std": (1.0,) * 3,
        "class_names": (),
        "classes": 3,
        "params": 1,
        "size_bytes": 1,
        "macs": None,
    }
    return TeacherCard.model_validate({**plain, **changes})


class Means:
    """A teacher whose logits are the mean of the left half of each channel; counts its images."""

    def __init__(self, scale: float = 1.0) -> None:
        self.card = _card()
        self.scale = scale
        self.asked = 0

    def logits(self, images: Tensor) -> Tensor:
        self.asked += len(images)
        return self.scale * images[:, :, :4].float().mean((1, 2))


@pytest.fixture
def train() -> ImageSet:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (IMAGES, 8, 8, 3), dtype=torch.uint8, generator=generator)
    return ImageSet(images, torch.zeros(IMAGES, dtype=torch.int64))


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logits_module, "BLOCK_IMAGES", 128)
    monkeypatch.setattr(logits_module, "_CHUNK", 50)


def _teach(teacher: Means, train: ImageSet, cache: Path, views: int = 2) -> Path:
    return teach(
        teacher,
        train,
        views=views,
        flip=True,
        seed=5,
        dataset_digest="d",
        cache=cache,
        progress=silent,
    )


def test_each_view_has_the_logits_of_its_images(train: ImageSet, tmp_path: Path) -> None:
    found = np.load(_teach(Means(), train, tmp_path), mmap_mode="r")
    assert (found.shape, found.dtype) == ((2, IMAGES, 3), np.float16)
    for view in (0, 1):
        drawn = make_view(IMAGES, px=8, flip=True, seed=5, view=view)
        seen = apply_view(train.images, drawn, torch.arange(IMAGES))
        expected = Means().logits(seen).half().numpy()
        np.testing.assert_array_equal(found[view], expected)
    assert not np.array_equal(found[0], found[1])


def test_the_same_logits_are_found_again(train: ImageSet, tmp_path: Path) -> None:
    teacher = Means()
    first = _teach(teacher, train, tmp_path)
    assert teacher.asked == 2 * IMAGES
    assert _teach(teacher, train, tmp_path) == first
    assert teacher.asked == 2 * IMAGES
    assert sorted(p.suffix for p in (tmp_path / "logits").iterdir()) == [".lock", ".npy"]


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": "1"},
        {"arch": "other:net"},
        {"input_px": 16},
        {"mean": (0.1, 0.0, 0.0)},
        {"std": (1.0, 2.0, 1.0)},
        {"class_order": (1, 0, 2)},
        {"normalised_inside": True},
        {"precision": "bf16"},
    ],
)
def test_the_key_depends_on_the_teacher_and_its_preparation(change: dict[str, object]) -> None:
    said = {"views": 2, "flip": True, "seed": 5, "dataset_digest": "d"}
    assert cache_key(_card(**change), **said) != cache_key(_card(), **said)


@pytest.mark.parametrize(
    "change", [{"views": 3}, {"flip": False}, {"seed": 6}, {"dataset_digest": "e"}]
)
def test_the_key_depends_on_data_and_views(change: dict[str, object]) -> None:
    said = {"views": 2, "flip": True, "seed": 5, "dataset_digest": "d"}
    assert cache_key(_card(), **{**said, **change}) != cache_key(_card(), **said)


def test_the_key_does_not_depend_on_where_the_file_lies() -> None:
    said = {"views": 2, "flip": True, "seed": 5, "dataset_digest": "d"}
    assert cache_key(_card(file="elsewhere"), **said) == cache_key(_card(), **said)


def test_large_logits_end_at_the_largest_half(train: ImageSet, tmp_path: Path) -> None:
    found = np.load(_teach(Means(scale=1e6), train, tmp_path))
    assert np.isfinite(found).all()
    assert found.max() == np.finfo(np.float16).max


def test_logits_that_are_not_finite_name_the_image(train: ImageSet, tmp_path: Path) -> None:
    class Broken(Means):
        def logits(self, images: Tensor) -> Tensor:
            found = super().logits(images)
            if self.asked > 200:
                found[7] = float("nan")
            return found

    with pytest.raises(
        TeacherError, match=r"m: gives NaN or infinite scores for training image 18"
    ):
        _teach(Broken(), train, tmp_path)
    assert not list((tmp_path / "logits").glob("*.npy"))


def test_a_full_disk_is_a_storage_error(
    train: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(logits_module.os, "fsync", no_space)
    with pytest.raises(StorageError, match=r"\.npy: cannot be written \(No space left"):
        _teach(Means(), train, tmp_path)


@pytest.mark.parametrize("note", ["", "{}", '{"blocks":1,"block_images":7}'])
def test_a_note_that_does_not_fit_starts_from_the_beginning(
    train: ImageSet, tmp_path: Path, note: str
) -> None:
    key = cache_key(_card(), views=2, flip=True, seed=5, dataset_digest="d")
    (tmp_path / "logits").mkdir()
    (tmp_path / "logits" / f"{key}.json").write_text(note)
    (tmp_path / "logits" / f"{key}.partial").write_bytes(b"rubbish")
    teacher = Means()
    found = np.load(_teach(teacher, train, tmp_path))
    assert teacher.asked == 2 * IMAGES
    np.testing.assert_array_equal(found, np.load(_teach(Means(), train, tmp_path / "other")))


def test_a_note_that_does_not_fit_is_gone_before_the_file_is_emptied(
    train: ImageSet, tmp_path: Path
) -> None:
    key = cache_key(_card(), views=2, flip=True, seed=5, dataset_digest="d")
    note = tmp_path / "logits" / f"{key}.json"
    note.parent.mkdir()
    note.write_text('{"blocks":3,"block_images":7}')
    note.with_suffix(".partial").write_bytes(b"rubbish")

    class Stopped(Means):
        def logits(self, images: Tensor) -> Tensor:
            message = "SIGTERM"
            raise InterruptedRunError(message)

    with pytest.raises(InterruptedRunError):
        _teach(Stopped(), train, tmp_path)
    assert not note.exists()


# Runs this module's teacher, and stops for good after some images, as if it were slow.
CHILD = """
    import importlib.util, sys, time
    from pathlib import Path
    spec = importlib.util.spec_from_file_location("here", sys.argv[1])
    here = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(here)
    here.logits_module.BLOCK_IMAGES, here.logits_module._CHUNK = 128, 50
    class Slow(here.Means):
        def logits(self, images):
            if self.asked > 400:
                print("waiting", flush=True)
                time.sleep(600)
            return super().logits(images)
    here._teach(Slow(), here.train.__wrapped__(), Path(sys.argv[2]))
"""


def test_after_kill_9_only_the_rest_is_computed_to_the_same_bytes(
    train: ImageSet, tmp_path: Path
) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), __file__, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == b"waiting\n"
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert not list((tmp_path / "logits").glob("*.npy"))
    teacher = Means()
    resumed = _teach(teacher, train, tmp_path)
    # Blocks have 128, 128, 44 images a view, and the child was killed in the fifth of them.
    assert teacher.asked == 2 * IMAGES - (128 + 128 + 44 + 128)
    undisturbed = _teach(Means(), train, tmp_path / "other")
    assert resumed.read_bytes() == undisturbed.read_bytes()


def test_a_run_waits_for_another_that_computes_the_same(train: ImageSet, tmp_path: Path) -> None:
    key = cache_key(_card(), views=2, flip=True, seed=5, dataset_digest="d")
    file = tmp_path / "logits" / f"{key}.npy"
    file.parent.mkdir()
    waiting = Means()
    thread = threading.Thread(target=_teach, args=(waiting, train, tmp_path))
    with held_lock(file.with_suffix(".lock")):
        thread.start()
        thread.join(timeout=0.2)
        assert thread.is_alive()
        _teach(Means(), train, tmp_path / "other")
        (tmp_path / "other" / "logits" / file.name).rename(file)
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert waiting.asked == 0
