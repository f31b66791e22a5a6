"""A folder of images becomes files that are mapped: once, whole, and in little memory."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from autokd.core.config import DataConfig
from autokd.core.lock import held_lock
from autokd.core.progress import Progress, silent
from autokd.data import conversion, decode, source
from autokd.data.dataset import load_dataset
from autokd.data.images import Dataset
from autokd.errors import DataError, InterruptedRunError, StorageError

ROOT = Path(__file__).parents[2]
IMAGES = 120
PX = 8


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of 60 images; the colour tells the class, the first row the number."""
    for label, name in enumerate(("ant", "bee")):
        inner = tmp_path / "set" / name
        inner.mkdir(parents=True)
        for number in range(IMAGES // 2):
            pixels = np.full((PX, PX, 3), 100 * label, np.uint8)
            pixels[0] = number
            Image.fromarray(pixels).save(inner / f"{number:03d}.png")
    return tmp_path / "set"


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "BLOCK_BYTES", 10 * PX * PX * 3)  # ten images


def load(folder: Path, cache: Path | None, *, progress: Progress = silent) -> Dataset:
    return load_dataset(DataConfig(path=str(folder)), seed=0, progress=progress, cache=cache)


def assert_same(one: Dataset, two: Dataset) -> None:
    assert (one.digest, one.unreadable, one.class_names) == (
        two.digest,
        two.unreadable,
        two.class_names,
    )
    for first, second in ((one.train, two.train), (one.validation, two.validation)):
        assert torch.equal(first.images, second.images)
        assert torch.equal(first.labels, second.labels)
    test, other = one.load_test(), two.load_test()
    assert test is not None
    assert other is not None
    assert torch.equal(test.images, other.images)
    assert torch.equal(test.labels, other.labels)


class Decoded(list[str]):
    """The files that were decoded, in order."""


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Decoded:
    seen, read = Decoded(), decode.read

    def counted(path: Path, *, px: int, channels: int) -> source.Pixels | None:
        seen.append(path.name)
        return read(path, px=px, channels=channels)

    monkeypatch.setattr(decode, "read", counted)
    return seen


def test_converted_images_are_those_read_into_memory(folder: Path, tmp_path: Path) -> None:
    (folder / "ant" / "000.png").write_bytes(b"\x89PNG no more")
    content = (folder / "bee" / "005.png").read_bytes()
    (folder / "bee" / "005.png").write_bytes(content[:-30])  # its header is whole
    for number in range(100, 200):  # so that two are at most 1 % of all
        (folder / "bee" / f"{number}.png").write_bytes((folder / "bee" / "002.png").read_bytes())
    converted = load(folder, tmp_path / "cache")
    assert set(converted.unreadable) == {"ant/000.png", "bee/005.png"}
    assert_same(converted, load(folder, None))
    assert converted.folder is not None
    names = sorted(file.name for file in converted.folder.iterdir())
    assert names == sorted(
        [
            *(
                f"{part}.{kind}.npy"
                for part in ("train", "validation", "test")
                for kind in ("images", "labels")
            ),
            *(
                f"{parts}.{kind}"
                for parts in ("train-validation", "test")
                for kind in ("json", "lock")
            ),
        ]
    )


def test_images_are_converted_once(folder: Path, tmp_path: Path, decoded: Decoded) -> None:
    first = load(folder, tmp_path / "cache")
    first.load_test()
    assert len(decoded) == IMAGES
    second = load(folder, tmp_path / "cache")
    assert_same(first, second)
    assert len(decoded) == IMAGES


def test_test_images_are_converted_when_they_are_asked_for(folder: Path, tmp_path: Path) -> None:
    data = load(folder, tmp_path / "cache")
    assert data.folder is not None
    assert not list(data.folder.glob("test*"))
    data.load_test()
    assert (data.folder / "test.images.npy").is_file()


def test_a_file_that_was_written_anew_is_read_anew(folder: Path, tmp_path: Path) -> None:
    before = load(folder, tmp_path / "cache")
    path = folder / "ant" / "007.png"
    state = path.stat()
    changed = np.asarray(Image.open(path)).copy()
    changed[-1] += 1
    Image.fromarray(changed).save(path)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))  # as unpacking an archive does
    after = load(folder, tmp_path / "cache")
    assert after.digest != before.digest
    assert_same(after, load(folder, None))


@pytest.mark.parametrize("damage", ["train.images.npy", "validation.labels.npy"])
def test_a_damaged_file_is_made_again(folder: Path, tmp_path: Path, damage: str) -> None:
    first = load(folder, tmp_path / "cache")
    assert first.folder is not None
    (first.folder / damage).write_bytes(b"")
    assert_same(load(folder, tmp_path / "cache"), load(folder, None))


