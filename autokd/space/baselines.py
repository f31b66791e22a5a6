"""Hand-designed students, as the same layers that searched ones have, to compare with.

References:
    [He2015]: arXiv:1512.03385, section 4.2: the CIFAR form of ResNet.
    [Sandler2018]: arXiv:1801.04381, table 2: MobileNetV2, here with the early strides left out for
        small images, as its CIFAR versions have it.
"""

from autokd.space.program import Program, ProgramBuilder

# Expansion, channels, blocks, stride of MobileNetV2, and its width of the stem and the head.
_MOBILE_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 1),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
_MOBILE_STEM, _MOBILE_HEAD = 32, 1280


def resnet(width: int, *, depth: int, image_channels: int, input_px: int, classes: int) -> Program:
    """Give a CIFAR ResNet of ``depth`` 6 n + 2 with ``width`` channels in its first stage.

    Shortcuts across stages pool and project, so that no 1x1 convolution is strided.
    """
    build = ProgramBuilder(image_channels, input_px)
    place = build.relu("stem_relu", build.conv("stem", 0, width))
    for stage in range(3):
        channels = width << stage
        for block in range((depth - 2) // 6):
            name = f"s{stage}b{block}"
            stride = 2 if stage and not block else 1
            inner = build.conv(f"{name}_conv0", place, channels, stride=stride)
            inner = build.relu(f"{name}_relu0", inner)
            inner = build.conv(f"{name}_conv1", inner, channels)
            if stride == 2:
                place = build.pool(f"{name}_pool", place, build.px(inner))
                place = build.conv(f"{name}_match", place, channels, kernel=1)
            place = build.relu(f"{name}_relu1", build.sum(f"{name}_sum", [inner, place]))
    build.classify(place, classes)
    return build.build()


def mobilenet_v2(width: int, *, image_channels: int, input_px: int, classes: int) -> Program:
    """Give a MobileNetV2 whose stem has ``width`` channels instead of 32, the rest in proportion.

    Widths are rounded to fours.
    """
    build = ProgramBuilder(image_channels, input_px)
    scale = width / _MOBILE_STEM

    def channels(full: int) -> int:
        return max(4, round(full * scale / 4) * 4)

    place = build.relu("stem_relu", build.conv("stem", 0, channels(_MOBILE_STEM)))
    for stage, (expansion, full, blocks, stride) in enumerate(_MOBILE_STAGES):
        for block in range(blocks):
            name = f"s{stage}b{block}"
            inner = place
            if expansion > 1:
                inner = build.conv(
                    f"{name}_expand", inner, expansion * build.channels(place), kernel=1
                )
                inner = build.relu(f"{name}_relu0", inner)
            step = stride if block == 0 else 1
            inner = build.conv(
                f"{name}_dw", inner, build.channels(inner), stride=step, depthwise=True
            )
            inner = build.relu(f"{name}_relu1", inner)
            inner = build.conv(f"{name}_project", inner, channels(full), kernel=1)
            same = build.channels(inner) == build.channels(place) and step == 1
            place = build.sum(f"{name}_sum", [inner, place]) if same else inner
    head = build.conv("head", place, channels(_MOBILE_HEAD), kernel=1)
    build.classify(build.relu("head_relu", head), classes)
    return build.build()
