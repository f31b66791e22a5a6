import dataclasses
import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from autokd.core.progress import silent
from autokd.core.trial import DistillParams
from autokd.errors import DataError, MeasurementError
from autokd.models.network import StudentNetwork
from autokd.space.baselines import resnet
from autokd.space.program import Program
from tools import bench_training
from tools.source_folder import load_network
from tools.training.engine import BareTraining, ScoredTraining
from tools.training.floor import BareConvolutions, memory_format_of, profile_steps, time_in_turn
from tools.training.job import MEASURE
from tools.training.machine import this_machine
from tools.training.measurements import (
    Cache,
    Floor,
    Measurements,
    Settings,
    Timing,
    Way,
    open_measurements,
)
from tools.training.page import make_page
from tools.training.processes import Job, run_job
from tools.training.ratios import (
    Spread,
    floor_ratio,
    images_per_second,
    peak_memory,
    ratio,
    seconds_of_training,
    seconds_to_target,
    with_cache,
)
from tools.training.recipe import train_config
from tools.training.source import load_images, prepare
from tools.training.stopwatch import WARMUP_STEPS, Running, peak_memory_bytes, run_clocked
from tools.training.students import FAMILIES, build_program
from tools.training.ways import START, Task
from tools.training.workfolder import training_data

ROOT = Path(__file__).parents[2]
HAS_TORCHDISTILL = importlib.util.find_spec("torchdistill") is not None
needs_torchdistill = pytest.mark.skipif(not HAS_TORCHDISTILL, reason="torchdistill is missing")
ALL_WAYS = [
    "plain",
    pytest.param("torchdistill", marks=needs_torchdistill),
    "autokd",
]

LOAD = """
import numpy as np

def load(name, split, root):
    with np.load(f"{root}/{name}/{split}.npz") as file:
        return file["images"], file["labels"], ["red", "green", "blue"]
"""
# Its logits are quarters, which the engine's cache keeps without loss.
NETS = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("weight", 8 * torch.eye(3) - 1)

    def forward(self, images):
        return torch.round(images.mean((2, 3)) @ self.weight * 4) / 4

def load_teacher(name, root):
    known = {"arch": "net", "file": "nets.py", "size": 8, "mean": [0.4, 0.5, 0.6]}
    return Net(), {**known, "std": [0.2, 0.25, 0.3], "params": 9, "checked": {"macs": 9}}
"""


def make_folder(folder: Path, *, px: int = 8, images: int = 60) -> Path:
    """Noise, brightest in the channel of the class, the same from left and right."""
    rng = np.random.default_rng(0)
    labels = np.arange(images) % 3
    half = rng.integers(0, 160, (images, px, px // 2, 3), dtype=np.uint8)
    half[np.arange(images), :, :, labels] += 80
    (folder / "cifar100").mkdir(parents=True)
    np.savez(
        folder / "cifar100/train.npz",
        images=np.concatenate([half, half[:, :, ::-1]], axis=2),
        labels=labels.astype(np.int64),
    )
    (folder / "load.py").write_text(LOAD)
    (folder / "teachers").mkdir()
    (folder / "teachers/nets.py").write_text(NETS.replace('"size": 8', f'"size": {px}'))
    return folder


def make_settings(**changes: Any) -> Settings:
    given: dict[str, Any] = {
        "images": None,
        "views": 1,
        "temperature": 4.0,
        "alpha": 0.3,
        "threads": 1,
        "workers": 0,
        "window_seconds": 0.01,
        "target_accuracy": None,
        "epochs": 10,
        "seed": 0,
        "ways": ("plain", "autokd"),
        "students": ("chain",),
    }
    return Settings(**{**given, **changes})


def make_task(tmp_path: Path, *, px: int, images: int, workers: int = 0) -> Task:
    folder = make_folder(tmp_path / "data", px=px, images=images)
    work = tmp_path / "work"
    prepared = prepare(folder, work, make_settings(), progress=silent)
    return Task(
        program=resnet(8, depth=8, image_channels=3, input_px=px, classes=3),
        data=training_data(work, prepared),
        load_teacher=lambda: load_network(folder),
        distill=DistillParams(temperature=4.0, alpha=0.3),
        epochs=10,
        workers=workers,
        seed=0,
    )


@pytest.fixture
def losses(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """What is descended: every way calls ``backward`` on its loss. Torch's stream is given back."""
    found: list[float] = []
    backward = torch.Tensor.backward

    def record(self: Tensor, *args: Any, **options: Any) -> None:
        found.append(self.item())
        backward(self, *args, **options)

    monkeypatch.setattr(torch.Tensor, "backward", record)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield found


