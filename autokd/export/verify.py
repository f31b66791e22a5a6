"""What an exported file is, checked by opening it again, and what it computes in onnxruntime."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime as ort
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import TensorProto
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from autokd.core.device import ExportTarget
from autokd.errors import ExportError, ParityError
from autokd.export.onnx import INPUT_NAME, OPERATORS, OUTPUT_NAME

INT8_OPERATORS = OPERATORS | {"DequantizeLinear", "QuantizeLinear"}
ABSOLUTE_TOLERANCE = 1e-4
RELATIVE_TOLERANCE = 1e-3

_ELEMENT_NAMES = {TensorProto.UINT8: "uint8", TensorProto.FLOAT: "float32"}
_REFUSALS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


class Parity(NamedTuple):
    """How near onnxruntime comes to the student.

    Attributes:
        images: That were compared.
        max_error: Largest absolute difference of a logit.
        agreement: Fraction of images where both name the same class.
    """

    images: int
    max_error: float
    agreement: float


def check_file(path: Path, target: ExportTarget, *, operators: frozenset[str] = OPERATORS) -> None:
    """Open the file again and check that it is what the board loads.

    Args:
        path: The file.
        target: What it must be.
        operators: The only ones that it may have.

    Raises:
        ExportError: It is not; the message says what was found and what the profile asks for.
    """
    model = _read_model(path)
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    if opsets != {"": target.opset}:
        found = ", ".join(f"{domain or 'ai.onnx'} {v}" for domain, v in opsets.items())
        msg = f"{path}: operator sets are {found}; the profile asks for ai.onnx {target.opset} only"
        raise ExportError(msg + f" ({target.reason}). Export it again for this device.")
    if model.ir_version != target.ir:
        msg = f"{path}: IR version is {model.ir_version}; the profile asks for {target.ir}"
        raise ExportError(msg + f" ({target.reason}). Export it again for this device.")
    _check_contents(path, model, target, operators)
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as fault:
        msg = f"{path}: onnx refuses the file ({fault}); export it again."
        raise ExportError(msg) from None
    _open_session(path)


def run_onnx(path: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give the logits (n, classes) that onnxruntime computes on the CPU.

    Args:
        path: The exported file; whether it takes bytes or floats is read from it.
        images: (n, px, px, c), at the student's own size.

    Raises:
        ExportError: The file does not load, or takes images of another shape.
    """
    session = _open_session(path)
    taken = session.get_inputs()[0]
    height, width, channels = images.shape[1:]
    if list(taken.shape) != [1, channels, height, width]:
        msg = (
            f"{path}: takes {taken.shape}, the images are "
            f"{[1, channels, height, width]}; resize and convert them first."
        )
        raise ExportError(msg)
    logits = np.empty((len(images), session.get_outputs()[0].shape[1]), dtype=np.float32)
    for number, image in enumerate(images):
        feed = board_input(image[None], "uint8" if "uint8" in taken.type else "float32")
        logits[number] = session.run([OUTPUT_NAME], {taken.name: feed})[0][0]
    return logits


def board_input(images: NDArray[np.uint8], kind: str) -> NDArray[Any]:
    """Give images (n, h, w, c) as the board feeds them: planes (n, c, h, w), 0..255 or 0..1."""
    planes = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    return planes if kind == "uint8" else planes.astype(np.float32) / np.float32(255.0)


def compare(
    reference: NDArray[np.floating[Any]], logits: NDArray[np.floating[Any]], *, where: str
) -> Parity:
    """Compare logits (n, classes) of onnxruntime with those of the student.

    An error may be 1e-4 plus a thousandth of the largest logit of its image.

    Raises:
        ParityError: An error is larger, or not a number.
    """
    expected = np.asarray(reference, dtype=np.float64)
    found = np.asarray(logits, dtype=np.float64)
    if expected.shape != found.shape or not len(expected):
        msg = (
            f"{where}: gives logits of shape {found.shape}, the student {expected.shape}; export "
            "it again."
        )
        raise ParityError(msg)
    error = np.abs(found - expected)
    scale = np.abs(expected).max(axis=1, keepdims=True)
    allowed = ABSOLUTE_TOLERANCE + RELATIVE_TOLERANCE * scale
    same = expected.argmax(axis=1) == found.argmax(axis=1)
    result = Parity(len(expected), float(error.max()), float(same.mean()))
    wrong = ~(error <= allowed).all(axis=1)  # a comparison with NaN is false, so NaN is wrong
    if wrong.any():
        worst = int(wrong.argmax())
        msg = (
            f"{where}: does not compute what the student computes: {int(wrong.sum())} of "
            f"{len(expected)} images differ; the logits of image {worst} are off by up to "
            f"{error[worst].max():.3g}, allowed {float(allowed[worst, 0]):.3g}; the same class is "
            f"named for {result.agreement:.1%}. Do not use this file: export another winner."
        )
        raise ParityError(msg)
    return result


def _read_model(path: Path) -> onnx.ModelProto:
    try:
        return onnx.load_model(path, load_external_data=False)
    except OSError as fault:
        msg = f"{path}: cannot be read ({fault.strerror}); export it again."
        raise ExportError(msg) from None
    except DecodeError as fault:
        msg = f"{path}: is not an ONNX file ({fault}); export it again."
        raise ExportError(msg) from None


def _check_contents(
    path: Path, model: onnx.ModelProto, target: ExportTarget, operators: frozenset[str]
) -> None:
    graph = model.graph
    outside = [t.name for t in graph.initializer if t.data_location == TensorProto.EXTERNAL]
    if outside:
        msg = (
            f"{path}: weights {outside[0]!r} are in another file; the board gets one file only: "
            "save it so."
        )
        raise ExportError(msg)
    unknown = sorted({f"{n.domain}.{n.op_type}".lstrip(".") for n in graph.node} - operators)
    if unknown:
        msg = (
            f"{path}: has operators {', '.join(unknown)}; "
            f"a student has only {', '.join(sorted(operators))}. Export it again."
        )
        raise ExportError(msg)
    if [i.name for i in graph.input] != [INPUT_NAME] or [o.name for o in graph.output] != [
        OUTPUT_NAME
    ]:
        names = [[i.name for i in graph.input], [o.name for o in graph.output]]
        msg = f"{path}: inputs and outputs are {names}; must be {INPUT_NAME!r} and {OUTPUT_NAME!r}."
        raise ExportError(msg)
    taken = graph.input[0].type.tensor_type
    element = _ELEMENT_NAMES.get(taken.elem_type, str(taken.elem_type))
    shape = [side.dim_value for side in taken.shape.dim]
    if element != target.input or len(shape) != 4 or shape[0] != 1 or min(shape) < 1:
        msg = (
            f"{path}: takes {element} {shape} (0 stands for any size); "
            f"must be {target.input} with four fixed sides, the first 1."
        )
        raise ExportError(msg)


def _open_session(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except _REFUSALS as fault:
        msg = f"{path}: onnxruntime {ort.__version__} does not load it ({fault}); export it again."
        raise ExportError(msg) from None
    except ort_errors.NoSuchFile:
        msg = f"{path}: is missing; export it again."
        raise ExportError(msg) from None
