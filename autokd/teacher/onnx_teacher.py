"""A teacher in ONNX, run by onnxruntime."""

import itertools
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from google.protobuf.message import DecodeError
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state
from torch import Tensor

from autokd.errors import TeacherError
from autokd.teacher.card import TeacherCard
from autokd.teacher.file import MAX_UNPACKED_BYTES
from autokd.teacher.outputs import are_probabilities, as_outputs, prepare, to_logits

BATCH = 64
_ORT_FAULTS = (
    ort_state.EPFail,
    ort_state.Fail,
    ort_state.InvalidArgument,
    ort_state.InvalidGraph,
    ort_state.InvalidProtobuf,
    ort_state.NotImplemented,
    ort_state.RuntimeException,
)
_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
}


class OnnxModel:
    """A session that takes images in the one form that the file wants.

    Attributes:
        channels: Of its images.
        px: Side of its images; None for any.
        takes_uint8: It normalises by itself.
        params: Numbers in its weights, wherever the file keeps them; None when it has none.
        metadata: Text that its maker put in.
    """

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            TeacherError: It is no ONNX, keeps weights in other files, or does not take images.
        """
        self.where = str(path)
        model = _read_model(path)
        options = ort.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 4  # its messages reach people through our errors
        try:
            # From bytes: there is no folder from which a second file could be read.
            self._session = ort.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except _ORT_FAULTS as fault:
            msg = (
                f"{path}: onnxruntime {ort.__version__} cannot load it ({_first_line(fault)}); "
                "export it at a lower opset."
            )
            raise TeacherError(msg) from None
        self.metadata = {entry.key: entry.value for entry in model.metadata_props}
        self.params = _count_params(model)
        self._read_input()

    def run(self, batch: Tensor) -> Tensor:
        """Map prepared images (b, channels, px, px) to outputs (b, outputs), float32.

        Raises:
            TeacherError: It fails, or gives no class scores.
        """
        step = self._batch or BATCH
        return torch.cat([self._run_once(chunk) for chunk in torch.split(batch, step)])

    def _run_once(self, chunk: Tensor) -> Tensor:
        missing = 0 if self._batch is None else self._batch - len(chunk)
        filled = torch.cat([chunk, chunk[:1].expand(missing, *chunk.shape[1:])])
        pixels = filled.permute(0, 2, 3, 1) if self._channels_last else filled
        feed = np.ascontiguousarray(pixels.numpy()).astype(self._dtype, copy=False)
        try:
            given = self._session.run(None, {self._input: feed})
        except _ORT_FAULTS as fault:
            msg = (
                f"{self.where}: fails on images of {self.channels} channels and {chunk.shape[2]} "
                f"px ({_first_line(fault)}); give the size it was trained on with --input-px."
            )
            raise TeacherError(msg) from None
        scores = torch.from_numpy(np.asarray(given[0], dtype=np.float32))
        return as_outputs(scores, self.where)[: len(chunk)]

    def _read_input(self) -> None:
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4:
            msg = (
                f"{self.where}: takes inputs of shapes {[i.shape for i in inputs]}; a teacher "
                "takes one batch of images, (n, channels, px, px): export it so."
            )
            raise TeacherError(msg)
        if inputs[0].type not in _DTYPES:
            msg = f"{self.where}: takes {inputs[0].type}; it must be one of {', '.join(_DTYPES)}."
            raise TeacherError(msg)
        self._input = inputs[0].name
        self._dtype = _DTYPES[inputs[0].type]
        self.takes_uint8 = self._dtype is np.uint8
        self._read_shape([s if isinstance(s, int) and s > 0 else None for s in inputs[0].shape])

    def _read_shape(self, shape: list[int | None]) -> None:
        self._batch = shape[0]
        self._channels_last = shape[1] not in (1, 3) and shape[3] in (1, 3)
        channels, high, wide = (
            (shape[3], shape[1], shape[2]) if self._channels_last else (shape[1:])
        )
        if channels not in (1, 3, None) or high != wide:
            msg = (
                f"{self.where}: takes images of {channels} channels and {high}x{wide} px; a "
                "teacher takes square images, gray or RGB: export it so."
            )
            raise TeacherError(msg)
        self.channels = 3 if channels is None else channels
        self.px = high


class OnnxTeacher:
    """Gives the logits of an `OnnxModel`.

    Attributes:
        card: What is known of it.
    """

    def __init__(self, model: OnnxModel, card: TeacherCard) -> None:
        self.card = card
        self._model = model
        generator = torch.Generator().manual_seed(0)
        size = (2, card.input_px, card.input_px, card.image_channels)
        noise = torch.randint(0, 256, size, dtype=torch.uint8, generator=generator)
        self._probabilities = are_probabilities(model.run(prepare(noise, card)))

    def logits(self, images: Tensor) -> Tensor:
        """Map uint8 images (b, h, w, c) to float32 logits (b, classes)."""
        if not len(images):
            return torch.empty(0, self.card.classes)
        chunks = torch.split(images, BATCH)
        outputs = torch.cat([self._model.run(prepare(chunk, self.card)) for chunk in chunks])
        return to_logits(outputs, probabilities=self._probabilities, order=self.card.class_order)

    def adjusted(
        self,
        *,
        input_px: int | None = None,
        mean: tuple[float, ...] | None = None,
        std: tuple[float, ...] | None = None,
    ) -> "OnnxTeacher":
        """Give the same model behind another preparation of its images.

        Raises:
            TeacherError: It does not take images of that size.
        """
        return OnnxTeacher(self._model, self.card.adjusted(input_px=input_px, mean=mean, std=std))


# Shapes, places, masks and names.
_NO_WEIGHTS = (onnx.TensorProto.INT64, onnx.TensorProto.BOOL, onnx.TensorProto.STRING)
_QUANTIZERS = ("QuantizeLinear", "DequantizeLinear")


def _count_params(model: onnx.ModelProto) -> int | None:
    """Count the numbers of tensors of two or more, without the scales and zeros of quantizers."""
    quantizers = [node for node in model.graph.node if node.op_type in _QUANTIZERS]
    scales = {name for node in quantizers for name in node.input[1:]}
    counts = [
        math.prod(tensor.dims)
        for tensor in _tensors(model)
        if tensor.data_type not in _NO_WEIGHTS and tensor.name not in scales
    ]
    return sum(count for count in counts if count > 1) or None


def _read_model(path: Path) -> onnx.ModelProto:
    if path.stat().st_size > MAX_UNPACKED_BYTES:
        msg = (
            f"{path}: has {path.stat().st_size} bytes; at most {MAX_UNPACKED_BYTES} are read; give "
            "a smaller one."
        )
        raise TeacherError(msg)
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except (DecodeError, OSError, ValueError) as fault:
        msg = f"{path}: is damaged, cut short or not ONNX ({_first_line(fault)}); save it again."
        raise TeacherError(msg) from None
    if not model.graph.node:
        msg = f"{path}: is not an ONNX model, or one without operators; save it again."
        raise TeacherError(msg)
    outside = next((t.name for t in _tensors(model) if _is_outside(t)), None)
    if outside is not None:
        msg = (
            f"{path}: keeps weights in other files (as {outside!r}); such a reference can point "
            "anywhere, so it is refused. Save it as one file: "
            "onnx.save(onnx.load('model.onnx'), 'single.onnx')."
        )
        raise TeacherError(msg)
    return model


def _is_outside(tensor: onnx.TensorProto) -> bool:
    return bool(tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data)


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Give every tensor of a model: of its graphs, functions and attributes, however deep."""
    yield from _tensors_of_graph(model.graph)
    for function in model.functions:
        for node in function.node:
            yield from _tensors_of_node(node)


def _tensors_of_graph(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        yield from _tensors_of_node(node)


def _tensors_of_node(node: onnx.NodeProto) -> Iterator[onnx.TensorProto]:
    for attribute in node.attribute:
        yield from (attribute.t, *attribute.tensors)
        sparse = (attribute.sparse_tensor, *attribute.sparse_tensors)
        yield from itertools.chain.from_iterable((s.values, s.indices) for s in sparse)
        for graph in (attribute.g, *attribute.graphs):
            yield from _tensors_of_graph(graph)


def _first_line(fault: BaseException) -> str:
    return (str(fault).strip().splitlines() or [type(fault).__name__])[0][:200]
