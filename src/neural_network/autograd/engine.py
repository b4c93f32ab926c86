"""The record of what was computed, and the walk back through it.

Each op on a tensor that requires a gradient leaves a *node*: the op's rule, the
tensors it came from, and the values that its gradients will need. Nodes are
numbered as they are made, and a node comes after all it was made from, so walking
back is visiting nodes from the highest number to the lowest: a loop, with no
recursion that a long chain could exhaust.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from itertools import count
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from neural_network.checks import Array
from neural_network.errors import GradientError
from neural_network.functional.op import PROPERTIES, Rule
from neural_network.lifting import array_under, is_tensor
from neural_network.public import public

if TYPE_CHECKING:
    from neural_network.autograd.tensor import Tensor

_recording: ContextVar[bool] = ContextVar("recording", default=True)
_debugging: ContextVar[bool] = ContextVar("debugging", default=False)
_numbers = count()
Parent = tuple[str, "int | None", "Tensor"]


@public
@contextmanager
def no_grad() -> Iterator[None]:
    """Record nothing inside the block: results require no gradient. Also a decorator.

    Returns:
        A context manager, of this thread alone.

    >>> t = Tensor([1.0], requires_grad=True)
    >>> with no_grad():
    ...     print((2 * t).requires_grad)
    False
    """
    token = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(token)


@public
@contextmanager
def debug() -> Iterator[None]:
    """Keep a checksum of every array that a backward pass will need, and compare it there.

    Finds changes that went around the tensor, through the array it was made from.

    Returns:
        A context manager; ``backward()`` inside it raises GradientError where a
        checksum differs.

    >>> with debug():
    ...     x = np.array([1.0, 2.0])
    ...     loss = (Tensor(x, requires_grad=True) ** 2).sum()
    ...     x[0] = 5
    ...     loss.backward()
    Traceback (most recent call last):
      ...
    neural_network.errors.GradientError: power: a was changed after the op had used it
    """
    token = _debugging.set(True)
    try:
        yield
    finally:
        _debugging.reset(token)


def recording() -> bool:
    """Return whether ops are being recorded here."""
    return _recording.get()


def debugging() -> bool:
    """Return whether checksums are being kept here."""
    return _debugging.get()


class Memory:
    """The nodes whose gradients need some numbers as they are, as long as somebody holds them."""

    __slots__ = ("_most", "_nodes")

    def __init__(self) -> None:
        self._nodes: list[ref[Node]] = []
        self._most = 8

    def add(self, node: Node) -> None:
        """Note a node."""
        if len(self._nodes) >= self._most:  # those that are gone, or have been walked through
            self._nodes = [one for one in self._nodes if (known := one()) and known.values]
            self._most = 2 * len(self._nodes) + 8
        self._nodes.append(ref(node))

    def __iter__(self) -> Iterator[Node]:
        """Yield the nodes that are still held."""
        for one in self._nodes:
            node = one()
            if node is not None:
                yield node


class Node:
    """One op that was computed, as far as its gradients need to know it.

    Args:
        rule: the op's.
        parents: (argument, place in it or None, tensor) of the tensors that take part.
        values: what the gradients need, by name.
    """

    __slots__ = ("__weakref__", "checksums", "number", "parents", "rule", "values")

    def __init__(self, rule: Rule, parents: list[Parent], values: dict[str, Any]) -> None:
        self.number = next(_numbers)
        self.rule = rule
        self.parents = parents
        self.values: dict[str, Any] | None = values
        for value in values.values():
            for _, tensor in _tensors_in(value):
                tensor.memory.add(self)
        self.checksums = self._checksums() if _debugging.get() else None

    @classmethod
    def of_call(cls, rule: Rule, arguments: Mapping[str, Any], out: Array) -> Node:
        """Return the node of an op's call: it keeps what the gradients name, and no more."""
        parents: list[Parent] = []
        values: dict[str, Any] = {}
        for name, formula in rule.gradients.items():
            before = len(parents)
            for place, tensor in _tensors_in(arguments[name]):
                if tensor.requires_grad:
                    parents.append((name, place, tensor))
            if len(parents) > before:
                for need in formula.needs:
                    if need not in values:
                        values[need] = out if need == "out" else _value_of(need, arguments)
        return cls(rule, parents, values)

    def gradients(self, g: Any, made_from: type[Tensor] | None) -> Iterator[tuple[Tensor, Any]]:
        """Yield each parent with its share of the gradient.

        Where the walk itself is to be differentiated, ``made_from`` is the type of
        tensors: then values stay tensors, and the formulas leave a record.
        Otherwise everything is plain arrays.
        """
        if self.values is None:
            raise GradientError(
                f"{self.rule.name}: its record was freed by an earlier backward(); "
                "expected one walk for each forward pass, or retain_graph=True in the first"
            )
        if self.checksums is not None:
            self._compare_checksums()
        if made_from is None:
            values = {need: array_under(value) for need, value in self.values.items()}
        else:
            values = dict(self.values)
            if "out" in values:
                values["out"] = made_from.of_node(values["out"], self)
        done: dict[str, Any] = {}
        for name, place, tensor in self.parents:
            if name not in done:
                rule = self.rule.gradients[name]
                done[name] = rule.function(g, **{need: values[need] for need in rule.needs})
            share = done[name] if place is None else done[name][place]
            if share.shape != tensor.shape:
                raise GradientError(
                    f"{self.rule.name}: gradient for {name}: "
                    f"expected shape {tensor.shape}, received shape {share.shape}"
                )
            # Integer labels would widen it; a gradient has the type of what it is for.
            yield tensor, share if share.dtype == tensor.dtype else share.astype(tensor.dtype)

    @property
    def keeps_its_result(self) -> bool:
        """Whether a gradient needs the op's result."""
        return self.values is not None and "out" in self.values

    def release(self) -> None:
        """Forget the values: they may be changed again, and their memory is free."""
        self.values = None
        self.checksums = None

    def _checksums(self) -> dict[str, int]:
        assert self.values is not None
        return {need: _checksum(value) for need, value in self.values.items()}

    def _compare_checksums(self) -> None:
        for need, checksum in self._checksums().items():
            if checksum != (self.checksums or {})[need]:
                raise GradientError(
                    f"{self.rule.name}: {need} was changed after the op had used it"
                )


