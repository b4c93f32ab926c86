"""References for reductions, linear maps and shaping."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from neural_network import functional as ours
from neural_network.functional import reductions, shaping


def _dims(X: Any, axis: Any) -> Any:
    return tuple(range(X.ndim)) if axis is None else axis


def _reduction(reduce: Callable[..., Any]) -> Callable[..., Any]:
    return lambda X, axis=None, keepdims=False: reduce(X, dim=_dims(X, axis), keepdim=keepdims)


def var(X: Any, axis: Any = None, keepdims: bool = False, ddof: int = 0) -> Any:
    return torch.var(X, dim=_dims(X, axis), correction=ddof, keepdim=keepdims)


def std(X: Any, axis: Any = None, keepdims: bool = False, ddof: int = 0) -> Any:
    return torch.std(X, dim=_dims(X, axis), correction=ddof, keepdim=keepdims)


def product(X: Any, axis: Any = None, keepdims: bool = False) -> Any:
    dims = _dims(X, axis)
    dims = sorted(d % X.ndim for d in ([dims] if isinstance(dims, int) else dims))
    for dim in reversed(dims):
        X = X.prod(dim=dim, keepdim=keepdims)
    return X


def _running(reduce: Callable[..., Any]) -> Callable[..., Any]:
    return lambda X, axis=None: reduce(X.reshape(-1) if axis is None else X, dim=axis or 0)


def transpose(X: Any, axes: Any = None) -> Any:
    return X.permute(tuple(reversed(range(X.ndim))) if axes is None else tuple(axes))


def _numbers(shape: Any, key: Any) -> Any:
    """Which numbers of the flat array a key names; PyTorch has no slices that go backwards."""
    return torch.from_numpy(np.array(np.arange(prod(shape)).reshape(shape)[key]))


def index(X: Any, key: Any) -> Any:
    return X.reshape(-1)[_numbers(X.shape, key)]


def unindex(g: Any, key: Any, shape: Any) -> Any:
    zeros = torch.zeros(prod(shape), dtype=g.dtype)
    return zeros.index_add(0, _numbers(shape, key).reshape(-1), g.reshape(-1)).reshape(shape)


def concatenate(arrays: Any, axis: Any = 0) -> Any:
    parts = [array.reshape(-1) for array in arrays] if axis is None else list(arrays)
    return torch.cat(parts, dim=axis or 0)


def pad(X: Any, pad_width: Any) -> Any:
    return F.pad(X, [side for pair in reversed(pad_width) for side in pair])


def split(X: Any, sections: Any, axis: int = 0) -> Any:
    return torch.tensor_split(X, sections, dim=axis)


def normalize(X: Any) -> Any:
    return (X - X.mean(0)) / X.std(0, correction=0)


REFERENCES: dict[Callable[..., Any], Callable[..., Any]] = {
    ours.sum: _reduction(torch.sum),
    ours.mean: _reduction(torch.mean),
    ours.var: var,
    reductions.std: std,
    reductions.prod: product,
    reductions.cumsum: _running(torch.cumsum),
    reductions.cumprod: _running(torch.cumprod),
    ours.max: _reduction(torch.amax),  # shares the gradient among equal ones, as ours
    ours.min: _reduction(torch.amin),
    ours.logsumexp: _reduction(torch.logsumexp),
    ours.matrix_multiply: torch.mm,
    ours.matmul: torch.matmul,
    ours.einsum: torch.einsum,
    ours.reshape: lambda X, shape: X.reshape(shape),
    ours.transpose: transpose,
    shaping.index: index,
    shaping.unindex: unindex,
    ours.broadcast_to: torch.broadcast_to,
    ours.concatenate: concatenate,
    ours.stack: lambda arrays, axis=0: torch.stack(list(arrays), dim=axis),
    ours.pad: pad,
    ours.split: split,
    ours.normalize: normalize,
}
