"""Files with something wrong, and the command line at a width of 80 columns."""

import gzip
import json
import os
import pickle
import re
import sqlite3
import sys
import textwrap
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.contract.students import exported, smallest_student
from tests.measure.conftest import save_model

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Said:
    """What a person got to read.

    Attributes:
        code: The exit code.
        message: The error, in one line.
        lines: The same, as a terminal of 80 columns shows it.
        place: Module and line of the ``raise``.
    """

    code: int
    message: str
    lines: tuple[str, ...]
    place: str


class Trap:
    def __reduce__(self):
        return os.getcwd, ()


@pytest.fixture(scope="session")
def material(tmp_path_factory):
    """A folder of inputs, sound and unsound, under short names."""
    from torchvision.models import shufflenet_v2_x0_5

    folder = tmp_path_factory.mktemp("material")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (120, 16, 16), dtype=np.uint8)
    labels = np.arange(120) % 4
    arrays = {
        "good": {"images": images, "labels": labels},
        "floats": {"images": images / 255, "labels": labels},
        "first": {"images": images.reshape(120, 1, 16, 16), "labels": labels},
        "flat": {"images": images.reshape(120, -1), "labels": labels},
        "none": {"images": images[:0], "labels": labels[:0]},
        "named": {"pixels": images, "labels": labels},
        "halves": {"images": images, "labels": labels / 2},
        "short": {"images": images, "labels": labels[:-1]},
        "target": {"images": images, "targets": labels},
        "wrong": {"images": images, "labels": labels - 2},
        "object": {"images": images, "labels": labels.astype(object)},
        "names": {"images": images, "labels": labels, "classes": np.zeros((4, 2))},
        "words": {"images": images, "labels": labels, "split": np.arange(120)},
        "odd": {"images": images, "labels": labels, "split": np.array(["trian"] * 120)},
        "notrain": {"images": images, "labels": labels, "split": np.array(["test"] * 120)},
        "two": {"images": images, "labels": labels % 2},
        "lone": {"images": images[:5], "labels": np.array([0, 0, 1, 1, 2])},
    }
    for name, content in arrays.items():
        np.savez(folder / f"{name}.npz", **content)
    (folder / "empty.npz").touch()
    (folder / "text.npz").write_text("no archive")
    (folder / "data.csv").write_text("a,b")
    _write_folders(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = shufflenet_v2_x0_5(num_classes=4).state_dict()
    torch.save(state, folder / "teacher.pt")
    _write_teachers(folder, state)
    program = smallest_student()
    from autokd.core.device import load_profile

    exported(program, load_profile("jetson-nano").export, folder).rename(folder / "student.onnx")
    save_model(folder / "model.onnx")
    _write_runs(folder)
    (folder / "list.json").write_text("[]")
    (folder / "broken.json").write_text("{")
    timings = [{"model": name, "p50_ms": 1.0} for name in ("a.onnx", "b.onnx")]
    (folder / "timings.json").write_text(json.dumps(timings))
    return folder


def _write_folders(folder):
    from PIL import Image

    def picture(*parts):
        path = folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (12, 12), 128).save(path)

    (folder / "hollow").mkdir()
    (folder / "hollow" / "a").mkdir()
    (folder / "hollow" / "a" / "note.heic").touch()
    for number in range(6):
        picture("single", "cat", f"{number}.png")
        for name in ("cat", "dog"):
            picture("stranger", "train", name, f"{number}.png")
            picture("damaged", name, f"{number}.png")
            picture("twice", "val", name, f"{number}.png")
            picture("twice", "validation", name, f"{number}.png")
            picture("untrained", "val", name, f"{number}.png")
    picture("stranger", "val", "dgo", "0.png")
    for number in range(3):
        (folder / "damaged" / "cat" / f"{number}.png").write_bytes(b"\x89PNG")


def _write_teachers(folder, state):
    whole = (folder / "teacher.pt").read_bytes()
    (folder / "zero.pt").touch()
    (folder / "cut.pt").write_bytes(whole[: len(whole) // 2])
    (folder / "notes.pt").write_text("The weights are elsewhere.\n")
    (folder / "lfs.pt").write_text("version https://git-lfs.github.com/spec/v1\n")
    (folder / "keras.pt").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    (folder / "packed.pt").write_bytes(gzip.compress(whole[:1000]))
    with zipfile.ZipFile(folder / "photos.pt", "w") as archive:
        archive.writestr("a.txt", "x")
    with zipfile.ZipFile(folder / "outside.pt", "w") as archive:
        archive.writestr("../data.pkl", "x")
    torch.save({**state, "fc.bias": torch.full((4,), float("nan"))}, folder / "nan.pt")
    torch.save({"epoch": 3}, folder / "bare.pt")
    torch.save({"layer.weight": torch.ones(3, 4)}, folder / "own.pt")
    (folder / "trap.pt").write_bytes(pickle.dumps(Trap()))
    (folder / "text.onnx").write_bytes(b"\x08 not onnx")
    (folder / "text.safetensors").write_bytes(b"\x10" + bytes(7) + b"{" + bytes(40))


def _write_runs(folder):
    config = "device = 'jetson-nano'\n[teacher]\nfile = 'model.pt'\n"
    for name in ("begun", "damaged-run", "foreign", "broken-run"):
        (folder / name).mkdir()
        (folder / name / "config.toml").write_text(config)
    (folder / "damaged-run" / "ledger.sqlite").write_bytes(b"no database at all " * 100)
    connection = sqlite3.connect(folder / "foreign" / "ledger.sqlite")
    connection.execute("CREATE TABLE meta (key, value)")
    connection.execute("INSERT INTO meta VALUES ('schema_version', '99')")
    connection.commit()
    connection.close()
    (folder / "broken-run" / "results.json").write_text("{}")
    (folder / "not-a-run").mkdir()
    (folder / "not-a-run" / "file").touch()


@pytest.fixture
def say(tmp_path, tmp_path_factory, material, monkeypatch, capsys):
    """Call a command that must fail, and give what it says; ``@x`` is the file x of `material`."""
    import autokd.cli.main as entry
    from autokd.cli import checks

    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    # What is known of the architectures is found out once, and packages are not imported again.
    monkeypatch.setenv("AUTOKD_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setattr(checks, "probe_packages", lambda names: {})
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    places = []

    def tell(fault, output, *, original=entry._tell):
        places.append(_place(fault))
        return original(fault, output)

    monkeypatch.setattr(entry, "_tell", tell)

    def call(line):
        words = [_placed(word, material) for word in line.split()]
        code = entry.main(words)
        _, err = capsys.readouterr()
        assert "Traceback" not in err, err
        found = re.search(r"^autokd: error: (.*)", err, re.MULTILINE | re.DOTALL)
        assert found, err
        short = found[1].strip().replace(str(material), "IN").replace(str(tmp_path), "HOME")
        lines = textwrap.wrap(
            f"autokd: error: {short}", 80, break_long_words=False, break_on_hyphens=False
        )
        sys.stdout.write("\n".join([f"$ autokd {line}  [{code}]", *lines, ""]))
        return Said(code, found[1].strip(), tuple(lines), places[-1])

    call.work = work
    return call


def _placed(word, material):
    option, equals, value = word.partition("=")
    if equals and value.startswith("@"):
        return f"{option}={material / value[1:]}"
    return str(material / word[1:]) if word.startswith("@") else word


def _place(fault):
    """Give the line of the tree where an error was raised."""
    place, trace = "", fault.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.is_relative_to(ROOT / "autokd"):
            place = f"{file.relative_to(ROOT)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
