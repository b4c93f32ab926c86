"""Layers made of layers."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NoReturn, Self

import numpy as np

from neural_network.autograd.engine import no_backward
from neural_network.errors import (
    ArgumentError,
    DTypeError,
    NeuralNetworkError,
    ShapeError,
    both,
    brief,
    sentence,
    shorten_traceback,
)
from neural_network.kernels.runtime.gate import without_kernels
from neural_network.layers.activation import ACTIVATIONS, of_function
from neural_network.layers.layer import Layer
from neural_network.layers.lists import LayerTuple
from neural_network.layers.places import add_place
from neural_network.layers.planning import run_layers
from neural_network.layers.rollback import all_or_nothing
from neural_network.plan.residual import Add
from neural_network.plan.vocabulary import Step, Steps
from neural_network.public import named, public


class LayerSequence(Layer):
    """A layer of layers that follow each other, which methods change."""

    _methods = "append, insert, replace and remove change the layers"
    # The attribute that holds them.
    _sequence: ClassVar[str]

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; methods change the layers, whatever the arguments are called."""
        if name == self._sequence and self._fixed is not None and name not in self._fixed:
            expected = "a change by append, insert, replace or remove"
            raise ArgumentError(sentence(type(self).__name__, name, expected, "an assignment"))
        super().__setattr__(name, value)

    def _check_input(self, shape: tuple[int, ...]) -> None:
        vars(self)[self._sequence][0]._check_input(shape)

    def _steps_of_layers(self, steps_of: Callable[[Layer], Steps]) -> Steps:
        """Return the steps of the layers inside, one after the other; None if one has none.

        Args:
            steps_of: returns those of a layer.
        """
        found: list[Step] = []
        for layer in vars(self)[self._sequence]:
            steps = steps_of(layer)
            if steps is None:
                return None
            found += steps
        return found

    def append(self, layer: Layer) -> Self:
        """Add a layer at the end.

        Args:
            layer: the layer.

        Returns:
            This layer itself, as of all these methods.

        Raises:
            DTypeError: something else than a layer.
            ArgumentError, ShapeError: it does not fit what is there, or the model is being
                trained; nothing is changed then.
        """
        return self._change_layers("append", lambda layers, new: layers.append(new), -1, layer)

    def insert(self, place: int, layer: Layer) -> Self:
        """Add a layer before the one at a place, as a list does; see ``append``."""
        return self._change_layers(
            "insert", lambda layers, new: layers.insert(place, new), place, layer
        )

    def replace(self, place: int, layer: Layer) -> Self:
        """Put a layer in the place of another one; see ``append``.

        Raises:
            IndexError: there is no such place.
        """

        def change(layers: list[Layer], new: Layer) -> None:
            layers[operator.index(place)] = new

        return self._change_layers("replace", change, place, layer)

    def remove(self, place: int) -> Self:
        """Take away the layer at a place.

        Raises:
            IndexError: there is no such place.
            ArgumentError: it is the last one, or the model is being trained.
        """
        return self._change_layers(
            "remove", lambda layers: layers.pop(operator.index(place)), place
        )

    def _change_layers(
        self, method: str, change: Callable[..., Any], place: Any, *new: Layer
    ) -> Self:
        name = type(self).__name__
        self._check_may_change(method)
        for layer in new:
            check_layers(f"{name}.{method}", ([layer],))
            if self in layer.all_layers():
                expected = "a layer without this model in it"
                raise ArgumentError(sentence(name, method, expected, type(layer).__name__))
        before = vars(self)[self._sequence]
        layers = list(before)
        try:
            change(layers, *new)
        except (IndexError, TypeError, OverflowError) as error:
            raise no_place(f"{name}.{method}", len(before), place, error) from error
        check_layers(name, tuple(layers))
        self._put(layers)
        if new and self._built_for is not None:
            misfit = self._misfit()
            if misfit is not None:
                self._put(before)
                # A model that did not fit before may be in the middle of several changes.
                if self._misfit() is None:
                    raise misfit
                self._put(layers)
        return self

    def _put(self, layers: Iterable[Layer]) -> None:
        vars(self)[self._sequence] = LayerTuple(layers)
        self._note_change("layers")

    def _misfit(self) -> Exception | None:
        """Return the error of a call with the input size that this was built for, or None."""
        try:
            with (
                self.in_mode(training=False),
                no_backward(),
                without_kernels(),
                np.errstate(all="ignore"),
                all_or_nothing(self, nothing=True),
            ):
                vars(self).pop("_plan", None)  # the trial leaves no decision
                self.forward(np.zeros((2, *(self.input_shape or ())), self.input_dtype))
        except Exception as error:  # any error of a layer of one's own
            add_place(error, self)
            return error
        return None


