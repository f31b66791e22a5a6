"""What a model computes on a target against what it should compute."""

from collections.abc import Sequence
from dataclasses import dataclass

from autokd.errors import DeviceError
from autokd.measure.protocol import BenchAnswer

# Measured between releases of onnxruntime, and between x86-64 and aarch64, in fp32: 3e-7 to 7e-6.
FP32_ATOL = 1e-4
FP32_RTOL = 1e-3


@dataclass(frozen=True, slots=True)
class OutputParity:
    """How two outputs compare.

    Attributes:
        compared: Numbers that were compared; the agent sends the first 1024.
        max_error: Largest absolute difference.
        agrees: Whether every difference is at most ``atol + rtol * |reference|``.
        same_class: Whether the largest number stands at the same place.
    """

    compared: int
    max_error: float
    agrees: bool
    same_class: bool


def compare_output(
    answer: BenchAnswer,
    reference: Sequence[float],  # (classes,)
    *,
    atol: float = FP32_ATOL,
    rtol: float = FP32_RTOL,
) -> OutputParity:
    """Compare the output in ``answer`` with ``reference``, logits for the same input.

    Args:
        answer: Of a job with a ``sample``, or with the noise that ``reference`` is for.
        reference: Computed here.
        atol: Absolute difference that is allowed; the default is for fp32.
        rtol: Relative one.

    Raises:
        DeviceError: The answer has no output, or one of another size.
    """
    expected = [float(value) for value in reference]
    output = answer.output
    if output is None:
        msg = "the agent's answer has no output to compare; measure again."
        raise DeviceError(msg)
    sent = output.values
    if output.size != len(expected) or not 0 < len(sent) <= output.size:
        msg = (
            f"the model gave {output.size} numbers there, and {len(expected)} here; export it "
            "again."
        )
        raise DeviceError(msg)
    pairs = [(abs(got - value), value) for got, value in zip(sent, expected, strict=False)]
    return OutputParity(
        compared=len(sent),
        max_error=max(error for error, _ in pairs),
        agrees=all(error <= atol + rtol * abs(value) for error, value in pairs),
        same_class=output.argmax == expected.index(max(expected)),
    )
