"""The graph of recorded ops, and the backward pass through it.

Each op on a tensor that requires a gradient creates a *node*: the op's rule, the tensors that
were its arguments, and the values that its gradients need. Nodes are numbered in the order of
their creation, which is a topological order. The backward pass visits them from the highest
number to the lowest, in a loop, so that long chains cannot exhaust the stack.

Each differentiation by ``grad`` and its relatives has a *level*, a number that grows with the
order in which they begin; ``Tensor.backward`` has level 0. A tensor of a level has a ``primal``:
the same value one level down, where it is recorded, too, if something is differentiated by it
there. The backward pass of a level computes with primals. So its result is recorded on the lower
levels, by which it can be differentiated again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import compress, count
from operator import attrgetter
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np

from neural_network import errors
from neural_network.autograd.formulas import as_gradient, one_of, refuse_formula
from neural_network.autograd.gradients import Gradients
from neural_network.autograd.memory import Memory, checksum
from neural_network.autograd.warned import warnings_of_callers_line
from neural_network.checks import Array
from neural_network.errors import LOOKS, GradientError
from neural_network.functional.op import NOTHING_KEPT, Rule
from neural_network.lifting import LISTS, tensors_in
from neural_network.public import public

# Ops on tensors of this level and those above are recorded.
_lowest: ContextVar[float] = ContextVar("lowest", default=0)
_numbers = count()
_levels = count(1)
_open_levels: set[int] = set()
Parent = tuple[str, "int | None", "Recorded"]


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
    token = _lowest.set(math.inf)
    try:
        yield
    finally:
        _lowest.reset(token)


class no_backward:  # noqa: N801  # called like a function
    """Record nothing for ``Tensor.backward`` inside the block.

    A model that differentiates in ``forward``, by ``grad`` or its relatives, works there, too. A
    class, as it is entered in each call of ``predict``.
    """

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token = _lowest.set(1)

    def __exit__(self, *error: object) -> None:
        _lowest.reset(self._token)


@public
@contextmanager
def debug() -> Iterator[None]:
    """Keep a checksum of every array saved for the backward pass, and compare it there.

    Finds changes that were not made through the tensor but through the array it was made from.
    Errors keep their whole traceback inside it, which otherwise ends where the library was called.

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
    token = errors.debugging.set(True)
    try:
        yield
    finally:
        errors.debugging.reset(token)


def nodes_so_far() -> int:
    """Return a number above those of all nodes."""
    return next(_numbers)


def recording() -> bool:
    """Return whether ops are recorded for ``Tensor.backward`` in this thread."""
    return _lowest.get() == 0


def lowest_recorded() -> float:
    """Return the lowest level of which ops are recorded in this thread; ∞ in ``no_grad``."""
    return _lowest.get()


def debugging() -> bool:
    """Return whether checksums are kept in this thread."""
    return errors.debugging.get()


@contextmanager
def open_level() -> Iterator[int]:
    """Begin a differentiation inside those that have begun; return its level.

    What was recorded on it can take part in ops inside the block only.
    """
    level = next(_levels)
    _open_levels.add(level)
    try:
        with warnings_of_callers_line():
            yield level
    finally:
        _open_levels.discard(level)


def check_open(level: int, name: str) -> None:
    """Raise GradientError if the differentiation of a level has ended."""
    if level and level not in _open_levels:
        raise GradientError(
            f"{name}: expected tensors of differentiations that have not ended, received one from "
            "inside a function that grad (or another transform) has finished with; return "
            "it from that function, or use t.detach() or t.data for its numbers"
        )


class Recorded:
    """What the engine sees of a tensor: an array and the node that computed it.

    Attributes:
        data: the array.
        requires_grad: whether ops on it are recorded.
        grad: the gradient that ``backward()`` left, or None.
        node: the node of the op that computed it; None for a leaf.
        level: the differentiation that it belongs to; 0 is that by ``backward()``.
        primal: the value one level down; on level 0 the array.
    """

    __slots__ = ("__weakref__", "_memory", "_noted", "data", "grad", "node", "requires_grad")
    level: int = 0
    # Whether a layer holds it, as it does parameters.
    in_a_layer: bool = False
    data: Array
    requires_grad: bool
    grad: Array | None
    node: Node | None
    _memory: Memory | None

    @classmethod
    def of_node(cls, data: Array, node: Node | None) -> Self:
        """Return a tensor for the result of a node; without a node it requires no gradient."""
        tensor = cls.__new__(cls)
        tensor.data = data
        tensor.requires_grad = node is not None
        if node is None:  # else a look at it is answered by ``__getattr__``
            tensor.grad = None
        tensor.node = node
        tensor._memory = None
        return tensor

    @property
    def primal(self) -> Any:
        """The value one level down."""
        return self.data

    @property
    def memory(self) -> Memory:
        """The nodes that saved this memory; views share them."""
        if self._memory is None:
            self._memory = Memory()
        return self._memory

    @property
    def by_kernels(self) -> bool:
        """Whether compiled kernels computed it, as far as is recorded."""
        return self.node is not None and self.node.rule.by_kernels


