"""The vocabulary in which layers tell a plan what they do.

Each step can also be computed plainly, by the ops that it stands for: that is what it means,
and the way to second derivatives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array
from neural_network.functional.activations import relu
from neural_network.functional.convolution.conv import conv2d
from neural_network.functional.linear import matmul
from neural_network.functional.normalization.batch_norm import batch_norm
from neural_network.functional.pooling.pool import max_pool2d
from neural_network.functional.window import Padding, Sizes


@dataclass(frozen=True)
class Convolve:
    """``conv2d`` with filters (F, C, fh, fw) and a bias (F,) or none."""

    weight: Tensor
    bias: Tensor | None
    stride: Sizes
    padding: Padding

    def plainly(self, X: Any, weight: Any, bias: Any = None) -> Any:
        """Compute it by ops."""
        down, along = self.stride
        return conv2d(X, weight, (down, along), self.padding, bias=bias, precise=False)


@dataclass(frozen=True)
class Multiply:
    """``X · W + b`` with weights (inputs, units) and a bias (units,) or none."""

    weight: Tensor
    bias: Tensor | None

    def plainly(self, X: Any, weight: Any, bias: Any = None) -> Any:
        """Compute it by ops."""
        product: Any = matmul(X, weight)
        return product if bias is None else product + bias


@dataclass(frozen=True)
class Rectify:
    """``relu``."""

    def plainly(self, X: Any) -> Any:
        """Compute it by ops."""
        return relu(X)


@dataclass(frozen=True)
class PoolMax:
    """``max_pool2d`` without padding, each window beside the last."""

    size: Sizes

    def plainly(self, X: Any) -> Any:
        """Compute it by ops."""
        return max_pool2d(X, self.size)


@dataclass(frozen=True)
class Lay:
    """Lay all axes but the first side by side."""

    def plainly(self, X: Any) -> Any:
        """Compute it by ops."""
        return np.reshape(X, (len(X), -1))


@dataclass(frozen=True)
class Scale:
    """What batch norm does in evaluation, channel by channel; nothing in it is learned then."""

    gamma: Tensor
    beta: Tensor
    mean: Tensor
    variance: Tensor
    epsilon: float

    def plainly(self, X: Any) -> Any:
        """Compute it by ops."""
        mean, variance = self.mean.data, self.variance.data
        return batch_norm(X, self.gamma, self.beta, mean, variance, epsilon=self.epsilon)

    def fits(self, channels: int) -> bool:
        """Say whether there are numbers for just so many channels."""
        numbers = (self.gamma, self.beta, self.mean, self.variance)
        return all(one.data.shape == (channels,) for one in numbers)

    def line(self) -> tuple[Array, Array]:
        """Return the factor and the summand of each channel: it is ``x · factor + summand``."""
        with np.errstate(all="ignore"):
            factor = self.gamma.data / np.sqrt(self.variance.data + np.float32(self.epsilon))
            summand = self.beta.data - self.mean.data * factor
        return factor.astype(np.float32, copy=False), summand.astype(np.float32, copy=False)


Step: TypeAlias = Convolve | Multiply | Rectify | PoolMax | Lay | Scale
# What a layer does; None where the vocabulary has no words for it.
Steps: TypeAlias = Sequence[Step] | None


def learned(step: Step) -> list[Tensor]:
    """Return what a step has to learn, in order.

    >>> from neural_network.plan.steps import Rectify
    >>> learned(Rectify())
    []
    """
    if isinstance(step, Convolve | Multiply):
        return [step.weight] if step.bias is None else [step.weight, step.bias]
    return []


def computed_plainly(steps: Sequence[Step], X: Any, parameters: Sequence[Any]) -> Any:
    """Compute steps one after the other by ops, with these parameters in place of their own."""
    given = iter(parameters)
    for step in steps:
        X = step.plainly(X, *(next(given) for _ in learned(step)))
    return X
