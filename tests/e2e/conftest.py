"""A small teacher, small data, and the real command line, in this process or in one of its own."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch.nn import functional

from autokd.data.demo import CLASS_NAMES, load_demo_images

ROOT = Path(__file__).parents[2]
SPLITS = {"train": (0, 60), "val": (60, 80), "test": (80, 100)}
# The normalisation that is taken for granted of a torchvision architecture.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LIMITS = ("--device", "jetson-nano", "--max-params", "20000")
LONGEST_SECONDS = 540
# Sets what a process may have and becomes the command, so that there is no code between fork and
# exec in this process, which has threads.
LAUNCHER = """
import os, resource, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell has its background jobs ignore it
core, largest = int(sys.argv[1]), int(sys.argv[2])
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[core]})
if largest:
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
os.execv(sys.executable, [sys.executable, *sys.argv[3:]])
"""
LENGTH = ("--trials", "3", "--epochs", "1", "--views", "1", "--workers", "1")
# Other precisions take as long as the rest of so small a run; runs with a target make them.
FP32 = ("--precision", "fp32")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """A folder of class folders: 600 images to train, 200 to validate, 200 to test."""
    folder = tmp_path_factory.mktemp("pictures")
    for split, (start, stop) in SPLITS.items():
        for name, images in zip(CLASS_NAMES, load_demo_images(), strict=True):
            place = folder / split / name
            place.mkdir(parents=True)
            for number, pixels in enumerate(images[start:stop]):
                Image.fromarray(pixels).save(place / f"{number:02d}.png")
    return folder


@pytest.fixture(scope="session")
def teacher(tmp_path_factory):
    """A bare state_dict of a ShuffleNet after some seconds of training, far above chance."""
    from torchvision.models import shufflenet_v2_x0_5

    start, stop = SPLITS["train"]
    images = load_demo_images()[:, start:stop].reshape(-1, 1, 28, 28)
    pixels = torch.from_numpy(images).float().expand(-1, 3, -1, -1) / 255
    pixels = (pixels - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    labels = torch.arange(10).repeat_interleave(stop - start)
    order = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = shufflenet_v2_x0_5(num_classes=10)
    optimiser = torch.optim.Adam(network.parameters(), 5e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 5e-3, total_steps=72)
    for _ in range(6):
        for index in torch.randperm(len(labels), generator=order).split(50):
            optimiser.zero_grad()
            functional.cross_entropy(network(pixels[index]), labels[index]).backward()
            optimiser.step()
            schedule.step()
    path = tmp_path_factory.mktemp("teacher") / "model.pt"
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder, and nothing of the person's own around it."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return work


@pytest.fixture
def here(folder, capsys, tmp_path_factory, monkeypatch):
    """Call the command line in this process, where torch is imported once for all tests."""
    from autokd.cli.main import main

    # What is known of the architectures is found out once too.
    monkeypatch.setenv("AUTOKD_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))

    def call(*words):
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return call


class Autokd:
    """``python -m autokd`` in processes of its own, with one folder and one cache.

    Attributes:
        work: The working folder.
        core: Which of the cores; a single one, so that runs compare bit for bit on any machine.
        path: Folders that Python searches for modules, beside the checkout.
    """

    def __init__(self, work: Path, *, core: int = 0) -> None:
        self.work = work
        self.core = core
        self.path: list[Path] = []
        work.mkdir(exist_ok=True)

    def start(self, *words, largest_file_bytes: int = 0) -> "Session":
        """Start a command; it cannot write files larger than given, if one is."""
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, [ROOT, *self.path])),
            "OMP_NUM_THREADS": "1",
            "AUTOKD_CACHE": str(self.work / "cache"),
            "XDG_CONFIG_HOME": str(self.work / "config"),
        }
        environment.pop("GITHUB_STEP_SUMMARY", None)
        start = [sys.executable, "-c", LAUNCHER, str(self.core), str(largest_file_bytes)]
        process = subprocess.Popen(
            [*start, "-m", "autokd", *map(str, words)],
            cwd=self.work,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return Session(process)

    def run(self, *words, **options) -> "Done":
        """Run a command to its end."""
        return self.start(*words, **options).result()


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The error, which is all of the last line on stderr."""
        last = self.err.splitlines()[-1]
        assert last.startswith("autokd: error: "), self.err
        return last.removeprefix("autokd: error: ")


