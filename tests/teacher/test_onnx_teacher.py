from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from autokd.core.config import TeacherConfig
from autokd.core.progress import silent
from autokd.errors import TeacherError
from autokd.teacher.load import Teacher, load_teacher

CLASSES = ("ant", "bee", "cat")
# Logit k of the file is k + 1 times the mean of channel k.
WEIGHT = np.diag([1.0, 2.0, 3.0]).astype(np.float32)


def _model(
    shape: tuple[str | int, ...] = ("n", 3, "h", "w"),
    *,
    dtype: int = TensorProto.FLOAT,
    softmax: bool = False,
) -> onnx.ModelProto:
    axes = [2, 3] if shape[1] == 3 else [1, 2]
    nodes = [
        helper.make_node("Cast", ["images"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["x"], ["pooled"], axes=axes, keepdims=0),
        helper.make_node("MatMul", ["pooled", "weight"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    out = "probabilities" if softmax else "logits"
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("images", dtype, list(shape))],
        [helper.make_tensor_value_info(out, TensorProto.FLOAT, [shape[0], 3])],
        [numpy_helper.from_array(WEIGHT, "weight")],
    )
    opset = [helper.make_opsetid("", 13)]
    return helper.make_model(graph, opset_imports=opset, ir_version=7)


def _load(model: onnx.ModelProto | bytes, folder: Path, **said: object) -> Teacher:
    file = folder / "model.onnx"
    file.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    return load_teacher(
        TeacherConfig.model_validate({"file": str(file), **said}),
        class_names=CLASSES,
        image_px=16,
        image_channels=3,
        progress=silent,
    )


def _expected(images: Tensor, scale: float = 255.0) -> Tensor:
    return images.double().mean((1, 2)) / scale @ torch.from_numpy(WEIGHT).double()


@pytest.mark.parametrize(
    "shape",
    [("n", 3, "h", "w"), ("n", 3, 16, 16), (2, 3, 16, 16), (1, 3, 16, 16), ("n", 16, 16, 3)],
)
def test_any_batch_and_layout_gives_the_same_logits(
    tmp_path: Path, images: Tensor, shape: tuple[str | int, ...]
) -> None:
    teacher = _load(_model(shape), tmp_path)
    torch.testing.assert_close(teacher.logits(images), _expected(images).float())
    assert teacher.logits(images[:0]).shape == (0, 3)


def test_the_card_says_what_is_known(tmp_path: Path) -> None:
    card = _load(_model(), tmp_path).card
    assert (card.kind, card.arch, card.macs) == ("onnx", None, None)
    assert (card.input_px, card.image_channels, card.classes, card.params) == (16, 3, 3, 9)


def test_weights_in_constant_nodes_count(tmp_path: Path) -> None:
    model = _model()
    weight = model.graph.initializer.pop()
    constants = [
        helper.make_node("Constant", [], ["weight"], value=weight),
        helper.make_node("Constant", [], ["shape"], value=_tensor([2, 3], np.int64, "shape")),
        helper.make_node("Constant", [], ["one"], value=_tensor([1.0], np.float32, "one")),
    ]
    for node in constants:
        model.graph.node.insert(0, node)
    assert _load(model, tmp_path).card.params == 9


def test_weights_of_a_quantized_file_count_without_their_scales(tmp_path: Path) -> None:
    model = _model()
    model.graph.initializer.pop()
    model.graph.initializer.extend(
        [
            numpy_helper.from_array(WEIGHT.astype(np.int8), "weight_int8"),
            _tensor([1.0, 1.0, 1.0], np.float32, "scale"),
            _tensor([0, 0, 0], np.int8, "zero"),
        ]
    )
    inputs = ["weight_int8", "scale", "zero"]
    model.graph.node.insert(0, helper.make_node("DequantizeLinear", inputs, ["weight"], axis=1))
    assert _load(model, tmp_path).card.params == 9


def test_a_file_without_weights_has_no_known_number(tmp_path: Path) -> None:
    model = _model()
    model.graph.initializer.pop()
    model.graph.node[2].CopyFrom(helper.make_node("Identity", ["pooled"], ["logits"]))
    assert _load(model, tmp_path).card.params is None


def _tensor(values: list[float], dtype: type, name: str) -> TensorProto:
    return numpy_helper.from_array(np.array(values, dtype), name)


@pytest.mark.parametrize("dtype", [TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_other_floats_are_fed(tmp_path: Path, images: Tensor, dtype: int) -> None:
    logits = _load(_model(dtype=dtype), tmp_path).logits(images)
    torch.testing.assert_close(logits.double(), _expected(images), atol=2e-3, rtol=1e-3)


def test_a_file_that_takes_bytes_gets_bytes(tmp_path: Path, images: Tensor) -> None:
    teacher = _load(_model(dtype=TensorProto.UINT8), tmp_path)
    torch.testing.assert_close(teacher.logits(images), _expected(images, 1.0).float())
    assert teacher.card.normalised_inside


def test_a_file_that_takes_bytes_is_not_normalised_twice(tmp_path: Path, images: Tensor) -> None:
    model = _model(dtype=TensorProto.UINT8)
    with pytest.raises(TeacherError, match=r"takes raw uint8 pixels.*leave mean and std out"):
        _load(model, tmp_path, mean=[0.5], std=[0.5])
    helper.set_model_props(model, {"mean": "[0.5]", "std": "[0.5]"})
    logits = _load(model, tmp_path).logits(images)
    torch.testing.assert_close(logits, _expected(images, 1.0).float())


def test_a_softmax_at_the_end_is_undone(tmp_path: Path, images: Tensor) -> None:
    logits = _load(_model(softmax=True), tmp_path).logits(images)
    torch.testing.assert_close(logits.softmax(1), _expected(images).float().softmax(1))
    assert bool((logits < 0).all())


def test_metadata_says_how_images_are_prepared_unless_a_flag_does(tmp_path: Path) -> None:
    model = _model()
    helper.set_model_props(
        model,
        {"input_px": "24", "mean": "[0.5]", "std": "[0.25]", "class_names": '["bee","cat","ant"]'},
    )
    card = _load(model, tmp_path).card
    assert (card.input_px, card.mean, card.std) == (24, (0.5,) * 3, (0.25,) * 3)
    assert card.class_order == (2, 0, 1)
    assert _load(model, tmp_path, input_px=32).card.input_px == 32


def test_another_size_than_the_fixed_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TeacherError, match="input_px = 32 is given, but the file takes 16 px"):
        _load(_model(("n", 3, 16, 16)), tmp_path, input_px=32)


@pytest.mark.parametrize("place", ["initializer", "attribute"])
def test_weights_in_other_files_are_refused(tmp_path: Path, place: str) -> None:
    model = _model()
    (tmp_path / "weights.bin").write_bytes(WEIGHT.tobytes())
    if place == "initializer":
        tensor = model.graph.initializer[0]
    else:
        node = helper.make_node("Constant", [], ["unused"], value=numpy_helper.from_array(WEIGHT))
        model.graph.node.append(node)
        tensor = model.graph.node[-1].attribute[0].t
    tensor.ClearField("raw_data")
    onnx.external_data_helper.set_external_data(_with_raw(tensor), "weights.bin")
    tensor.ClearField("raw_data")
    with pytest.raises(TeacherError, match=r"model\.onnx: keeps weights in other files.*refused"):
        _load(model, tmp_path)


def _with_raw(tensor: TensorProto) -> TensorProto:
    tensor.raw_data = b"x"  # onnx marks a tensor as external only if it has something to move
    return tensor


def test_two_inputs_are_no_teacher(tmp_path: Path) -> None:
    model = _model()
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))
    with pytest.raises(TeacherError, match=r"takes inputs of shapes .*takes one batch of images"):
        _load(model, tmp_path)


def test_images_that_are_not_square_are_no_teacher(tmp_path: Path) -> None:
    with pytest.raises(TeacherError, match="takes images of 3 channels and 16x24 px"):
        _load(_model(("n", 3, 16, 24)), tmp_path)


def test_a_model_of_another_type_of_number_is_named(tmp_path: Path) -> None:
    with pytest.raises(TeacherError, match=r"takes tensor\(int64\); it must be one of"):
        _load(_model(dtype=TensorProto.INT64), tmp_path)


def test_an_operator_that_nobody_knows_is_an_input_error(tmp_path: Path) -> None:
    model = _model()
    model.graph.node[1].op_type = "Teleport"
    with pytest.raises(TeacherError, match=r"onnxruntime .* cannot load it \(.*Teleport"):
        _load(model, tmp_path)


@pytest.mark.parametrize("content", [b"\x08\x07", b"\x08\x07\x3a\xff\xff", b"\x08 nonsense"])
def test_what_is_not_onnx_is_an_input_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(TeacherError, match=r"model\.onnx: is (damaged|not an ONNX)"):
        _load(content, tmp_path)


def test_a_file_that_is_cut_short_is_an_input_error(tmp_path: Path) -> None:
    whole = _model().SerializeToString()
    with pytest.raises(TeacherError, match=r"model\.onnx: "):
        _load(whole[: len(whole) // 2], tmp_path)
