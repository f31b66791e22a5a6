"""The profiles that are shipped: complete, sourced, and no surprise beside published timings."""

import importlib.util
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from autokd.core.device import DeviceProfile, load_profile
from autokd.space.cost import cost_on
from autokd.space.counts import count_macs
from autokd.space.program import Program, ProgramBuilder

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "profiles"
PATHS = sorted(FOLDER.glob("*.toml"))
IDS = [path.stem for path in PATHS]
BOARDS = [name for name in IDS if name != "host"]


def load(name: str) -> DeviceProfile:
    return load_profile(str(FOLDER / f"{name}.toml"))


def numbers(raw: Any, key: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every sourced number of a profile by its full key."""
    if isinstance(raw, dict):
        if set(raw) == {"value", "source"}:
            yield key, raw
        else:
            for name, inner in raw.items():
                yield from numbers(inner, f"{key}.{name}".lstrip("."))


def resnet18() -> Program:
    """Give ResNet-18 for 224 px, with average pooling in the place of max pooling."""
    net = ProgramBuilder(3, 224)
    x = net.relu("stem.relu", net.conv("stem", 0, 64, kernel=7, stride=2))
    x = net.pool("stem.pool", x, 56)
    for stage, width in enumerate((64, 128, 256, 512)):
        for block in range(2):
            name, stride = f"{stage}.{block}", 2 if stage and not block else 1
            y = net.relu(f"{name}.relu", net.conv(f"{name}.a", x, width, stride=stride))
            y = net.conv(f"{name}.b", y, width)
            if stride == 2:
                x = net.conv(f"{name}.skip", x, width, kernel=1, stride=2)
            x = net.relu(f"{name}.out", net.sum(f"{name}.sum", [x, y]))
    net.classify(x, 1000)
    return net.build()


def test_the_promised_boards_are_there() -> None:
    promised = {
        "host",
        "jetson-nano",
        "jetson-orin-nano",
        "raspberry-pi-4b",
        "raspberry-pi-5",
        "raspberry-pi-zero-2w",
    }
    assert promised <= set(IDS)


@pytest.mark.parametrize("name", IDS)
def test_a_profile_loads_under_its_name(name: str) -> None:
    profile = load(name)
    assert profile.runtime.threads == profile.cpu.cores.value
    limits = profile.default_limits()
    assert limits.max_memory_bytes
    assert limits.max_memory_bytes > profile.runtime.base_memory_mib.value * 2**20


@pytest.mark.parametrize("path", PATHS, ids=IDS)
def test_every_number_names_a_source_or_the_reason_of_a_guess(path: Path) -> None:
    found = list(numbers(tomllib.loads(path.read_text(encoding="utf-8"))))
    assert len(found) >= 15
    for key, number in found:
        if re.match("estimate|policy", number["source"]):
            assert re.match(r"(estimate|policy): \w", number["source"]), key
        assert key.startswith("limits.") == number["source"].startswith("policy"), key


@pytest.mark.parametrize("name", BOARDS)
def test_no_speed_of_a_board_is_given_as_measured(name: str) -> None:
    """A fit to another runtime is an estimate until this runtime is timed on the board."""
    latency = load(name).latency
    coefficients = {k: getattr(latency, k) for k in type(latency).model_fields}
    del coefficients["interval_factor"]
    assert all(number.is_estimate for number in coefficients.values())


@pytest.mark.parametrize("path", PATHS, ids=IDS)
def test_a_profile_keeps_to_the_json_schema(path: Path) -> None:
    schema = json.loads((FOLDER / "profile.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(tomllib.loads(path.read_text(encoding="utf-8")), schema)


def test_the_json_schema_is_the_one_of_the_code() -> None:
    spec = importlib.util.spec_from_file_location(
        "maker", ROOT / "tools" / "make_profile_schema.py"
    )
    assert spec
    assert spec.loader
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    stored = (FOLDER / "profile.schema.json").read_text(encoding="utf-8")
    assert stored == maker.profile_schema(), "run: python tools/make_profile_schema.py"


def test_the_nano_gets_what_tensorrt_8_2_can_parse() -> None:
    export = load("jetson-nano").export
    assert (export.opset, export.ir, export.input) == (13, 7, "float32")


@pytest.mark.parametrize("name", [n for n in BOARDS if n != "jetson-nano"])
def test_the_other_boards_get_a_file_that_every_runtime_since_1_10_loads(name: str) -> None:
    export = load(name).export
    assert (export.opset, export.ir, export.input) == (15, 8, "uint8")


@pytest.mark.parametrize("name", ["raspberry-pi-4b", "raspberry-pi-zero-2w"])
def test_the_release_that_dies_on_old_cores_is_known(name: str) -> None:
    assert [(b.package, b.version) for b in load(name).known_bad] == [("onnxruntime", "1.21.0")]


# ncnn benchmark/README.md, ResNet-18, fp32, all cores.
@pytest.mark.parametrize(
    ("name", "published_ms"),
    [("jetson-nano", 83.4), ("raspberry-pi-4b", 123.12), ("raspberry-pi-zero-2w", 353.5)],
)
def test_a_published_latency_lies_in_the_interval(name: str, published_ms: float) -> None:
    cost = cost_on(resnet18(), load(name))
    assert cost.latency_low_ms < published_ms < cost.latency_high_ms


def test_the_network_of_that_test_has_the_macs_of_resnet_18() -> None:
    assert count_macs(resnet18()) == pytest.approx(1.814e9, rel=0.001)


def test_boards_stand_in_the_order_of_their_speed() -> None:
    program = resnet18()
    order = [
        "raspberry-pi-zero-2w",
        "raspberry-pi-4b",
        "jetson-nano",
        "raspberry-pi-5",
        "jetson-orin-nano",
    ]
    times = [cost_on(program, load(name)).latency_ms for name in order]
    assert times == sorted(times, reverse=True)
