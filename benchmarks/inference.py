"""Works B and C: inference of the example CNN, beside ONNX Runtime and PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import counts
import numpy as np
from environment import THREADS
from networks import EXAMPLE, ours
from timing import Way, interleaved, row
from training import digits

import neural_network as nn

Answer = Callable[[], np.ndarray]


def in_onnx_runtime(model: nn.Sequential, X: np.ndarray) -> Answer:
    """Return a call that runs the network in ONNX Runtime."""
    import onnxruntime
    from onnx_networks import in_onnx

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    session = onnxruntime.InferenceSession(
        in_onnx(EXAMPLE, model), options, providers=["CPUExecutionProvider"]
    )
    return lambda: session.run(None, {"input": X})[0]


def in_pytorch(model: nn.Sequential, X: np.ndarray) -> Answer:
    """Return a call that runs the network in PyTorch."""
    import torch
    from torch_networks import in_torch

    module, inputs = in_torch(EXAMPLE, model).eval(), torch.from_numpy(X)

    def run() -> np.ndarray:
        with torch.inference_mode():
            return module(inputs).numpy()

    return run


def contest(rows: int, rounds: int, calls: int, *peers: str) -> Any:
    """Time ``predict`` beside its peers, after comparing their results."""
    makers = {"ONNX Runtime": in_onnx_runtime, "PyTorch": in_pytorch}
    model, (X, _, _) = ours(EXAMPLE), digits(rows)
    ways: dict[str, Way] = {"ours": lambda: model.predict(X)}
    for name in peers:
        way = makers[name](model, X)
        np.testing.assert_allclose(model.predict(X), way(), rtol=1e-3, atol=1e-4)
        ways[name] = way
    return interleaved(ways, rounds, calls=calls)


def many(quick: bool) -> list[dict[str, Any]]:
    """Work B: 128 digits at once."""
    times = contest(128, 5 if quick else 15, 5, "ONNX Runtime")
    return [row("B", times, "ours", ["ONNX Runtime"], counts.forward(EXAMPLE, 128))]


def one(quick: bool) -> list[dict[str, Any]]:
    """Work C: one digit."""
    times = contest(1, 5 if quick else 15, 200, "ONNX Runtime", "PyTorch")
    work = counts.forward(EXAMPLE, 1)
    return [row(f"C {peer}", times, "ours", [peer], work) for peer in ("ONNX Runtime", "PyTorch")]
