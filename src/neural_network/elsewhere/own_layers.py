"""What is said of an attribute that a layer of the user's own lacks, or that nothing reads."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import signature
from string import ascii_lowercase
from types import FunctionType
from typing import Any

from neural_network.errors import is_own

# What only layers with weights have, or those of pictures.
PARTS = frozenset({"weight", "bias", "units or filters"})
# Of the names that a sentence lists.
MOST = 8
# Methods that compute a gradient where a layer has a formula of its own, as elsewhere.
BACKWARD = ("backward", "backward_pass", "backprop")


def lacks_parts(layer: Any, ours: str) -> bool:
    """Return whether an answer names a part that this layer does not have either."""
    return ours in PARTS and not hasattr(layer, ours)


def where_it_is_set(layer: Any, name: str) -> tuple[str, str]:
    """Return in words where an attribute is to be set, and a line that does it.

    Args:
        layer: of a class of the user's own.
        name: of the attribute, which it does not have.
    """
    kind: Any = type(layer)
    base = next(kind for kind in kind.__mro__ if is_own(kind.__module__))
    making = layer._built_for is None and layer._fixed is None
    if making:  # __init__ or build runs
        found = [own for own, value in vars(layer).items() if own[:1] != "_"]
        so_far = f"; so far there are {', '.join(found[:MOST])}" if found else ""
        return f"an attribute that has to be set before it is read{so_far}", ""
    if kind.build is not base.build and not layer.built:
        return "build has not run; initialize(shape), or the first call, runs it", ""
    return (
        "an attribute that __init__ or build sets",
        f"self.{name} = nn.Parameter(np.zeros(3))",
    )


def of_several_inputs(layer: Any, count: int = 2) -> str:
    """Return how a model takes several inputs, for one whose ``forward`` takes one."""
    arguments = ", ".join(ascii_lowercase[:count])
    if is_own(type(layer).forward.__module__):
        kind = type(layer).__name__
        return (
            f"a {kind} takes one input; a model of several is a class of your own: "
            f"class Net(nn.Layer), with def forward(self, {arguments})"
        )
    return f"its forward takes one argument; of several inputs it is def forward(self, {arguments})"


def one_by_one(layer: Any, method: str, given: tuple[Any, ...]) -> str | None:
    """Return what to write for inputs of ``forward`` or ``predict`` that are given one by one."""
    method = method.rpartition(".")[2]
    arrays = all(hasattr(one, "ndim") for one in given)
    if not arrays or method not in ("forward", "predict") or not hasattr(layer, "forward"):
        return None
    takes = list(signature(layer.forward).parameters.values())
    if len(takes) == 1 and takes[0].kind is takes[0].POSITIONAL_OR_KEYWORD:
        return of_several_inputs(layer, len(given))
    line = "here: model.predict((X, Z)) (several inputs are a tuple of arrays)"
    return line if method == "predict" else None


def unused_backward(layer: Any) -> str | None:
    """Return what is said of a formula for the gradient that nothing calls; None: there is none.

    One that the methods of the layer call is something else, such as a pass from the end.
    """
    methods = dict(methods_of_users(type(layer)))
    for name in BACKWARD:
        if name in methods and not any(name in m.__code__.co_names for m in methods.values()):
            return (
                f"{type(layer).__name__}.{name} is never called: gradients follow from the ops "
                "that forward computes with; a formula of your own belongs to an op, which forward "
                "calls: @nn.op above the function f(X), @nn.gradient(f, 'X') above its formula"
            )
    return None


def methods_of_users(kind: type) -> Iterator[tuple[str, FunctionType]]:
    """Yield the methods that a class has from classes which are not the library's."""
    for base in kind.__mro__[-2::-1]:
        if not is_own(base.__module__):
            for name, value in vars(base).items():
                if isinstance(value, FunctionType):
                    yield name, value
