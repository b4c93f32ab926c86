"""Matrix products and sums of products."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from neural_network.errors import ArgumentError, ShapeError, sentence
from neural_network.interop.onnx.limits import affordable, check_broadcast
from neural_network.interop.onnx.table import exported, operator
from neural_network.layers.dense import Dense


@operator("MatMul", cost=lambda A, _B, out: prod(out.shape[1:]) * A.shape[-1])
def matmul(A: Any, B: Any) -> Any:
    """Matrix product, over the last two axes."""
    if A.ndim > 1 and B.ndim > 1:
        rows = np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
        affordable("MatMul", (*rows, A.shape[-2], B.shape[-1]), A.dtype.itemsize)
    return _product(A, B)


def _product(A: Any, B: Any) -> Any:
    """Multiply matrices; half precision is added up in float32."""
    if A.dtype == np.float16:
        return np.matmul(A.astype(np.float32), B.astype(np.float32)).astype(np.float16)
    return np.matmul(A, B)


@operator(
    "Gemm",
    cost=lambda _A, B, *_, out: prod(out.shape[1:]) * max(B.size // max(out.shape[-1], 1), 1),
)
def gemm(
    A: Any,
    B: Any,
    C: Any = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,  # ONNX's names
    transB: int = 0,
    broadcast: int = 0,  # before version 7; it is always done
) -> Any:
    """``alpha · A B + beta · C`` of matrices."""
    if A.ndim != 2 or B.ndim != 2:
        raise ShapeError(sentence("Gemm", "A, B", "matrices", f"shapes {A.shape}, {B.shape}"))
    A, B = (np.transpose(M) if turned else M for M, turned in ((A, transA), (B, transB)))
    affordable("Gemm", (A.shape[0], B.shape[1]), A.dtype.itemsize)
    out = _product(A, B)
    if alpha != 1:
        out = (out * alpha).astype(out.dtype)
    if C is None:
        return out
    check_broadcast("Gemm", out, C)
    return out + (C if beta == 1 else (C * beta).astype(C.dtype))


@operator("Einsum")
def einsum(*inputs: Any, equation: str) -> Any:
    """Sum of products, as the equation names the axes."""
    text = equation.replace(" ", "")
    sizes: dict[str, int] = {}
    for term, array in zip(text.split("->")[0].split(","), inputs, strict=False):
        if "..." not in term:
            sizes |= dict(zip(term, array.shape, strict=False))
    kept = text.split("->")[1] if "->" in text else "".join(c for c in sizes if text.count(c) == 1)
    # What NumPy forms in one step is as large as all axes together where it does not optimise.
    affordable("Einsum", [sizes.get(letter, 1) for letter in kept], inputs[0].dtype.itemsize)
    if prod(sizes.values()) > 1 << 40:
        raise ArgumentError(sentence("Einsum", "equation", "fewer products", f"{text} {sizes}"))
    return np.einsum(text, *inputs, optimize=len(inputs) > 2)


@exported("Gemm", Dense)
def _dense(layer: Dense, graph: Any, X: str) -> Any:
    weight = graph.parameter(layer.weight)
    bias = graph.parameters(layer.bias)
    if len(graph.shape(X)) == 2:
        Z = graph.node("Gemm", [X, weight, *bias])
    else:
        Z = graph.node("MatMul", [X, weight])
        Z = graph.node("Add", [Z, *bias]) if bias else Z
    return graph.function(layer, layer.activation, Z)
