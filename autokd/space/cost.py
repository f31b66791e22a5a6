"""What a program costs on the device of a profile."""

from autokd.core.cost import Cost
from autokd.core.device import DeviceProfile
from autokd.core.runtime import Takes
from autokd.space.counts import (
    FLOAT_BYTES,
    count_macs,
    count_params,
    folded_numbers,
    int8_arena_bytes,
    int8_onnx_size_bytes,
    onnx_size_bytes,
    peak_activation_bytes,
)
from autokd.space.latency import predict_latency_ms
from autokd.space.operators import layer_costs
from autokd.space.program import Program


def cost_on(program: Program, profile: DeviceProfile, *, label_bytes: int = 0) -> Cost:
    """Give everything that ``program`` costs on the device of ``profile``.

    Where onnxruntime does not run, it is what the INT8 file costs, without a claim of latency.
    """
    if profile.takes is not None:
        return _int8_cost(program, profile.takes, label_bytes=label_bytes)
    latency_ms = predict_latency_ms(layer_costs(program), profile)
    used = profile.required_runtime()
    factor = used.latency["fp32"].interval_factor.value
    activations = peak_activation_bytes(program)
    weights = FLOAT_BYTES * sum(folded_numbers(program, layer) for layer in program.layers)
    runtime = int(used.base_memory_mib.value * 2**20)
    memory = runtime + used.weight_memory_factor.value * weights + activations
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


def _int8_cost(program: Program, takes: Takes, *, label_bytes: int) -> Cost:
    """Give the cost of the full-integer file; its weights are read in flash where they lie."""
    arena = int8_arena_bytes(program)
    runtime = int(takes.runtime_memory_kib.value * 2**10)
    return Cost(
        params=count_params(program),
        macs=count_macs(program),
        size_bytes=int8_onnx_size_bytes(program, takes.int8, label_bytes=label_bytes),
        activation_bytes=arena,
        memory_bytes=runtime + int(takes.arena_factor.value * arena),
        runtime_bytes=runtime,
        latency_ms=None,
        latency_low_ms=None,
        latency_high_ms=None,
    )