# The ways.


def expected_loss(task: Task) -> float:
    """KD in float64, of the whole set in one batch."""
    images = task.data.train.images.double() / 255
    mean, std = torch.tensor(task.data.mean), torch.tensor(task.data.std)
    nchw = ((images - mean) / std).permute(0, 3, 1, 2)
    student = task.student().double()(nchw)
    teacher = task.load_teacher().double()(nchw)
    soft = (teacher / 4).softmax(1)
    divergence = (soft * (soft.log() - (student / 4).log_softmax(1))).sum(1).mean()
    hard = -student.log_softmax(1)[torch.arange(len(nchw)), task.data.train.labels].mean()
    return (0.7 * hard + 0.3 * 16 * divergence).item()


@pytest.mark.parametrize("way", ALL_WAYS)
def test_every_way_descends_the_same_loss(way: Way, tmp_path: Path, losses: list[float]) -> None:
    """All images are one batch, too small to be shifted and the same when mirrored."""
    task = make_task(tmp_path, px=4, images=60)
    assert task.data.batch_size == len(task.data.train) == 54
    assert next(START[way](task).steps) == 54
    assert losses == [pytest.approx(expected_loss(task), rel=2e-6)]


@pytest.mark.parametrize("way", ALL_WAYS)
def test_every_way_learns(way: Way, tmp_path: Path, losses: list[float]) -> None:
    task = make_task(tmp_path, px=8, images=60)
    running = START[way](task)
    before = running.accuracy()
    assert sum(running.steps) == 10 * 54
    assert len(losses) == 10
    assert np.mean(losses[-3:]) < 0.8 * losses[0]
    assert running.accuracy() > before


@needs_torchdistill
def test_torchdistill_and_the_plain_loop_take_the_same_steps(
    tmp_path: Path, losses: list[float]
) -> None:
    """With one seed they see the same images in the same order and views, epoch after epoch.

    Of so many epochs that neither schedule has moved yet.
    """
    task = dataclasses.replace(make_task(tmp_path, px=8, images=150), epochs=100_000)
    seen = []
    ways: tuple[Way, Way] = ("plain", "torchdistill")
    for way in ways:
        torch.manual_seed(3)
        steps = START[way](task).steps
        seen.append([next(steps) for _ in range(7)])
    assert seen == [[64, 64, 7, 64, 64, 7, 64]] * 2
    assert losses[7:] == pytest.approx(losses[:7], rel=1e-5)
    assert len({round(loss, 3) for loss in losses[:7]}) == 7


def test_loading_processes_change_nothing_but_time(tmp_path: Path, losses: list[float]) -> None:
    task = make_task(tmp_path, px=4, images=60, workers=1)
    assert next(START["plain"](task).steps) == 54
    assert losses == [pytest.approx(expected_loss(task), rel=2e-6)]


def test_the_recipe_divides_its_rate_where_the_published_one_does() -> None:
    distill = DistillParams(temperature=4.0, alpha=0.1)
    config = train_config(distill, batch_images=128, epochs=200, workers=2)
    assert config["scheduler"]["kwargs"] == {"milestones": [60, 120, 160], "gamma": 0.2}
    loss = config["criterion"]["kwargs"]["sub_terms"]["kd"]["criterion"]["kwargs"]
    assert (loss["alpha"], loss["temperature"], loss["reduction"]) == (0.9, 4.0, "batchmean")
    loader = config["train_data_loader"]["kwargs"]
    assert loader == {"batch_size": 128, "num_workers": 2, "drop_last": False}


