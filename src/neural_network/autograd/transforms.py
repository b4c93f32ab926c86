"""Functions that return gradient functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

import numpy as np

from neural_network.autograd.arguments import as_places, check_argnums, explain_arguments
from neural_network.autograd.broadcasting import hint_targets_that_broadcast
from neural_network.autograd.engine import backward_pass, lowest_recorded, open_level
from neural_network.autograd.gradients import Gradients
from neural_network.autograd.tensor import InnerTensor, Tensor
from neural_network.autograd.trees import leaves_of, map_tree, same_form
from neural_network.checks import MOST_AXES, as_callable, as_real
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import (
    DroppedGradientError,
    DTypeError,
    GradientError,
    NeuralNetworkError,
    ShapeError,
    brief,
    refusal,
    returned,
    say_what_was_dropped,
    sentence,
    shorten_traceback,
)
from neural_network.functional.elementwise import flat
from neural_network.lifting import array_under
from neural_network.public import public

Argnums = int | Sequence[int]


@public
@explains_calls
def grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Return the function that computes the gradient of ``f``.

    Args:
        f: takes arrays (or nested dicts, lists and tuples of arrays) and returns a
            single number, written in plain NumPy or with this library.
        argnums: which argument to differentiate; several give a tuple.

    Returns:
        A function of the same arguments. Its result has the form of the argument:
        an array for an array, a dict for a dict. Where ``f`` uses tensors from outside that
        require a gradient, such as parameters that are being trained, or is called inside
        another differentiation, the arrays are tensors, which can be differentiated again.

    Raises:
        ShapeError: ``f`` returns more than one number.
        DroppedGradientError: ``f`` returns something that does not depend on its
            argument by ops that were recorded.
        DTypeError: the argument holds integers.
        GradientError: it is called inside ``no_grad``; ``f`` uses a tensor of a
            differentiation that has ended.

    Applied twice it gives the second derivative; any nesting is possible.

    Source: Griewank and Walther, "Evaluating Derivatives", 2008, chapter 3.

    >>> slope = grad(lambda x: x**3)
    >>> slope(2.0), grad(slope)(2.0)
    (np.float64(12.0), np.float64(12.0))
    >>> grad(lambda p: np.sum(p["a"] * p["b"]))({"a": np.ones(2), "b": np.array([3.0, 4.0])})
    {'a': array([3., 4.]), 'b': array([1., 1.])}
    >>> grad(lambda x: x * grad(lambda y: x * y)(2.0))(3.0)  # the derivative of x · x
    np.float64(6.0)
    """
    check_argnums("grad", f, argnums)
    return _gradient("grad", f, argnums)


@public
@explains_calls
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
    check_argnums("value_and_grad", f, argnums)
    return _value_and_gradient("value_and_grad", f, argnums)


@public
@explains_calls
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
    check_argnums("jacobian", f, argnums)
    return _jacobian("jacobian", f, argnums)


