"""Ops: functions of arrays that can be differentiated.

An op is three functions beside each other in one file:

    @op
    def relu(Z): ...                   # the forward function, on arrays

    @gradient(relu, "Z")
    def _(g, Z):                       # the loss's gradient for Z, given g, that for the result
        return g * (Z > 0)

    @samples(relu)
    def _(rng): ...                    # calls on which the tests check the op

A short gradient is one row, ``gradient(relu, "Z")(lambda g, Z: g * (Z > 0))``; samples of normal
numbers are listed by ``sample_calls``. A function composed of ops has no gradient of its own, but
samples as well. For a function of single elements, ``elementary`` in ``elementwise.py`` takes all
three at once.

This module does not import ``autograd``. An op looks for an argument whose type has the method
``__lift__`` and calls it, as NumPy does with ``__array_function__``; without such an argument
it computes its forward function.

The parameters of a gradient name what it needs: arguments of the op, ``out`` (the op's
result), or ``NAME_shape`` and ``NAME_dtype`` of an argument whose values it does not need.
Nothing else is kept for the backward pass. Gradients consist of NumPy functions and ops, so
they can be differentiated again.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from copy import copy
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, TypeAlias, TypeVar

import numpy as np

from neural_network.checks import as_callable
from neural_network.elsewhere.surface import explain, explains_calls
from neural_network.errors import (
    DTypeError,
    NeuralNetworkError,
    brief,
    is_own,
    refusal,
    returned,
    sentence,
)
from neural_network.lifting import LISTS, lift_hook, read_only
from neural_network.public import public

P = ParamSpec("P")
R = TypeVar("R")

PROPERTIES = ("shape", "dtype")
# What a gradient names to receive what the forward function has kept.
KEPT = "kept"


class Call(NamedTuple):
    """The arguments of one call: a sample for the tests."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


# A string, because NumPy loads its generators on first use, which is slow.
Samples: TypeAlias = "Callable[[np.random.Generator], Iterable[Call]]"


class Kept:
    """Holds what a forward function keeps for the gradients; None where nothing was kept."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: Any = None


NOTHING_KEPT = Kept()


class Gradient(NamedTuple):
    """The gradient for one argument: a function of ``g`` and of what it needs by name."""

    function: Callable[..., Any]
    needs: tuple[str, ...]  # the parameters after g


class Rule:
    """An op: its forward function, its gradients by argument, its samples.

    Attributes:
        by_kernels: compiled kernels compute it.
        lists: the arguments that take a list of arrays: annotated as one (``Sequence``, ``list``),
            or not at all. A list for any other argument is turned into an array.
        keeping: the forward function where a call is recorded for ``Tensor.backward``, if it is
            another one: it puts what the gradients can use again into a ``Kept``, its first
            argument, which gradients that name ``kept`` receive.
        after_kernels: the op that takes its place where an argument was computed by kernels;
            then a kernel is worth its call for little work, too.
    """

    def __init__(self, forward: Callable[..., Any]) -> None:
        self.forward = forward
        self.name = getattr(forward, "__name__", type(forward).__name__)
        self.gradients: dict[str, Gradient] = {}
        self.samples: Samples | None = None
        self.by_kernels = False
        self.keeping: Callable[..., Any] | None = None
        self.after_kernels: Rule | None = None
        parameters = inspect.signature(forward).parameters.values()
        self.names = tuple(p.name for p in parameters if p.kind != p.VAR_POSITIONAL)
        variadic = [p.name for p in parameters if p.kind == p.VAR_POSITIONAL]
        self.variadic = variadic[0] if variadic else None
        self.lists = {*variadic, *(p.name for p in parameters if _takes_list(p.annotation))}
        self.defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        self._needs: list[tuple[str, list[tuple[str, str, str]]]] | None = None

    def register(self, name: str, formula: Callable[..., Any], needs: tuple[str, ...]) -> None:
        """Take a formula as the gradient for an argument."""
        self.gradients[name] = Gradient(formula, needs)
        self._needs = None

    @property
    def needs(self) -> list[tuple[str, list[tuple[str, str, str]]]]:
        """For each argument with a gradient, what it needs: (need, argument, property or "")."""
        if self._needs is None:
            known = {*self.names, self.variadic, "out", KEPT}
            self._needs = [
                (name, [_source(need, known) for need in formula.needs])
                for name, formula in self.gradients.items()
            ]
        return self._needs

    def name_of(self, place: int) -> str | None:
        """Return the argument that a positional one is passed for; None for one too many."""
        leading = len(self.names) - (len(self.defaults) if self.variadic else 0)
        return self.names[place] if place < leading else self.variadic

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return name → value for a call, defaults included.

        As ``inspect.Signature.bind``, but ten times as fast: it runs for every op of every
        training step.
        """
        if self.variadic is None:
            if len(args) == len(self.names):
                return dict(zip(self.names, args, strict=True))
            return {**self.defaults, **dict(zip(self.names, args, strict=False)), **kwargs}
        # f(first, *rest, option=…): the names before the variadic one take one each.
        leading = len(self.names) - len(self.defaults)
        first = dict(zip(self.names, args[:leading], strict=False))
        return {**self.defaults, **first, self.variadic: args[leading:], **kwargs}

    def refuse(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], error: Exception) -> None:
        """Raise the library's error for a call that NumPy refused, or that does not fit."""
        if isinstance(error, TypeError):
            explain(self.forward, args, kwargs, error)  # where the signature does not fit
        raise self.refusal(args, kwargs, error) from error

    def refusal(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], error: Exception
    ) -> NeuralNetworkError:
        """Return the library's error for arguments that NumPy refused."""
        given = dict(zip(self.names, args, strict=False)) if self.variadic is None else {}
        if not given and args:
            given = {self.variadic or "the arguments": args}
        return refusal(self.name, given | dict(kwargs), error)


