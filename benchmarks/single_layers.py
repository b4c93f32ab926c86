"""Single layers, forward and backward, beside PyTorch's in its default memory format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import counts
import numpy as np
from timing import Way, interleaved, row

import neural_network as nn

BATCH = 64


@dataclass(frozen=True)
class Convolution:
    """Both libraries' layers, and the count."""

    channels: int
    filters: int
    size: int
    side: int
    stride: int = 1
    depthwise: bool = False

    def ours(self) -> nn.Layer:
        """Return our layer."""
        options: dict[str, Any] = {"stride": self.stride, "padding": self.size // 2}
        if self.depthwise:
            return nn.DepthwiseConv2D(self.size, **options)
        return nn.Conv2D(self.filters, self.size, **options)

    def torch(self) -> Any:
        """Return PyTorch's."""
        from torch.nn import Conv2d

        return Conv2d(
            self.channels, self.filters, self.size, stride=self.stride, padding=self.size // 2,
            groups=self.channels if self.depthwise else 1,
        )  # fmt: skip

    def work(self) -> counts.Work:
        """Count products as if the border were not there, which is a little too many."""
        taps = self.size**2 * (1 if self.depthwise else self.channels)
        outputs = BATCH * self.filters * (self.side // self.stride) ** 2
        inputs = BATCH * self.channels * self.side**2
        return counts.layer_and_back(taps * outputs, inputs, outputs, self.filters * (taps + 1))


@dataclass(frozen=True)
class Other:
    """A layer that is no convolution."""

    channels: int
    side: int
    ours: Callable[[], nn.Layer]
    torch: Callable[[], Any]
    shrink: int
    # Of each input number, both ways: a third of what ``layer_and_back`` makes of it.
    products: int

    def work(self) -> counts.Work:
        """Count about as many operations as the formula has."""
        inputs = BATCH * self.channels * self.side**2
        return counts.layer_and_back(self.products * inputs, inputs, inputs // self.shrink**2)


def _torch(name: str, *args: Any) -> Callable[[], Any]:
    def make() -> Any:
        import torch

        return getattr(torch.nn, name)(*args)

    return make


LAYERS: dict[str, Convolution | Other] = {
    "conv 3×3 64": Convolution(64, 64, 3, 14),
    "conv 3×3 128": Convolution(128, 128, 3, 14),
    "conv 5×5": Convolution(16, 32, 5, 14),
    "conv 1×1": Convolution(256, 256, 1, 14),
    "depthwise 3×3": Convolution(64, 64, 3, 28, depthwise=True),
    "conv stride 2": Convolution(64, 64, 3, 28, stride=2),
    "batch norm": Other(64, 28, nn.BatchNorm, _torch("BatchNorm2d", 64), 1, 2),
    "max pool": Other(64, 28, lambda: nn.MaxPool2D(2), _torch("MaxPool2d", 2), 2, 1),
    "average pool": Other(64, 28, lambda: nn.AvgPool2D(2), _torch("AvgPool2d", 2), 2, 1),
}


def contest(spec: Convolution | Other) -> dict[str, Way]:
    """Return a call of each library, after comparing their results."""
    import torch

    rng = np.random.default_rng(0)
    shape = (BATCH, spec.channels, spec.side, spec.side)
    # All different: where two are the largest, PyTorch's pooling picks one and ours shares.
    numbers = rng.permutation(prod(shape)) - prod(shape) // 2
    X = (numbers / 2**20).astype(np.float32).reshape(shape)
    layer = spec.ours().initialize(X.shape[1:], rng=0).train()
    module = spec.torch().train()
    with torch.no_grad():
        for mirror, parameter in zip(module.parameters(), layer.parameters(), strict=True):
            mirror.copy_(torch.from_numpy(parameter.data))
    outputs = layer(nn.Tensor(X)).data
    G = rng.standard_normal(outputs.shape, dtype=np.float32)
    their_X, their_G = torch.from_numpy(X).requires_grad_(), torch.from_numpy(G)

    def ours() -> np.ndarray | None:
        for parameter in layer.parameters():
            parameter.grad = None
        x = nn.Tensor(X, requires_grad=True)
        layer(x).backward(G)
        return x.grad

    def in_pytorch() -> np.ndarray:
        module.zero_grad(set_to_none=True)
        their_X.grad = None
        module(their_X).backward(their_G)
        return their_X.grad.numpy()

    np.testing.assert_allclose(ours(), in_pytorch(), rtol=1e-3, atol=1e-3)
    for mirror, parameter in zip(module.parameters(), layer.parameters(), strict=True):
        scale = float(mirror.grad.abs().max())
        np.testing.assert_allclose(parameter.grad, mirror.grad.numpy(), atol=1e-4 * scale)
    return {"ours": ours, "PyTorch": in_pytorch}


def layers(quick: bool) -> list[dict[str, Any]]:
    """Measure each layer."""
    return [
        row(key, interleaved(contest(spec), 3 if quick else 9, calls=5), "ours", ["PyTorch"],
            spec.work())
        for key, spec in LAYERS.items()
    ]  # fmt: skip
