"""The record of a call for ``explain_gradient``: ops, their arguments, values and gradients."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neural_network.autograd.engine import Node, backward_pass, nodes_before
from neural_network.autograd.tensor import Tensor
from neural_network.autograd.trees import leaves_of, map_tree
from neural_network.checks import Array, silent
from neural_network.errors import ShapeError, sentence
from neural_network.functional.op import Rule
from neural_network.lifting import LISTS
from neural_network.terminal import plain
from neural_network.visual.inputs import as_numbers
from neural_network.visual.tape_names import captured_names

# Constants of more numbers have a name of their own.
MOST_WRITTEN = 3
# Letters of a setting.
LONGEST_SETTING = 40
OPERATORS = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "true_divide": "/",
    "power": "**", "matmul": "@", "remainder": "%", "floor_divide": "//",
}  # fmt: skip
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, eq=False)
class Part:
    """What one op adds to the gradient of one of its arguments.

    Attributes:
        through: the name of the op's result.
        upstream: the gradient for that result.
        slope: of the op, by which ``upstream`` is multiplied; None where the op mixes places, as
            a matrix product does.
        rule: in words what is done with ``upstream`` where there is no such slope.
        product: what is added.
    """

    through: str
    upstream: Array
    slope: Array | None
    rule: str
    product: Array

    def __repr__(self) -> str:
        how = self.rule or f"× {_outlined(self.slope)}"
        return plain(f"<Part through {self.through}: {_outlined(self.upstream)} {how}>")


@dataclass(frozen=True, eq=False)
class Line:
    """A value of the tape.

    Attributes:
        name: as the parameters of the function are called; "v1", "v2" … for results.
        op: that computed it; "" for what was given.
        arguments: the names of the values that it was computed from, those that are recorded.
        value: the numbers.
        gradient: of the result of the function, for these numbers: the sum of the parts.
        expression: the op with all its arguments, constants too; "given" for what was given.
        parts: of the gradient, one for each use of the value.
    """

    name: str
    op: str
    arguments: tuple[str, ...]
    value: Array
    gradient: Array
    expression: str
    parts: tuple[Part, ...]

    def __repr__(self) -> str:
        value, gradient = _outlined(self.value), _outlined(self.gradient)
        return f"<Line {self.name} = {self.expression}: {value}, gradient {gradient}>"


def _outlined(array: Any) -> str:
    """Return a number, or the shape of more: a list of lines fits the screen."""
    return f"{array:.6g}" if np.ndim(array) == 0 else str(np.shape(array))


class Noted(Tensor):
    """A tensor that notes the arguments of the ops that it and their results are used in.

    Gradients keep only what they need: the 1.0 of ``x + 1.0`` is in none of their records.
    """

    __slots__ = ()
    notes: dict[int, dict[str, Any]]  # by the number of the node; of a subclass for each call

    @classmethod
    def __lift__(cls, rule: Rule, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor:
        """Compute an op and note it."""
        out = super().__lift__(rule, args, kwargs)
        if type(out) is Tensor and out.node is not None:
            out.__class__ = cls
            cls.notes[out.node.number] = rule.bind(args, kwargs)
        return out


def recorder() -> type[Noted]:
    """Return a class of tensors whose notes are those of one call."""
    return type("Tensor", (Noted,), {"__slots__": (), "notes": {}})


def named_leaves(
    function: str, f: Callable[..., Any], arguments: Sequence[Any], kind: type[Tensor]
) -> tuple[list[Any], dict[int, tuple[Tensor, str]]]:
    """Return the arguments with tensors in them, and each tensor by ``id`` with its name.

    Args:
        function: of the user's call, for errors.
        f: that is explained, whose parameters give the names.
        arguments: numbers, arrays, or nested dicts, lists and tuples of them.
        kind: the class of the tensors.
    """
    found: dict[int, tuple[Tensor, str]] = {}
    turned = []
    for name, argument in zip(names_of(f, len(arguments)), arguments, strict=True):
        paths = iter(_paths(name, argument, several=len(arguments) > 1))

        def leaf(value: Any, paths: Any = paths) -> Tensor:
            path = next(paths)
            array = as_numbers(function, path, value)
            dtype = array.dtype if array.dtype.kind == "f" else np.dtype(np.float64)
            tensor = kind(array.astype(dtype), requires_grad=True)
            found[id(tensor)] = (tensor, path)
            return tensor

        made = argument
        if isinstance(argument, dict) or _holds_arrays(argument):
            if not leaves_of(argument):
                expected, received = "at least one array", f"an empty {type(argument).__name__}"
                raise ShapeError(sentence(function, name, expected, received))
            made = map_tree(leaf, argument)
        else:
            made = leaf(argument)
        turned.append(made)
    return turned, found


def _holds_arrays(value: Any) -> bool:
    """Return whether a list or tuple holds arrays, rather than the numbers of one."""
    return isinstance(value, LISTS) and any(
        isinstance(item, dict) or (isinstance(item, np.ndarray) and item.ndim > 0) for item in value
    )


def _paths(name: str, tree: Any, *, several: bool) -> list[str]:
    """Return a name for each leaf: that of its key where there is one dict, else where it lies."""
    if isinstance(tree, dict):
        keys = [(str(k) if not several else f"{name}[{k!r}]", v) for k, v in tree.items()]
        return [path for key, item in keys for path in _paths(key, item, several=True)]
    if _holds_arrays(tree):
        return [
            path
            for place, item in enumerate(tree)
            for path in _paths(f"{name}[{place}]", item, several=True)
        ]
    return [name]


def names_of(f: Callable[..., Any], count: int) -> list[str]:
    """Return the names of the first parameters of a function, "x", "x1" … where it has none.

    >>> names_of(lambda weight, bias: 0, 2), names_of(np.sum, 1), names_of(lambda *a: 0, 2)
    (['weight', 'bias'], ['a'], ['x0', 'x1'])
    """
    plain = ["x"] if count == 1 else [f"x{place}" for place in range(count)]
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # written in C
        return plain
    names = [p.name for p in parameters if p.kind in POSITIONAL][:count]
    return names if len(names) == count else plain


class Record:
    """The lines and constants of a call that was recorded.

    Args:
        out: its result, a single number.
        leaves: by ``id``, what was given, with its name.
        notes: the arguments of ops, by the number of their node.
        f: that was called, for the names of the parameters of models in it.

    Attributes:
        lines: of the values, in the order of the computation. A change of the floating type is
            none: the numbers are the same.
        constants: name → array, of those that are too large for a line.
    """

    def __init__(
        self,
        out: Tensor,
        leaves: dict[int, tuple[Tensor, str]],
        notes: dict[int, dict[str, Any]],
        f: Callable[..., Any],
    ) -> None:
        self.constants: dict[str, Array] = {}
        self._constant_names: dict[int, str] = {}
        self._leaves: dict[int, tuple[Any, str]] = dict(leaves)
        self._notes = notes
        every = nodes_before([out])[::-1]
        self._casts = {n.number for n in every if n.rule.name == "cast" and n is not out.node}
        nodes = [node for node in every if node.number not in self._casts]
        taken = {name for _, name in leaves.values()}
        captured = captured_names(f)
        letter = "t" if any(re.fullmatch(r"v\d+", name) for name in taken) else "v"
        self._names = {node.number: f"{letter}{place}" for place, node in enumerate(nodes, 1)}
        values: dict[int, Any] = {}  # by the number of the node
        for tensor in [out, *(t for node in every for _, _, t in node.parents)]:
            if tensor.node is not None:
                values.setdefault(tensor.node.number, tensor)
            elif id(tensor) not in self._leaves:  # a parameter of a model that f calls
                own = len(self._leaves) - len(leaves) + 1
                name = captured.get(id(tensor), f"parameter {own}")
                if name in taken:
                    name = f"parameter {own}: {name}"
                taken.add(name)
                self._leaves[id(tensor)] = (tensor, name)
        given = [leaf for leaf, _ in self._leaves.values()]
        start = np.ones(out.shape, out.dtype)
        slopes = backward_pass([out], [start], [*given, *values.values()], retain_graph=True)

        def gradient(tensor: Tensor) -> Array:
            reached = slopes.get(id(tensor))
            return np.zeros(tensor.shape) if reached is None else np.asarray(reached[1])

        self.gradient_of = gradient
        parts: dict[str, list[Part]] = {}
        for node in reversed(nodes):
            upstream = gradient(values[node.number])
            for parent, part in self._parts_of(node, upstream):
                parts.setdefault(parent, []).append(part)
        self.lines = [
            Line(name, "", (), leaf.data, gradient(leaf), "given", tuple(parts.get(name, ())))
            for leaf, name in self._leaves.values()
        ]
        for node in nodes:
            tensor, name = values[node.number], self._names[node.number]
            arguments = tuple(self._name_of(parent) for _, _, parent in node.parents)
            self.lines.append(
                Line(
                    name, node.rule.name, arguments, tensor.data, gradient(tensor),
                    self._expression(node), tuple(parts.get(name, ())),
                )
            )  # fmt: skip
        for node in every:
            node.release()

    def _name_of(self, tensor: Any) -> str:
        while tensor.node is not None and tensor.node.number in self._casts:
            tensor = tensor.node.parents[0][2]
        if tensor.node is None:
            return self._leaves[id(tensor)][1]
        return self._names[tensor.node.number]

    @silent
    def _parts_of(self, node: Node, upstream: Array) -> list[tuple[str, Part]]:
        """Return what an op adds to the gradients of its arguments, with their names."""
        ones, drawn = np.ones_like(upstream), np.random.default_rng(0).random(upstream.shape)
        products, slopes, tries = (
            [np.asarray(part) for _, part in node.gradients(start)]
            for start in (upstream, ones, drawn.astype(upstream.dtype))
        )
        through = self._names[node.number]
        found = []
        for place, (argument, _, parent) in enumerate(node.parents):
            slope, rule = slopes[place], ""
            # An op of single elements multiplies each place by its own slope, whatever comes.
            single = upstream.size == 1 or slope.shape == upstream.shape
            if not single or not np.allclose(tries[place], slope * drawn, rtol=1e-4, atol=1e-8):
                rule = self._rule(node, argument, parent, upstream.shape)
            part = Part(through, upstream, None if rule else slope, rule, products[place])
            found.append((self._name_of(parent), part))
        return found

    def _rule(self, node: Node, argument: str, parent: Any, shape: tuple[int, ...]) -> str:
        """Return in words what an op that mixes places does with the gradient for its result."""
        values = self._notes.get(node.number, {})
        if node.rule.name == "matmul" and {"a", "b"} <= values.keys() and len(shape) == 2:
            other = self._written(values["b" if argument == "a" else "a"])
            return f"upstream @ {other}.T" if argument == "a" else f"{other}.T @ upstream"
        missing = len(shape) - parent.ndim
        if node.rule.name in OPERATORS and node.rule.name != "matmul" and missing >= 0:
            axes = [axis for axis in range(len(shape)) if _stretched(axis, missing, parent, shape)]
            text = "axis " + str(axes[0]) if len(axes) == 1 else "axes " + ", ".join(map(str, axes))
            plus = node.rule.name == "add" or (node.rule.name == "subtract" and argument == "a")
            return f"{'upstream' if plus else 'upstream × slope'} summed over {text}"
        return f"upstream through {node.rule.name}"

    def _expression(self, node: Node) -> str:
        """Return an op with its arguments, as it could be written in NumPy."""
        values = self._notes.get(node.number)
        if values is None:  # the first tensor of the call was no argument of f
            return f"{node.rule.name}({', '.join(self._name_of(t) for _, _, t in node.parents)})"
        rule = node.rule
        if rule.name in OPERATORS and len(values) == 2:
            first, second = map(self._written, values.values())
            return f"{first} {OPERATORS[rule.name]} {second}"
        if rule.name == "negative" and len(values) == 1:
            return f"-{self._written(next(iter(values.values())))}"
        if rule.name == "index":
            return f"{self._written(values['X'])}[{_key(values['key'])}]"
        texts = []
        for name in sorted(values, key=rule.defaults.__contains__):  # as they are written
            value = values[name]
            if name in rule.defaults:
                if value is rule.defaults[name] or _same(value, rule.defaults[name]):
                    continue
                texts.append(f"{name}={self._written(value)}")
            elif name == rule.variadic:
                texts += [self._written(item) for item in value]
            else:
                texts.append(self._written(value))
        return f"{rule.name}({', '.join(texts)})"

    def _written(self, value: Any) -> str:
        """Return the name of a value, or a constant."""
        if isinstance(value, Tensor):
            if value.requires_grad:
                return self._name_of(value)
            value = value.data
        if isinstance(value, LISTS) and any(isinstance(item, Tensor) for item in value):
            return f"[{', '.join(map(self._written, value))}]"
        if isinstance(value, float | np.floating | np.ndarray) and np.ndim(value) == 0:
            text = f"{float(value):.6g}"
            return text + ".0" if text.lstrip("-").isdigit() else text
        if not isinstance(value, np.ndarray):
            text = str(value) if isinstance(value, np.generic) else repr(value)
            # The settings of an op that a layer calls may hold arrays.
            return text if len(text) <= LONGEST_SETTING else f"{type(value).__name__}(…)"
        if value.size <= MOST_WRITTEN:
            return "[" + ", ".join(f"{float(n):.4g}" for n in value.ravel()) + "]"
        name = self._constant_names.get(id(value))
        if name is None:
            name = f"c{len(self.constants) + 1}"
            self.constants[name] = value
            self._constant_names[id(value)] = name
        return name


def _stretched(axis: int, missing: int, parent: Any, shape: tuple[int, ...]) -> bool:
    """Return whether an argument was repeated along an axis of the result."""
    return axis < missing or parent.shape[axis - missing] != shape[axis]


def _key(key: Any) -> str:
    """Return what stands in the brackets of an index."""
    if isinstance(key, tuple):
        return ", ".join(map(_key, key))
    if isinstance(key, slice):
        ends = ["" if end is None else str(end) for end in (key.start, key.stop, key.step)]
        return ":".join(ends[:2] if key.step is None else ends)
    if isinstance(key, np.ndarray) and key.size > MOST_WRITTEN:
        return f"{key.size} places"
    return "..." if key is ... else str(key)


def _same(value: Any, default: Any) -> bool:
    """Return whether a setting has its default."""
    return isinstance(value, str | int | float | tuple | None) and value == default
