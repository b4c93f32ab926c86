"""What makes a function of arrays an *op*: it can be lifted, and it knows its gradients.

An op is three things that stand beside each other in its family's file:

    @op
    def relu(Z): ...                   # forward, on arrays

    @gradient(relu, "Z")
    def _(g, Z):                       # the loss's gradient for Z, given g, that for the output
        return g * (Z > 0)

    @samples(relu)
    def _(rng): ...                    # calls on which a test checks all of it

A function that is composed of ops needs no gradient of its own, but samples all the same.

This room knows nothing of automatic differentiation. An op looks for an argument
whose type carries a *lift hook* and hands itself over to it, as NumPy does with
``__array_function__``; where there is none, it just computes.

A gradient names as parameters just what it needs: the arguments of the op, ``out``
(the op's result), or ``NAME_shape`` and ``NAME_dtype`` of an argument whose numbers
it does not need. What no gradient names is not kept in memory. Gradients are written in
plain NumPy and ops, so they can be differentiated again.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, TypeAlias, TypeVar

import numpy as np

from neural_network.lifting import lift_hook

P = ParamSpec("P")
R = TypeVar("R")

PROPERTIES = ("shape", "dtype")


class Call(NamedTuple):
    """One way to call an op: a sample for the tests."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


# By name: NumPy loads its generators when they are first looked at, which takes long.
Samples: TypeAlias = "Callable[[np.random.Generator], Iterable[Call]]"


class Rule:
    """All that is known about one op."""

    def __init__(self, forward: Callable[..., Any]) -> None:
        self.forward = forward
        self.name = forward.__name__
        self.gradients: dict[str, Gradient] = {}
        self.samples: Samples | None = None
        # Whether its gradients share memory with nothing, each other included.
        self.own_memory = False
        # Whether compiled kernels computed it, and what takes an op's place right behind such
        # a one: there, little work is worth a kernel too.
        self.by_kernels = False
        self.behind_kernels: Rule | None = None
        parameters = inspect.signature(forward).parameters.values()
        self.names = tuple(p.name for p in parameters if p.kind != p.VAR_POSITIONAL)
        variadic = [p.name for p in parameters if p.kind == p.VAR_POSITIONAL]
        self.variadic = variadic[0] if variadic else None
        self.defaults = {p.name: p.default for p in parameters if p.default is not p.empty}

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return name → value for a call, defaults included.

        The same as ``inspect.Signature.bind``, ten times as fast: it runs for every
        op of every training step.
        """
        if self.variadic is None:
            return {**self.defaults, **dict(zip(self.names, args, strict=False)), **kwargs}
        # f(first, *rest, option=…): the names before the variadic one take one each.
        leading = len(self.names) - len(self.defaults)
        first = dict(zip(self.names, args[:leading], strict=False))
        return {**self.defaults, **first, self.variadic: args[leading:], **kwargs}


class Gradient(NamedTuple):
    """How the loss's gradient for one argument follows from that for the output."""

    function: Callable[..., Any]
    needs: tuple[str, ...]  # the parameters after g


# Each op's public function → what is known about it.
RULES: dict[Callable[..., Any], Rule] = {}
# Each function composed of ops → its samples.
COMPOSED: dict[Callable[..., Any], Samples] = {}


def op(forward: Callable[P, R]) -> Callable[P, R]:
    """Make a function of arrays an op; it keeps its name, docstring and signature.

    Args:
        forward: takes arrays (and other values) and returns one array. It must not
            change its arguments.

    Returns:
        The op: on arrays it is ``forward``; on tensors its result is a tensor, and
        recorded where a gradient is wanted.

    Raises:
        DroppedGradientError: (when called) a tensor that requires a gradient stands
            at an argument for which no ``gradient`` was registered.

    >>> @op
    ... def cube(x):
    ...     return x**3
    >>> @gradient(cube, "x")
    ... def _(g, x):
    ...     return g * 3 * x**2
    >>> cube(2.0), grad(cube)(2.0), grad(grad(cube))(2.0)
    (8.0, np.float64(12.0), np.float64(12.0))
    """
    rule = Rule(forward)

    @wraps(forward)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        hook = lift_hook(args) or (lift_hook(kwargs.values()) if kwargs else None)
        if hook is None:
            return forward(*args, **kwargs)
        lifted: R = hook(rule, args, kwargs)
        return lifted

    RULES[call] = rule
    return call


def gradient(function: Callable[..., Any], name: str) -> Callable[[Callable[..., Any]], None]:
    """Register the decorated function as an op's gradient for one argument; see ``op``.

    Args:
        function: the op.
        name: the argument. Where it takes a list of arrays, the gradient is a list.

    Returns:
        A decorator. Its function takes ``g``, the loss's gradient for the op's
        result, and what it needs by name: arguments, ``out``, ``NAME_shape`` or
        ``NAME_dtype``; and returns the loss's gradient for the argument, of its shape.

    Raises:
        TypeError: ``name`` or a parameter is not one of the op's.

    >>> gradient(conv2d, "image")  # no op but made of ops
    Traceback (most recent call last):
      ...
    TypeError: gradient: expected an op, received conv2d
    """
    if function not in RULES:
        raise TypeError(f"gradient: expected an op, received {function.__name__}")
    rule = RULES[function]

    def register(formula: Callable[..., Any]) -> None:
        g, *needs = inspect.signature(formula).parameters
        arguments = {*rule.names, rule.variadic}
        known = arguments | {"out"} | {f"{n}_{of}" for n in arguments for of in PROPERTIES}
        if g != "g" or not known.issuperset(needs) or name not in arguments:
            raise TypeError(f"{rule.name}: no gradient for {name} can take ({g}, {needs})")
        rule.gradients[name] = Gradient(formula, tuple(needs))

    return register


def samples(
    function: Callable[..., Any],
) -> Callable[[Samples], Samples]:
    """Register the decorated function as the source of sample calls of another one.

    Args:
        function: an op, or a plain function composed of ops.

    Returns:
        A decorator. Its function takes a ``numpy.random.Generator`` and yields
        calls, written ``call(…)``, on small float64 arrays. The tests check on each
        the gradients, their gradients, types, and that no input is changed.

    Raises:
        Nothing.

    >>> @op
    ... def twice(x):
    ...     return 2 * x
    >>> @samples(twice)
    ... def _(rng):
    ...     yield call(rng.standard_normal(3))
    """

    def register(make: Samples) -> Samples:
        if function in RULES:
            RULES[function].samples = make
        else:
            COMPOSED[function] = make
        return make

    return register


def all_samples() -> dict[Callable[..., Any], Samples | None]:
    """Return every op and every composed function of which samples are known → the samples.

    >>> all_samples()[relu] is not None, all_samples()[elu] is not None
    (True, True)
    """
    return {function: rule.samples for function, rule in RULES.items()} | COMPOSED


def call(*args: Any, **kwargs: Any) -> Call:
    """Write a sample as one would write the call.

    Args:
        args: the op's arguments.
        kwargs: the op's arguments by name.

    Returns:
        Both, for ``samples``.

    Raises:
        Nothing.

    >>> call(1.0, axis=0)
    Call(args=(1.0,), kwargs={'axis': 0})
    """
    return Call(args, kwargs)
