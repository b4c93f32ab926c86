"""Is this value a tensor, and the array under it, without importing the tensor class.

The type of a tensor has the method ``__lift__``. An op calls it on an argument that has one, as
NumPy does with ``__array_function__``. So ``functional`` need not import ``autograd``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from neural_network.errors import ArgumentError, too_deep

LIFT_HOOK = "__lift__"
# Not ``list | tuple``, which would be made anew in every call of every op.
LISTS = (list, tuple)


def is_tensor(value: object) -> bool:
    """Return whether a value is a tensor: whether its type has ``__lift__``.

    >>> from neural_network.lifting import is_tensor
    >>> is_tensor(Tensor([1.0])), is_tensor(np.ones(1))
    (True, False)
    """
    return hasattr(type(value), LIFT_HOOK)


def lift_hook(values: Iterable[Any]) -> Callable[..., Any] | None:
    """Return ``__lift__`` of the first tensor, also in a list or tuple; None without a tensor."""
    for value in values:
        hook: Callable[..., Any] | None = getattr(type(value), LIFT_HOOK, None)
        if hook is None and isinstance(value, LISTS):
            hook = lift_hook(value)
        if hook is not None:
            return hook
    return None


def tensors_in(values: Iterable[Any]) -> list[Any]:
    """Return the tensors among values, also those in lists and tuples."""
    found = []
    for value in values:
        if hasattr(type(value), LIFT_HOOK):
            found.append(value)
        elif isinstance(value, LISTS):
            try:
                found += tensors_in(value)
            except RecursionError:
                raise _too_deep() from None
    return found


def mapped(function: Callable[[Any], Any], values: Any) -> Any:
    """Return a list or tuple of the same class with a function applied to each item.

    >>> from neural_network.lifting import mapped
    >>> mapped(abs, (1, -2))
    (1, 2)
    """
    items = [function(value) for value in values]
    if hasattr(values, "_fields"):  # a named tuple
        return type(values)(*items)
    return items if type(values) is list else type(values)(items)


def array_under(value: Any) -> Any:
    """Return the array under a tensor, also in a list or tuple; anything else as it is.

    >>> from neural_network.lifting import array_under
    >>> array_under([Tensor([1.0]), 2])
    [array([1.]), 2]
    """
    if hasattr(type(value), LIFT_HOOK):
        return value.data
    if isinstance(value, LISTS) and _tensor_within(value):
        return mapped(array_under, value)
    return value


def joined(value: Any) -> Any:
    """Return nested lists of numbers and tensors as one array; a tensor if one is in them.

    Raises:
        ValueError: rows of different shape, as NumPy does.

    >>> from neural_network.lifting import joined
    >>> joined([1, 2]), joined([Tensor([1.0]), [2]])
    (array([1, 2]), Tensor([[1.],
           [2.]]))
    """
    if not isinstance(value, LISTS):
        return value
    if not _tensor_within(value):
        return np.asarray(value)
    return np.stack([joined(item) for item in value])


def _tensor_within(values: Iterable[Any]) -> bool:
    try:
        return lift_hook(values) is not None
    except RecursionError:
        raise _too_deep() from None


def _too_deep() -> ArgumentError:
    return too_deep("nested lists", "arguments")


def read_only(value: Any) -> Any:
    """Return a view of an array into which nothing can be written; anything else as it is."""
    if type(value) is np.ndarray:
        value = value.view()
        value.flags.writeable = False
    return value