def test_an_interrupted_conversion_goes_on_where_it_was(
    folder: Path, tmp_path: Path, decoded: Decoded
) -> None:
    def stop(what: str, done: float, total: float) -> None:
        if what.startswith("read images (") and done >= 30:
            message = "Ctrl-C"
            raise InterruptedRunError(message)

    with pytest.raises(InterruptedRunError):
        load(folder, tmp_path / "cache", progress=stop)
    assert len(decoded) == 30
    resumed = load(folder, tmp_path / "cache")
    assert len(decoded) == len(resumed.train) + len(resumed.validation)
    assert_same(resumed, load(folder, None))


# Converts, and stops for good after some images, as if they were large.
CHILD = """
    import sys, threading
    from pathlib import Path
    from autokd.core.config import DataConfig
    from autokd.core.progress import silent
    from autokd.data import decode, source
    from autokd.data.dataset import load_dataset
    source.BLOCK_BYTES = 1920
    read, seen = decode.read, []
    def slow(path, **form):
        seen.append(path)
        if len(seen) > 45:
            print("waiting", flush=True)
            threading.Event().wait(600)
        return read(path, **form)
    decode.read = slow
    load_dataset(
        DataConfig(path=sys.argv[1]), seed=0, progress=silent, cache=Path(sys.argv[2])
    )
"""


def test_after_kill_9_only_the_rest_is_read_to_the_same_bytes(
    folder: Path, tmp_path: Path, decoded: Decoded
) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(folder), str(tmp_path / "cache")],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == b"waiting\n"
        child.send_signal(signal.SIGKILL)
        child.wait()
    resumed = load(folder, tmp_path / "cache")
    # Blocks have ten images, and the child was killed in the fifth of them.
    assert len(decoded) == len(resumed.train) + len(resumed.validation) - 40
    undisturbed = load(folder, tmp_path / "other")
    assert resumed.folder is not None
    assert undisturbed.folder is not None
    for file in ("train.images.npy", "train.labels.npy", "validation.images.npy"):
        assert (resumed.folder / file).read_bytes() == (undisturbed.folder / file).read_bytes()


def test_a_kill_before_the_last_note_costs_no_second_reading(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decoded: Decoded
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("autokd.data.dataset._digest", killed)
        with pytest.raises(KeyboardInterrupt):
            load(folder, tmp_path / "cache")
    count = len(decoded)
    resumed = load(folder, tmp_path / "cache")
    assert len(decoded) == count
    assert_same(resumed, load(folder, None))


@pytest.mark.parametrize(
    "note",
    [
        "",
        "{}",
        '{"read":30,"unreadable":[]}',
        '{"read":999,"unreadable":[]}',
        '{"read":30,"unreadable":[500]}',
    ],
)
def test_a_note_that_does_not_fit_its_files_starts_from_the_beginning(
    folder: Path, tmp_path: Path, note: str, decoded: Decoded
) -> None:
    place = load(folder, tmp_path / "cache").folder
    assert place is not None
    for file in place.iterdir():
        file.unlink()
    (place / "train-validation.json").write_text(note)
    (place / "train.images.partial").write_bytes(b"rubbish")
    decoded.clear()
    found = load(folder, tmp_path / "cache")
    assert len(decoded) == len(found.train) + len(found.validation)
    assert_same(found, load(folder, None))


def test_a_run_waits_for_another_that_converts_the_same(
    folder: Path, tmp_path: Path, decoded: Decoded
) -> None:
    first = load(folder, tmp_path / "cache")
    assert first.folder is not None
    note = first.folder / "train-validation.json"
    whole = note.read_text()
    note.unlink()  # as if the other had not finished
    thread = threading.Thread(target=load, args=(folder, tmp_path / "cache"))
    count = len(decoded)
    with held_lock(first.folder / "train-validation.lock"):
        thread.start()
        thread.join(timeout=0.5)
        assert thread.is_alive()
        note.write_text(whole)
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert len(decoded) == count


def test_the_size_is_said_and_a_disk_that_is_too_small_is_refused_before_anything_is_read(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decoded: Decoded
) -> None:
    told: list[str] = []
    load(folder, tmp_path / "cache", progress=lambda what, *_: told.append(what))
    assert "read images (20.2 KiB)" in told
    decoded.clear()
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(conversion.shutil, "disk_usage", lambda _: usage(0, 0, 2**20))
    with pytest.raises(
        StorageError, match=r"images of 8 px take 16 MiB more, and the disk has 1 MiB free\. Free"
    ):
        load(folder, tmp_path / "other")
    assert not decoded


def test_a_disk_that_gets_full_is_a_storage_error_that_can_be_gone_on_from(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decoded: Decoded
) -> None:
    real, calls = os.fsync, []

    def no_space(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 6:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        with pytest.raises(StorageError, match=r"cannot be written \(No space left on device\)"):
            load(folder, tmp_path / "cache")
    count = len(decoded)
    assert count < 60
    resumed = load(folder, tmp_path / "cache")
    assert len(decoded) < count + len(resumed.train) + len(resumed.validation)
    assert_same(resumed, load(folder, None))


def test_too_many_unreadable_images_stop_at_once_and_leave_nothing(
    folder: Path, tmp_path: Path, decoded: Decoded
) -> None:
    for number in range(20):
        path = folder / "ant" / f"{number:03d}.png"
        path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"of 120 images cannot be read .* at most 1%"):
        load(folder, tmp_path / "cache")
    assert len(decoded) < IMAGES / 2
    left = [file.suffix for file in (tmp_path / "cache" / "images").rglob("*") if file.is_file()]
    assert left == [".lock"]


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="reads the maps of Linux")
def test_the_map_can_only_be_read(folder: Path, tmp_path: Path) -> None:
    data = load(folder, tmp_path / "cache")
    assert data.folder is not None
    maps = Path("/proc/self/maps").read_text().splitlines()
    mine = [line for line in maps if line.endswith(str(data.folder / "train.images.npy"))]
    assert len(mine) == 1
    assert mine[0].split()[1] == "r--s"