def _value_of(need: str, arguments: Mapping[str, Any]) -> Any:
    """Return an argument, or a property of it (``X_shape``)."""
    if need in arguments:
        return arguments[need]
    name, _, what = need.rpartition("_")
    assert what in PROPERTIES
    value = arguments[name]
    if isinstance(value, list | tuple):
        return [getattr(np.asarray(array_under(v)), what) for v in value]
    return getattr(np.asarray(array_under(value)), what)


def _tensors_in(value: Any) -> list[tuple[int | None, Any]]:
    """Return the tensors of an argument: itself, or those of a list, with their places."""
    if is_tensor(value):
        return [(None, value)]
    if isinstance(value, list | tuple):
        return [(i, item) for i, item in enumerate(value) if is_tensor(item)]
    return []


def _checksum(value: Any) -> int:
    raw = array_under(value)
    items = raw if isinstance(raw, list | tuple) else [raw]
    total = 0
    for item in items:
        if isinstance(item, np.ndarray):
            total = zlib.crc32(np.ascontiguousarray(item).view(np.uint8).ravel().data, total)
    return total


class Found(dict[int, "tuple[Tensor, Any]"]):
    """``id`` of each target reached → (the target, its gradient).

    Attributes:
        own: gradients that share memory with nothing, views though they be, by ``id``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.own: dict[int, Any] = {}


def walk_back(
    outputs: Sequence[Tensor],
    starts: Sequence[Any],
    targets: Sequence[Tensor] | None,
    *,
    create_graph: bool,
    retain_graph: bool,
) -> Found:
    """Carry gradients from outputs back to targets.

    Args:
        outputs: tensors to begin at.
        starts: the gradient for each of them.
        targets: tensors to reach, anywhere in the record; None for all leaves.
        create_graph: record the walk itself, so that it can be differentiated.
        retain_graph: keep the record for another walk.

    Returns:
        The targets reached, with their gradients.
    """
    nodes = _nodes_behind(outputs)
    wanted = None if targets is None else {identity(t): t for t in targets}
    useful = _leading_to(nodes, wanted)
    found = Found()
    pending: dict[int, Any] = {}

    def give(tensor: Tensor, share: Any) -> None:
        key = identity(tensor)
        # Without a list of targets every leaf is one.
        leaf = tensor if tensor.node is None else None
        reached = leaf if wanted is None else wanted.get(key)
        if reached is not None:
            before = found.get(id(reached))
            found[id(reached)] = (reached, share if before is None else before[1] + share)
        if tensor.node is not None and tensor.node.number in useful:
            pending[key] = share if key not in pending else pending[key] + share

    for output, start in zip(outputs, starts, strict=True):
        if output.requires_grad:
            give(output, start)
    made_from = type(outputs[0]) if create_graph else None
    with nullcontext() if create_graph else no_grad():
        for node in nodes:
            g = pending.pop(-1 - node.number, None)
            if g is None:
                continue
            for tensor, share in node.gradients(g, made_from):
                give(tensor, share)
                if node.rule.own_memory:
                    found.own[id(share)] = share
            if not (retain_graph or create_graph):
                node.release()
    return found


def identity(tensor: Tensor) -> int:
    """Return what two tensors share if they are the same value in the record."""
    return -1 - tensor.node.number if tensor.node is not None else id(tensor)


def _nodes_behind(outputs: Sequence[Tensor]) -> list[Node]:
    """Return all nodes that the outputs were made from, newest first."""
    seen: dict[int, Node] = {}
    waiting = [output.node for output in outputs if output.node is not None]
    while waiting:
        node = waiting.pop()
        if node.number not in seen:
            seen[node.number] = node
            waiting += [t.node for _, _, t in node.parents if t.node is not None]
    return [seen[number] for number in sorted(seen, reverse=True)]


def _leading_to(nodes: Sequence[Node], wanted: Mapping[int, Tensor] | None) -> set[int]:
    """Return the numbers of the nodes through which a target can be reached."""
    if wanted is None:
        return {node.number for node in nodes}
    useful: set[int] = set()
    for node in reversed(nodes):  # oldest first
        for _, _, tensor in node.parents:
            if identity(tensor) in wanted or (
                tensor.node is not None and tensor.node.number in useful
            ):
                useful.add(node.number)
                break
    return useful
