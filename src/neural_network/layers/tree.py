"""What is inside a layer: how its layers and parameters are found, and changed as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from numpy.typing import DTypeLike

from neural_network.errors import ArgumentError, DTypeError, sentence
from neural_network.functional.checks import Array
from neural_network.layers.flat import flat_parameters, gather_gradients
from neural_network.layers.parameter import Buffer, Parameter

if TYPE_CHECKING:
    from neural_network.layers.layer import Layer


class Tree:
    """The half of ``Layer`` that looks inside: each one is a tree of layers and parameters.

    Attributes:
        training, dtype: as of ``Layer``.
    """

    training = True
    dtype: np.dtype[Any] = np.dtype(np.float32)
    # Of the first input, batch axis included, as ``build`` saw it; and its type's name.
    _built_for: tuple[tuple[int, ...], str] | None = None

    # --- what is inside --------------------------------------------------------------

    def children(self) -> Iterator[tuple[str, Layer]]:
        """Yield the layers directly inside, with their names."""
        for name, value in inside(self):
            if isinstance(value, Tree):
                yield name, cast("Layer", value)

    def named_layers(self, prefix: str = "") -> Iterator[tuple[str, Layer]]:
        """Yield this layer and all inside it, depth first: ("", self), ("0", …), ("0.body", …).

        A layer that stands in several places comes once, by the name of the first.
        """
        waiting, seen = [(prefix, cast("Layer", self))], set[int]()
        while waiting:
            name, layer = waiting.pop()
            if id(layer) not in seen:
                seen.add(id(layer))
                yield name, layer
                inner = [(joined(name, own), child) for own, child in layer.children()]
                waiting += reversed(inner)

    def named_parameters(self) -> list[tuple[str, Parameter]]:
        """Return (name, parameter) of all layers, frozen ones too; a shared one once."""
        return self._named(Parameter)

    def named_buffers(self) -> list[tuple[str, Buffer]]:
        """Return (name, buffer) of all layers: what is kept but not learned."""
        return self._named(Buffer)

    def parameters(self) -> list[Parameter]:
        """Return the parameters of all layers."""
        return [parameter for _, parameter in self.named_parameters()]

    def flat_parameters(self) -> Array:
        """Return the one buffer, 1-D, of which all parameters are views."""
        return flat_parameters(self.parameters())

    def flat_gradients(self) -> Array:
        """Return what ``backward()`` has added up, 1-D, in the order of ``flat_parameters``."""
        gradients = np.empty_like(self.flat_parameters())
        gather_gradients(self.parameters(), gradients)
        return gradients

    def _named(self, kind: type[Any]) -> list[tuple[str, Any]]:
        found: dict[int, tuple[str, Any]] = {}
        for prefix, layer in self.named_layers():
            for name, value in inside(layer):
                if isinstance(value, kind):
                    found.setdefault(id(value), (joined(prefix, name), value))
        return list(found.values())

    # --- modes -------------------------------------------------------------------------

    def train(self) -> Self:
        """Switch this layer and all inside to training."""
        return self._switch(training=True)

    def eval(self) -> Self:
        """Switch this layer and all inside to evaluation."""
        return self._switch(training=False)

    def _switch(self, *, training: bool) -> Self:
        for _, layer in self.named_layers():
            layer.training = training
        return self

    @contextmanager
    def in_mode(self, *, training: bool) -> Iterator[None]:
        """Switch for a block; afterwards every layer is as it was."""
        before = [(layer, layer.training) for _, layer in self.named_layers()]
        own = self.training
        self._switch(training=training)
        try:
            yield
        finally:
            self._switch(training=own)  # layers that were made inside the block
            for layer, mode in before:
                layer.training = mode

    def freeze(self) -> Self:
        """Keep the parameters of this layer and all inside as they are; learn no more.

        Running statistics still follow what they see in training; ``eval`` stops them.

        Raises:
            ArgumentError: there are no parameters yet.
        """
        self._check_built("freeze")
        for parameter in self.parameters():
            parameter.requires_grad = False
        return self

    def unfreeze(self) -> Self:
        """Learn again.

        Raises:
            ArgumentError: there are no parameters yet.
        """
        self._check_built("unfreeze")
        for parameter in self.parameters():
            parameter.requires_grad = True
        return self

    def zero_grad(self) -> None:
        """Forget the gradients that ``backward()`` has added up."""
        for parameter in self.parameters():
            parameter.grad = None

    def astype(self, dtype: DTypeLike) -> Self:
        """Turn all parameters and buffers to a floating type: float64 for gradient checks.

        Gradients that ``backward()`` has added up are forgotten.

        Raises:
            DTypeError: no floating type.
        """
        try:
            wanted = np.dtype(dtype)
        except TypeError:
            wanted = np.dtype(object)
        if wanted.kind != "f" or dtype is None:
            raise DTypeError(sentence("astype", "dtype", "a floating type", repr(dtype)))
        for _, tensor in [*self.named_parameters(), *self.named_buffers()]:
            tensor.data, tensor.grad = tensor.data.astype(wanted), None
        for _, layer in self.named_layers():
            layer.dtype = wanted
        self.flat_parameters()
        return self

    @property
    def built(self) -> bool:
        """Whether this layer and all inside have their parameters."""
        return all(layer._built_for is not None for _, layer in self.named_layers())

    def _check_built(self, function: str) -> None:
        """Raise ArgumentError where a layer has no parameters yet."""
        unbuilt = [name for name, layer in self.named_layers() if layer._built_for is None]
        if unbuilt:
            expected = "a model that is built (initialize(shape), or a first call)"
            received = f"{unbuilt[0] or 'the model'} without sizes"
            raise ArgumentError(sentence(function, "model", expected, received))


def inside(layer: Tree) -> Iterator[tuple[str, Any]]:
    """Yield the public attributes of a layer, and what lies in lists and dicts, with names.

    >>> class Pair(Layer):
    ...     def __init__(self):
    ...         self.parts = [1, {"a": 2}]
    >>> from neural_network.layers.tree import inside
    >>> [name for name, _ in inside(Pair())]
    ['parts', 'parts.0', 'parts.1', 'parts.1.a']
    """
    for name, value in vars(layer).items():
        if not name.startswith("_"):
            yield from _unfolded(name, value)


def _unfolded(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    yield name, value
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    for key, item in items:
        yield from _unfolded(f"{name}.{key}", item)


def joined(prefix: str, name: str) -> str:
    """Return the name of something inside something that has a name, or none.

    >>> joined("", "0"), joined("0", "weight")
    ('0', '0.weight')
    """
    return f"{prefix}.{name}" if prefix else name


@contextmanager
def all_or_nothing(layer: Tree) -> Iterator[None]:
    """Put a layer and all inside back as they were if the block raises.

    Else a model of which the third layer does not fit would keep two that were built,
    and the next try would go on from there instead of from its seed.
    """
    before = [(part, dict(vars(part))) for _, part in layer.named_layers()]
    try:
        yield
    except BaseException:
        for part, attributes in before:
            vars(part).clear()
            vars(part).update(attributes)
        raise
