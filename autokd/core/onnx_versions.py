"""Which ONNX files a release of onnxruntime loads: versions of the operator set and the format."""

import re

# First IR version that knows each operator set (onnx docs/Versioning.md).
IR_OF_OPSET = {
    13: 7,
    14: 7,
    15: 8,
    16: 8,
    17: 8,
    18: 8,
    19: 9,
    20: 9,
    21: 10,
    22: 10,
    23: 11,
    24: 12,
    25: 13,
    26: 13,
    27: 13,
    28: 14,
}

# Newest opset and IR by loading stamped models in each release; tests/contract holds it there.
# What onnxruntime's docs/reference/compatibility.md says of 1.15 differs, and it stops at 1.20.
LIMITS_OF_ONNXRUNTIME: dict[tuple[int, int], tuple[int, int]] = {
    (1, 10): (15, 8),
    (1, 11): (16, 8),
    (1, 12): (17, 8),
    (1, 13): (17, 8),
    (1, 14): (18, 8),
    (1, 15): (18, 9),  # knows opset 19, but has no kernel for its Cast and AveragePool
    (1, 16): (19, 9),
    (1, 17): (20, 9),
    (1, 18): (21, 10),
    (1, 19): (21, 10),
    (1, 20): (21, 10),
    (1, 22): (22, 10),
    (1, 23): (23, 11),
    (1, 24): (25, 13),
    (1, 32): (28, 14),
}


def release_of(version: str) -> tuple[int, int] | None:
    """Give major and minor number of ``1.19.2``; None when ``version`` does not begin so."""
    found = re.match(r"(\d+)\.(\d+)(?:\.|$)", version)
    return (int(found[1]), int(found[2])) if found else None


def onnx_limits(version: str) -> tuple[int, int] | None:
    """Give the newest opset and IR that this release of onnxruntime is known to load.

    A release that was not tried gets the limits of the one before it; None for those older than
    1.10, and for what is no version.
    """
    release = release_of(version)
    older = [known for known in LIMITS_OF_ONNXRUNTIME if release and known <= release]
    return LIMITS_OF_ONNXRUNTIME[max(older)] if older else None
