"""Update rules of optimizers: one pass over the parameters, their gradients and the state.

Each number goes through the same operations as in NumPy's bodies, in the same order, so that the
results are the same bits. So the compiler gets no fast-math flags here. ``shrink`` is the factor
of decoupled weight decay, 1 without it; ``decay`` times the parameter is added to its gradient,
0 without it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import FunctionType
from typing import Any

import numpy as np

from neural_network.kernels.runtime.compiler import kernel, part, prange, serial_kernel

AS_WRITTEN: frozenset[str] = frozenset()
# Up to so many numbers one thread is as fast as several, which take microseconds to begin.
SERIAL = 1 << 15


class exact_kernel(kernel):  # noqa: N801  # it is used as a decorator
    """An update rule, compiled without fast-math flags: for several threads, and for one.

    Args:
        body: the function, whose first argument is the buffer that it changes.
    """

    __slots__ = ("serial",)

    def __init__(self, body: Callable[..., Any]) -> None:
        super().__init__(body, AS_WRITTEN)
        assert isinstance(body, FunctionType)
        # The name of the file with the compiled code follows from that of the function.
        alone = FunctionType(body.__code__, body.__globals__, body.__name__)
        alone.__qualname__ = f"{body.__qualname__}_serial"
        self.serial = serial_kernel(alone, AS_WRITTEN)

    def __call__(self, *args: Any) -> Any:
        """Run on arrays and numbers."""
        return self.serial(*args) if len(args[0]) < SERIAL else super().__call__(*args)


@partial(part, flags=AS_WRITTEN)
def _decayed(p: Any, g: Any, shrink: Any, decay: Any) -> Any:
    """Return a parameter, shrunk, and its gradient with the decay."""
    p = p * shrink
    return p, g if decay == 0 else g + decay * p


@exact_kernel
def sgd(parameters: Any, gradients: Any, shrink: Any, decay: Any, rate: Any) -> None:
    """``p ← p − rate · g``."""
    for i in prange(len(parameters)):
        p, g = _decayed(parameters[i], gradients[i], shrink, decay)
        parameters[i] = p - rate * g


@exact_kernel
def momentum(
    parameters: Any, gradients: Any, velocity: Any, shrink: Any, decay: Any, rate: Any,
    factor: Any, nesterov: bool,
) -> None:  # fmt: skip
    """SGD with momentum; ``factor`` is that of the velocity."""
    for i in prange(len(parameters)):
        p, g = _decayed(parameters[i], gradients[i], shrink, decay)
        v = velocity[i] * factor + g
        velocity[i] = v
        step = g + factor * v if nesterov else v
        parameters[i] = p - rate * step


@exact_kernel
def lion(
    parameters: Any, gradients: Any, mean: Any, shrink: Any, decay: Any, rate: Any,
    beta1: Any, beta2: Any, rest1: Any, rest2: Any,
) -> None:  # fmt: skip
    """Lion; ``rest1`` and ``rest2`` are 1 − β."""
    for i in prange(len(parameters)):
        p, g = _decayed(parameters[i], gradients[i], shrink, decay)
        parameters[i] = p - rate * np.sign(beta1 * mean[i] + rest1 * g)
        mean[i] = mean[i] * beta2 + rest2 * g


@exact_kernel
def adagrad(
    parameters: Any, gradients: Any, squares: Any, shrink: Any, decay: Any, rate: Any, epsilon: Any
) -> None:
    """Adagrad."""
    for i in prange(len(parameters)):
        p, g = _decayed(parameters[i], gradients[i], shrink, decay)
        squares[i] += g * g
        parameters[i] = p - rate * g / (np.sqrt(squares[i]) + epsilon)


@exact_kernel
def rmsprop(
    parameters: Any, gradients: Any, squares: Any, mean: Any, velocity: Any, shrink: Any,
    decay: Any, rate: Any, alpha: Any, rest: Any, epsilon: Any, factor: Any, centered: bool,
) -> None:  # fmt: skip
    """RMSprop; ``mean`` is used if ``centered``, ``velocity`` if its ``factor`` is not 0."""
    for i in prange(len(parameters)):
        p, g = _decayed(parameters[i], gradients[i], shrink, decay)
        variance = squares[i] * alpha + rest * (g * g)
        squares[i] = variance
        if centered:
            m = mean[i] * alpha + rest * g
            mean[i] = m
            variance -= m * m
            variance = variance - variance if variance < 0 else variance
        step = g / (np.sqrt(variance) + epsilon)
        if factor != 0:
            step += velocity[i] * factor
            velocity[i] = step
        parameters[i] = p - rate * step


@exact_kernel
def adam(
    parameters: Any, gradients: Any, mean: Any, squares: Any, shrink: Any, decay: Any,
    beta1: Any, beta2: Any, rest1: Any, rest2: Any, correction: Any, epsilon: Any, rate: Any,
) -> None:  # fmt: skip
    """Adam; ``correction`` is ``√(1 − β₂ᵗ)``, and ``rate`` is divided by ``1 − β₁ᵗ``."""
    for i in prange(len(parameters)):
        p, g = _decayed(parameters[i], gradients[i], shrink, decay)
        m = mean[i] * beta1 + rest1 * g
        s = squares[i] * beta2 + rest2 * (g * g)
        mean[i], squares[i] = m, s
        parameters[i] = p - m / (np.sqrt(s) / correction + epsilon) * rate
