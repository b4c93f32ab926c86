"""Update rules of optimizers: one pass over the parameters, their gradients and the state.

Each number goes through the same operations as in NumPy's bodies, in the same order, so that the
results are the same bits. So the compiler gets no fast-math flags here. ``shrink`` is the factor
of decoupled weight decay, 1 without it; ``decay`` times the parameter is added to its gradient,
0 without it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from neural_network.kernels.runtime.compiler import kernel, part, prange

# Numbers of a task.
BLOCK = 4096
AS_WRITTEN: frozenset[str] = frozenset()
exact_kernel = partial(kernel, flags=AS_WRITTEN)


@partial(part, flags=AS_WRITTEN)
def _decayed(p: Any, g: Any, shrink: Any, decay: Any) -> Any:
    """Shrink a block of parameters; return its gradients with the decay."""
    if shrink != 1:
        for i in range(len(p)):
            p[i] *= shrink
    if decay == 0:
        return g
    total = np.empty_like(g)
    for i in range(len(p)):
        total[i] = g[i] + decay * p[i]
    return total


@exact_kernel
def sgd(parameters: Any, gradients: Any, shrink: Any, decay: Any, rate: Any) -> None:
    """``p ← p − rate · g``."""
    for block in prange(-(-len(parameters) // BLOCK)):
        at = slice(block * BLOCK, (block + 1) * BLOCK)
        p = parameters[at]
        g = _decayed(p, gradients[at], shrink, decay)
        for i in range(len(p)):
            p[i] -= rate * g[i]


@exact_kernel
def momentum(
    parameters: Any, gradients: Any, velocity: Any, shrink: Any, decay: Any, rate: Any,
    factor: Any, nesterov: bool,
) -> None:  # fmt: skip
    """SGD with momentum; ``factor`` is that of the velocity."""
    for block in prange(-(-len(parameters) // BLOCK)):
        at = slice(block * BLOCK, (block + 1) * BLOCK)
        p, v = parameters[at], velocity[at]
        g = _decayed(p, gradients[at], shrink, decay)
        for i in range(len(p)):
            v[i] = v[i] * factor + g[i]
            step = g[i] + factor * v[i] if nesterov else v[i]
            p[i] -= rate * step


@exact_kernel
def lion(
    parameters: Any, gradients: Any, mean: Any, shrink: Any, decay: Any, rate: Any,
    beta1: Any, beta2: Any, rest1: Any, rest2: Any,
) -> None:  # fmt: skip
    """Lion; ``rest1`` and ``rest2`` are 1 − β."""
    for block in prange(-(-len(parameters) // BLOCK)):
        at = slice(block * BLOCK, (block + 1) * BLOCK)
        p, m = parameters[at], mean[at]
        g = _decayed(p, gradients[at], shrink, decay)
        for i in range(len(p)):
            p[i] -= rate * np.sign(beta1 * m[i] + rest1 * g[i])
            m[i] = m[i] * beta2 + rest2 * g[i]


@exact_kernel
def adagrad(
    parameters: Any, gradients: Any, squares: Any, shrink: Any, decay: Any, rate: Any, epsilon: Any
) -> None:
    """Adagrad."""
    for block in prange(-(-len(parameters) // BLOCK)):
        at = slice(block * BLOCK, (block + 1) * BLOCK)
        p, s = parameters[at], squares[at]
        g = _decayed(p, gradients[at], shrink, decay)
        for i in range(len(p)):
            s[i] += g[i] * g[i]
            p[i] -= rate * g[i] / (np.sqrt(s[i]) + epsilon)


@exact_kernel
def rmsprop(
    parameters: Any, gradients: Any, squares: Any, mean: Any, velocity: Any, shrink: Any,
    decay: Any, rate: Any, alpha: Any, rest: Any, epsilon: Any, factor: Any, centered: bool,
) -> None:  # fmt: skip
    """RMSprop; ``mean`` is used if ``centered``, ``velocity`` if its ``factor`` is not 0."""
    for block in prange(-(-len(parameters) // BLOCK)):
        at = slice(block * BLOCK, (block + 1) * BLOCK)
        p, s, m, v = parameters[at], squares[at], mean[at], velocity[at]
        g = _decayed(p, gradients[at], shrink, decay)
        step = np.empty_like(p)
        for i in range(len(p)):
            s[i] = s[i] * alpha + rest * (g[i] * g[i])
            step[i] = s[i]
        if centered:
            for i in range(len(p)):
                m[i] = m[i] * alpha + rest * g[i]
                variance = s[i] - m[i] * m[i]
                step[i] = variance - variance if variance < 0 else variance
        for i in range(len(p)):
            step[i] = g[i] / (np.sqrt(step[i]) + epsilon)
        if factor != 0:
            for i in range(len(p)):
                v[i] = v[i] * factor + step[i]
                step[i] = v[i]
        for i in range(len(p)):
            p[i] -= rate * step[i]


@exact_kernel
def adam(
    parameters: Any, gradients: Any, mean: Any, squares: Any, shrink: Any, decay: Any,
    beta1: Any, beta2: Any, rest1: Any, rest2: Any, correction: Any, epsilon: Any, rate: Any,
) -> None:  # fmt: skip
    """Adam; ``correction`` is ``√(1 − β₂ᵗ)``, and ``rate`` is divided by ``1 − β₁ᵗ``."""
    for block in prange(-(-len(parameters) // BLOCK)):
        at = slice(block * BLOCK, (block + 1) * BLOCK)
        p, m, s = parameters[at], mean[at], squares[at]
        g = _decayed(p, gradients[at], shrink, decay)
        for i in range(len(p)):
            m[i] = m[i] * beta1 + rest1 * g[i]
            s[i] = s[i] * beta2 + rest2 * (g[i] * g[i])
            p[i] -= m[i] / (np.sqrt(s[i]) / correction + epsilon) * rate