# Learns from a set that is larger than what the process may have.
LARGE = """
    import resource, sys
    from pathlib import Path
    import numpy as np, torch
    from autokd.core.config import DataConfig
    from autokd.core.progress import silent
    from autokd.core.trial import DistillParams
    from autokd.data.augment import channel_statistics
    from autokd.data.dataset import load_dataset
    from autokd.distill.batches import TrainingData
    from autokd.distill.trainer import Training
    from autokd.space.program import ProgramBuilder
    from autokd.teacher.card import TeacherCard
    from autokd.teacher.logits import teach

    folder, cache, more = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    torch.set_num_threads(1)
    status = Path("/proc/self/status").read_text().splitlines()
    now = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData"))
    resource.setrlimit(resource.RLIMIT_DATA, (now + more, now + more))

    data = load_dataset(
        DataConfig(path=str(folder), size_px=256), seed=0, progress=silent,
        cache=Path(cache) if cache else None,
    )

    class Mean:
        card = TeacherCard(
            file="m", sha256="0", kind="onnx", arch=None, input_px=8, image_channels=3,
            mean=(0.0,) * 3, std=(1.0,) * 3, class_names=(), classes=2, params=1, size_bytes=1,
            macs=None,
        )
        def logits(self, images):
            mean = images.float().mean((1, 2))[:, :2]
            return mean

    views = 1
    logits = teach(
        Mean(), data.train, views=views, flip=True, seed=1, dataset_digest=data.digest,
        cache=Path(cache), progress=silent,
    )
    mean, std = channel_statistics(data.train)
    builder = ProgramBuilder(image_channels=3, input_px=32)
    builder.classify(builder.pool("pool", builder.conv("stem", 0, 8), 32), 2)
    training = Training(
        builder.build(),
        TrainingData(
            train=data.train, validation=data.validation, logits=np.load(logits, mmap_mode="r"),
            validation_logits=torch.eye(2)[data.validation.labels], views=views, flip=True,
            view_seed=1, mean=mean, std=std,
        ),
        DistillParams(temperature=2, alpha=0.5),
        images=10**6, seed=0,
    )
    training.advance()
    assert 0 <= training.result().accuracy <= 1
    print(data.train.images.nbytes + data.validation.images.nbytes)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit is one of Linux")
def test_a_set_larger_than_the_memory_of_the_process_is_converted_taught_and_trained_on(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(0)
    for label, name in enumerate(("ant", "bee")):
        (tmp_path / "set" / name).mkdir(parents=True)
        small = rng.integers(0, 100, (16, 16, 3)).astype(np.uint8) + np.uint8(100 * label)
        first = tmp_path / "set" / name / "0.png"
        Image.fromarray(small).resize((256, 256), Image.Resampling.NEAREST).save(first)
        for number in range(1, 900):
            (first.parent / f"{number}.png").symlink_to(first)
    limit = 2**28
    command = [sys.executable, "-c", textwrap.dedent(LARGE), str(tmp_path / "set")]
    found = subprocess.run(
        [*command, str(tmp_path / "cache"), str(limit)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert int(found.stdout) > 1.05 * limit
    in_memory = subprocess.run(
        [*command, "", str(limit)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "MemoryError" in in_memory.stderr