# In the place of a node's properties, where numbers that it saved were changed.
OUTDATED: Mapping[str, Any] = MappingProxyType({"outdated": True})
# What a tensor may be in.
TENSORS = (Recorded, *LISTS)


class Node:
    """One computed op, with what its gradients need.

    Args:
        rule: of the op.
        parents: (argument, position in it or None, tensor) of the tensors that require a gradient.
        values: what the gradients need, by name.
        properties: the shapes and types that they need, by name.
        level: of the result.
    """

    __slots__ = (
        "__weakref__", "checksums", "level", "number", "parents", "properties", "rule", "values",
    )  # fmt: skip
    # Whether the gradients share memory with nothing, nor with each other.
    own_memory: ClassVar[bool] = False

    def __init__(
        self,
        rule: Rule,
        parents: list[Parent],
        values: dict[str, Any],
        properties: Mapping[str, Any] = MappingProxyType({}),
        level: int = 0,
    ) -> None:
        self.number = next(_numbers)
        self.level = level
        self.rule = rule
        self.properties = properties
        self.parents = parents
        self.values: dict[str, Any] | None = values
        for value in values.values():
            if isinstance(value, Recorded):
                value.memory.add(self)
            elif isinstance(value, LISTS):
                for tensor in tensors_in(value):
                    tensor.memory.add(self)
        self.checksums = self._checksums() if errors.debugging.get() else None

    @classmethod
    def of_call(cls, rule: Rule, arguments: Mapping[str, Any], out: Any, level: int = 0) -> Node:
        """Return the node of a call, with the values that the gradients name.

        Args:
            rule: of the op.
            arguments: of the call, by name; ``kept`` is what the forward function has kept.
            out: the primal of the result.
            level: of the result, the highest of the arguments.
        """
        parents: list[Parent] = []
        values: dict[str, Any] = {}
        properties: dict[str, Any] = {}
        for name, needs in rule.needs:
            value, before = arguments[name], len(parents)
            if isinstance(value, Recorded):
                if value.requires_grad and value.level == level:
                    parents.append((name, None, value))
            elif isinstance(value, LISTS):
                parents += [
                    (name, place, item)
                    for place, item in enumerate(value)
                    if isinstance(item, Recorded) and item.requires_grad and item.level == level
                ]
            if len(parents) > before:
                for need, source, what in needs:
                    if what:
                        properties[need] = _property(arguments[source], what)
                    else:
                        values[need] = out if need == "out" else arguments.get(source, NOTHING_KEPT)
        return cls(rule, parents, values, properties, level)

    def saved(self) -> dict[str, Any]:
        """Return what the gradients need, as the op left it."""
        if self.properties is OUTDATED:
            raise GradientError(
                f"{self.rule.name}: step() has changed weights that it was computed with, and the "
                "gradient needs the old ones; compute a loss after the step of another one, or "
                "call backward() of all losses before the first step()"
            )
        if self.values is None:
            raise GradientError(
                f"{self.rule.name}: its record was freed by an earlier backward(); expected one "
                "backward pass for each forward pass: in a loop, compute the loss inside it, "
                "before each backward() (retain_graph=True allows several of one loss); of what "
                "two losses share, the first takes t.detach(), as D(fake.detach()) in a GAN"
            )
        if self.checksums is not None:
            self._compare_checksums()
        return self.values

    def gradients(self, grad_out: Any) -> Iterable[tuple[Recorded, Any]]:
        """Return each parent with its part of the gradient, computed one level down.

        Args:
            grad_out: the loss's gradient for the op's result.
        """
        values = {**self.saved(), **self.properties}
        for need, value in values.items():
            if isinstance(value, TENSORS):
                values[need] = primal_under(value, self.level)
        found: list[tuple[Recorded, Any]] = []
        computed: dict[str, Any] = {}
        for name, place, tensor in self.parents:
            if name not in computed:
                formula, needs = self.rule.gradients[name]
                given = {need: values[need] for need in needs}
                try:
                    computed[name] = formula(grad_out, **given)
                except Exception as error:  # NumPy raises many kinds
                    refuse_formula(self.rule, name, {"g": grad_out, **given}, error)
            grad = computed[name]
            if place is not None:
                grad = one_of(self.rule, name, grad, place)
            if self.level == 0 and isinstance(grad, Recorded):
                grad = grad.data  # whatever a formula of a user's op has computed with
            try:
                fits = grad.shape == tensor.data.shape
            except AttributeError:  # what is no array
                grad = as_gradient(self.rule, name, grad)
                fits = grad.shape == tensor.data.shape
            if not fits:
                raise GradientError(
                    f"{self.rule.name}: gradient for {name}: "
                    f"expected shape {tensor.data.shape}, received shape {grad.shape}"
                )
            # A gradient has the type of its tensor; integer labels would widen it.
            dtype = tensor.data.dtype
            same = grad.dtype is dtype or grad.dtype == dtype
            found.append((tensor, grad if same else grad.astype(dtype)))
        return found

    @property
    def keeps_its_result(self) -> bool:
        """Whether a gradient needs the op's result."""
        return self.values is not None and "out" in self.values

    def release(self) -> None:
        """Drop the saved values: their memory may be changed again, or freed."""
        self.values = None
        self.checksums = None

    def outdate(self) -> None:
        """Drop the saved values, because numbers among them were changed."""
        self.release()
        self.properties = OUTDATED

    def _checksums(self) -> dict[str, int]:
        assert self.values is not None
        return {need: checksum(value) for need, value in self.values.items()}

    def _compare_checksums(self) -> None:
        for need, found in self._checksums().items():
            if found != (self.checksums or {})[need]:
                raise GradientError(
                    f"{self.rule.name}: {need} was changed after the op had used it"
                )


