"""Drawn networks by kernels beside the same networks in PyTorch: values and gradients.

The networks are those of ``tests/drawn_networks.py``; PyTorch computes in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from tests.drawn_networks import Network, Results, computed, disagreement, draw
from tests.needs import need_fast
from torch.nn import functional as F

import neural_network as nn
from conformance.counts import count

need_fast()

CHUNKS, CHUNK = 20, 100
# The seeds are others than in tests/plan/test_drawn_networks.py.
FIRST = 10_000
FUNCTIONS: dict[Any, Callable[[Any], Any]] = {
    nn.relu: F.relu, nn.tanh: torch.tanh, nn.sigmoid: torch.sigmoid, nn.silu: F.silu,
    nn.gelu: F.gelu, nn.elu: F.elu, nn.leaky_relu: F.leaky_relu, nn.softplus: F.softplus,
    nn.identity: lambda X: X,
}  # fmt: skip


def padded(X: Any, padding: Any, layer: Any, value: float = 0) -> Any:
    """Pad images by what a layer's padding means."""
    sides = padding
    if padding == "same":
        dilation = getattr(layer, "dilation", (1, 1))
        sides = []
        for size, taps, stride, step in zip(
            X.shape[2:], layer.kernel_size, layer.stride, dilation, strict=True
        ):
            whole = max(0, (-(-size // stride) - 1) * stride + step * (taps - 1) + 1 - size)
            sides.append((whole // 2, whole - whole // 2))
    elif isinstance(padding, int):
        sides = ((padding, padding),) * 2
    elif isinstance(padding[0], int):
        sides = [(side, side) for side in padding]
    (top, bottom), (left, right) = sides
    return F.pad(X, (left, right, top, bottom), value=value)


class InTorch:
    """A network with copies of its parameters and statistics.

    Args:
        network: of ours.
    """

    def __init__(self, network: Network) -> None:
        self.layers = network.model.layers
        self.copies = {
            id(tensor): torch.tensor(tensor.data, dtype=torch.float64)
            for tensor in network.tensors()
        }
        for parameter in network.model.parameters():
            self.of(parameter).requires_grad_(parameter.requires_grad)

    def of(self, tensor: Any) -> Any:
        """Return the copy of a parameter or of running statistics; None for None."""
        return None if tensor is None else self.copies[id(tensor)]

    def __call__(self, X: Any, layers: Any = None, *, training: bool | None = None) -> Any:
        """Compute some layers, or all, each in its mode or all in one."""
        for layer in self.layers if layers is None else layers:
            X = self.layer(layer, X, training)
        return X

    def layer(self, layer: Any, X: Any, training: bool | None) -> Any:
        """Compute one layer."""
        match layer:
            case nn.Dense():
                X = X @ self.of(layer.weight)
                if layer.bias is not None:
                    X = X + self.of(layer.bias)
                return FUNCTIONS[layer.activation](X)
            case nn.ConvTranspose2D():
                X = F.conv_transpose2d(
                    X, self.of(layer.weight), self.of(layer.bias), layer.stride, layer.padding,
                    layer.output_padding,
                )  # fmt: skip
                return FUNCTIONS[layer.activation](X)
            case nn.Conv2D():
                X = F.conv2d(
                    padded(X, layer.padding, layer), self.of(layer.weight), self.of(layer.bias),
                    layer.stride, dilation=layer.dilation, groups=layer.groups,
                )  # fmt: skip
                return FUNCTIONS[layer.activation](X)
            case nn.BatchNorm():
                return F.batch_norm(
                    X, self.of(layer.running_mean), self.of(layer.running_variance),
                    self.of(layer.gamma), self.of(layer.beta),
                    layer.training if training is None else training,
                    1 - layer.momentum, layer.epsilon,
                )  # fmt: skip
            case nn.GroupNorm():
                gamma, beta = self.of(layer.gamma), self.of(layer.beta)
                return F.group_norm(X, layer.groups, gamma, beta, layer.epsilon)
            case nn.MaxPool2D():
                X = padded(X, layer.padding, layer, -np.inf)
                return F.max_pool2d(X, layer.kernel_size, layer.stride)
            case nn.AvgPool2D():
                return F.avg_pool2d(
                    padded(X, layer.padding, layer), layer.kernel_size, layer.stride
                )
            case nn.GlobalAvgPool2D():
                return X.mean((2, 3))
            case nn.Flatten():
                return X.flatten(1)
            case nn.Activation():
                return FUNCTIONS[layer.function](X)
            case nn.Sequential():
                return self(X, layer.layers, training=training)
            case nn.Residual():
                straight = (
                    X if layer.shortcut is None else self(X, [layer.shortcut], training=training)
                )
                return self(X, layer.body, training=training) + straight
        raise AssertionError(layer)


def by_torch(
    network: Network, draw: int = 0, change: Callable[[Any], Any] = lambda X: X
) -> Results:
    """Return what ``computed`` does."""
    mirror, found = InTorch(network), list[tuple[str, Any]]()
    names = [(name, p) for name, p in network.model.named_parameters() if p.requires_grad]
    for turn, rows in enumerate(network.batches):
        x = torch.tensor(change(network.numbers(rows, draw)), dtype=torch.float64)
        x.requires_grad_(network.input_grad)
        out = mirror(x)
        found.append((f"result of {rows} rows", out.detach().numpy()))
        wanted = [mirror.of(p) for _, p in names]
        labels = [f"gradient of {name} by {rows} rows" for name, _ in names]
        if network.input_grad:
            wanted.insert(0, x)
            labels.insert(0, f"gradient of the input of {rows} rows")
        if wanted:
            g = torch.tensor(network.cotangent(out), dtype=torch.float64)
            grads = torch.autograd.grad(out, wanted, g, materialize_grads=True)
            times = 3 if turn == 0 else 1  # there the gradient is added twice more
            pairs = zip(labels, grads, strict=True)
            found += [(label, times * grad.numpy()) for label, grad in pairs]
    buffers = network.model.named_buffers()
    found += [(name, mirror.of(buffer).numpy().copy()) for name, buffer in buffers]
    x = torch.tensor(change(network.numbers(network.batches[-1], draw)), dtype=torch.float64)
    with torch.no_grad():
        found.append(("predictions", mirror(x, training=False).numpy()))
    return found


def by_kernels(*arguments: Any) -> Results:
    with nn.use_kernels("numba"):
        return computed(*arguments)


@pytest.mark.parametrize("bounds", pairwise(range(FIRST, FIRST + CHUNKS * CHUNK + 1, CHUNK)))
def test_networks(bounds: tuple[int, int]) -> None:
    for seed in range(*bounds):
        found = disagreement(draw(seed), by_kernels, by_torch)
        assert not found, found
        count("drawn networks")