@pytest.mark.parametrize("way", ALL_WAYS)
def test_reading_the_accuracy_changes_no_step(
    way: Way, tmp_path: Path, losses: list[float]
) -> None:
    task = make_task(tmp_path, px=8, images=60)
    for readings in (False, True):
        torch.manual_seed(0)
        running = START[way](task)
        for _ in range(3):
            next(running.steps)
            if readings:
                running.accuracy()
    assert losses[3:] == losses[:3]


# The clock.


class Clock:
    """Tells the time that was spent since the start."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def spend(self, seconds: float) -> None:
        self.now += seconds


def run(
    seconds: list[float], accuracies: list[float], **given: Any
) -> tuple[Any, Clock, Iterator[int]]:
    clock, scores = Clock(), iter(accuracies)

    def steps() -> Iterator[int]:
        for lasted in seconds:
            clock.spend(lasted)
            yield 10

    def accuracy() -> float:
        clock.spend(1000)
        return next(scores)

    training = steps()
    return run_clocked(Running(training, accuracy), clock=clock, **given), clock, training


def test_speed_is_taken_after_the_first_steps_until_the_window_is_full() -> None:
    clocked, _, rest = run(
        [9, 9, 9, 1, 2, 3, 4], [], window_seconds=3, target_accuracy=None, images_per_reading=10
    )
    assert (clocked.window_steps, clocked.window_images, clocked.window_seconds) == (2, 20, 3)
    assert clocked.readings == ()
    assert list(rest) == [10, 10]


def test_training_goes_on_to_the_target_and_scoring_takes_no_time() -> None:
    clocked, _, rest = run(
        [1] * 9, [0.1, 0.2, 0.3], window_seconds=2, target_accuracy=0.3, images_per_reading=20
    )
    readings = [(r.images, r.seconds, r.accuracy) for r in clocked.readings]
    assert readings == [(20, 2, 0.1), (40, 4, 0.2), (60, 6, 0.3)]
    assert (clocked.window_steps, clocked.window_seconds) == (2, 2)
    assert len(list(rest)) == 3


def test_a_target_that_is_reached_early_leaves_the_window_whole() -> None:
    clocked, _, _ = run(
        [1] * 9, [0.5], window_seconds=4, target_accuracy=0.3, images_per_reading=10
    )
    assert len(clocked.readings) == 1
    assert clocked.window_seconds == 4


def test_a_schedule_that_ends_leaves_the_target_unmet() -> None:
    clocked, _, _ = run(
        [1] * 5, [0.1] * 5, window_seconds=1, target_accuracy=0.3, images_per_reading=10
    )
    assert len(clocked.readings) == 5


def test_a_training_too_short_for_a_speed_is_told() -> None:
    with pytest.raises(MeasurementError, match=r"over after 30 images.*--epochs"):
        run([1] * WARMUP_STEPS, [], window_seconds=1, target_accuracy=None, images_per_reading=1)


def test_peak_memory_is_in_bytes() -> None:
    assert 50 * 2**20 < peak_memory_bytes() < 64 * 2**30


# The floor.


Kernel = tuple[Any, ...]


def kernels_seen(modules: nn.Module, run_once: Callable[[], object]) -> list[Kernel]:
    """Tell of every convolution that runs: shapes, format, whether its input gets a gradient."""
    seen: list[Kernel] = []

    def look(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        assert isinstance(module, nn.Conv2d)
        (x,) = inputs
        last = [t.is_contiguous(memory_format=torch.channels_last) for t in (x, module.weight)]
        sizes = tuple(x.shape), tuple(module.weight.shape), tuple(output.shape)
        shape = (*sizes, module.stride, module.padding, module.groups, module.bias is not None)
        seen.append((*shape, *last, x.requires_grad))

    hooks = [m.register_forward_hook(look) for m in modules.modules() if isinstance(m, nn.Conv2d)]
    run_once()
    for hook in hooks:
        hook.remove()
    return seen


def convolutions_of(program: Program, batch: int) -> list[tuple[tuple[int, ...], ...]]:
    """Give shapes of input, weight and output, from the program alone."""
    found = []
    for layer in program.layers:
        if layer.kind == "conv":
            source = program.layers[layer.inputs[0]]
            given = (batch, source.channels, source.px, source.px)
            weight = (layer.channels, source.channels // layer.groups, layer.kernel, layer.kernel)
            found.append((given, weight, (batch, layer.channels, layer.px, layer.px)))
    return found


def backward_convolutions(run_once: Callable[[], object]) -> int:
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
        run_once()
    counts = {event.key: event.count for event in profiler.key_averages()}
    return counts.get("aten::convolution_backward", 0)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_floor_runs_the_convolutions_of_the_engine(name: str, tmp_path: Path) -> None:
    task = make_task(tmp_path, px=8, images=60)
    program, _ = build_program(name, input_px=8, image_channels=3, classes=3)
    bare = BareTraining(program, task.data, task.distill, seed=0)
    floor = BareConvolutions(program, batch_images=54, memory_format=memory_format_of(bare.network))
    in_engine = kernels_seen(bare.network, bare.advance)
    in_floor = kernels_seen(floor.convolutions, floor.run)
    assert in_floor == in_engine
    assert [kernel[:3] for kernel in in_floor] == convolutions_of(program, 54)
    assert backward_convolutions(floor.run) == backward_convolutions(bare.advance) == len(in_floor)


def test_the_format_of_a_network_is_told() -> None:
    network = nn.Sequential(nn.Conv2d(4, 8, 3), nn.Conv2d(8, 8, 1))
    assert memory_format_of(network) == torch.contiguous_format
    network.to(memory_format=torch.channels_last)
    assert memory_format_of(network) == torch.channels_last


def test_a_bare_step_computes_the_loss_and_moves_nothing(
    tmp_path: Path, losses: list[float]
) -> None:
    task = make_task(tmp_path, px=4, images=60)
    bare = BareTraining(task.program, task.data, task.distill, seed=0)
    before = [p.detach().clone() for p in bare.network.parameters()]
    bare.advance()
    bare.advance()
    assert losses == [pytest.approx(expected_loss(task), rel=2e-6)] * 2
    after = list(bare.network.parameters())
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))
    assert all(p.grad is not None for p in after)


def test_two_functions_take_turns_until_the_window_is_full() -> None:
    clock, calls = Clock(), []

    def call(name: str, seconds: float) -> None:
        calls.append(name)
        clock.spend(seconds)

    seconds = time_in_turn(
        lambda: call("engine", 3), lambda: call("floor", 2), window_seconds=6, clock=clock
    )
    assert seconds == ((3, 3), (2, 2))
    assert calls == ["engine", "floor"] * (WARMUP_STEPS + 2)


def test_the_profile_names_the_operators_of_whole_steps(tmp_path: Path) -> None:
    task = make_task(tmp_path, px=8, images=60)
    training = ScoredTraining(task.program, task.data, task.distill, images=10**6, seed=0)
    table = profile_steps(training)
    assert "aten::convolution_backward" in table
    assert "SGD.step" in table


# The students.


def test_the_students_are_alike_in_size_and_of_different_shape() -> None:
    convolutions = {}
    for name in FAMILIES:
        program, params = build_program(name, input_px=32, image_channels=3, classes=100)
        assert 50_000 <= params <= 150_000
        assert params == sum(p.numel() for p in StudentNetwork(program).parameters())
        kernels = [layer for layer in program.layers if layer.kind == "conv"]
        sums = sum(len(layer.inputs) for layer in program.layers if layer.kind == "sum")
        convolutions[name] = (len(kernels), sum(k.groups > 1 for k in kernels), sums)
    assert convolutions["chain"][0] < 20
    assert convolutions["depthwise"][1] >= 20
    assert convolutions["dense"][0] > 50
    assert convolutions["dense"][1] == 0
    assert convolutions["dense"][2] > 5 * convolutions["chain"][2]


# Images.


def test_a_tenth_is_held_out_and_fewer_images_shrink_both_parts(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "data", px=4, images=100)
    train, validation, names = load_images(folder, None)
    assert (len(train), len(validation)) == (90, 10)
    assert names == ("red", "green", "blue")
    fewer, judged, _ = load_images(folder, 45)
    assert torch.equal(fewer.images, train.images[:45])
    assert torch.equal(judged.images, validation.images[:5])
    assert torch.equal(judged.labels, validation.labels[:5])
    with pytest.raises(DataError, match="--images 91: there are 90"):
        load_images(folder, 91)


def test_a_folder_that_lacks_a_part_is_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "data")
    shutil.rmtree(folder / "teachers")
    with pytest.raises(DataError, match=r"nets\.py: is missing; DATA must be"):
        load_images(folder, None)


def test_a_cache_is_made_once_and_never_from_a_half_one(tmp_path: Path) -> None:
    folder, work = make_folder(tmp_path / "data"), tmp_path / "work"
    first = prepare(folder, work, make_settings(views=2), progress=silent)
    assert first.cache.model_dump(exclude={"seconds"}) == {
        "images": 54,
        "batch_images": 54,
        "views": 2,
    }
    assert first.cache.seconds > 0
    assert prepare(folder, work, make_settings(views=2), progress=silent) == first
    logits = training_data(work, first).logits
    assert logits is not None
    kept = np.array(logits)
    (work / "prepared.json").unlink()  # as after a kill, before all was there
    (work / first.logits_file).write_bytes(b"half")
    again = prepare(folder, work, make_settings(views=2), progress=silent)
    assert np.array_equal(np.load(work / again.logits_file), kept)
    other = prepare(folder, work, make_settings(views=3), progress=silent)
    assert other.cache.views == 3


# Ratios.


def make_timing(number: int, way: Way, speed: float, seconds: float | None, mib: int) -> Timing:
    """A window of 10 s at a speed, and the target reached after so many seconds."""
    readings = [{"images": 10, "seconds": 1.0, "accuracy": 0.1}]
    if seconds is not None:
        readings.append({"images": 20, "seconds": seconds, "accuracy": 0.2})
    return Timing.model_validate(
        {
            "round_number": number,
            "student": "chain",
            "way": way,
            "params": 12_345,
            "window_steps": 5,
            "window_images": round(10 * speed),
            "window_seconds": 10.0,
            "readings": readings,
            "peak_memory_bytes": mib * 2**20,
        }
    )


def make_measurements() -> Measurements:
    """Three whole rounds, and a fourth that was cut short."""
    rows: list[tuple[int, Way, float, float | None, int]] = [
        (0, "plain", 100, 60, 800),
        (0, "torchdistill", 120, 50, 900),
        (0, "autokd", 600, 10, 400),
        (1, "plain", 50, 120, 800),
        (1, "torchdistill", 60, None, 900),
        (1, "autokd", 400, 15, 600),
        (2, "plain", 110, 55, 800),
        (2, "torchdistill", 100, 66, 900),
        (2, "autokd", 550, 11, 400),
        (3, "plain", 1, 1, 1),
    ]
    ways: tuple[Way, ...] = ("plain", "torchdistill", "autokd")
    floors = [
        Floor(
            round_number=number, student="chain", engine_seconds=engine, floor_seconds=(0.4, 1.0, 9)
        )
        for number, engine in enumerate([(1.2, 1.0, 7.0), (1.5, 1.5, 1.0), (1.3, 1.1, 2.0)])
    ]
    return Measurements(
        settings=make_settings(ways=ways, target_accuracy=0.2, epochs=2),
        machine=this_machine(),
        cache=Cache(images=3000, batch_images=64, views=4, seconds=500.0),
        timings=tuple(make_timing(*row) for row in rows),
        floors=tuple(floors),
    )


def test_ratios_are_taken_inside_rounds() -> None:
    """600/100, 400/50, 550/110: the median of the ratios is not the ratio of the medians, 5.5."""
    found = make_measurements()
    assert ratio(found, "chain", ("autokd", "plain"), images_per_second) == Spread(
        6.0, 5.0, 8.0, 3, 3
    )
    assert ratio(found, "chain", ("autokd", "plain"), peak_memory) == Spread(0.5, 0.5, 0.75, 3, 3)


def test_a_round_that_missed_the_target_has_no_ratio() -> None:
    found = make_measurements()
    figure = seconds_to_target(found)
    assert ratio(found, "chain", ("plain", "autokd"), figure) == Spread(6.0, 5.0, 8.0, 3, 3)
    assert ratio(found, "chain", ("torchdistill", "autokd"), figure) == Spread(5.5, 5.0, 6.0, 2, 3)
    never = found.model_copy(
        update={"timings": tuple(make_timing(0, w, 1, None, 1) for w in found.settings.ways)}
    )
    assert ratio(never, "chain", ("plain", "autokd"), figure) is None


def test_the_engine_pays_its_share_of_the_cache() -> None:
    """Two epochs of 3,000 images take 10 s at 600 a second, and 500 s / 50 students are 10 more."""
    found = make_measurements()
    paid = with_cache(found, 50, seconds_of_training(found))
    shown = ratio(found, "chain", ("plain", "autokd"), paid)
    assert shown is not None
    by_hand = [60 / (10 + 10), 120 / (15 + 10), (6000 / 110) / (6000 / 550 + 10)]
    assert (shown.median, shown.low, shown.high) == pytest.approx(
        (sorted(by_hand)[1], min(by_hand), max(by_hand))
    )


def test_a_floor_is_a_ratio_of_medians_in_each_round() -> None:
    assert floor_ratio(make_measurements(), "chain") == Spread(1.3, 1.2, 1.5, 3, 3)


def test_the_page_shows_no_time_without_its_ratio() -> None:
    page = make_page(make_measurements(), cache_students=50)
    speed = (
        "| chain | 12,345 | 100 | 100 | 550 | 6.00 (5.00 to 8.00) | 5.50 (5.00 to 6.67) "
        "| 3.00 (2.61 to 4.80) | 2.87 (2.50 to 4.00) |"
    )
    accuracy = (
        "| chain | 60 | 58, 2 of 3 rounds | 11 | 6.00 (5.00 to 8.00) "
        "| 5.50 (5.00 to 6.00), 2 of 3 rounds | 3.00 (2.62 to 4.80) "
        "| 2.82 (2.50 to 3.14), 2 of 3 rounds |"
    )
    memory = "| chain | 800 | 900 | 400 | 0.50 (0.50 to 0.75) | 0.44 (0.44 to 0.67) |"
    assert speed in page
    assert accuracy in page
    assert memory in page
    assert "| chain | 1.30 (1.20 to 1.50) |" in page
    assert "(views of each image: 4) took as long as 16.67 (8.33 to 18.33) epochs of (a)" in page
    assert "rounds: 3." in page
    heads = [line for line in page.splitlines() if line.startswith("| student")]
    assert len(heads) == 4
    assert all("(c)/(a)" in h or "(a)/(c)" in h or "step/convolutions" in h for h in heads)


# The file.


def test_a_file_gives_its_whole_rounds(tmp_path: Path) -> None:
    found = make_measurements()
    path = tmp_path / "made.json"
    path.write_text(found.model_dump_json())
    opened = open_measurements(path, found.settings, found.machine)
    assert [t.round_number for t in opened.timings] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert opened.rounds() == (0, 1, 2)
    assert opened.floors == found.floors
    assert opened.cache == found.cache


def test_other_settings_or_another_machine_are_not_mixed(tmp_path: Path) -> None:
    found = make_measurements()
    path = tmp_path / "made.json"
    path.write_text(found.model_dump_json())
    settings = found.settings.model_copy(update={"threads": 2})
    with pytest.raises(DataError, match=r"settings are others .threads 1, now 2"):
        open_measurements(path, settings, found.machine)
    machine = found.machine.model_copy(update={"torch": "1.0"})
    with pytest.raises(DataError, match=r"machine are others .torch .*, now '1.0'"):
        open_measurements(path, found.settings, machine)


def test_what_is_missing_is_done_in_turn(tmp_path: Path) -> None:
    found = make_measurements()
    found = found.model_copy(
        update={
            "timings": tuple(t for t in found.timings if t.round_number == 1),
            "floors": found.floors[:1],
        }
    )
    first = Job(kind="cache", data=tmp_path, work=tmp_path, settings=found.settings)
    jobs = bench_training.missing_jobs(
        found, first, rounds=3, floor=True, out=tmp_path / "out.json"
    )
    ways = ["plain", "torchdistill", "autokd"]
    assert [(job.round_number, job.kind, job.way) for job in jobs] == [
        *((0, "timing", way) for way in ways),
        (1, "floor", "autokd"),
        *((2, "timing", way) for way in ways),
        (2, "floor", "autokd"),
    ]
    assert [job.name for job in jobs[2:4]] == ["round 1, chain, autokd", "round 2, chain, floor"]


# The tool.


@pytest.fixture
def jobs_here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run jobs in this process, and list their names."""
    names: list[str] = []

    def run_here(job: Job, record: type[Any]) -> Any:
        names.append(job.name)
        result = MEASURE[job.kind](job)
        assert isinstance(result, record)
        return result

    monkeypatch.setattr(bench_training, "run_job", run_here)
    return names


