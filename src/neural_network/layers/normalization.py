"""Normalization layers: ``BatchNorm``, ``LayerNorm``, ``GroupNorm``."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.autograd.tensor import Tensor
from neural_network.checks import as_count, as_number, silent
from neural_network.errors import ArgumentError, ShapeError, brief, sentence
from neural_network.functional.normalization.batch_norm import (
    Moments,
    batch_norm,
    batch_norm_and_moments,
)
from neural_network.functional.normalization.sample_norms import group_norm, layer_norm
from neural_network.layers.layer import Layer
from neural_network.layers.parameter import Buffer, Parameter, check_size, place
from neural_network.plan import (  # the files of stages register them
    fixed_norm,  # noqa: F401
    vector_norm,  # noqa: F401
    vocabulary,
)
from neural_network.plan.norm import BatchStatisticsNorm
from neural_network.plan.vocabulary import Steps
from neural_network.public import named, public


def _as_epsilon(name: str, value: object) -> float:
    """Return an epsilon; a number of features, which other libraries take first, is refused."""
    epsilon = as_number(name, "epsilon", value, above=0)
    if epsilon >= 1:
        raise ArgumentError(sentence(name, "epsilon", "a number above 0 and below 1", brief(value)))
    return epsilon


@silent
def observe(
    running_mean: Buffer, running_variance: Buffer, seen: Moments, count: int, momentum: float
) -> None:
    """Move running statistics towards those of a batch of ``count`` numbers for each channel."""
    unbiased = seen.variance * (count / (count - 1))
    for running, found in ((running_mean, seen.mean), (running_variance, unbiased)):
        moved = momentum * running.data + (1 - momentum) * found
        # Infinity would stay for good; the largest number shrinks again. A new array: the
        # backward pass of what was computed from the old one may be still to come.
        largest = np.finfo(running.dtype).max
        moved = np.minimum(np.maximum(moved, -largest), largest)
        place(running, moved.astype(running.dtype, copy=False))


class _Norm(Layer):
    """What they share: a factor and a summand for each channel or feature."""

    gamma: Parameter
    beta: Parameter
    channel_axis = 1
    _made_by_build: tuple[str, ...] = ("gamma", "beta")

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:  # noqa: ARG002  # nothing is drawn
        """Make gamma, which begins at 1, and beta, which begins at 0."""
        if len(shape) < 2:
            raise ShapeError(sentence(type(self).__name__, "X", "(N, C, …)", f"shape {shape}"))
        size = shape[self.channel_axis]
        check_size(type(self).__name__, "gamma", (size,))
        self.gamma = Parameter(np.ones(size))
        self.beta = Parameter(np.zeros(size))

    def _check_input(self, shape: tuple[int, ...]) -> None:
        if len(shape) < 2 or shape[self.channel_axis] != len(self.gamma):
            axis = "the last axis" if self.channel_axis < 0 else f"axis {self.channel_axis}"
            expected = f"{len(self.gamma)} along {axis}, as it was built for"
            raise ShapeError(sentence(type(self).__name__, "X", expected, f"shape {shape}"))

    def _check(self, X: Any) -> Any:
        X = self._numbers(X)
        self._check_input(X.shape)
        return X


@public
@named("layer")
class BatchNorm(_Norm):
    """Standardise each channel over the batch, then scale and shift: ``batch_norm``.

    In training the batch's own mean and variance serve, and running ones are kept:
    ``running ← momentum · running + (1 − momentum) · batch``, with the unbiased
    variance. In evaluation the running ones serve, so that a row's result does not
    depend on its neighbours. They are of the layer's type, and at most its largest number:
    of values beyond 10¹⁹ the variance is larger than float32 can represent.

    Args:
        momentum: how much of the running statistics stays, from 0 to 1.
        epsilon: added to the variance.

    Attributes:
        gamma, beta: (C,) learned.
        running_mean, running_variance: (C,) kept.

    Raises:
        DTypeError, ArgumentError: an argument of the wrong kind or value.
        ShapeError: (when called) another number of channels than it was built for.

    Source: Ioffe and Szegedy, "Batch Normalization", arXiv 1502.03167.

    >>> layer = BatchNorm()
    >>> layer(np.array([[1.0], [3.0]])).data.round(3)
    array([[-1.],
           [ 1.]], dtype=float32)
    """

    running_mean: Buffer
    running_variance: Buffer
    _made_by_build = (*_Norm._made_by_build, "running_mean", "running_variance")

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-5) -> None:
        self.momentum = as_number("BatchNorm", "momentum", momentum, between=(0, 1))
        self.epsilon = _as_epsilon("BatchNorm", epsilon)

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        """Make the parameters, and the running statistics of what is standard already."""
        super().build(shape, rng)
        self.running_mean = Buffer(np.zeros(shape[1]))
        self.running_variance = Buffer(np.ones(shape[1]))

    @silent
    def forward(self, X: Any) -> Any:
        """(N, C, …) → the same."""
        X = self._check(X)
        if not self.training:
            mean, variance = self.running_mean.data, self.running_variance.data
            return batch_norm(X, self.gamma, self.beta, mean, variance, epsilon=self.epsilon)
        out, found = batch_norm_and_moments(X, self.gamma, self.beta, self.epsilon)
        count = X.size // X.shape[1]
        self._observe(found, count)
        return out

    def _observe(self, found: Moments, count: int) -> None:
        observe(self.running_mean, self.running_variance, found, count, self.momentum)

    def _steps(self) -> Steps:
        """Batch norm by the batch's statistics; in evaluation, recorded, it has no steps."""
        numbers = (self.gamma, self.beta, self.running_mean, self.running_variance)
        if not self.training or not all(isinstance(one, Tensor) for one in numbers):
            return None
        return [BatchStatisticsNorm(self.gamma, self.beta, self.epsilon, self._observe)]

    def _evaluation_steps(self) -> Steps:
        """Batch norm, which can be folded into the weights before it."""
        numbers = (self.gamma, self.beta, self.running_mean, self.running_variance)
        if not all(isinstance(one, Tensor) for one in numbers):  # an attribute was set to None
            return None
        return [vocabulary.BatchNorm(*numbers, self.epsilon)]