def without_result(rule: Rule, value: object = None) -> DTypeError:
    """Return the error of an op that returns nothing, or several results, or no numbers."""
    expected, text = "an array", returned(value)
    if isinstance(value, LISTS):
        expected = "one array (write an op for each result, or join them by np.concatenate)"
        text = f"a {type(value).__name__} of {len(value)}"
    return DTypeError(sentence(rule.name, "the result", expected, text))


# What an op raises as it is: its own errors, and what the caller asked for (``np.errstate``).
PASSED = (NeuralNetworkError, FloatingPointError, Warning)


def as_signature(function: str, name: str, value: Any) -> inspect.Signature:
    """Return the signature of a function of Python; anything else is refused."""
    try:
        if not inspect.isclass(value):
            return inspect.signature(value)
    except (TypeError, ValueError, RecursionError):  # also while the value is shown
        pass
    raise DTypeError(sentence(function, name, "a function written in Python", brief(value)))


def _takes_list(annotation: Any) -> bool:
    """Return whether an argument with this annotation takes a list of arrays."""
    if annotation is inspect.Parameter.empty:
        return True
    return re.search(r"\b(Sequence|Iterable|list|List|tuple|Tuple)\b", str(annotation)) is not None


def _source(need: str, known: Container[str | None]) -> tuple[str, str, str]:
    """Return a need, the argument it comes from, and which property of it, or ""."""
    if need in known:
        return need, need, ""
    name, _, what = need.rpartition("_")
    return need, name, what


# Each op → its rule.
RULES: dict[Callable[..., Any], Rule] = {}
# Each function composed of ops → its samples.
COMPOSED: dict[Callable[..., Any], Samples] = {}


@public(package=False)
@explains_calls
def op(forward: Callable[P, R]) -> Callable[P, R]:
    """Make a function of arrays an op; it keeps its name, docstring and signature.

    Args:
        forward: takes arrays (and other values) and returns one array. It must not
            change its arguments.

    Returns:
        The op: on arrays it is ``forward``; on tensors its result is a tensor, recorded
        where one of them requires a gradient. A list with tensors is one tensor to it, unless
        the argument is annotated as a list or a ``Sequence``.

    Raises:
        DroppedGradientError: (when called) a tensor that requires a gradient is passed
            for an argument without a registered ``gradient``.

    >>> @op
    ... def cube(x):
    ...     return x**3
    >>> @gradient(cube, "x")
    ... def _(g, x):
    ...     return g * 3 * x**2
    >>> cube(2.0), grad(cube)(2.0), grad(grad(cube))(2.0)
    (8.0, np.float64(12.0), np.float64(12.0))
    """
    as_signature("op", "forward", forward)
    rule = Rule(forward)

    @wraps(forward)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            hook = lift_hook(args) or (lift_hook(kwargs.values()) if kwargs else None)
            if hook is None:
                out = forward(*args, **kwargs)
                if out is None:
                    raise without_result(rule)
                return out
        except NeuralNetworkError as error:
            explain(forward, args, kwargs, error)
            raise
        except PASSED:
            raise
        except Exception as error:  # what NumPy raises gets a sentence, the rest is raised as it is
            rule.refuse(args, kwargs, error)
            raise
        try:
            lifted: R = hook(rule, args, kwargs)
        except NeuralNetworkError as error:
            explain(forward, args, kwargs, error)
            raise
        return lifted

    RULES[call] = rule
    return call


