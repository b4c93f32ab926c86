"""Steps of optimizers: one walk over the parameters, their gradients and the state.

Number by number the same operations as NumPy's bodies, in the same order, and none of them
joined or reordered: the results are the same bits. So the compiler gets no flags here.
``shrink`` is what decoupled weight decay leaves of a parameter, 1 where there is none;
``decay`` is how much of it is added to its gradient, 0 where there is none. Each ``_of``
function does one block.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.runtime.compiler import kernel, part, prange

# Numbers in a block: a thread's work is whole blocks.
BLOCK = 4096
AS_WRITTEN: frozenset[str] = frozenset()


@part(flags=AS_WRITTEN)
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


@part(flags=AS_WRITTEN)
def _sgd_of(p: Any, g: Any, shrink: Any, decay: Any, rate: Any) -> None:
    slope = _decayed(p, g, shrink, decay)
    for i in range(len(p)):
        p[i] -= rate * slope[i]


@part(flags=AS_WRITTEN)
def _momentum_of(
    p: Any, g: Any, b: Any, shrink: Any, decay: Any, rate: Any, momentum: Any, nesterov: bool
) -> None:
    slope = _decayed(p, g, shrink, decay)
    for i in range(len(p)):
        b[i] = b[i] * momentum + slope[i]
        step = slope[i] + momentum * b[i] if nesterov else b[i]
        p[i] -= rate * step


@part(flags=AS_WRITTEN)
def _lion_of(
    p: Any, g: Any, m: Any, shrink: Any, decay: Any, rate: Any, beta1: Any, beta2: Any,
    rest1: Any, rest2: Any,
) -> None:  # fmt: skip
    slope = _decayed(p, g, shrink, decay)
    for i in range(len(p)):
        p[i] -= rate * np.sign(beta1 * m[i] + rest1 * slope[i])
        m[i] = m[i] * beta2 + rest2 * slope[i]


@part(flags=AS_WRITTEN)
def _adagrad_of(p: Any, g: Any, s: Any, shrink: Any, decay: Any, rate: Any, eps: Any) -> None:
    slope = _decayed(p, g, shrink, decay)
    for i in range(len(p)):
        s[i] += slope[i] * slope[i]
        p[i] -= rate * slope[i] / (np.sqrt(s[i]) + eps)


@part(flags=AS_WRITTEN)
def _rmsprop_of(
    p: Any, g: Any, v: Any, a: Any, b: Any, shrink: Any, decay: Any, rate: Any, alpha: Any,
    rest: Any, eps: Any, momentum: Any, centered: bool,
) -> None:  # fmt: skip
    slope = _decayed(p, g, shrink, decay)
    step = np.empty_like(p)
    for i in range(len(p)):
        v[i] = v[i] * alpha + rest * (slope[i] * slope[i])
        step[i] = v[i]
    if centered:
        for i in range(len(p)):
            a[i] = a[i] * alpha + rest * slope[i]
            spread = v[i] - a[i] * a[i]
            step[i] = spread - spread if spread < 0 else spread
    for i in range(len(p)):
        step[i] = slope[i] / (np.sqrt(step[i]) + eps)
    if momentum != 0:
        for i in range(len(p)):
            b[i] = b[i] * momentum + step[i]
            step[i] = b[i]
    for i in range(len(p)):
        p[i] -= rate * step[i]


@part(flags=AS_WRITTEN)
def _adam_of(
    p: Any, g: Any, m: Any, v: Any, shrink: Any, decay: Any, beta1: Any, beta2: Any,
    rest1: Any, rest2: Any, correction: Any, eps: Any, rate: Any,
) -> None:  # fmt: skip
    slope = _decayed(p, g, shrink, decay)
    for i in range(len(p)):
        m[i] = m[i] * beta1 + rest1 * slope[i]
        v[i] = v[i] * beta2 + rest2 * (slope[i] * slope[i])
        p[i] -= m[i] / (np.sqrt(v[i]) / correction + eps) * rate


@kernel
def sgd(p: Any, g: Any, shrink: Any, decay: Any, rate: Any) -> None:
    """``p ← p − rate · g``."""
    for block in prange(-(-len(p) // BLOCK)):
        at = slice(block * BLOCK, (block + 1) * BLOCK)
        _sgd_of(p[at], g[at], shrink, decay, rate)


@kernel
def momentum(
    p: Any, g: Any, b: Any, shrink: Any, decay: Any, rate: Any, share: Any, nesterov: bool
) -> None:
    """SGD with momentum; ``share`` is how much of ``b`` stays."""
    for block in prange(-(-len(p) // BLOCK)):
        at = slice(block * BLOCK, (block + 1) * BLOCK)
        _momentum_of(p[at], g[at], b[at], shrink, decay, rate, share, nesterov)


@kernel
def lion(
    p: Any, g: Any, m: Any, shrink: Any, decay: Any, rate: Any, beta1: Any, beta2: Any,
    rest1: Any, rest2: Any,
) -> None:  # fmt: skip
    """Lion; the rests are 1 − β."""
    for block in prange(-(-len(p) // BLOCK)):
        at = slice(block * BLOCK, (block + 1) * BLOCK)
        _lion_of(p[at], g[at], m[at], shrink, decay, rate, beta1, beta2, rest1, rest2)


@kernel
def adagrad(p: Any, g: Any, s: Any, shrink: Any, decay: Any, rate: Any, eps: Any) -> None:
    """Adagrad."""
    for block in prange(-(-len(p) // BLOCK)):
        at = slice(block * BLOCK, (block + 1) * BLOCK)
        _adagrad_of(p[at], g[at], s[at], shrink, decay, rate, eps)


@kernel
def rmsprop(
    p: Any, g: Any, v: Any, a: Any, b: Any, shrink: Any, decay: Any, rate: Any, alpha: Any,
    rest: Any, eps: Any, share: Any, centered: bool,
) -> None:  # fmt: skip
    """RMSprop; ``a`` counts where it is ``centered``, ``b`` where its ``share`` is not 0."""
    for block in prange(-(-len(p) // BLOCK)):
        at = slice(block * BLOCK, (block + 1) * BLOCK)
        _rmsprop_of(
            p[at], g[at], v[at], a[at], b[at], shrink, decay, rate, alpha, rest, eps, share,
            centered,
        )  # fmt: skip


@kernel
def adam(
    p: Any, g: Any, m: Any, v: Any, shrink: Any, decay: Any, beta1: Any, beta2: Any,
    rest1: Any, rest2: Any, correction: Any, eps: Any, rate: Any,
) -> None:  # fmt: skip
    """Adam; ``correction`` is ``√(1 − β₂ᵗ)``, and ``rate`` is divided by ``1 − β₁ᵗ``."""
    for block in prange(-(-len(p) // BLOCK)):
        at = slice(block * BLOCK, (block + 1) * BLOCK)
        _adam_of(
            p[at], g[at], m[at], v[at], shrink, decay, beta1, beta2, rest1, rest2, correction,
            eps, rate,
        )  # fmt: skip
