"""All parameters of a model as views of one buffer.

One optimizer step is then one pass over one array, and so are a checkpoint, a hash and
the exchange between processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from neural_network.checks import Array
from neural_network.kernels.runtime.aligned import address, aligned_whole
from neural_network.layers.parameter import Parameter, place


def flat_parameters(parameters: Sequence[Parameter], before: Array | None = None) -> Array:
    """Return the buffer of which the parameters are views; move them into one if there is none.

    Where the parameters are not adjacent in one array, because layers were added or copied,
    they are copied to a new buffer and their ``data`` become views of it. Parameters that are
    a part of a larger buffer get that part.

    Args:
        parameters: in order.
        before: the buffer that they had, which is used again if its size and type fit.
    """
    if not parameters:
        return np.zeros(0, np.float32)
    found = _joined([parameter.data for parameter in parameters])
    if found is not None:
        return found
    dtype = np.result_type(*[parameter.data.dtype for parameter in parameters])
    size = sum([parameter.data.size for parameter in parameters])
    if before is not None and (before.size, before.dtype) == (size, dtype):
        flat = before
    else:
        flat = aligned_whole(size, dtype)
    # Copied before anything is written: the old and the new buffer may overlap.
    numbers = [np.array(parameter.data) for parameter in parameters]
    for parameter, found, part in zip(parameters, numbers, parts(parameters), strict=True):
        flat[part] = found.ravel()
        place(parameter, flat[part].reshape(found.shape))
    return flat


def parts(parameters: Sequence[Parameter]) -> list[slice]:
    """Return the place of each parameter in the buffer."""
    sizes = [parameter.data.size for parameter in parameters]
    return [slice(end - size, end) for end, size in zip(accumulate(sizes), sizes, strict=True)]


def parts_of(parameters: Sequence[Parameter], chosen: Sequence[bool]) -> list[slice]:
    """Return the places of some parameters, neighbours joined."""
    joined: list[slice] = []
    for part, is_chosen in zip(parts(parameters), chosen, strict=True):
        if not is_chosen:
            continue
        if joined and joined[-1].stop == part.start:
            joined[-1] = slice(joined[-1].start, part.stop)
        else:
            joined.append(part)
    return joined


def gather_gradients(parameters: Sequence[Parameter], out: Array) -> None:
    """Copy the gradients of all parameters into a buffer of the same layout; none is zeros."""
    for parameter, part in zip(parameters, parts(parameters), strict=True):
        out[part] = 0 if parameter.grad is None else parameter.grad.ravel()


def numbers_in_one(parameters: Sequence[Parameter]) -> Array | None:
    """Return the piece of a buffer, 1-D, that the parameters fill in this order, if they do."""
    arrays = [parameter.data for parameter in parameters]
    if len(arrays) == 1 and arrays[0].flags.c_contiguous:
        flat: Array = arrays[0].reshape(-1)
        return flat
    return _joined(arrays)


def gradients_in_one(parameters: Sequence[Parameter]) -> Array | None:
    """Return the buffer that the gradients of all parameters are views of, if there is one."""
    found = _joined([parameter.grad for parameter in parameters])
    first = parameters[0].grad
    # A part of a larger buffer is not used: other code may write into the rest.
    whole = first is not None and found is first.base and first.dtype == parameters[0].dtype
    return found if whole else None


def _joined(arrays: Sequence[Array | None]) -> Array | None:
    """Return the piece of a 1-D buffer that the arrays fill one after the other, if they do."""
    base = None if arrays[0] is None else arrays[0].base
    if not isinstance(base, np.ndarray) or base.ndim != 1 or arrays[0] is None:
        return None
    start = end = address(arrays[0])
    for data in arrays:
        if data is None or data.base is not base or data.dtype != base.dtype:
            return None
        if not data.flags.c_contiguous or address(data) != end:
            return None
        end += data.nbytes
    if end - start == base.nbytes:
        return base
    first = (start - address(base)) // base.itemsize
    return base[first : first + (end - start) // base.itemsize]
