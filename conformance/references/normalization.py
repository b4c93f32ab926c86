"""References for normalization."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F

from neural_network.functional.normalization import batch_norm as batch, ops, sample_norms


def centred(X: Any, axes: Any) -> Any:
    return X - X.mean(axes, keepdim=True)


def over_root_mean_square(X: Any, axes: Any, epsilon: float) -> Any:
    return X * torch.rsqrt((X * X).mean(axes, keepdim=True) + epsilon)


def _scaled(X: Any, gamma: Any, beta: Any, sizes: Any) -> tuple[Any, Any]:
    """With one of the two left out, PyTorch cannot differentiate twice: write out 1 and 0."""
    return (
        X.new_ones(sizes) if gamma is None else gamma,
        X.new_zeros(sizes) if beta is None else beta,
    )


def batch_norm(
    X: Any,
    gamma: Any = None,
    beta: Any = None,
    mean: Any = None,
    variance: Any = None,
    *,
    epsilon: float = 1e-5,
) -> Any:
    gamma, beta = _scaled(X, gamma, beta, X.shape[1])
    return F.batch_norm(X, mean, variance, gamma, beta, training=mean is None, eps=epsilon)


def batch_statistics(X: Any) -> Any:
    axes = (0, *range(2, X.ndim))
    return X.mean(axes), X.var(axes, correction=0)


def layer_norm(
    X: Any, gamma: Any = None, beta: Any = None, *, axes: Any = -1, epsilon: float = 1e-5
) -> Any:
    """PyTorch normalizes the last axes; others are moved there and back."""
    chosen = sorted(a % X.ndim for a in ((axes,) if isinstance(axes, int) else axes))
    last = list(range(X.ndim - len(chosen), X.ndim))
    moved = X.movedim(chosen, last)
    sizes = moved.shape[last[0] :]
    out = F.layer_norm(moved, sizes, *_scaled(X, gamma, beta, sizes), epsilon)
    return out.movedim(last, chosen)


def group_norm(
    X: Any, groups: int, gamma: Any = None, beta: Any = None, *, epsilon: float = 1e-5
) -> Any:
    return F.group_norm(X, groups, *_scaled(X, gamma, beta, X.shape[1]), epsilon)


def instance_norm(X: Any, gamma: Any = None, beta: Any = None, *, epsilon: float = 1e-5) -> Any:
    gamma, beta = _scaled(X, gamma, beta, X.shape[1])
    return F.instance_norm(X, weight=gamma, bias=beta, eps=epsilon)


def batch_normalize(arrays: Any, epsilon: float) -> Any:
    return F.batch_norm(arrays[0], None, None, *arrays[1:], training=True, eps=epsilon)


def normalize_rows(arrays: Any, epsilon: float) -> Any:
    X, gamma, beta = arrays
    return F.layer_norm(X, gamma.shape, gamma, beta, epsilon)


REFERENCES: dict[Callable[..., Any], Callable[..., Any]] = {
    ops.centred: centred,
    ops.over_root_mean_square: over_root_mean_square,
    ops.affine: lambda X, gamma, beta: X * gamma + beta,
    batch.batch_normalize: batch_normalize,
    batch.batch_norm: batch_norm,
    batch.batch_statistics: batch_statistics,
    sample_norms.layer_norm: layer_norm,
    sample_norms.normalize_rows: normalize_rows,
    sample_norms.group_norm: group_norm,
    sample_norms.instance_norm: instance_norm,
}
