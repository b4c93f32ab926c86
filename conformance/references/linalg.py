"""References for linear algebra.

The signs of eigenvectors and singular vectors are a choice, so the references take NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from neural_network.functional import linalg as ours


def _lower(a: Any, UPLO: str = "L") -> Any:
    """The symmetric matrix of which one triangle is read."""
    a = a.mT if UPLO == "U" else a
    return torch.tril(a) + torch.tril(a, -1).mT


def _signs(vectors: Any, like: Any) -> Any:
    """Of each column 1 or −1, so that it points as NumPy's does."""
    return torch.sign((vectors.detach() * torch.tensor(like)).sum(-2, keepdim=True))


def eigh(a: Any, UPLO: str = "L") -> Any:
    values, vectors = torch.linalg.eigh(_lower(a, UPLO))
    signs = _signs(vectors, np.linalg.eigh(a.detach().numpy(), UPLO)[1])
    return torch.cat([values[..., None, :], vectors * signs], -2)


def svd(a: Any, full_matrices: bool = True) -> Any:
    left, values, right = torch.linalg.svd(a, full_matrices=full_matrices)
    signs = _signs(left, np.linalg.svd(a.detach().numpy(), full_matrices=full_matrices)[0])
    parts = [left * signs, values[..., None, :], right * signs.mT]
    return torch.cat([part.flatten(-2) for part in parts], -1)


def cofactors(a: Any) -> Any:
    return torch.linalg.det(a)[..., None, None] * torch.linalg.inv(a).mT


def solve(a: Any, b: Any) -> Any:
    return torch.linalg.solve(a, b[:, None])[..., 0] if b.ndim == 1 else torch.linalg.solve(a, b)


def norm(X: Any, ord: float = 2, axis: Any = None, keepdims: bool = False) -> Any:
    out = torch.linalg.vector_norm(X, ord, axis, keepdims)
    return out if ord else out + 0 * X.sum()  # a count has no graph


def convolve(a: Any, v: Any) -> Any:
    return F.conv1d(a[None, None], v.flip(0)[None, None], padding=len(v) - 1)[0, 0]


REFERENCES: dict[Callable[..., Any], Callable[..., Any]] = {
    ours.solve: solve,
    ours.inv: torch.linalg.inv,
    ours.pinv: torch.linalg.pinv,
    ours.det: torch.linalg.det,
    ours.cofactors: cofactors,
    ours.logabsdet: lambda a: torch.linalg.slogdet(a)[1],
    ours.cholesky: lambda a: torch.linalg.cholesky(_lower(a)),
    ours.eigh: eigh,
    ours.svd: svd,
    ours.norm: norm,
    ours.convolve: convolve,
    ours.correlate: lambda a, v: F.conv1d(a[None, None], v[None, None])[0, 0],
}
