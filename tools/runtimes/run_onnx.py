"""Runs models in the onnxruntime of the Python that it is started with.

    python run_onnx.py < cases.json

Stands alone: it is started in releases of onnxruntime that are not autokd's own. The same as
``run_onnx.js``. A case is ``{"model": path, "dtype": "uint8" or "float32", "shape": [...], "data":
base64}``; stdout gets ``{"release": ..., "answers": [...]}`` with an answer a case, ``{"logits":
[...]}`` or ``{"error": text}``.
"""

import base64
import json
import sys
from typing import Any

import numpy as np
import onnxruntime


def answer(case: dict[str, Any]) -> dict[str, Any]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    data = np.frombuffer(base64.b64decode(case["data"]), dtype=case["dtype"])
    providers = ["CPUExecutionProvider"]
    try:
        session = onnxruntime.InferenceSession(case["model"], options, providers=providers)
        feed = {session.get_inputs()[0].name: data.reshape(case["shape"])}
        return {"logits": session.run(None, feed)[0].reshape(-1).tolist()}
    except Exception as fault:  # noqa: BLE001 - what a release says of a model is the answer
        return {"error": str(fault)}


if __name__ == "__main__":
    answers = [answer(case) for case in json.load(sys.stdin)]
    json.dump({"release": onnxruntime.__version__, "answers": answers}, sys.stdout)
