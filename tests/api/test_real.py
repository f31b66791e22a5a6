"""A script as a person writes it, against the command line: the same students, bit for bit."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from autokd.data.demo import CLASS_NAMES

ROOT = Path(__file__).parents[2]
# No guard around it: training processes must not run it again.
SCRIPT = """
from pathlib import Path
import sys
import torch
from torchvision.datasets import ImageFolder
import autokd

Path("starts").open("a").write("x")
torch.manual_seed(0)
from torchvision.models import resnet18
teacher = resnet18(num_classes=10)
teacher.load_state_dict(torch.load("model.pt", weights_only=True))
splits = {name: ImageFolder(f"pictures/{name}") for name in ("train", "val", "test")}
result = autokd.compress(
    teacher, splits, "jetson-nano", input_px=32, mean=(0.5,) * 3, std=(0.25,) * 3,
    max_params=20_000, trials=2, epochs=1, views=1, workers=1, kd_gain=False, precision="fp32",
    out="python",
)
print(result.best.path)
"""
OPTIONS = (
    "--input-px 32 --mean 0.5,0.5,0.5 --std 0.25,0.25,0.25 --max-params 20000 --trials 2 "
    "--epochs 1 --views 1 --workers 1 --no-kd-gain --precision fp32 --out line"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory, arrays):
    """Colour images in folders, and a ResNet-18 that was taught a little."""
    import torch
    from torch.nn import functional
    from torchvision.models import resnet18

    tmp_path = tmp_path_factory.mktemp("real")
    for split, (images, labels) in arrays.items():
        for number, (pixels, label) in enumerate(zip(images, labels, strict=True)):
            path = tmp_path / "pictures" / split / CLASS_NAMES[label] / f"{number:04d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).convert("RGB").save(path)
    # The classes of folders are in the order of their names.
    order = torch.tensor([sorted(CLASS_NAMES).index(name) for name in CLASS_NAMES])
    images, labels = arrays["train"]
    pixels = torch.from_numpy(images).float()[:, None].expand(-1, 3, -1, -1) / 255
    pixels = functional.interpolate((pixels - 0.5) / 0.25, (32, 32), mode="bilinear")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = resnet18(num_classes=10)
        optimiser = torch.optim.AdamW(network.parameters(), 1e-3)
        for _ in range(4):
            for index in torch.randperm(600).split(50):
                optimiser.zero_grad()
                wanted = order[torch.from_numpy(labels)[index]]
                functional.cross_entropy(network(pixels[index]), wanted).backward()
                optimiser.step()
    torch.save(network.state_dict(), tmp_path / "model.pt")
    return tmp_path


def run(place, *words):
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "AUTOKD_CACHE": str(place / "cache"),
    }
    done = subprocess.run(
        [sys.executable, *words],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    return done


def students_of(folder):
    """Give what is the same in two runs that trained the same students."""
    report = json.loads((folder / "results.json").read_text())
    weights = [
        hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob("winners/*/student.safetensors"))
    ]
    trials = [
        (t["candidate"], [o["accuracy"] for o in t["observations"]]) for t in report["trials"]
    ]
    return trials, weights, report["teacher"]["test_accuracy"]


@pytest.fixture(scope="module")
def said(place):
    """Run the script once, and give what it printed."""
    (place / "script.py").write_text(SCRIPT)
    return run(place, "script.py").stdout


@pytest.mark.slow
def test_a_script_trains_the_students_of_the_command_line(place, said):
    assert said.strip() == str(place / "python" / "winners" / "1" / "student.onnx")
    assert (place / "starts").read_text() == "x"
    given = ("--teacher", "model.pt", "--data", "pictures", "--device", "jetson-nano")
    run(place, "-m", "autokd", "compress", *given, *OPTIONS.split())
    assert students_of(place / "python") == students_of(place / "line")


@pytest.mark.slow
def test_a_run_from_python_is_resumed_by_the_command_line(place, said):
    before = students_of(place / "python")
    shutil.copytree(place / "python", place / "stopped")
    for name in ("results.json", "report.html", "summary.md"):
        (place / "stopped" / name).unlink()
    run(place, "-m", "autokd", "resume", "stopped")
    trials, weights, teacher = students_of(place / "stopped")
    assert (trials, weights) == before[:2]
    assert teacher is None
