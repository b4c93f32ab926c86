"""Works B and C: inference of the example CNN, beside ONNX Runtime, OpenVINO and PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import counts
import numpy as np
from networks import EXAMPLE, ours
from onnx_networks import in_onnx
from runtime_peers import in_onnx_runtime, in_openvino
from timing import Way, interleaved, row
from training import digits

import neural_network as nn

Answer = Callable[[], np.ndarray]
RUNTIMES = ["ONNX Runtime", "OpenVINO"]


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
    model, (X, _, _) = ours(EXAMPLE), digits(rows)
    file = in_onnx(EXAMPLE, model)
    makers: dict[str, Callable[[], Answer]] = {
        "ONNX Runtime": lambda: in_onnx_runtime(file, X),
        "OpenVINO": lambda: in_openvino(file, X),
        "PyTorch": lambda: in_pytorch(model, X),
    }
    ways: dict[str, Way] = {"ours": lambda: model.predict(X)}
    for name in peers:
        way = makers[name]()
        np.testing.assert_allclose(model.predict(X), way(), rtol=1e-3, atol=1e-4)
        ways[name] = way
    return interleaved(ways, rounds, calls=calls)


def many(quick: bool) -> list[dict[str, Any]]:
    """Work B: 128 digits at once."""
    times = contest(128, 5 if quick else 15, 5, *RUNTIMES)
    return [row("B", times, "ours", RUNTIMES, counts.forward(EXAMPLE, 128))]


def one(quick: bool) -> list[dict[str, Any]]:
    """Work C: one digit."""
    times = contest(1, 5 if quick else 15, 200, *RUNTIMES, "PyTorch")
    work = counts.forward(EXAMPLE, 1)
    return [
        row("C", times, "ours", RUNTIMES, work),
        row("C PyTorch", times, "ours", ["PyTorch"], work),
    ]
