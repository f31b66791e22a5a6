"""INT8 counts: by hand, against files that were written, and against what a vendor publishes."""

import pytest

from autokd.core.device import load_profile
from autokd.core.precision import Int8Form
from autokd.export.graph import NORMALISED, read_graph
from autokd.export.microcontroller import full_integer_model
from autokd.export.onnx import build_model
from autokd.space.cost import cost_on
from autokd.space.counts import int8_arena_bytes, int8_onnx_size_bytes
from autokd.space.program import Program, ProgramBuilder
from tests.export.conftest import make_weights

KIB = 2**10
SIGNED = Int8Form(activation="int8", per_channel=True, reduce_range=False)


def small_program() -> Program:
    """Image 3x8x8, conv 3x3 to 4, relu, depthwise 3x3, sum of both, pool to 4, classify in 5."""
    build = ProgramBuilder(3, 8)
    relu = build.relu("relu", build.conv("stem", 0, 4))
    total = build.sum("sum", [build.conv("deep", relu, 4, depthwise=True), relu])
    build.classify(build.pool("pool", total, 4), 5)
    return build.build()


def mobilenet_v2(alpha: float, px: int) -> Program:
    """MobileNetV2 (arXiv:1801.04381, table 2) without its classifier's thousand outputs."""

    def width(channels: int) -> int:
        wanted = channels * alpha
        rounded = max(8, int(wanted + 4) // 8 * 8)
        return rounded + 8 * (rounded < 0.9 * wanted)

    net = ProgramBuilder(3, px)
    x = net.relu("stem.relu", net.conv("stem", 0, width(32), stride=2))
    for stage, (expansion, channels, repeats, stride) in enumerate(
        [
            (1, 16, 1, 1),
            (6, 24, 2, 2),
            (6, 32, 3, 2),
            (6, 64, 4, 2),
            (6, 96, 3, 1),
            (6, 160, 3, 2),
            (6, 320, 1, 1),
        ]
    ):
        for block in range(repeats):
            name, before = f"{stage}.{block}", x
            if expansion > 1:
                x = net.conv(f"{name}.expand", x, expansion * net.channels(x), kernel=1)
                x = net.relu(f"{name}.relu0", x)
            step = 1 if block else stride
            x = net.conv(f"{name}.dw", x, net.channels(x), stride=step, depthwise=True)
            x = net.conv(f"{name}.out", net.relu(f"{name}.relu1", x), width(channels), kernel=1)
            if block:
                x = net.sum(f"{name}.sum", [before, x])
    x = net.relu("head.relu", net.conv("head", x, max(1280, width(1280)), kernel=1))
    net.classify(x, 5)
    return net.build()


def resnet_v1(depth: int) -> Program:
    """ResNet for CIFAR (arXiv:1512.03385, section 4.2) with 16, 32 and 64 channels."""
    net = ProgramBuilder(3, 32)
    x = net.relu("stem.relu", net.conv("stem", 0, 16))
    for stage, channels in enumerate((16, 32, 64)):
        for block in range((depth - 2) // 6):
            name, step = f"{stage}.{block}", 2 if stage and not block else 1
            y = net.relu(f"{name}.relu", net.conv(f"{name}.a", x, channels, stride=step))
            y = net.conv(f"{name}.b", y, channels)
            if step == 2:
                x = net.conv(f"{name}.skip", x, channels, kernel=1, stride=2)
            x = net.relu(f"{name}.out", net.sum(f"{name}.sum", [x, y]))
    net.classify(x, 10)
    return net.build()


# STMicroelectronics/stm32ai-modelzoo, image_classification/*/README.md: activation RAM on the
# STM32H7 with STM32Cube.AI 10, KiB.
PUBLISHED = [
    (mobilenet_v2(0.35, 128), 237.32),
    (mobilenet_v2(0.35, 224), 832.64),
    (mobilenet_v2(1.0, 224), 1727.02),
    (mobilenet_v2(1.4, 224), 2332.2),
    (resnet_v1(8), 62.51),
    (resnet_v1(32), 45.41),
]


def test_the_arena_of_a_small_program_by_hand() -> None:
    # In bytes: the image (192) and the stem (256) live together; later the relu's buffer, which is
    # the stem's, and the depthwise output: 512. The sum is written into the latter.
    assert int8_arena_bytes(small_program()) == 512


def test_the_file_of_a_small_program_by_hand() -> None:
    """What a scale for each channel adds is exact: 13 bytes for each channel but one."""
    program = small_program()
    whole = int8_onnx_size_bytes(program, SIGNED)
    shared = int8_onnx_size_bytes(program, SIGNED.model_copy(update={"per_channel": False}))
    weights = 3 * 9 * 4 + 9 * 4 + 4 * 5
    biases = 4 * (4 + 4 + 5)
    assert whole > weights + biases
    assert whole - shared == 13 * ((4 - 1) + (4 - 1) + (5 - 1))
    assert int8_onnx_size_bytes(program, SIGNED, label_bytes=100) - whole == 100


@pytest.mark.parametrize("preset", ["edge", "paper"])
@pytest.mark.parametrize("device", ["stm32h7", "esp32-s3"])
def test_a_full_integer_file_has_the_predicted_size_within_3_percent(
    space, members, preset, device
) -> None:
    profile = load_profile(device)
    assert profile.takes is not None
    for max_size_bytes in (100_000, 600_000):
        drawn_from = space(preset, device=device, max_size_bytes=max_size_bytes)
        for member in members(drawn_from, 5 if preset == "edge" else 2):
            program = drawn_from.program(member)
            model = build_model(
                program,
                make_weights(program),
                target=profile.export,
                mean=(0.5,) * 3,
                std=(0.25,) * 3,
                class_names=tuple(f"class {n}" for n in range(10)),
                metadata={"device": device},
            )
            graph = read_graph(model)
            ranges = {node.output: (-1.0 - n, 1.0) for n, node in enumerate(graph.nodes)}
            ranges[NORMALISED] = (-2.0, 2.0)
            found = full_integer_model(graph, ranges, form=profile.takes.int8).ByteSize()
            assert found <= max_size_bytes
            assert member.cost.size_bytes == pytest.approx(found, rel=0.03)


@pytest.mark.parametrize(("program", "published_kib"), PUBLISHED)
def test_a_published_arena_is_within_the_factor_of_the_profile(
    program: Program, published_kib: float
) -> None:
    takes = load_profile("stm32h7").takes
    assert takes is not None
    share = published_kib * KIB / int8_arena_bytes(program)
    assert 0.9 < share <= takes.arena_factor.value


def test_a_microcontroller_is_charged_flash_and_ram_and_no_time() -> None:
    profile = load_profile("stm32h7")
    assert profile.takes is not None
    cost = cost_on(small_program(), profile, label_bytes=10)
    assert cost.runtime_bytes == int(30.2 * KIB)
    assert cost.memory_bytes == int(30.2 * KIB) + int(profile.takes.arena_factor.value * 512)
    assert cost.size_bytes == int8_onnx_size_bytes(small_program(), SIGNED, label_bytes=10)
    assert cost.activation_bytes == 512
    assert cost.latency_interval_ms is None