def arguments(tmp_path: Path, *more: str) -> list[str]:
    given = f"{tmp_path}/data --out {tmp_path}/out.json --students chain --ways plain autokd"
    return [*given.split(), "--window", "0.01", "--views", "1", *more]


def test_a_finished_round_is_not_run_again(
    tmp_path: Path, jobs_here: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    make_folder(tmp_path / "data")
    target = ("--accuracy", "0.1", "--images", "40")
    bench_training.main(arguments(tmp_path, *target, "--rounds", "1", "--floor"))
    page = capsys.readouterr().out
    assert jobs_here == [
        "the cache",
        "round 1, chain, plain",
        "round 1, chain, autokd",
        "round 1, chain, floor",
    ]
    assert "aten::convolution_backward" in page
    first = json.loads((tmp_path / "out.json").read_text())
    assert [t["way"] for t in first["timings"]] == ["plain", "autokd"]
    assert all(t["window_steps"] > 0 and t["readings"] for t in first["timings"])
    jobs_here.clear()
    bench_training.main(arguments(tmp_path, *target, "--rounds", "1", "--floor"))
    assert jobs_here == []
    assert capsys.readouterr().out == page
    bench_training.main(arguments(tmp_path, *target, "--rounds", "2"))
    assert jobs_here == ["the cache", "round 2, chain, plain", "round 2, chain, autokd"]
    second = json.loads((tmp_path / "out.json").read_text())
    assert second["timings"][:2] == first["timings"]
    assert second["cache"] == first["cache"]


def test_the_engine_alone_has_no_ratios(
    tmp_path: Path, jobs_here: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    make_folder(tmp_path / "data")
    bench_training.main(arguments(tmp_path, "--ways", "autokd", "--rounds", "1"))
    assert "| student | parameters | (c) |" in capsys.readouterr().out


def test_without_torchdistill_its_way_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_training, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"torchdistill is not installed.*--ways plain autokd"):
        bench_training.main(arguments(tmp_path, "--ways", "plain", "torchdistill"))


@pytest.mark.parametrize("option", [("--alpha", "1"), ("--window", "0"), ("--accuracy", "20")])
def test_a_number_out_of_range_is_refused(option: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=f"options.*{option[1]}"):
        bench_training.main(arguments(tmp_path, *option))


def test_a_process_that_fails_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    first = Job(kind="cache", data=tmp_path, work=tmp_path / "work", settings=make_settings())
    with pytest.raises(MeasurementError, match="round 1, chain, plain: the process ended with 1"):
        run_job(first.of_timing(0, "chain", "plain"), Timing)
    assert "prepared.json: cannot be read" in capfd.readouterr().err


def test_the_process_that_starts_the_others_is_small() -> None:
    """On Linux a child's peak memory begins with that of its parent, as it is handed through."""
    code = "import sys, tools.bench_training; print('torch' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout == "False\n"


@pytest.mark.slow
def test_each_way_runs_in_a_process_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_folder(tmp_path / "data")
    ways = ["plain", "torchdistill", "autokd"] if HAS_TORCHDISTILL else ["plain", "autokd"]
    bench_training.main(arguments(tmp_path, "--rounds", "1", "--floor", "--ways", *ways))
    assert "| chain |" in capsys.readouterr().out
    found = json.loads((tmp_path / "out.json").read_text())
    assert [t["way"] for t in found["timings"]] == ways
    assert not (tmp_path / "out.result.json").exists()
