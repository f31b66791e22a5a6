"""What a program costs on the device of a profile."""

from autokd.core.cost import Cost
from autokd.core.device import DeviceProfile
from autokd.space.counts import (
    FLOAT_BYTES,
    count_macs,
    count_params,
    folded_numbers,
    onnx_size_bytes,
    peak_activation_bytes,
)
from autokd.space.latency import layer_costs, predict_latency_ms
from autokd.space.program import Program


def cost_on(program: Program, profile: DeviceProfile, *, label_bytes: int = 0) -> Cost:
    """Give everything that ``program`` costs on the device of ``profile``."""
    latency_ms = predict_latency_ms(layer_costs(program), profile)
    factor = profile.latency.interval_factor.value
    activations = peak_activation_bytes(program)
    weights = FLOAT_BYTES * sum(folded_numbers(program, layer) for layer in program.layers)
    runtime = int(profile.runtime.base_memory_mib.value * 2**20)
    memory = runtime + profile.runtime.weight_memory_factor.value * weights + activations
    return Cost(
        params=count_params(program),
        macs=count_macs(program),
        size_bytes=onnx_size_bytes(program, label_bytes=label_bytes),
        activation_bytes=activations,
        memory_bytes=int(memory),
        runtime_bytes=runtime,
        latency_ms=latency_ms,
        latency_low_ms=latency_ms / factor,
        latency_high_ms=latency_ms * factor,
    )
