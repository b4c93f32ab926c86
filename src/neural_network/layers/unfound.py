"""Numbers of one's own layers that are no parameters and no buffers: nothing trains or saves them.

What is meant to be constant is left alone: an array counts only under a name that weights have,
or where a layer that is made again from its arguments has other numbers.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from neural_network.autograd.tensor import Tensor
from neural_network.layers.own_classes import is_users
from neural_network.layers.parameter import Buffer, Parameter
from neural_network.lifting import array_under

# What numbers that are to be trained are called. Others may be constants, such as a mean.
_PLACES = "in|out|input|output|hidden|query|key|value|hh|xh|ih|hx|[qkvohxy]"
NAMES = re.compile(
    rf"(w|b|weights?|bias(es)?|kernels?|gammas?|betas?|params)(_?\d+|_({_PLACES})|hh|xh|[qkvohxy])?"
    rf"|({_PLACES})_(w|b|weights?|bias|kernel)",
    re.IGNORECASE,
)
# Attributes that the library sets.
_OF_LIBRARY = frozenset({"_arguments", "_flat", "_contents", "_plan", "_replaced", "_built_for"})
# Fewer numbers than this say nothing about how they were made.
FEWEST = 4


def spelled(spot: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield an attribute and what is inside it, named as Python writes it."""
    yield spot, value
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    for key, item in items:
        yield from spelled(f"{spot}[{key!r}]", item)


def _plain(layer: Any) -> Iterator[tuple[str, Any]]:
    """Yield the arrays of floats, and the tensors, in attributes of a layer, with their names."""
    for name, value in [*vars(layer).items()]:
        if name in _OF_LIBRARY:
            continue
        for spot, item in spelled(name, value):
            is_array = isinstance(item, np.ndarray) and item.dtype.kind == "f"
            if is_array or (isinstance(item, Tensor) and not isinstance(item, Parameter | Buffer)):
                yield spot, item


def untrained(model: Any) -> str | None:
    """Return which numbers of one's own layers seem to be weights, but are not trained."""
    for layer in model.all_layers():
        for spot, value in _plain(layer) if is_users(type(layer)) else ():
            if isinstance(value, Tensor):
                if value.requires_grad and value.node is None:
                    return (
                        f"{_named(layer, spot)} is a Tensor, which is neither trained nor saved; "
                        f"write {_line(spot)} (or a Tensor without requires_grad, if it is a "
                        "constant)"
                    )
            elif _is_weight(spot, value):
                return (
                    f"{_named(layer, spot)} is an array, which is neither trained nor saved; write "
                    f"{_line(spot)} if it is to be, or give it another name, or nn.Buffer(…), if "
                    "it is a constant"
                )
    return None


def instead_of_parameters(model: Any) -> str:
    """Return how the numbers of layers without parameters become some, as the end of a sentence."""
    for layer in model.all_layers():
        for spot, value in _plain(layer) if is_users(type(layer)) else ():
            kind = "a Tensor" if isinstance(value, Tensor) else "an array"
            return f"; {_named(layer, spot)} is {kind}: write {_line(spot)}"
    return ""


def unsaved(model: Any, made_again: Callable[[], Any]) -> str | None:
    """Return which numbers of one's own layers are others where the layers are made again.

    Args:
        model: that is built.
        made_again: returns the model that the same arguments make; it is called only where
            there are such numbers.
    """
    if not any(is_users(type(layer)) and any(_plain(layer)) for layer in model.all_layers()):
        return None
    other = None
    # A constructor of the user's own may raise anything; ``load`` will raise it again.
    with suppress(Exception), _same_draws():
        other = made_again()
    if other is None:
        return None
    for layer, twin in zip(model.all_layers(), other.all_layers(), strict=False):
        if is_users(type(layer)) and type(twin) is type(layer):
            twins = dict(_plain(twin))
            for spot, value in _plain(layer):
                before, after = array_under(value), array_under(twins.get(spot))
                same_kind = type(before) is type(after) and before.shape == after.shape
                if same_kind and not np.array_equal(before, after, equal_nan=True):
                    return _named(layer, spot)
    return None


@contextmanager
def _same_draws() -> Iterator[None]:
    """Leave the global generators of random numbers as they are."""
    of_numpy, of_python = np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        np.random.set_state(of_numpy)
        random.setstate(of_python)


def _is_weight(spot: str, array: Any) -> bool:
    """Return whether an array has the name of weights, and is as they begin.

    They are all the same, or nowhere the same: a fixed filter, such as Sobel's, repeats some of its
    few numbers. The matrix B of random Fourier features is no bias, which is a row.
    """
    names = list(filter(NAMES.fullmatch, re.findall(r"\w+", spot.strip("_"))))
    is_row = array.ndim < 2 or array.shape[0] == 1
    if not any(is_row or name.lower() != "b" for name in names):
        return False
    different = len(np.unique(array))
    return different <= 1 or array.size < FEWEST or 4 * different > 3 * array.size


def _named(layer: Any, spot: str) -> str:
    return f"{type(layer).__name__}.{spot}"


def _line(spot: str) -> str:
    return f"self.{spot} = nn.Parameter(…)"
