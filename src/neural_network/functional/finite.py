"""Whether all numbers are finite, or small: one pass over an array."""

from __future__ import annotations

import numpy as np

from neural_network.checks import Array
from neural_network.kernels.runtime.gate import kernel_wanted

# Numbers of an array up to which one more array of them costs less than silence around BLAS.
FEW = 1 << 14


def is_finite(array: Array) -> bool:
    """Return whether all numbers are finite."""
    if array.dtype.kind != "f":
        return True
    if array.flags.c_contiguous and kernel_wanted("finite check", array.size, array):
        from neural_network.kernels.finite import all_finite

        return all_finite(array.reshape(-1))
    return is_finite_by_numpy(array)


def is_finite_by_numpy(array: Array) -> bool:
    """Return whether all numbers of a floating array are finite, without loading Numba."""
    if array.size <= FEW:
        return bool(np.logical_and.reduce(np.isfinite(array), axis=None))
    with np.errstate(all="ignore"):
        if array.dtype.itemsize >= 4 and array.flags.c_contiguous:
            numbers = array.reshape(-1)
            if np.isfinite(np.dot(numbers, numbers)):  # BLAS is the fastest
                return True
        # Neither allocates; both may overflow where no number is infinite.
        return bool(np.isfinite(np.sum(array, dtype=np.float64)) or np.all(np.isfinite(array)))


def all_within(array: Array, limit: float) -> bool:
    """Return whether all numbers of a buffer lie from −``limit`` to ``limit``.

    Where they nearly do not, the answer of a kernel may be False as well.
    """
    if array.flags.c_contiguous and kernel_wanted("finite check", array.size, array):
        from neural_network.kernels.finite import all_within

        return all_within(array, limit)
    # A comparison with NaN, which both may return, is False.
    top, bottom = np.maximum.reduce(array, initial=0), np.minimum.reduce(array, initial=0)
    return bool(top <= limit and bottom >= -limit)
