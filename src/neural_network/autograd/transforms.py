"""Functions that return gradient functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from neural_network.autograd.engine import backward_pass, recording
from neural_network.autograd.tensor import Tensor
from neural_network.autograd.trees import map_tree
from neural_network.errors import DroppedGradientError, DTypeError, ShapeError, sentence
from neural_network.functional.elementwise import positive
from neural_network.public import public

Argnums = int | Sequence[int]


@public
def grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Return the function that computes the gradient of ``f``.

    Args:
        f: takes arrays (or nested dicts, lists and tuples of arrays) and returns a
            single number, written in plain NumPy or with this library.
        argnums: which argument to differentiate; several give a tuple.

    Returns:
        A function of the same arguments. Its result has the form of the argument:
        an array for an array, a dict for a dict.

    Raises:
        ShapeError: ``f`` returns more than one number.
        DroppedGradientError: ``f`` returns something that does not depend on its
            argument by ops that were recorded.
        DTypeError: the argument holds integers.

    Applied twice it gives the second derivative.

    Source: Griewank and Walther, "Evaluating Derivatives", 2008, chapter 3.

    >>> slope = grad(lambda x: x**3)
    >>> slope(2.0), grad(slope)(2.0)
    (np.float64(12.0), np.float64(12.0))
    >>> grad(lambda p: np.sum(p["a"] * p["b"]))({"a": np.ones(2), "b": np.array([3.0, 4.0])})
    {'a': array([3., 4.]), 'b': array([1., 1.])}
    """
    both = value_and_grad(f, argnums)

    @wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return gradient


@public
def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Return the function that computes ``(f(…), gradient)`` in one pass; see ``grad``.

    Args:
        f: as for ``grad``.
        argnums: as for ``grad``.

    Returns:
        A function of the same arguments that returns the value and the gradient.

    Raises:
        ShapeError, DroppedGradientError, DTypeError: as for ``grad``.

    Source: as ``grad``.

    >>> value_and_grad(lambda x: np.sum(x * x))(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """

    @wraps(f)
    def both(*args: Any, **kwargs: Any) -> Any:
        traced = _trace(f, argnums, args, kwargs)
        if traced.output.size != 1:
            raise ShapeError(
                sentence(
                    "grad",
                    "the result of the function",
                    "a single number (jacobian takes more)",
                    f"shape {traced.output.shape}",
                )
            )
        start = np.ones(traced.output.shape, traced.output.dtype)
        return traced.value(), traced.gradient(start, retain_graph=False)

    return both


@public
def jacobian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Return the function that computes all slopes of all results.

    Args:
        f: as for ``grad``, but its result may have any shape.
        argnums: as for ``grad``.

    Returns:
        A function of the same arguments; for a result of shape S and an argument
        of shape T it gives an array of shape S + T.

    Raises:
        DroppedGradientError, DTypeError: as for ``grad``.

    Source: as ``grad``.

    >>> jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    @wraps(f)
    def slopes(*args: Any, **kwargs: Any) -> Any:
        traced = _trace(f, argnums, args, kwargs)
        rows = []
        for place in range(traced.output.size):
            start = np.zeros(traced.output.size, traced.output.dtype)
            start[place] = 1
            rows.append(traced.gradient(start.reshape(traced.output.shape), retain_graph=True))
        shape = traced.output.shape
        return map_tree(lambda *parts: np.stack(parts).reshape(shape + parts[0].shape), *rows)

    return slopes


class _Trace:
    """The recorded call of a function.

    Attributes:
        nested: it is called inside another differentiation, for which the backward pass is
            recorded.
    """

    def __init__(self, output: Tensor, arguments: Any, nested: bool) -> None:
        self.output, self.arguments, self.nested = output, arguments, nested

    def value(self) -> Any:
        """Return the function's value: a tensor for the outer differentiation, else an array."""
        return self.output if self.nested else self.output.data[()]

    def gradient(self, grad_out: Any, *, retain_graph: bool) -> Any:
        """Return the gradient in the form of the arguments."""
        leaves: list[Tensor] = []
        map_tree(leaves.append, self.arguments)
        found = backward_pass(
            [self.output],
            [Tensor(grad_out) if self.nested else grad_out],
            leaves,
            create_graph=self.nested,
            retain_graph=retain_graph,
        )
        pairs = found.values() if self.nested else found.copied()
        gradients: dict[int, Any] = {id(tensor): gradient for tensor, gradient in pairs}

        def of(leaf: Tensor) -> Any:
            gradient = gradients.get(id(leaf))
            if gradient is None:  # the result does not depend on it
                gradient = np.zeros(leaf.shape, leaf.dtype)
            return gradient if self.nested else gradient[()]

        return map_tree(of, self.arguments)


def _trace(f: Callable[..., Any], argnums: Argnums, args: tuple[Any, ...], kwargs: Any) -> _Trace:
    """Call ``f`` with tensors for the arguments to differentiate by."""
    numbers = [argnums] if isinstance(argnums, int) else list(argnums)
    for number in numbers:
        if not -len(args) <= number < len(args):
            raise ShapeError(
                sentence("grad", "argnums", f"places among {len(args)} arguments", number)
            )
    outer: list[Tensor] = []
    map_tree(lambda v: outer.append(v) if isinstance(v, Tensor) else None, (args, kwargs))
    nested = recording() and any(t.requires_grad for t in outer)
    traced = list(args)
    for number in numbers:
        traced[number] = map_tree(_leaf, args[number])
    output = f(*traced, **kwargs)
    if not isinstance(output, Tensor) or not output.requires_grad:
        raise DroppedGradientError(
            sentence(
                "grad",
                "the result of the function",
                "a number computed from its argument by recorded ops",
                f"{output!r}, which does not depend on it",
            )
        )
    chosen = tuple(traced[number] for number in numbers)
    return _Trace(output, chosen[0] if isinstance(argnums, int) else chosen, nested)


def _leaf(value: Any) -> Tensor:
    """Return a tensor to differentiate by, connected to a tensor of an outer differentiation."""
    if isinstance(value, Tensor):
        if value.requires_grad and recording():
            linked = positive(value)
            assert isinstance(linked, Tensor)
            return linked
        return Tensor(value.data, requires_grad=True)
    array = np.asarray(value)
    if array.dtype.kind != "f":
        raise DTypeError(
            sentence(
                "grad", "the argument", "floating numbers (2.0 and not 2)", f"dtype {array.dtype}"
            )
        )
    return Tensor(array, requires_grad=True)
