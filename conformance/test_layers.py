"""Layers beside PyTorch's modules with the same weights: outputs, and gradients of all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neural_network import (
    Activation,
    AvgPool2D,
    BatchNorm,
    Conv1D,
    Conv2D,
    Conv3D,
    ConvTranspose2D,
    Dense,
    DepthwiseConv2D,
    Embedding,
    Flatten,
    GlobalAvgPool2D,
    GroupNorm,
    Layer,
    LayerNorm,
    MaxPool2D,
    Sequential,
    Tensor,
)

PICTURES, VOLUMES = (4, 6, 9, 8), (2, 4, 5, 6, 4)
Make = Callable[[], Any]
# Our layer, PyTorch's module, the shape of the input.
PAIRS: dict[str, tuple[Make, Make, tuple[int, ...]]] = {
    "dense": (lambda: Dense(5), lambda: nn.Linear(7, 5), (4, 7)),
    "dense of sequences": (
        lambda: Dense(5, bias=False), lambda: nn.Linear(7, 5, bias=False), (4, 3, 7),
    ),
    "conv1d": (
        lambda: Conv1D(8, 3, stride=2, padding=1, groups=2),
        lambda: nn.Conv1d(6, 8, 3, stride=2, padding=1, groups=2), (4, 6, 11),
    ),
    "conv2d": (lambda: Conv2D(5, 3), lambda: nn.Conv2d(6, 5, 3), PICTURES),
    "conv2d same": (
        lambda: Conv2D(5, (3, 5), padding="same", dilation=2),
        lambda: nn.Conv2d(6, 5, (3, 5), padding="same", dilation=2), PICTURES,
    ),
    "conv2d strides": (
        lambda: Conv2D(9, 3, stride=(2, 3), padding=(1, 2), groups=3, bias=False),
        lambda: nn.Conv2d(6, 9, 3, stride=(2, 3), padding=(1, 2), groups=3, bias=False), PICTURES,
    ),
    "conv3d": (
        lambda: Conv3D(3, 2, stride=(1, 2, 1), padding=1),
        lambda: nn.Conv3d(4, 3, 2, stride=(1, 2, 1), padding=1), VOLUMES,
    ),
    "depthwise": (
        lambda: DepthwiseConv2D(3, 2, padding=1),
        lambda: nn.Conv2d(6, 12, 3, padding=1, groups=6), PICTURES,
    ),
    "conv transpose": (
        lambda: ConvTranspose2D(4, 3, stride=2, padding=1, output_padding=1, groups=2),
        lambda: nn.ConvTranspose2d(6, 4, 3, stride=2, padding=1, output_padding=1, groups=2),
        PICTURES,
    ),
    "conv transpose dilated": (
        lambda: ConvTranspose2D(4, (2, 3), stride=(1, 2), dilation=2, bias=False),
        lambda: nn.ConvTranspose2d(6, 4, (2, 3), stride=(1, 2), dilation=2, bias=False), PICTURES,
    ),
    "batch norm": (BatchNorm, lambda: nn.BatchNorm2d(6), PICTURES),
    "batch norm of rows": (
        lambda: BatchNorm(momentum=0.7, epsilon=1e-3),
        lambda: nn.BatchNorm1d(7, momentum=0.3, eps=1e-3), (5, 7),
    ),
    "batch norm of volumes": (BatchNorm, lambda: nn.BatchNorm3d(4), VOLUMES),
    "layer norm": (LayerNorm, lambda: nn.LayerNorm(7), (4, 3, 7)),
    "group norm": (lambda: GroupNorm(3), lambda: nn.GroupNorm(3, 6), PICTURES),
    "max pool": (
        lambda: MaxPool2D(3, 2, 1, dilation=2), lambda: nn.MaxPool2d(3, 2, 1, 2), PICTURES,
    ),
    "max pool ceil": (
        lambda: MaxPool2D(ceil_mode=True), lambda: nn.MaxPool2d(2, ceil_mode=True), PICTURES,
    ),
    "avg pool": (
        lambda: AvgPool2D(3, 2, 1, ceil_mode=True),
        lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True), PICTURES,
    ),
    "avg pool inside": (
        lambda: AvgPool2D(3, 2, 1, count_include_pad=False),
        lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False), PICTURES,
    ),
    "global avg pool": (
        GlobalAvgPool2D, lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), PICTURES,
    ),
    "embedding": (lambda: Embedding(9, 3), lambda: nn.Embedding(9, 3), (4, 5)),
    "network": (
        lambda: Sequential(
            Conv2D(4, 3), BatchNorm(), Activation("gelu"), MaxPool2D(2), Flatten(), Dense(3),
        ),
        lambda: nn.Sequential(
            nn.Conv2d(6, 4, 3), nn.BatchNorm2d(4), nn.GELU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(36, 3),
        ),
        PICTURES,
    ),
}  # fmt: skip
TOLERANCES = {"float64": 1e-10, "float32": 2e-4}


def pairs_of(layer: Layer, module: Any) -> list[tuple[Any, Any, bool]]:
    """Return our parameters and buffers, those of PyTorch, and whether those are transposed."""
    found = []
    modules = [m for m in module.modules() if next(m.parameters(recurse=False), None) is not None]
    layers = [inner for _, inner in layer.named_layers() if inner.parameters()]
    layers = [inner for inner in layers if not any(True for _ in inner.children())]
    names = {
        "weight": "weight", "bias": "bias", "gamma": "weight", "beta": "bias",
        "running_mean": "running_mean", "running_variance": "running_var",
    }  # fmt: skip
    for inner, other in zip(layers, modules, strict=True):
        for name, tensor in [*inner.named_parameters(), *inner.named_buffers()]:
            mirror = getattr(other, names[name])
            found.append((tensor, mirror, isinstance(other, nn.Linear) and name == "weight"))
    return found


def near(received: Any, mirror: Any, tolerance: float, what: str) -> None:
    expected = mirror.detach().numpy()
    assert received.shape == expected.shape, what
    limit = tolerance * max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(received, expected, rtol=0, atol=limit, err_msg=what)


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("case", PAIRS)
def test_layer(case: str, dtype: str, mode: str) -> None:
    make, make_module, shape = PAIRS[case]
    rng, tolerance = np.random.default_rng(1), TOLERANCES[dtype]
    words = case == "embedding"
    X = rng.integers(0, 9, shape) if words else rng.normal(1, 2, shape).astype(dtype)
    layer, module = make(), make_module().to(getattr(torch, dtype))
    layer.initialize(shape[1:], rng=0, dtype=X.dtype).astype(dtype)
    pairs = pairs_of(layer, module)
    assert sum(p.numel() for p in module.parameters()) == layer.flat_parameters().size
    with torch.no_grad():
        for tensor, other, transposed in pairs:
            tensor.data[...] += 0.3 * rng.random(tensor.shape)
            other.copy_(torch.tensor(tensor.data.T if transposed else tensor.data))
    getattr(layer, mode)()
    getattr(module, mode)()
    x = Tensor(X, requires_grad=not words)
    mirror = torch.tensor(X, requires_grad=not words)
    for _ in range(2):  # the second call sees running statistics that have moved
        out, expected = layer(x), module(mirror)
        near(out.data, expected, tolerance, "output")
        assert out.dtype == dtype
    g = rng.standard_normal(out.shape).astype(dtype)
    if out.requires_grad:
        out.backward(g)
        expected.backward(torch.tensor(g))
    if not words:
        near(x.grad, mirror.grad, tolerance, "gradient of the input")
    for tensor, other, transposed in pairs:
        if tensor.requires_grad:
            near(tensor.grad.T if transposed else tensor.grad, other.grad, tolerance, "gradient")
        else:
            near(tensor.data, other, tolerance, "running statistics")
