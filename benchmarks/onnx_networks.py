"""A network as an ONNX file, with our weights, for inference."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from networks import Attention, Network, Piece, Residual


def in_onnx(network: Network, model: Any) -> bytes:
    """Write ``model``, which is ``ours(network)``: by the library itself where it can.

    The library writes no layers of one's own, so PyTorch writes those with attention.
    """
    if not any(map(_has_attention, network.layers)):
        from neural_network.interop import onnx

        written: bytes = onnx.to_model(model).SerializeToString()
        return written
    import torch
    from torch_networks import in_torch

    file, example = io.BytesIO(), torch.from_numpy(np.zeros((2, *network.shape), np.int64))
    with warnings.catch_warnings():
        # The exporter that replaces this one needs another package.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            in_torch(network, model).eval(), (example,), file, dynamo=False, opset_version=18,
            input_names=["input"], output_names=["output"], dynamic_axes={"input": {0: "rows"}},
        )  # fmt: skip
    return file.getvalue()


def _has_attention(piece: Piece) -> bool:
    if isinstance(piece, Residual):
        return any(map(_has_attention, (*piece.body, *piece.shortcut)))
    return isinstance(piece, Attention)
