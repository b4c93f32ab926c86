"""What is inside a layer: how its layers and parameters are found, and changed as one."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from numpy.typing import DTypeLike

from neural_network.checks import Array
from neural_network.errors import ArgumentError, DTypeError, sentence
from neural_network.layers import modes
from neural_network.layers.flat import flat_parameters, gather_gradients
from neural_network.layers.parameter import Buffer, Parameter
from neural_network.layers.stamped import Stamped

if TYPE_CHECKING:
    from neural_network.layers.layer import Layer


# What may hold layers and parameters. A tuple of types, because it is asked in every step.
_HOLDERS = (dict, list, tuple)


class Tree(Stamped):
    """The half of ``Layer`` that looks inside: each one is a tree of layers and parameters.

    Attributes:
        training, dtype: as of ``Layer``.
    """

    dtype: np.dtype[Any] = np.dtype(np.float32)
    # Of the first input, batch axis included, as ``build`` saw it; and its type's name.
    _built_for: tuple[tuple[int, ...], str] | None = None
    _training = True
    # What ``flat_parameters`` returned last, and whose views were in it.
    _flat: tuple[Array | None, list[Parameter]] = (None, [])
    # The stamp, and how many names, with which it was found that no layer is inside. This is
    # asked in every step.
    _childless: tuple[int, int] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy is made of: it gets a buffer of its own."""
        left = ("_flat", "_childless", "_plan")
        return {name: value for name, value in self.__dict__.items() if name not in left}

    # --- what is inside --------------------------------------------------------------

    def children(self) -> Iterator[tuple[str, Layer]]:
        """Yield the layers directly inside, with their names."""
        for name, value in vars(self).items():
            if name[0] == "_":
                continue
            if isinstance(value, Tree):
                yield name, cast("Layer", value)
            elif isinstance(value, _HOLDERS) and not _plain(value):
                for inner, item in _unfolded(name, value):
                    if isinstance(item, Tree):
                        yield inner, cast("Layer", item)

    def named_layers(self, prefix: str = "") -> Iterator[tuple[str, Layer]]:
        """Yield this layer and all inside it, depth first: ("", self), ("0", …), ("0.body", …).

        A layer that stands in several places comes once, by the name of the first.

        Raises:
            ArgumentError: two layers that have one name.
        """
        waiting, seen = [(prefix, cast("Layer", self))], set[int]()
        named: dict[str, Layer] = {}
        while waiting:
            name, layer = waiting.pop()
            if id(layer) not in seen:
                seen.add(id(layer))
                if name in named:
                    raise _collision(self, name, named[name], layer)
                named[name] = layer
                yield name, layer
                # Of its class: an attribute of that name is refused when it is first called.
                children = type(layer).children(layer)
                inner = [(joined(name, own), child) for own, child in children]
                waiting += reversed(inner)

    def all_layers(self) -> list[Layer]:
        """Return this layer and all inside it, each once, depth first, as ``named_layers`` does."""
        waiting = [cast("Layer", self)]
        found: dict[int, Layer] = {}
        while waiting:
            layer = waiting.pop()
            if id(layer) not in found:
                found[id(layer)] = layer
                # A name may also have come in past ``__setattr__``.
                if layer._childless != (layer._stamp, len(layer.__dict__)):
                    # Of its class: an attribute of that name is refused when it is first called.
                    inner = [child for _, child in type(layer).children(layer)]
                    waiting += inner[::-1]
                    if not inner and type(layer).children is Tree.children and _settled(layer):
                        own = layer.__dict__
                        own["_childless"] = None
                        own["_childless"] = (layer._stamp, len(own))
        return list(found.values())

    def named_parameters(self) -> list[tuple[str, Parameter]]:
        """Return (name, parameter) of all layers, frozen ones too; a shared one once.

        Raises:
            ArgumentError: two that have one name, such as ``{1: …, "1": …}`` gives.
        """
        return self._named(Parameter)

    def named_buffers(self) -> list[tuple[str, Buffer]]:
        """Return (name, buffer) of all layers: what is kept but not learned."""
        return self._named(Buffer)

    def parameters(self) -> list[Parameter]:
        """Return the parameters of all layers."""
        return [parameter for _, parameter in self.named_parameters()]

    def flat_parameters(self) -> Array:
        """Return the one buffer, 1-D, of which all parameters are views.

        While the parameters are the same ones, it is the same array in each call: arrays that
        they were given move into it, and take its type. With another parameter, or layer, there
        is another buffer, and an optimizer has to be started anew.

        Raises:
            ArgumentError: there are no parameters yet.
        """
        parameters = self.parameters()
        if not parameters:
            self._check_built("flat_parameters")
        for layer in self.all_layers():
            for _, value in inside(layer):
                if isinstance(value, Parameter):
                    value.data = value.data.astype(layer.dtype, copy=False)
        # The buffer of before is free only if all who had a place in it have moved into it.
        before, had = self._flat
        same = len(had) == len(parameters) and all(map(operator.is_, had, parameters))
        flat = flat_parameters(parameters, before if same else None)
        self.__dict__["_flat"] = flat, parameters
        return flat

    def flat_gradients(self) -> Array:
        """Return what ``backward()`` has added up, 1-D, in the order of ``flat_parameters``."""
        gradients = np.empty_like(self.flat_parameters())
        gather_gradients(self.parameters(), gradients)
        return gradients

    def _named(self, kind: type[Any]) -> list[tuple[str, Any]]:
        found: dict[str, Any] = {}
        seen = set[int]()
        for prefix, layer in self.named_layers():
            for own, value in inside(layer):
                if not isinstance(value, kind) or id(value) in seen:
                    continue
                name = joined(prefix, own)
                if name in found:
                    raise _collision(self, name, found[name], value)
                seen.add(id(value))
                found[name] = value
        return list(found.items())

    # --- modes -------------------------------------------------------------------------

    @property
    def training(self) -> bool:
        """Whether dropout drops and batch norm looks at the batch, in this thread."""
        mode = modes.mode_of(self)
        return self._training if mode is None else mode

    @training.setter
    def training(self, training: bool) -> None:
        if not modes.change_mode(self, training=training):
            self._training = training

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
        """Switch for a block and for this thread alone.

        Other threads see what they saw before, also those that the block starts. What is
        switched inside the block ends with it.
        """
        block = modes.begin(self.all_layers(), training=training)
        try:
            yield
        finally:
            modes.end(block)

    def freeze(self) -> Self:
        """Keep the parameters of this layer and all inside as they are; learn no more.

        In a loop of your own, running statistics still follow what they see in training;
        ``eval`` stops them. A ``Trainer`` holds those of a frozen layer as well.

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
        flat_parameters(self.parameters())
        return self

    @property
    def built(self) -> bool:
        """Whether this layer and all inside have their parameters."""
        return all(layer._built_for is not None for layer in self.all_layers())

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
        if name[0] == "_":
            continue
        if isinstance(value, _HOLDERS):
            yield from _unfolded(name, value)
        else:
            yield name, value


def _settled(layer: Tree) -> bool:
    """Say whether what lies in a layer changes by assignment alone: there is no list in it."""
    values = [value for name, value in vars(layer).items() if name[0] != "_"]
    return not any(isinstance(value, _HOLDERS) and not _plain(value) for value in values)


def _plain(value: Any) -> bool:
    """Say whether this is a tuple of numbers, as sizes are, with nothing to look for in it."""
    return type(value) is tuple and all(type(item) is int for item in value)


def _unfolded(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    yield name, value
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    for key, item in items:
        yield from _unfolded(f"{name}.{key}", item)


def check_names(layer: Tree, base: type[Tree]) -> None:
    """Raise ArgumentError where an attribute hides a method that others call."""
    hooks = {"forward", "build", "multiply_adds", "own_penalty", "dtype", "training"}
    taken = {name for name in vars(layer) if not name.startswith("_") and hasattr(base, name)}
    taken -= hooks
    if type(layer).training is not Tree.training:
        taken.add("training")
    if taken:
        expected = "another name for an attribute: Layer has something of this one"
        raise ArgumentError(sentence(type(layer).__name__, min(taken), expected, "it"))


def check_found(layer: Tree) -> None:
    """Raise ArgumentError where a layer holds another one, or a parameter, out of sight.

    It would be neither trained nor switched nor saved, without a word.
    """
    found = {id(value) for _, value in layer.named_layers()}
    found |= {id(value) for _, value in [*layer.named_parameters(), *layer.named_buffers()]}
    for name, value in vars(layer).items():
        if name == "_arguments":
            continue
        for place, item in _spelled(name, value):
            for part in item if isinstance(item, set | frozenset) else [item]:
                if isinstance(part, Tree | Parameter | Buffer) and id(part) not in found:
                    expected = (
                        "layers and parameters in attributes without a leading underscore, or in "
                        "lists and dicts there (a function that returns one hides it on purpose)"
                    )
                    received = f"a {type(part).__name__} that is not found"
                    raise ArgumentError(sentence(type(layer).__name__, place, expected, received))


def _spelled(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what lies in an attribute as ``_unfolded`` does, named as Python writes it."""
    yield place, value
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    for key, item in items:
        yield from _spelled(f"{place}[{key!r}]", item)


def _collision(model: Tree, name: str, *pair: object) -> ArgumentError:
    """Return the error of two layers, or two tensors, that have one name."""
    places, seen, waiting = dict[int, str](), set[int](), [("model", model)]
    while waiting:
        prefix, layer = waiting.pop()
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        for own, value in vars(layer).items():
            for place, item in _spelled(f"{prefix}.{own}", value):
                if not own.startswith("_"):
                    places.setdefault(id(item), place)
                    waiting += [(place, item)] if isinstance(item, Tree) else []
    found = " and ".join(places.get(id(one), type(one).__name__) for one in pair)
    expected = f"one thing of the name {name!r}"
    return ArgumentError(sentence(type(model).__name__, "names", expected, found))


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
