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
from autokd.core.onnx_versions import onnx_limits
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
    elif isinstance(raw, list):
        for inner in raw:
            yield from numbers(inner, key)


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
    assert set(IDS) == {
        "android-snapdragon-8g3",
        "beaglebone-ai-64",
        "coral-dev-board",
        "esp32-s3",
        "host",
        "intel-n100",
        "jetson-nano",
        "jetson-nano-2gb",
        "jetson-orin-nano",
        "jetson-tx2",
        "jetson-xavier-nx",
        "raspberry-pi-3b-plus",
        "raspberry-pi-4b",
        "raspberry-pi-5",
        "raspberry-pi-zero-2w",
        "rock-5b",
        "stm32h7",
    }


@pytest.mark.parametrize("name", IDS)
def test_a_profile_loads_under_its_name(name: str) -> None:
    profile = load(name)
    limits = profile.default_limits()
    assert limits.max_memory_bytes
    if profile.runtime is not None:
        assert profile.threads == profile.cpu.cores.value
        assert limits.max_memory_bytes > profile.runtime.base_memory_mib.value * 2**20


@pytest.mark.parametrize("path", PATHS, ids=IDS)
def test_every_number_names_a_source_or_the_reason_of_a_guess(path: Path) -> None:
    found = list(numbers(tomllib.loads(path.read_text(encoding="utf-8"))))
    assert len(found) >= 12
    for key, number in found:
        if re.match("estimate|policy", number["source"]):
            assert re.match(r"(estimate|policy): \w", number["source"]), key
        assert key.startswith("limits.") == number["source"].startswith("policy"), key


def sources(raw: Any) -> Iterator[str]:
    """Give what each table without a number of its own says of where it comes from."""
    if isinstance(raw, dict):
        yield from (raw[key] for key in ("source", "reason") if key in raw)
        for inner in raw.values():
            yield from sources(inner)
    elif isinstance(raw, list):
        for inner in raw:
            yield from sources(inner)


@pytest.mark.parametrize("path", PATHS, ids=IDS)
def test_every_source_can_be_looked_up(path: Path) -> None:
    """It names a document, a thread or a measurement, or says that it is none of these."""
    for source in sources(tomllib.loads(path.read_text(encoding="utf-8"))):
        assert len(source) >= 12, source
        assert not re.search(r"https?://|devices\.md|\bunknown\b|\bTODO\b", source), source


@pytest.mark.parametrize("name", IDS)
def test_a_student_has_a_cost_on_every_device(name: str) -> None:
    profile, program = load(name), resnet18()
    cost = cost_on(program, profile)
    assert cost.params == 11_689_512
    assert cost.memory_bytes > cost.activation_bytes
    assert (cost.latency_ms is None) == (profile.runtime is None)
    if cost.latency_interval_ms:
        low, middle, high = cost.latency_interval_ms
        assert 0 < low < middle < high < 10_000


@pytest.mark.parametrize("name", IDS)
def test_int8_has_the_form_that_the_processor_is_fast_in(name: str) -> None:
    """ARM multiplies signed bytes; x86 without VNNI saturates unless weights have 7 bits."""
    profile = load(name)
    if profile.runtime is None or profile.runtime.int8 is None:
        return
    form = profile.runtime.int8
    wanted = ("int8", False) if profile.cpu.arch == "aarch64" else ("uint8", True)
    assert (form.activation, form.reduce_range) == wanted


@pytest.mark.parametrize("name", [n for n in IDS if n != "host"])
def test_an_interval_is_wide_where_no_timing_of_the_board_was_fitted(name: str) -> None:
    latency = load(name).latency
    if latency is None:
        return
    is_fitted = "fitted to" in latency.conv.source and "not fitted" not in latency.conv.source
    assert latency.interval_factor.value >= (1.3 if is_fitted else 2)


@pytest.mark.parametrize("name", IDS)
def test_a_runtime_that_is_reached_through_an_accelerator_names_it(name: str) -> None:
    profile = load(name)
    reaches = " ".join(part.reach for part in profile.accelerators)
    for runtime in profile.runtimes:
        for provider in runtime.providers:
            assert provider == "CPUExecutionProvider" or provider in reaches


@pytest.mark.parametrize("name", BOARDS)
def test_no_speed_of_a_board_is_given_as_measured(name: str) -> None:
    """A fit to another runtime is an estimate until this runtime is timed on the board."""
    latency = load(name).latency
    if latency is None:  # nothing is claimed
        return
    given = set(type(latency).model_fields) - {"interval_factor", "calibration"}
    assert all(getattr(latency, name).is_estimate for name in given)


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


JETPACK_4 = ["jetson-nano", "jetson-nano-2gb", "jetson-tx2"]


@pytest.mark.parametrize("name", JETPACK_4)
def test_a_board_of_jetpack_4_gets_what_tensorrt_8_2_can_parse(name: str) -> None:
    export = load(name).export
    assert (export.opset, export.ir, export.input) == (13, 7, "float32")


@pytest.mark.parametrize("name", [n for n in BOARDS if n not in JETPACK_4])
def test_the_other_boards_get_a_file_that_every_runtime_since_1_10_loads(name: str) -> None:
    export = load(name).export
    assert (export.opset, export.ir, export.input) == (15, 8, "uint8")


@pytest.mark.parametrize(
    "name", ["beaglebone-ai-64", "raspberry-pi-3b-plus", "raspberry-pi-4b", "raspberry-pi-zero-2w"]
)
def test_the_release_that_dies_on_old_cores_is_known(name: str) -> None:
    assert [(b.package, b.version) for b in load(name).known_bad] == [("onnxruntime", "1.21.0")]


# ncnn benchmark/README.md, ResNet-18, fp32, all cores.
@pytest.mark.parametrize(
    ("name", "published_ms"),
    [
        ("jetson-nano", 83.4),
        ("raspberry-pi-3b-plus", 271.93),
        ("raspberry-pi-4b", 123.12),
        ("raspberry-pi-zero-2w", 353.5),
    ],
)
def test_a_published_latency_lies_in_the_interval(name: str, published_ms: float) -> None:
    cost = cost_on(resnet18(), load(name))
    assert cost.latency_low_ms < published_ms < cost.latency_high_ms


def test_the_readme_has_every_device_and_every_key() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    schema = json.loads((FOLDER / "profile.schema.json").read_text(encoding="utf-8"))
    records = {name: r for name, r in schema["$defs"].items() if name not in _NOT_IN_A_PROFILE}
    keys = {key for record in records.values() for key in record.get("properties", {})}
    named = set(re.findall(r"`([\w-]+)`", text))
    assert keys - named - {"value"} == set()
    assert set(IDS) <= named


_NOT_IN_A_PROFILE = {"Calibration"}  # written by autokd devices calibrate, not by people


def test_the_readmes_table_of_releases_is_the_one_of_the_code() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^ *\| (onnxruntime|opset|IR) \| (\d.*) \|$", text, re.MULTILINE)
    columns = zip(*(row.split(" | ") for _, row in rows), strict=True)
    for names, opset, ir in columns:
        first, *last = (int(name.partition(".")[2]) for name in re.findall(r"1\.\d+", names))
        for minor in range(first, (last or [first])[-1] + 1):
            assert onnx_limits(f"1.{minor}.0") == (int(opset), int(ir))


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
