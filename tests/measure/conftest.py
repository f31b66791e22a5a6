import os
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, checker, helper, numpy_helper

from autokd.core.device import DeviceProfile
from tests.measure.sshd import Sshd, require_sshd


def sourced(value: float) -> dict[str, object]:
    return {"value": value, "source": "estimate"}


@pytest.fixture
def profile() -> DeviceProfile:
    return DeviceProfile.model_validate(
        {
            "schema_version": 1,
            "id": "board",
            "name": "A board",
            "kind": "sbc",
            "software": "-",
            "cpu": {
                "arch": "aarch64",
                "model": "a57",
                "cores": sourced(4),
                "clock_ghz": sourced(1.4),
                "fp32_flop_per_cycle": sourced(8),
            },
            "memory": {
                "ram_mib": sourced(4000),
                "ram_usable_mib": sourced(2000),
                "bandwidth_gb_per_s": sourced(8),
            },
            "runtimes": [
                {
                    "id": "cpu",
                    "package": "onnxruntime",
                    "version": "1.10.0",
                    "providers": ["CPUExecutionProvider"],
                    "threads": 1,
                    "max_opset": 15,
                    "max_ir": 8,
                    "precisions": ["fp32"],
                    "source": "-",
                    "base_memory_mib": sourced(45),
                    "weight_memory_factor": sourced(3),
                    "latency": {
                        "fp32": {
                            name: sourced(2)
                            for name in (
                                "conv",
                                "pointwise",
                                "depthwise",
                                "linear",
                                "bandwidth",
                                "per_node_us",
                                "interval_factor",
                            )
                        }
                    },
                }
            ],
            "export": {"opset": 13, "ir": 7, "input": "uint8", "reason": "-"},
        }
    )


def save_model(path: Path, *, weight: float = 1.0, kind: int = TensorProto.UINT8) -> Path:
    """A model whose only logit is ``weight`` times the first of 48 inputs, and a zero."""
    matrix = np.zeros((48, 2), dtype=np.float32)
    matrix[0, 0] = weight
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
            helper.make_node("Flatten", ["float"], ["flat"]),
            helper.make_node("Gemm", ["flat", "matrix"], ["logits"]),
        ],
        "g",
        [helper.make_tensor_value_info("image", kind, [1, 3, 4, 4])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(matrix, "matrix")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture
def make_model(tmp_path):
    def make(**options) -> Path:
        return save_model(tmp_path / "model.onnx", **options)

    return make


@pytest.fixture
def board(tmp_path, monkeypatch):
    """A server on loopback, not started yet, and a client that knows how to log in."""
    require_sshd()
    server = Sshd(tmp_path / "board")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("AUTOKD_SSH_CONFIG", str(server.client_config))
    yield server
    server.stop()


@pytest.fixture
def make_models(tmp_path):
    """As many files as wanted, each with another weight."""

    def make(count: int) -> list[Path]:
        return [
            save_model(tmp_path / f"model{number}.onnx", weight=1.0 + number)
            for number in range(count)
        ]

    return make


@pytest.fixture
def big_model(tmp_path):
    """A model of a megabyte that no compression makes smaller."""
    matrix = np.random.default_rng(0).standard_normal((48, 6000)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
            helper.make_node("Flatten", ["float"], ["flat"]),
            helper.make_node("Gemm", ["flat", "matrix"], ["logits"]),
        ],
        "g",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 3, 4, 4])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 6000])],
        [numpy_helper.from_array(matrix, "matrix")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    path = tmp_path / "big.onnx"
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture
def here(profile):
    """The profile of a board that this machine could be."""
    cpu = profile.cpu.model_copy(update={"arch": os.uname().machine})
    return profile.model_copy(update={"cpu": cpu})
