"""The layer: parameters, and one call of a function on them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from neural_network.autograd.engine import no_grad
from neural_network.autograd.tensor import Tensor
from neural_network.errors import ArgumentError, DTypeError, ShapeError, sentence
from neural_network.functional.batching import cut
from neural_network.functional.checks import Array, as_count, as_generator, as_real
from neural_network.layers.flat import flat_parameters
from neural_network.layers.parameter import Buffer, Parameter

if TYPE_CHECKING:
    from neural_network.layers.summary import Summary

# Told of every layer's call: (layer, what went in, what came out).
Watcher = Callable[["Layer", Any, Any], None]
_watchers: ContextVar[tuple[Watcher, ...]] = ContextVar("watchers", default=())
_initial: ContextVar[np.random.Generator | None] = ContextVar("initial", default=None)


class Layer:
    """Base of all layers and models; subclass it for your own.

    Write ``forward``, and ``build`` where parameters have sizes that the first input
    tells. Attributes that are a ``Parameter``, a ``Buffer`` or a ``Layer`` (also in lists
    and dicts) are found by themselves; names that begin with an underscore are private
    and not looked at.

    Attributes:
        training: whether dropout drops and batch norm looks at the batch.
        built: whether the parameters exist.
        dtype: the type it works in, float32; arrays of another floating type are turned to
            it, tensors keep theirs.

    Raises:
        ShapeError: (when called) an input that the parameters do not fit.

    >>> class Scale(Layer):
    ...     def build(self, shape, rng):
    ...         self.factor = Parameter(np.full(shape[-1], 2.0))
    ...     def forward(self, X):
    ...         return X * self.factor
    >>> Scale()(np.ones((1, 3)))
    Tensor([[2., 2., 2.]], requires_grad=True)
    """

    training = True
    built = False
    dtype: np.dtype[Any] = np.dtype(np.float32)
    _arguments: Mapping[str, Any]
    # Of the first input, batch axis included, as ``build`` saw it; and its type.
    _built_for: tuple[tuple[int, ...], str] | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Note the arguments: ``repr`` shows them, and ``save`` writes them."""
        layer = super().__new__(cls)
        try:
            bound = inspect.signature(cls.__init__).bind_partial(layer, *args, **kwargs)
        except TypeError:
            bound = None  # __init__ is about to say what is wrong with them
        arguments = dict(bound.arguments) if bound else {}
        arguments.pop("self", None)
        layer._arguments = arguments
        return layer

    # --- what subclasses write ---------------------------------------------------

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        """Make the parameters, now that the first input's shape is known; none by default.

        Args:
            shape: of the input, batch axis included.
            rng: to draw initial weights from.
        """

    def forward(self, X: Any) -> Any:
        """Compute the layer on an array or a tensor; every layer has its own."""
        raise TypeError(f"{type(self).__name__}: expected a class with a forward method")

    def multiply_adds(self, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> int:
        """Return how many multiplications (each with an addition) one call takes."""
        return 0

    def penalty(self) -> Any:
        """Return what the L1 and L2 penalties of this layer and those in it add to the loss."""
        return sum(layer.penalty() for _, layer in self.children())

    # --- calling -------------------------------------------------------------------

    def __call__(self, X: Any, *more: Any) -> Any:
        """Compute the layer; make its parameters first if this is the first call.

        Arrays go in and a tensor comes out, recorded, so that ``backward()`` reaches the
        parameters. Where nothing is recorded (inside ``no_grad``), arrays come out.
        """
        if not self.built:
            self._build(X, _initial.get() or np.random.default_rng())
        if isinstance(X, np.ndarray) and X.dtype.kind == "f":
            X = X.astype(self.dtype, copy=False)
        out = self.forward(X, *more)
        if isinstance(out, Tensor) and not out.requires_grad and not isinstance(X, Tensor):
            out = out.data
        for watcher in _watchers.get():
            watcher(self, X, out)
        return out

    def _build(self, X: Any, rng: np.random.Generator) -> None:
        shape = tuple(int(size) for size in np.shape(X))
        self.build(shape, rng)
        self.built = True
        kind = X.dtype if hasattr(X, "dtype") else np.asarray(X).dtype
        self._built_for = (shape, (self.dtype if kind.kind == "f" else kind).name)

    @property
    def input_shape(self) -> tuple[int, ...] | None:
        """The shape of one input, without the batch axis, that this layer was built for."""
        return None if self._built_for is None else self._built_for[0][1:]

    @property
    def input_dtype(self) -> np.dtype[Any]:
        """The type of the inputs that this layer was built for."""
        return np.dtype(self._built_for[1]) if self._built_for else self.dtype

    def initialize(
        self,
        shape: tuple[int, ...],
        *,
        rng: int | np.random.Generator | None = None,
        dtype: DTypeLike = np.float32,
    ) -> Self:
        """Make all parameters by one call on zeros, so that one seed gives one network.

        Args:
            shape: of one input, without the batch axis: (1, 28, 28).
            rng: a seed or a Generator for the initial weights.
            dtype: of the inputs: an integer type where the first layer is an ``Embedding``.

        Returns:
            The layer itself. Layers that were built before keep what they have.

        Raises:
            ShapeError: the layers do not fit each other or the shape.

        >>> Dense(2).initialize((3,), rng=0).weight.shape
        (3, 2)
        """
        sizes = tuple(as_count("initialize", "shape", size) for size in shape)
        drawing = _initial.set(as_generator("initialize", rng))
        try:
            with self.in_mode(training=False), no_grad():
                # Two rows, because a batch of one has no statistics.
                self(np.zeros((2, *sizes), dtype))
        finally:
            _initial.reset(drawing)
        self.flat_parameters()
        return self

    def predict(self, X: ArrayLike, *, batch_size: int = 256) -> Array:
        """Return the outputs in evaluation mode, computed batch by batch.

        Args:
            X: (n, …) inputs; a memory-mapped array is read piece by piece.
            batch_size: how many rows are computed at once.

        Returns:
            (n, …) outputs, in the model's floating type: logits, where the model ends
            in a ``Dense`` layer. The mode is as it was afterwards.

        Raises:
            ShapeError: no row, or rows that the model does not fit.

        >>> Dense(2).initialize((3,), rng=0).predict(np.ones((5, 3))).shape
        (5, 2)
        """
        rows = as_real("predict", "X", X.data if isinstance(X, Tensor) else X)
        if rows.ndim == 0 or len(rows) == 0:
            raise ShapeError(sentence("predict", "X", "at least one row", f"shape {rows.shape}"))
        size = as_count("predict", "batch_size", batch_size)
        with self.in_mode(training=False), no_grad():
            parts = [self(rows[some]) for some in cut(np.arange(len(rows)), size)]
        return np.concatenate([part.data if isinstance(part, Tensor) else part for part in parts])

    def summary(self, shape: tuple[int, ...] | None = None) -> Summary:
        """Return a table: each layer's output shape, parameters and multiply-adds.

        Args:
            shape: of one input, without the batch axis; may be left out once the model
                is built.

        Returns:
            An object that prints as the table; ``rows``, ``parameters`` and
            ``multiply_adds`` hold its numbers.

        Raises:
            ArgumentError: no shape for a model that is not built.

        >>> Dense(2).summary((3,)).parameters
        8
        """
        from neural_network.layers.summary import summarize

        return summarize(self, shape)

    # --- what is inside --------------------------------------------------------------

    def children(self) -> Iterator[tuple[str, Layer]]:
        """Yield the layers directly inside, with their names."""
        for name, value in _public(self):
            if isinstance(value, Layer):
                yield name, value

    def named_layers(self, prefix: str = "") -> Iterator[tuple[str, Layer]]:
        """Yield this layer and all inside it, depth first: ("", self), ("0", …), ("0.body", …)."""
        yield prefix, self
        for name, child in self.children():
            yield from child.named_layers(f"{prefix}.{name}" if prefix else name)

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

    def _named(self, kind: type[Any]) -> list[tuple[str, Any]]:
        found: dict[int, tuple[str, Any]] = {}
        for prefix, layer in self.named_layers():
            for name, value in _public(layer):
                if isinstance(value, kind):
                    found.setdefault(id(value), (f"{prefix}.{name}" if prefix else name, value))
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
        self._switch(training=training)
        try:
            yield
        finally:
            for layer, mode in before:
                layer.training = mode

    def freeze(self) -> Self:
        """Keep the parameters of this layer and all inside as they are; learn no more."""
        for parameter in self.parameters():
            parameter.requires_grad = False
        return self

    def unfreeze(self) -> Self:
        """Learn again."""
        for parameter in self.parameters():
            parameter.requires_grad = True
        return self

    def zero_grad(self) -> None:
        """Forget the gradients that ``backward()`` has added up."""
        for parameter in self.parameters():
            parameter.grad = None

    def astype(self, dtype: DTypeLike) -> Self:
        """Turn all parameters and buffers to a floating type: float64 for gradient checks."""
        wanted = np.dtype(dtype)
        if wanted.kind != "f":
            raise DTypeError(sentence("astype", "dtype", "a floating type", wanted))
        for _, tensor in [*self.named_parameters(), *self.named_buffers()]:
            tensor.data = tensor.data.astype(wanted)
        for _, layer in self.named_layers():
            layer.dtype = wanted
        self.flat_parameters()
        return self

    def __repr__(self) -> str:
        """Show the call that makes this layer."""
        shown = [f"{name}={_shown(value)}" for name, value in self._arguments.items()]
        return f"{type(self).__name__}({', '.join(shown)})"

    def _numbers(self, X: Any) -> Any:
        """Return an array in the layer's type, integers too; a tensor keeps its own."""
        array = as_real(type(self).__name__, "X", X)
        return array if isinstance(X, Tensor) else array.astype(self.dtype, copy=False)


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Tell ``watcher`` of each layer's call inside the block: the layer, its input, its output.

    >>> def tell(layer, X, out):
    ...     print(type(layer).__name__, np.shape(out))
    >>> model = Sequential(Flatten(), Dense(2))
    >>> with watching(tell):
    ...     _ = model(np.ones((1, 2, 2)))
    Flatten (1, 4)
    Dense (1, 2)
    Sequential (1, 2)
    """
    token = _watchers.set((*_watchers.get(), watcher))
    try:
        yield
    finally:
        _watchers.reset(token)


def check_layers(function: str, layers: tuple[Any, ...]) -> list[Layer]:
    """Return the layers, given one by one or as one list; anything else is refused."""
    if len(layers) == 1 and isinstance(layers[0], list | tuple):
        layers = tuple(layers[0])
    for place, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            expected = f"a layer such as Dense(10){_hint(layer)}"
            raise DTypeError(sentence(function, f"layer {place}", expected, repr(layer)))
    if not layers:
        raise ArgumentError(sentence(function, "layers", "at least one layer", "none"))
    return list(layers)


def _hint(value: object) -> str:
    return " (a class was given: call it)" if isinstance(value, type) else ""


def _public(layer: Layer) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of a layer, and what lies in lists and dicts, with names."""
    for name, value in vars(layer).items():
        if name.startswith("_"):
            continue
        yield name, value
        items = (
            value.items()
            if isinstance(value, dict)
            else enumerate(value)
            if isinstance(value, list | tuple)
            else ()
        )
        for key, item in items:
            yield f"{name}.{key}", item


def _shown(value: Any) -> str:
    return getattr(value, "__name__", None) or repr(value)
