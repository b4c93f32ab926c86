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
# Ours, theirs, the shape of the input.
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
    """Return our parameters and buffers with theirs, and whether theirs is transposed."""
    found = []
    modules = [m for m in module.modules() if next(m.parameters(recurse=False), None) is not None]
    layers = [inner for _, inner in layer.named_layers() if inner.parameters()]
    layers = [inner for inner in layers if not any(True for _ in inner.children())]
    names = {
        "weight": "weight", "bias": "bias", "gamma": "weight", "beta": "bias",
        "running_mean": "running_mean", "running_variance": "running_var",
    }  # fmt: skip
    for ours, theirs in zip(layers, modules, strict=True):
        for name, tensor in [*ours.named_parameters(), *ours.named_buffers()]:
            mirror = getattr(theirs, names[name])
            found.append((tensor, mirror, isinstance(theirs, nn.Linear) and name == "weight"))
    return found


def near(ours: Any, theirs: Any, tolerance: float, what: str) -> None:
    expected = theirs.detach().numpy()
    assert ours.shape == expected.shape, what
    limit = tolerance * max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(ours, expected, rtol=0, atol=limit, err_msg=what)


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("case", PAIRS)
def test_layer(case: str, dtype: str, mode: str) -> None:
    make, make_theirs, shape = PAIRS[case]
    rng, tolerance = np.random.default_rng(1), TOLERANCES[dtype]
    words = case == "embedding"
    X = rng.integers(0, 9, shape) if words else rng.normal(1, 2, shape).astype(dtype)
    layer, module = make(), make_theirs().to(getattr(torch, dtype))
    layer.initialize(shape[1:], rng=0, dtype=X.dtype).astype(dtype)
    pairs = pairs_of(layer, module)
    assert sum(p.numel() for p in module.parameters()) == layer.flat_parameters().size
    with torch.no_grad():
        for ours, theirs, turned in pairs:
            ours.data[...] += 0.3 * rng.random(ours.shape)
            theirs.copy_(torch.tensor(ours.data.T if turned else ours.data))
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
    for ours, theirs, turned in pairs:
        if ours.requires_grad:
            near(ours.grad.T if turned else ours.grad, theirs.grad, tolerance, "gradient")
        else:
            near(ours.data, theirs, tolerance, "running statistics")
