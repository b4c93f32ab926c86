"""How functions of arrays meet tensors: the lift hook, without knowing the tensor class.

A class whose values record how they were computed carries the method ``__lift__``. An op looks
for an argument of such a class and hands itself over to it, as NumPy does with
``__array_function__``. This file is below everything that asks the question, so that
``functional`` need not import ``autograd``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

LIFT_HOOK = "__lift__"


def is_tensor(value: object) -> bool:
    """Say whether a value carries the lift hook.

    >>> from neural_network.lifting import is_tensor
    >>> is_tensor(Tensor([1.0])), is_tensor(np.ones(1))
    (True, False)
    """
    return hasattr(type(value), LIFT_HOOK)


def lift_hook(values: Iterable[Any]) -> Callable[..., Any] | None:
    """Return the hook of the first value that carries one, also inside a list or tuple."""
    for value in values:
        hook: Callable[..., Any] | None = getattr(type(value), LIFT_HOOK, None)
        if hook is None and isinstance(value, list | tuple):
            hook = lift_hook(value)
        if hook is not None:
            return hook
    return None


def array_under(value: Any) -> Any:
    """Return the array under a tensor, also inside a list or tuple; anything else as it is.

    >>> from neural_network.lifting import array_under
    >>> array_under([Tensor([1.0]), 2])
    [array([1.]), 2]
    """
    if is_tensor(value):
        return value.data
    if isinstance(value, list | tuple) and lift_hook(value) is not None:
        return type(value)(array_under(item) for item in value)
    return value
