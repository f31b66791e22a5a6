from collections.abc import Callable

import pytest

from autokd.core.measurement import LatencyMeasurement


@pytest.fixture
def make_block() -> Callable[[float], LatencyMeasurement]:
    def make(p50_ms: float) -> LatencyMeasurement:
        return LatencyMeasurement(
            host="board",
            is_device=True,
            valid=True,
            reason=None,
            runtime="onnxruntime 1.22.0",
            provider="CPUExecutionProvider",
            threads=1,
            samples=64,
            load_ms=1,
            first_ms=1,
            p50_ms=p50_ms,
            p90_ms=1.1 * p50_ms,
            p99_ms=None,
            min_ms=0.9 * p50_ms,
            mean_ms=1,
            std_ms=0,
            peak_memory_bytes=None,
            runtime_memory_bytes=None,
        )

    return make
