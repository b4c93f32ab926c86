"""ONNX Runtime and OpenVINO as peers, of the same file."""

from __future__ import annotations

import sys

import numpy as np
from environment import THREADS
from field_networks import Entry
from networks import ours
from onnx_networks import in_onnx
from peers import Inference


def inference(entry: Entry, X: np.ndarray, *, openvino: bool = False) -> Inference:
    """Return a call that runs the file."""
    run = in_openvino if openvino else in_onnx_runtime
    return run(in_onnx(entry.network, ours(entry.network)), X)


def in_onnx_runtime(file: bytes, X: np.ndarray) -> Inference:
    """Return a call that runs a file in ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"input": X})[0]


def in_openvino(file: bytes, X: np.ndarray) -> Inference:
    """Return a call that runs a file in OpenVINO."""
    # Its converter, which nothing here needs, sends a message about its use when it is imported, by
    # a process that it forks.
    sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]  # None blocks an import
    import openvino

    core = openvino.Core()
    model = core.read_model(file)
    model.reshape(list(X.shape))  # a number of rows that is known, as for JAX
    # Where processors have 16-bit arithmetic, it would take that by default.
    options = {
        "INFERENCE_NUM_THREADS": THREADS, "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
    }  # fmt: skip
    request = core.compile_model(model, "CPU", options).create_infer_request()
    return lambda: request.infer([X], share_inputs=True)[0]