@public
@named("layer")
class LayerNorm(_Norm):
    """Standardise each row over its last axis, then scale and shift: ``layer_norm``.

    Args:
        epsilon: added to the variance.

    Attributes:
        gamma, beta: of the last axis' size, learned.

    Raises:
        DTypeError, ArgumentError: an argument of the wrong kind or value.
        ShapeError: (when called) another size than it was built for.

    Source: Ba, Kiros and Hinton, "Layer Normalization", arXiv 1607.06450.

    >>> LayerNorm()(np.array([[1.0, 3.0]])).data.round(3)
    array([[-1.,  1.]], dtype=float32)
    """

    channel_axis = -1

    def __init__(self, epsilon: float = 1e-5) -> None:
        self.epsilon = _as_epsilon("LayerNorm", epsilon)

    def forward(self, X: Any) -> Any:
        """(N, …, features) → the same."""
        return layer_norm(self._check(X), self.gamma, self.beta, epsilon=self.epsilon)

    def _steps(self) -> Steps:
        """Layer norm: what is computed where arguments need no check."""
        return [vocabulary.LayerNorm(self.gamma, self.beta, self.epsilon)]


@public
@named("layer")
class GroupNorm(_Norm):
    """Standardise each image over groups of channels, then scale and shift: ``group_norm``.

    Args:
        groups: how many; a divisor of the channels. 1 takes all together, as many as
            there are channels takes each on its own (instance normalisation).
        epsilon: added to the variance.

    Attributes:
        gamma, beta: (C,) learned.

    Raises:
        DTypeError, ArgumentError: an argument of the wrong kind or value.
        ShapeError: (when called) channels that it was not built for or cannot group.

    Source: Wu and He, "Group Normalization", arXiv 1803.08494.

    >>> GroupNorm(1)(np.array([[1.0, 3.0]])).data.round(3)
    array([[-1.,  1.]], dtype=float32)
    """

    def __init__(self, groups: int, epsilon: float = 1e-5) -> None:
        self.groups = as_count("GroupNorm", "groups", groups)
        self.epsilon = _as_epsilon("GroupNorm", epsilon)

    def forward(self, X: Any) -> Any:
        """(N, C, …) → the same."""
        X = self._check(X)
        return group_norm(X, self.groups, self.gamma, self.beta, epsilon=self.epsilon)