@public
@named("layer")
class Sequential(LayerSequence):
    """One layer after the other.

    Args:
        layers: given one by one, or as a single list. A layer that is given twice
            has one set of parameters, also after ``load``.

    Attributes:
        layers: a tuple; ``model[0]`` is its first, ``model[1:3]`` a model of two that shares
            them. ``append``, ``insert``, ``replace`` and ``remove`` change it, and
            ``model[-1] = layer`` replaces the last.

    Raises:
        DTypeError: something else than a layer.
        ArgumentError: no layer.

    >>> model = Sequential(Flatten(), Dense(32, "relu"), Dense(10))
    >>> model.initialize((28, 28), rng=0).predict(np.ones((2, 28, 28))).shape
    (2, 10)
    """

    _sequence = _numbered = "layers"

    def __init__(self, *layers: Layer | list[Layer] | tuple[Layer, ...]) -> None:
        self.layers = tuple(check_layers("Sequential", layers))

    def forward(self, X: Any) -> Any:
        """Hand the input from layer to layer."""
        return _through(self, self.layers, X)

    def _current_arguments(self) -> Mapping[str, Any]:
        return {"layers": list(self.layers)}

    def __len__(self) -> int:
        """Return how many layers."""
        return len(self.layers)

    def __iter__(self) -> Iterator[Layer]:
        """Yield the layers."""
        return iter(self.layers)

    def __getitem__(self, key: int | slice) -> Layer:
        """Return a layer, or a model of some of the layers, which it shares."""
        try:
            found = self.layers[key]
        except (IndexError, TypeError) as error:
            raise no_place("Sequential", len(self.layers), key, error) from error
        if not isinstance(found, tuple):
            return found
        part = Sequential(found)
        part._built_for = part.layers[0]._built_for if self._built_for else None
        return part

    def __add__(self, other: object) -> NoReturn:
        """Raise DTypeError, with the line that joins layers."""
        expected = "layers one after the other: Sequential(*model[:-1], Dense(2))"
        raise DTypeError(sentence("Sequential", "+", expected, type(other).__name__))

    __radd__ = __add__

    def __setitem__(self, key: int, layer: Layer) -> None:
        """Put another layer in the place of one."""
        self.replace(key, layer)

    def __delitem__(self, key: int) -> None:
        """Take away the layer at a place."""
        self.remove(key)

    def __repr__(self) -> str:
        """Show a layer in each line."""
        return _lines("Sequential", [*self.layers])