@public(package=False)
@explains_calls
def gradient(function: Callable[..., Any], name: str) -> Callable[[Callable[..., Any]], None]:
    """Register the decorated function as an op's gradient for one argument; see ``op``.

    Args:
        function: the op.
        name: the argument. Where it takes a list of arrays, the gradient is a list.

    Returns:
        A decorator. Its function takes ``g``, the loss's gradient for the op's result, and
        what it needs by name (arguments, ``out``, ``NAME_shape`` or ``NAME_dtype``), and
        returns the loss's gradient for the argument, in the argument's shape.

    Raises:
        DTypeError: ``name`` or a parameter is not one of the op's.

    >>> gradient(conv2d, "image")  # composed of ops
    Traceback (most recent call last):
      ...
    neural_network.errors.DTypeError: gradient: function: expected an op, received conv2d
    """
    as_callable("gradient", "function", function)
    rule = RULES.get(function)
    if rule is None:
        received = getattr(function, "__name__", brief(function))
        if not is_own(getattr(function, "__module__", "") or ""):
            received += f"; write @op above def {received}"
        raise DTypeError(sentence("gradient", "function", "an op", received))

    arguments = [*rule.names, *([rule.variadic] if rule.variadic else [])]
    if not isinstance(name, str) or name not in arguments:
        expected = f"one of the arguments of {rule.name}: {', '.join(arguments)}"
        raise DTypeError(sentence("gradient", "name", expected, brief(name)))

    def register(formula: Callable[..., Any]) -> None:
        g, *needs = as_signature(rule.name, "gradient", formula).parameters or [""]
        known = {"out", KEPT, *arguments} | {f"{n}_{of}" for n in arguments for of in PROPERTIES}
        if g != "g" or not known.issuperset(needs):
            expected = (
                f"a function of g, then any of {', '.join(arguments)}, out and "
                f"{', '.join(f'{arguments[0]}_{of}' for of in PROPERTIES)}"
            )
            received = f"parameters ({', '.join([g, *needs])})"
            raise DTypeError(sentence(rule.name, f"gradient for {name}", expected, received))
        users = not is_own(getattr(formula, "__module__", "") or "")
        rule.register(name, _on_views(formula) if users else formula, tuple(needs))

    return register


def _on_views(formula: Callable[..., Any]) -> Callable[..., Any]:
    """Return a user's formula that cannot write into the arrays, which other formulas need."""

    @wraps(formula)
    def on_views(g: Any, **given: Any) -> Any:
        return formula(read_only(g), **{name: read_only(value) for name, value in given.items()})

    return on_views


def keeping(function: Callable[..., Any], forward: Callable[..., Any]) -> None:
    """Register what computes an op where it is recorded, and keeps numbers for the gradients.

    Args:
        function: the op.
        forward: takes a ``Kept``, to put them into, and then what the op takes.
    """
    RULES[function].keeping = forward


def after_kernels(
    function: Callable[..., Any], forward: Callable[..., Any], **gradients: Callable[..., Any]
) -> None:
    """Register what computes an op where compiled kernels computed one of its arguments.

    Args:
        function: the op.
        forward: takes what the op takes.
        gradients: for each argument with a gradient, what takes the place of its formula.
    """
    rule = RULES[function]
    rule.after_kernels = other = copy(rule)
    other.forward, other.keeping = forward, None
    other.gradients = {
        name: rule.gradients[name]._replace(function=formula) for name, formula in gradients.items()
    }


@public(package=False)
def samples(
    function: Callable[..., Any],
) -> Callable[[Samples], Samples]:
    """Register the decorated function as the source of sample calls of a function.

    Args:
        function: an op, or a plain function composed of ops.

    Returns:
        A decorator. Its function takes a ``numpy.random.Generator`` and yields calls,
        written ``call(…)``, with small float64 arrays. On each the tests check gradients,
        second derivatives, types, and that no argument is changed.

    Raises:
        Nothing.

    >>> @op
    ... def twice(x):
    ...     return 2 * x
    >>> @samples(twice)
    ... def _(rng):
    ...     yield call(rng.standard_normal(3))
    """
    as_callable("samples", "function", function)

    def register(make: Samples) -> Samples:
        as_callable("samples", "the decorated", make)
        if function in RULES:
            RULES[function].samples = make
        else:
            COMPOSED[function] = make
        return make

    return register


class Normal(NamedTuple):
    """In a call of ``sample_calls``: an array of this shape, of normal numbers."""

    shape: int | tuple[int, ...]
    deviation: float = 1.0


def sample_calls(function: Callable[..., Any], *calls: Call) -> None:
    """Register calls as the samples of a function, with arrays in place of each ``Normal``.

    >>> @op
    ... def twice(x):
    ...     return 2 * x
    >>> sample_calls(twice, call(Normal(3)))
    """

    @samples(function)
    def _(rng: np.random.Generator) -> Iterator[Call]:
        for args, kwargs in calls:
            yield Call(tuple(_with_arrays(value, rng) for value in args), kwargs)


def _with_arrays(value: Any, rng: np.random.Generator) -> Any:
    if isinstance(value, Normal):
        return rng.normal(0, value.deviation, value.shape)
    if isinstance(value, list):
        return [_with_arrays(item, rng) for item in value]
    return value


def all_samples() -> dict[Callable[..., Any], Samples | None]:
    """Return every op, and every composed function with samples → its samples.

    >>> all_samples()[relu] is not None, all_samples()[elu] is not None
    (True, True)
    """
    return {function: rule.samples for function, rule in RULES.items()} | COMPOSED


@public(package=False)
def call(*args: Any, **kwargs: Any) -> Call:
    """Return the arguments of a call as a sample; see ``samples``.

    Args:
        args: the op's arguments.
        kwargs: the op's arguments by name.

    Returns:
        Positional and keyword arguments.

    Raises:
        Nothing.

    >>> call(1.0, axis=0)
    Call(args=(1.0,), kwargs={'axis': 0})
    """
    return Call(args, kwargs)
