"""Kernels that are compiled in a moment: none of them is linked with another one."""

from __future__ import annotations

from typing import Any

from neural_network.kernels.runtime.compiler import kernel, part, prange, serial_kernel


@part
def half(x: float) -> float:
    return x * 0.5


@serial_kernel
def add_one(x: float) -> float:
    return x + 1


@serial_kernel
def half_sum(X: Any) -> float:
    s = 0.0
    for i in range(X.shape[0]):
        s += half(X[i])
    return s


@kernel
def doubled(X: Any, out: Any) -> None:
    for i in prange(X.shape[0]):
        out[i] = X[i] * 2