def primal_under(value: Any, level: int) -> Any:
    """Return the primal of a tensor of this level, also in a list; anything else as it is."""
    if isinstance(value, Recorded):
        return value.primal if value.level == level else value
    if isinstance(value, LISTS) and tensors_in(value):
        return type(value)(primal_under(item, level) for item in value)
    return value


def _property(value: Any, what: str) -> Any:
    """Return the shape or the type of an argument, or of each in a list."""
    if isinstance(value, LISTS):
        return [_property(item, what) for item in value]
    return getattr(value.data if isinstance(value, Recorded) else np.asarray(value), what)


_requires_grad = attrgetter("requires_grad")


def backward_pass(
    outputs: Sequence[Recorded],
    grad_outputs: Sequence[Any],
    inputs: Sequence[Recorded] | None,
    *,
    retain_graph: bool,
) -> Gradients:
    """Compute the gradients for inputs from those for outputs.

    Args:
        outputs: tensors of one level to begin at.
        grad_outputs: the gradient for each of them.
        inputs: tensors anywhere in the graph; None for all leaves.
        retain_graph: keep the saved values for another backward pass.

    Returns:
        The inputs that were reached, with their gradients.
    """
    if inputs is None and LOOKS:
        LOOKS.pop()(outputs[0])
    nodes = nodes_before(outputs)
    targets = None if inputs is None else {_key(tensor): tensor for tensor in inputs}
    needed = None if targets is None else _leading_to(nodes, targets)
    found = Gradients()
    pending: dict[int, Any] = {}

    def accumulate(gradients: Iterable[tuple[Recorded, Any]]) -> None:
        for tensor, grad in gradients:
            node = tensor.node
            key = id(tensor) if node is None else -1 - node.number  # as _key, without its call
            # Without a list of inputs, every leaf is one.
            leaf = tensor if node is None else None
            reached = leaf if targets is None else targets.get(key)
            if reached is not None:
                before = found.get(id(reached))
                found[id(reached)] = (reached, grad if before is None else before[1] + grad)
            if node is not None and (needed is None or node.number in needed):
                before = pending.get(key)
                pending[key] = grad if before is None else before + grad

    # Slopes may be infinite where the function is not, as that of sqrt at 0: nothing to warn of.
    with np.errstate(all="ignore"):
        started = zip(outputs, grad_outputs, strict=True)
        accumulate(compress(started, map(_requires_grad, outputs)))
        for node in nodes:
            grad_out = pending.pop(-1 - node.number, None)
            if grad_out is None:
                continue
            gradients = node.gradients(grad_out)
            accumulate(gradients)
            if node.own_memory:
                found.own.update({id(grad): grad for _, grad in gradients})
            if not retain_graph:
                node.release()
    return found


def _key(tensor: Recorded) -> int:
    """Return the same number for tensors that are the same value in the graph."""
    return id(tensor) if tensor.node is None else -1 - tensor.node.number


def nodes_before(outputs: Sequence[Recorded]) -> list[Node]:
    """Return all nodes that the outputs were computed by, newest first."""
    seen: dict[int, Node] = {}
    waiting = [output.node for output in outputs if output.node is not None]
    while waiting:
        node = waiting.pop()
        if node.number not in seen:
            seen[node.number] = node
            for _, _, tensor in node.parents:
                if tensor.node is not None:
                    waiting.append(tensor.node)  # a list for each node is slower
    return [seen[number] for number in sorted(seen, reverse=True)]


def _leading_to(nodes: Sequence[Node], targets: Mapping[int, Recorded]) -> set[int]:
    """Return the numbers of the nodes that depend on one of the targets."""
    needed: set[int] = set()
    for node in reversed(nodes):  # oldest first
        for _, _, tensor in node.parents:
            before = tensor.node
            if _key(tensor) in targets or (before is not None and before.number in needed):
                needed.add(node.number)
                break
    return needed
