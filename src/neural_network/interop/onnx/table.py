"""The table of operators: how each is computed, and which layers are written as it.

A row is a function in a file of ``operators/``: its parameters have the names that ONNX gives to
the operator's inputs and attributes. What stands before ``*`` is an input (or, in older versions of
ONNX, an attribute of the same name), what stands behind it is an attribute:

    @operator("Clip", fixed=("min", "max"))
    def clip(input, min=None, max=None, *, …):

So the signature says what the library supports; everything else is refused when a model is read.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, TypeVar

import numpy as np

from neural_network.errors import ArgumentError, brief, sentence

Compute = TypeVar("Compute", bound=Callable[..., Any])
# Parameters that the runner fills in: the version of ONNX, the node's number of outputs, and the
# model, for modes, draws and running statistics.
FROM_RUNNER = frozenset({"opset", "outputs", "model"})
FAMILIES = (
    "activations", "arithmetic", "casting", "constants", "convolution", "joining", "linear",
    "losses", "normalization", "pooling", "random", "reductions", "resizing", "selecting",
    "shaping",
)  # fmt: skip


@dataclass
class Operator:
    """A row.

    Attributes:
        name: ONNX's.
        compute: inputs and attributes → an output, or a tuple of them.
        fixed: inputs that are settings or statistics: a constant there is not trained.
        statistics: those of them that training moves, as batch norm does.
        moves: whether it only moves numbers, so that it takes numbers of any type as they are.
        cost: inputs and output → multiplications, for one row of a batch; None for none.
        inputs, attributes: the names of the parameters.
        required: how many inputs it needs at least.
        variadic: whether it takes any number of inputs.
        exports: the layers and functions that are written as this operator.
    """

    name: str
    compute: Callable[..., Any]
    fixed: tuple[str, ...] = ()
    statistics: tuple[str, ...] = ()
    moves: bool = False
    cost: Callable[..., int] | None = None
    inputs: list[str] = field(init=False)
    attributes: dict[str, bool] = field(init=False)  # name → whether it is required
    required: int = field(init=False)
    variadic: bool = field(init=False)
    from_runner: frozenset[str] = field(init=False)
    exports: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        parameters = inspect.signature(self.compute).parameters.values()
        by_place = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        self.variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        self.inputs = [p.name for p in by_place]
        self.required = sum(p.default is p.empty for p in by_place)
        named = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
        self.from_runner = FROM_RUNNER.intersection(p.name for p in named)
        self.attributes = {
            p.name: p.default is p.empty for p in named if p.name not in FROM_RUNNER
        } | {p.name: False for p in by_place}


_OPERATORS: dict[str, Operator] = {}
# What is exported → the function (layer, graph, value) → value that writes it.
_EXPORTS: dict[Any, Callable[..., Any]] = {}


def operator(
    name: str,
    *,
    fixed: tuple[str, ...] = (),
    statistics: tuple[str, ...] = (),
    moves: bool = False,
    cost: Callable[..., int] | None = None,
) -> Callable[[Compute], Compute]:
    """Make the decorated function the row of an operator; see ``Operator`` for the arguments."""

    def register(compute: Compute) -> Compute:
        _OPERATORS[name] = Operator(name, compute, (*fixed, *statistics), statistics, moves, cost)
        return compute

    return register


def exported(name: str, *kinds: Any) -> Callable[[Compute], Compute]:
    """Make the decorated function write layers of these classes, or these functions.

    Args:
        name: of the operator in whose row they stand.
        kinds: classes of layers, or functions as activations are.
    """

    def register(write: Compute) -> Compute:
        for kind in kinds:
            _EXPORTS[kind] = write
            _OPERATORS[name].exports.append(kind.__name__)
        return write

    return register


def as_setting(function: str, option: str, value: Any) -> Any:
    """Return a function's option, a single number or a word, as an attribute holds it."""
    if np.ndim(value):
        raise ArgumentError(sentence(function, option, "a single number", brief(value)))
    return np.asarray(value).item()


def operators() -> dict[str, Operator]:
    """Return the table: name → row."""
    _load()
    return _OPERATORS


def exports() -> dict[Any, Callable[..., Any]]:
    """Return what can be exported → the function that writes it."""
    _load()
    return _EXPORTS


def _load() -> None:
    for family in FAMILIES:
        import_module(f"neural_network.interop.onnx.operators.{family}")