@public
@named("layer")
class Residual(LayerSequence):
    """What goes in, added to what the layers make of it: ``X + body(X)``.

    Args:
        layers: the body, given one by one or as a list.
        shortcut: a layer for the other path where shapes differ, such as
            ``Conv2D(32, 1, stride=2)``; None for the identity.

    Attributes:
        body: a tuple of the layers, which ``append``, ``insert``, ``replace`` and ``remove``
            change.
        shortcut: the other path, or None.

    Raises:
        DTypeError, ArgumentError: as ``Sequential``.
        ShapeError: (when called) the two paths end in different shapes.

    Source: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition",
    arXiv 1512.03385.

    >>> Residual(Dense(3, initializer="zeros"))(np.ones((1, 3))).data
    array([[1., 1., 1.]], dtype=float32)
    """

    _sequence = "body"

    def __init__(
        self, *layers: Layer | list[Layer] | tuple[Layer, ...], shortcut: Layer | None = None
    ) -> None:
        self.body = tuple(check_layers("Residual", layers))
        self.shortcut = None if shortcut is None else check_layers("Residual", (shortcut,))[0]

    def forward(self, X: Any) -> Any:
        """Any shape that the body keeps."""
        out = _through(self, self.body, X)
        straight = self._numbers(X) if self.shortcut is None else self.shortcut(X)
        if np.shape(out) != np.shape(straight):
            expected = f"the shape {np.shape(straight)} of the shortcut (see shortcut=)"
            raise ShapeError(sentence("Residual", "layers", expected, f"shape {np.shape(out)}"))
        with np.errstate(all="ignore"):
            return out + straight

    def _steps_of_layers(self, steps_of: Callable[[Layer], Steps]) -> Steps:
        """Return the sum of the steps of both paths; None if a layer has none."""
        body = super()._steps_of_layers(steps_of)
        straight = [] if self.shortcut is None else steps_of(self.shortcut)
        return None if body is None or straight is None else [Add(body, straight)]

    def _current_arguments(self) -> Mapping[str, Any]:
        return {"layers": list(self.body), "shortcut": self.shortcut}

    def __repr__(self) -> str:
        """Show a layer in each line."""
        last = [] if self.shortcut is None else [f"shortcut={self.shortcut!r}"]
        return _lines("Residual", [*self.body, *last])


def _lines(name: str, parts: list[Any]) -> str:
    shown = [part if isinstance(part, str) else repr(part) for part in parts]
    inner = ",\n".join(shown).replace("\n", "\n    ")
    return f"{name}(\n    {inner},\n)"


def no_place(function: str, count: int, place: object, error: Exception) -> Exception:
    """Return the error for a place that no layer has, which Python's ``except`` clauses answer."""
    kind = DTypeError if isinstance(error, TypeError) else ArgumentError
    expected, received = f"a place of {count} layers: 0 to {count - 1}", f"{brief(place)} ({error})"
    other: Any = type(error)
    refused: Exception = both(kind, other)(sentence(function, "place", expected, received))
    return refused


def check_layers(function: str, layers: tuple[Any, ...]) -> list[Layer]:
    """Return the layers, given one by one or as one list; anything else is refused."""
    if len(layers) == 1 and isinstance(layers[0], list | tuple):
        layers = tuple(layers[0])
    for place, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            hint = " (a class was given: call it)" if isinstance(layer, type) else ""
            name = layer if isinstance(layer, str) else getattr(layer, "__name__", None)
            if name in ACTIVATIONS:
                hint = f"; Activation({name!r}) is one"
            expected = f"a layer such as Dense(10){hint}"
            received = brief(layer) + ("" if hint else _as_layer(layer))
            raise DTypeError(sentence(function, f"layer {place}", expected, received))
    if not layers:
        expected = f"at least one layer: {function}(Dense(10)), to which append adds others"
        raise ArgumentError(sentence(function, "layers", expected, "none"))
    return list(layers)


def _as_layer(value: object) -> str:
    """Return how a layer is made of what was given in its place: the end of a sentence."""
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], Layer):
        return "; [layer for _, layer in model.children()] are the layers without their names"
    return f"; here: {line}" if (line := of_function(value)) else ""


def _through(owner: Layer, layers: Sequence[Layer], X: Any) -> Any:
    """Pass an input from layer to layer; neighbours are computed together where that is faster."""

    def call(position: int, X: Any, planned: bool) -> Any:
        layer = layers[position]
        return layer._run((X,), {}, planned=True) if planned else layer(X)

    try:
        return run_layers(owner, layers, X, call)
    except NeuralNetworkError as error:
        shorten_traceback(error)
        raise