@public
@explains_calls
def hessian(f: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """Return the function that computes all second derivatives of ``f``.

    Args:
        f: takes arrays and returns a single number.
        argnums: which argument to differentiate, an array.

    Returns:
        A function of the same arguments; for an argument of shape T it gives an array of
        shape T + T. ``hvp`` computes its product with a vector without making it.

    Raises:
        ShapeError: ``f`` returns more than one number, or the argument is no single array.
        DroppedGradientError, DTypeError: as for ``grad``.

    Source: as ``grad``.

    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]))
    array([[6., 2.],
           [2., 0.]])
    """
    check_argnums("hessian", f, argnums)
    if isinstance(argnums, list | tuple):
        expected = "the place of one argument"
        raise DTypeError(sentence("hessian", "argnums", expected, brief(argnums)))
    slopes = _jacobian("hessian", _gradient("hessian", f, argnums), argnums)

    @wraps(f)
    def second(*args: Any, **kwargs: Any) -> Any:
        places = _places("hessian", argnums, args, kwargs)
        if isinstance(args[places[0]], dict | list | tuple):
            expected, received = "an array", type(args[places[0]]).__name__
            raise ShapeError(sentence("hessian", "the argument", expected, received))
        return slopes(*args, **kwargs)

    return second


@public
@explains_calls
def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Return ``f(*primals)`` and the function that multiplies its Jacobian from the left.

    Args:
        f: takes arrays (or nested dicts, lists and tuples of arrays) and returns an array or
            a number, or several in nested dicts, lists and tuples.
        primals: its arguments.

    Returns:
        The value, and a function: for a cotangent v of the form of the value it gives a
        tuple with vᵀJ for each argument, in the argument's form. It can be called often.

    Raises:
        ShapeError: (when the function is called) a cotangent of another form or shape.
        DroppedGradientError, DTypeError: as for ``grad``.

    Source: Griewank and Walther, "Evaluating Derivatives", 2008, chapter 3.

    >>> value, pull = vjp(lambda a, b: a * b, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    >>> pull(np.array([1.0, 10.0]))
    (array([ 3., 40.]), array([ 1., 20.]))
    """
    as_callable("vjp", "f", f)
    _check_several("vjp", primals)
    # Copies: the caller may change his arrays before he calls the function that is returned.
    copies = [
        map_tree(lambda leaf: leaf.copy() if type(leaf) is np.ndarray else leaf, primal)
        for primal in primals
    ]
    traced = _Trace("vjp", f, tuple(range(len(primals))), copies, {})

    @explains_calls
    def pull(cotangent: Any) -> Any:
        return traced.gradient(traced.checked(cotangent), retain_graph=True)

    return traced.value(), pull


@public
@explains_calls
def jvp(f: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Any, Any]:
    """Return ``f(*primals)`` and its slope along the tangents.

    Args:
        f: as for ``vjp``.
        primals: a tuple of its arguments, or its only argument.
        tangents: likewise, a direction of the form of each argument.

    Returns:
        The value, and Jv of the form of the value: the product of the Jacobian with the
        tangents. It is the gradient of vᵀJ, which is linear in v, by v.

    Raises:
        ShapeError: tangents of another form or shape than the primals.
        DroppedGradientError, DTypeError: as for ``grad``.

    Source: Townsend, "A new trick for calculating Jacobian vector products", 2017.

    >>> jvp(lambda x: x**2, (np.array([1.0, 3.0]),), (np.array([1.0, 10.0]),))
    (array([1., 9.]), array([ 2., 60.]))
    """
    as_callable("jvp", "f", f)
    arguments, directions = _arguments_and_directions("jvp", primals, tangents)
    # The cotangent is the argument of an outer differentiation, so its level begins first.
    with open_level() as level:
        traced = _Trace("jvp", f, tuple(range(len(arguments))), arguments, {})
        cotangents = [
            InnerTensor.leaf(np.zeros(out.shape, out.dtype), level) for out in traced.outputs
        ]
        slopes = leaves_of(traced.gradient(cotangents, retain_graph=False))
    pairs = [
        (slope, direction)
        for slope, direction in zip(slopes, directions, strict=True)
        if isinstance(slope, Tensor) and slope.level == level  # else it is 0
    ]
    found: dict[int, Any] = {}
    if pairs:
        ends, starts = zip(*pairs, strict=True)
        found = _by_leaf(backward_pass(ends, starts, cotangents, retain_graph=False))
    parts = iter([_result(found, leaf) for leaf in cotangents])
    return traced.value(), map_tree(
        lambda out: next(parts) if traced.depends(out) else np.zeros(np.shape(out))[()],
        traced.returned,
    )


@public
@explains_calls
def hvp(f: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    """Return the product of the second derivatives of ``f`` with a vector.

    Args:
        f: takes arrays (or nested dicts, lists and tuples of arrays), returns a single number.
        primals: a tuple of its arguments, or its only argument.
        tangents: likewise, the vector, of the form of the arguments.

    Returns:
        Of the form of the primals. It takes a few times as long as the gradient, and no
        memory for the matrix.

    Raises:
        ShapeError: ``f`` returns more than one number; tangents of another form or shape.
        DroppedGradientError, DTypeError: as for ``grad``.

    Source: Pearlmutter, "Fast Exact Multiplication by the Hessian", 1994.

    >>> hvp(lambda x: x[0] ** 2 * x[1], np.array([1.0, 3.0]), np.array([1.0, 10.0]))
    array([26.,  2.])
    """
    arguments, directions = _arguments_and_directions("hvp", primals, tangents)
    every = tuple(range(len(arguments)))
    as_callable("hvp", "f", f)

    def along(*args: Any) -> Any:
        slopes = leaves_of(_gradient("hvp", f, every)(*args))
        pairs = zip(slopes, directions, strict=True)
        return sum(np.sum(slope * direction) for slope, direction in pairs)

    product = _gradient("hvp", along, every)(*arguments)
    return product if isinstance(primals, tuple | list) else product[0]


def _value_and_gradient(name: str, f: Callable[..., Any], argnums: Argnums) -> Callable[..., Any]:
    """Return ``value_and_grad(f, argnums)`` for the transform of this name."""
    as_callable(name, "f", f)

    @wraps(f)
    def both(*args: Any, **kwargs: Any) -> Any:
        try:
            traced = _Trace(name, f, argnums, args, kwargs)
            output = traced.single_output()
            if output.size != 1:
                expected = "a single number (jacobian takes more)"
                received = f"shape {output.shape}"
                raise ShapeError(sentence(name, "the result of the function", expected, received))
            start = np.ones(output.shape, output.dtype)
            hint_targets_that_broadcast(output, name)
            return traced.value(), traced.gradient([start], retain_graph=False)
        except NeuralNetworkError as error:
            shorten_traceback(error)
            raise

    return both


def _gradient(name: str, f: Callable[..., Any], argnums: Argnums) -> Callable[..., Any]:
    """Return ``grad(f, argnums)`` for the transform of this name."""
    both = _value_and_gradient(name, f, argnums)

    @wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return gradient


def _jacobian(name: str, f: Callable[..., Any], argnums: Argnums) -> Callable[..., Any]:
    """Return ``jacobian(f, argnums)`` for the transform of this name."""
    as_callable(name, "f", f)

    @wraps(f)
    def slopes(*args: Any, **kwargs: Any) -> Any:
        try:
            return slopes_of(_Trace(name, f, argnums, args, kwargs))
        except NeuralNetworkError as error:
            shorten_traceback(error)
            raise
        except MemoryError as error:  # a number for each pair of a result and an argument
            raise refusal(name, {"f": f, "the arguments": args}, error) from error

    def slopes_of(traced: _Trace) -> Any:
        output = traced.single_output()
        shape, rows = output.shape, []
        axes = output.ndim + max(leaf.ndim for leaf in leaves_of(traced.arguments))
        if axes > MOST_AXES:
            received = f"{axes} of the result and the argument together"
            raise ShapeError(sentence(name, "f", f"at most {MOST_AXES} axes", received))
        for leaf in leaves_of(traced.arguments):  # before the rows fill the memory one by one
            np.empty((output.size, leaf.size), leaf.dtype)
        for place in range(output.size):
            start = np.zeros(output.size, output.dtype)
            start[place] = 1
            rows.append(traced.gradient([start.reshape(shape)], retain_graph=True))
        if not rows:  # a result without numbers
            return map_tree(lambda leaf: np.zeros(shape + leaf.shape, leaf.dtype), traced.arguments)

        def joined(*parts: Any) -> Any:
            together: Any = np.stack(parts).reshape(shape + parts[0].shape)
            return together if isinstance(together, Tensor) else together[()]

        return map_tree(joined, *rows)

    return slopes


class _Trace:
    """The recorded call of a function on tensors of a level of its own.

    Args:
        name: of the transform, for errors.
        f: the function.
        argnums: which arguments to differentiate by.
        args, kwargs: of the call.

    Attributes:
        level: of the differentiation.
        returned: what the function returned.
        outputs: the tensors in it that depend on the arguments.
        arguments: the tensors to differentiate by, in the form of the arguments.
    """

    def __init__(
        self, name: str, f: Callable[..., Any], argnums: Argnums, args: Sequence[Any], kwargs: Any
    ) -> None:
        as_callable(name, "f", f)
        places = _places(name, argnums, args, kwargs)
        if math.isinf(lowest_recorded()):
            raise GradientError(
                f"{name}: expected a call outside of no_grad, which records nothing"
            )
        self.name = name
        traced = list(args)
        with open_level() as self.level:
            for place in places:
                traced[place] = map_tree(self._leaf, args[place])
                if not leaves_of(traced[place]):
                    expected = "at least one floating number or array"
                    received = f"an empty {type(args[place]).__name__}"
                    raise ShapeError(sentence(name, "the argument", expected, received))
            chosen = tuple(traced[place] for place in places)
            self.arguments = chosen if isinstance(argnums, list | tuple) else chosen[0]
            try:
                self.returned = f(*traced, **kwargs)
            except TypeError as error:
                explain_arguments(name, f, traced, kwargs, error)
                raise
            except ValueError as error:
                say_what_was_dropped(error)
                raise
        self.outputs = [out for out in leaves_of(self.returned) if self.depends(out)]
        if not self.outputs:
            expected = "a number computed from its argument by recorded ops"
            received = f"{brief(self.returned)}, which does not depend on it"
            if self.returned is None:
                received = returned(None)
            raise DroppedGradientError(
                sentence(name, "the result of the function", expected, received)
            )

    def _leaf(self, value: Any) -> InnerTensor:
        """Return a tensor to differentiate by."""
        primal = as_real(self.name, "the argument", value)
        if primal.dtype.kind != "f":
            expected = "floating numbers (2.0 and not 2)"
            raise DTypeError(sentence(self.name, "the argument", expected, f"dtype {primal.dtype}"))
        return InnerTensor.leaf(primal, self.level)

    def depends(self, out: Any) -> bool:
        """Return whether a part of the result depends on the arguments."""
        return isinstance(out, Tensor) and out.level == self.level

    def single_output(self) -> Tensor:
        """Return the result, which has to be one tensor.

        Raises:
            ShapeError: it is a dict, list or tuple.
        """
        if not isinstance(self.returned, Tensor):
            expected = "a single number or array"
            received = f"a {type(self.returned).__name__} of {len(leaves_of(self.returned))}"
            raise ShapeError(sentence(self.name, "the result of the function", expected, received))
        return self.returned

    def value(self) -> Any:
        """Return the function's result one level down."""

        def lower(out: Any) -> Any:
            primal = out.primal if self.depends(out) else out
            # A copy: it may be the argument's memory, or what a gradient still needs.
            return primal.copy()[()] if isinstance(primal, np.ndarray) else primal

        return map_tree(lower, self.returned)

    def checked(self, cotangent: Any) -> list[Any]:
        """Return the parts of a cotangent for the outputs.

        Raises:
            ShapeError: another form or shape than the function's result.
        """
        parts = _in_form_of(self.name, "cotangent", cotangent, self.returned)
        pairs = zip(leaves_of(self.returned), parts, strict=True)
        return [part for out, part in pairs if self.depends(out)]

    def gradient(self, cotangents: Sequence[Any], *, retain_graph: bool) -> Any:
        """Return the gradient in the form of the arguments, given those of the outputs."""
        # Formulas compute with tensors only, or with arrays only.
        starts = [
            Tensor(part)
            if isinstance(out.primal, Tensor) and not isinstance(part, Tensor)
            else part
            for out, part in zip(self.outputs, cotangents, strict=True)
        ]
        leaves = leaves_of(self.arguments)
        gradients = _by_leaf(backward_pass(self.outputs, starts, leaves, retain_graph=retain_graph))
        return map_tree(lambda leaf: _result(gradients, leaf), self.arguments)


def _by_leaf(found: Gradients) -> dict[int, Any]:
    return {id(tensor): gradient for tensor, gradient in found.copied()}


def _result(gradients: Mapping[int, Any], leaf: InnerTensor) -> Any:
    """Return the gradient for a leaf: a tensor where an outer differentiation needs it."""
    gradient = gradients.get(id(leaf))
    if gradient is None:  # the result does not depend on it
        gradient = np.zeros(leaf.shape, leaf.dtype)
    if isinstance(gradient, Tensor):
        if gradient.requires_grad:
            return gradient
        gradient = gradient.data
    if isinstance(leaf.primal, Tensor):  # it depends on the outer argument, with slope 0
        return flat(leaf.primal, lambda _: gradient)
    return gradient[()]


def _places(
    name: str, argnums: Argnums, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None
) -> list[int]:
    numbers = as_places(name, argnums)
    for number in numbers:
        if not -len(args) <= number < len(args):
            count = f"{len(args)} argument{'' if len(args) == 1 else 's'}"
            expected = f"places among {count} passed by position"
            received = f"{number}"
            if kwargs:
                values = ", ".join(brief(value, letters=20) for value in kwargs.values())
                received += f"; pass {', '.join(kwargs)} by position: {name}(f)({values})"
            raise ShapeError(sentence(name, "argnums", expected, received))
    return numbers


def _check_several(name: str, primals: Sequence[Any]) -> None:
    """Raise ShapeError where there is nothing to differentiate by."""
    if not primals:
        raise ShapeError(sentence(name, "primals", "at least one argument of f", "none"))


def _arguments_and_directions(
    name: str, primals: Any, tangents: Any
) -> tuple[Sequence[Any], list[Any]]:
    """Return the arguments, and the leaves of the directions."""
    several = isinstance(primals, tuple | list)
    arguments = primals if several else (primals,)
    _check_several(name, arguments)
    directions = tangents if several else (tangents,)
    return arguments, _in_form_of(name, "tangents", directions, arguments)


def _in_form_of(function: str, name: str, tree: Any, form: Any) -> list[Any]:
    """Return the leaves of a tree in the types of another's, after checking form and shapes.

    Raises:
        ShapeError: another form or shape.
    """
    if not same_form(form, tree):
        expected = f"the form {brief(map_tree(lambda part: np.shape(array_under(part)), form))}"
        raise ShapeError(sentence(function, name, expected, brief(tree)))
    leaves: list[Any] = []

    def check(like: Any, part: Any) -> None:
        array = as_real(function, name, part)
        like = as_real(function, "the arguments", array_under(like))
        if array.shape != like.shape:
            expected = f"shape {like.shape}"
            raise ShapeError(sentence(function, name, expected, f"shape {array.shape}"))
        dtype = like.dtype
        # A copy, because a gradient may be this array itself.
        leaves.append(array.astype(dtype, copy=not isinstance(array, Tensor)))

    map_tree(check, form, tree)
    return leaves