class Session:
    """A command that runs; what it writes is read while it does."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self._out: list[str] = []
        self._err: list[str] = []
        streams = ((process.stdout, self._out), (process.stderr, self._err))
        self._readers = [threading.Thread(target=_read, args=pair) for pair in streams]
        for reader in self._readers:
            reader.start()

    def result(self) -> Done:
        """Wait for the end."""
        try:
            code = self.process.wait(timeout=LONGEST_SECONDS)
        finally:
            self.process.kill()
            for reader in self._readers:
                reader.join()
        return Done(code, "".join(self._out), "".join(self._err))

    def first_line(self) -> str:
        """Give the first line on stdout, as soon as it is there."""
        began = time.monotonic()
        while not self._out:
            assert self.process.poll() is None, f"ended without a line: {self._err}"
            assert time.monotonic() - began < LONGEST_SECONDS, f"no line: {self._err}"
            time.sleep(0.01)
        return self._out[0].strip()

    def wait_for(self, text: str) -> None:
        """Wait until ``text`` is on stderr."""
        began = time.monotonic()
        while text not in "".join(self._err):
            assert self.process.poll() is None, f"ended before {text!r}: {self._err}"
            assert time.monotonic() - began < LONGEST_SECONDS, f"no {text!r}: {self._err}"
            time.sleep(0.01)

    def stop(self, text: str, number: signal.Signals) -> Done:
        """Send a signal as soon as ``text`` is on stderr, as Ctrl-C to workers too."""
        self.wait_for(text)
        family = _descendants(self.process.pid)
        if number is signal.SIGINT:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        done = self.result()
        began = time.monotonic()
        while left := [pid for pid in family if _state(pid) not in (None, "Z")]:
            assert time.monotonic() - began < 10, f"processes {left} outlive the command"
            time.sleep(0.05)
        return done


def _read(stream, lines: list[str]) -> None:
    with stream:
        for line in stream:
            lines.append(line)  # noqa: PERF402 - each line is seen by others at once


def _descendants(pid: int) -> list[int]:
    """Give the processes below ``pid``, on systems with /proc."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        if (parent := _stat(int(path.name), 1)) is not None:
            parents.setdefault(int(parent), []).append(int(path.name))
    found, queue = [], [pid]
    while queue:
        children = parents.get(queue.pop(), [])
        found += children
        queue += children
    return found


def _state(pid: int) -> str | None:
    return _stat(pid, 0)


def _stat(pid: int, field: int) -> str | None:
    """Give a field behind the name in /proc/PID/stat; None for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[field]
    except OSError:
        return None


@pytest.fixture
def autokd(tmp_path):
    return Autokd(tmp_path / "own")


@dataclass(frozen=True)
class Finished:
    """A run that nothing stopped."""

    done: Done
    run: Path
    results: dict[str, Any]


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, teacher, pictures):
    """A whole run that nothing stops; it goes on while tests of other things run."""
    place = Autokd(tmp_path_factory.mktemp("undisturbed"), core=-1)
    given = ("--teacher", teacher, "--data", pictures, *LIMITS, *LENGTH, *FP32)
    session = place.start("compress", *given, "--out", place.work / "run")
    yield session, place.work / "run"
    session.process.kill()
    session.result()


@pytest.fixture(scope="session")
def finished(undisturbed):
    session, run = undisturbed
    done = session.result()
    assert done.code == 0, done.err
    return Finished(done, run, json.loads((run / "results.json").read_text()))


@pytest.fixture
def words(teacher, pictures):
    """The options of a small run."""
    return ("--teacher", teacher, "--data", pictures, *LIMITS, *LENGTH, *FP32)
