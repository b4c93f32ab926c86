"""The layer: parameters, and one call of a function on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import DTypeLike

from neural_network.advice import NamesAllRows, of_all_rows
from neural_network.autograd.engine import no_backward
from neural_network.autograd.guards import unrecorded
from neural_network.autograd.tensor import Tensor
from neural_network.blas import threads_for_call
from neural_network.checks import Array, as_count, as_floating_type, as_generator, as_real, narrowed
from neural_network.describing import call_text, constructing
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import (
    ArgumentError,
    NeuralNetworkError,
    ShapeError,
    refusal,
    sentence,
    shorten_traceback,
)
from neural_network.functional.shaping import cut
from neural_network.kernels.runtime.gate import without_kernels
from neural_network.layers import modes, own_classes
from neural_network.layers.cloning import clone
from neural_network.layers.flat import flat_parameters, gather_gradients
from neural_network.layers.hooks import watchers
from neural_network.layers.inputs import ARRAYS, hint_channels_last, in_own_type, outline
from neural_network.layers.lists import Child
from neural_network.layers.modes import HasMode
from neural_network.layers.parameter import Parameter, Shapes, place, shapes_of, zeros_of_each
from neural_network.layers.pixels import look_at_pixels
from neural_network.layers.places import add_place, adding_place, derived
from neural_network.layers.planning import predicted_whole, run_layers
from neural_network.layers.randomness import Drawing
from neural_network.layers.rollback import all_or_nothing
from neural_network.layers.several import SEVERAL, joined, rows_of_results
from neural_network.layers.several_inputs import LACKING, as_input, as_inputs, predict_several
from neural_network.layers.structure import TENSORS, check_found, check_names
from neural_network.plan.vocabulary import Steps
from neural_network.public import public

if TYPE_CHECKING:
    from neural_network.layers.summary import Summary

_initial: ContextVar[np.random.Generator | None] = ContextVar("initial", default=None)


@public
class Layer(HasMode, Drawing):
    """Base of all layers and models; subclass it for your own.

    Write ``forward``, of one input or several, and ``build`` where parameters have sizes
    that the first input determines. Attributes that are a ``Parameter``, a ``Buffer`` or a
    ``Layer`` (also in lists and dicts) are found by themselves; names that begin with an
    underscore are private: they hold no layers and parameters, and neither do sets.

    What ``__init__`` was given is fixed when it has returned, its lists are tuples then:
    ``layer.clone(units=5)`` makes a layer with another argument. Anything else may be assigned
    at any time. ``layer.weight = array`` copies numbers into a parameter; an assigned
    ``Parameter`` takes its place, so that two layers can share one.

    Args:
        none here; what a subclass' ``__init__`` takes is noted, for ``repr`` and ``save``.

    Attributes:
        training: whether dropout drops and batch norm uses the batch's statistics. ``train`` and
            ``eval`` set it; ``predict`` and ``fit`` change it for their own thread.
        built: whether all parameters exist.
        dtype: the type it works in, float32; arrays of another floating type are turned to
            it, tensors keep theirs.
        input_shape, input_dtype: of one input, as the layer was built for it; or None.

    Raises:
        ShapeError: (when called) an input that the parameters do not fit.
        ArgumentError: (when assigned to) an argument of the constructor; a part of a model
            that is being trained.

    >>> class Scale(Layer):
    ...     def build(self, shape, rng):
    ...         self.factor = Parameter(np.full(shape[-1], 2.0))
    ...     def forward(self, X):
    ...         return X * self.factor
    >>> Scale()(np.ones((1, 3)))
    Tensor([[2., 2., 2.]], dtype=float32, requires_grad=True)
    """

    # The attribute with the layers that a container calls one after the other.
    _sequence: ClassVar[str] = ""

    def __init__(self) -> None:
        # Without it, a layer of no arguments would take any in silence.
        pass

    # --- what subclasses write ---------------------------------------------------

    @explains_calls
    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        """Make the parameters, now that the first input's shape is known; none by default.

        Args:
            shape: of the (first) input, batch axis included.
            rng: to draw initial weights from.
        """

    def forward(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002  # subclasses take them
        """Compute the layer on an array or a tensor, or several; every layer has its own.

        Args:
            args, kwargs: what the call was given; a subclass names what it takes.

        Returns:
            An array or a tensor, usually with a row for each row of the first input.

        Raises:
            DTypeError: the class has no ``forward``.
        """
        raise own_classes.without_forward(self)

    def multiply_adds(self, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> int:  # noqa: ARG002  # subclasses take them
        """Return how many multiplications (each with an addition) one call takes.

        Args:
            inputs: the shape of the first input, with a batch of 1.
            outputs: the shape of the result, with a batch of 1.
        """
        return 0

    def own_penalty(self) -> Any:
        """Return what this layer alone adds to the loss; 0 unless a subclass has its own.

        ``penalty`` adds them up for this layer and all inside; a ``Trainer`` adds that to the loss.
        """
        return 0.0

    def _check_input(self, shape: tuple[int, ...]) -> None:
        """Raise ShapeError if this layer, which is built, cannot take an input of this shape."""

    def _steps(self) -> Steps:
        """Return the steps that this layer computes, or None where the plan has none for it.

        Containers compute neighbouring layers that have steps together. Only the library's
        own classes have steps; of any other, ``forward`` is called.
        """
        return None

    def _evaluation_steps(self) -> Steps:
        """Return the steps in evaluation, where nothing is recorded."""
        return self._steps()

    def penalty(self) -> Any:
        """Return what the penalties of this layer and all inside add to the loss."""
        return own_classes.sum_of_penalties(self.all_layers())

    # --- calling -------------------------------------------------------------------

    def __call__(self, X: Any = LACKING, *more: Any, **options: Any) -> Any:
        """Compute the layer; make its parameters first if this is the first call.

        Arrays go in and a tensor comes out, recorded, so that ``backward()`` reaches the
        parameters. Where nothing is recorded (inside ``no_grad``), arrays come out.
        """
        if self._built_for is not None:
            return self._run((X, *more), options)
        check_names(self, Layer)
        X = own_classes.first_input(self, X if isinstance(X, ARRAYS) else as_input(self, X))
        try:
            with all_or_nothing(self), adding_place(self):
                self._build(*outline(X), _initial.get() or np.random.default_rng())
                out = self._run((X, *more), options)
                check_found(self)
                return out
        except NeuralNetworkError as error:
            shorten_traceback(error)
            raise

    def _run(
        self, inputs: tuple[Any, ...], options: Mapping[str, Any], *, planned: bool = False
    ) -> Any:
        """Compute a layer that is built.

        Args:
            inputs, options: of the call.
            planned: whether a container has decided that no kernels are used.
        """
        if replaced := self._replaced:
            self._check_used_alone()
        try:
            typed = [
                (value if value.dtype == self.dtype else in_own_type(self, value))
                if isinstance(value, np.ndarray) and value.dtype.kind == "f"
                else (value if isinstance(value, ARRAYS) else as_input(self, value))
                for value in inputs
            ]
            if planned or options or len(typed) > 1 or type(self)._steps is Layer._steps:
                out = self.forward(*typed, **options)
            else:
                out = run_layers(self, [self], typed[0], lambda _at, X, _planned: self.forward(X))
            if out is None:
                raise own_classes.without_result(self)
        except NeuralNetworkError as error:
            if isinstance(error, ArgumentError):
                add_place(error, self, inputs)
            shorten_traceback(error)
            raise
        except (ValueError, TypeError, AttributeError) as error:
            own_classes.explain_forward(self, inputs, options, error)
            raise
        if self._replaced is not replaced:
            self._check_used_alone()
        if isinstance(out, Tensor) and not out.requires_grad:
            out = out if any(isinstance(value, Tensor) for value in inputs) else out.data
        for watcher in watchers():
            watcher(self, typed[0], out)
        return out

    def _build(self, shape: tuple[int, ...], kind: str, rng: np.random.Generator) -> None:
        """Let ``build`` make the parameters; what it assigns is no change of the structure."""
        own = self.__dict__
        if not self._builds():
            own["_built_for"] = (shape, kind)
            self._raise_version()
            return
        before = {id(layer) for layer in self._layers_inside()}
        token = constructing.set(True)
        own["_fixed"] = None
        try:
            self.build(shape, rng)
            own["_built_for"] = (shape, kind)
        except NeuralNetworkError:
            raise
        except TypeError as error:
            own_classes.check_build(self, error)
            raise
        except MemoryError as error:
            given = {**self._arguments, "the shape of the input": shape}
            raise refusal(type(self).__name__, given, error) from error
        finally:
            constructing.reset(token)
            self._bind()
        for _, member in self._members():
            if isinstance(member, TENSORS) and member.data.dtype != self.dtype:
                place(member, member.data.astype(self.dtype))
        for layer in self._layers_inside():
            if id(layer) not in before:  # made by ``build``
                vars(layer).update(_training=self._training, dtype=self.dtype)
                modes.join(layer, like=self)

    def _layers_inside(self) -> list[Layer]:
        """Return all layers inside; a shortcut for the many layers that have none."""
        for _, member in self._members():
            if isinstance(member, Layer):
                return self._look().below
        return []

    def _builds(self) -> bool:
        return type(self).build is not Layer.build or "build" in self.__dict__

    @derived
    def input_shape(self) -> tuple[int, ...] | None:
        """The shape of one input, without the batch axis, that this layer was built for."""
        return None if self._built_for is None else self._built_for[0][1:]

    @derived
    def input_dtype(self) -> np.dtype[Any]:
        """The type of the inputs that this layer was built for."""
        kind = self.dtype if self._built_for is None else np.dtype(self._built_for[1])
        return self.dtype if kind.kind == "f" else kind

    @explains_calls
    def initialize(
        self,
        shape: Shapes,
        *more: tuple[int, ...],
        rng: int | np.random.Generator | None = None,
        dtype: DTypeLike | tuple[DTypeLike, ...] = np.float32,
    ) -> Self:
        """Make all parameters by one call on zeros, so that one seed gives one network.

        Args:
            shape: of one input, without the batch axis: (1, 28, 28).
            more: of the other inputs, where ``forward`` takes several; a list of all shapes does
                as well.
            rng: a seed or a Generator for the initial weights.
            dtype: of the inputs: an integer type where the first layer is an ``Embedding``; of
                several inputs a tuple of types, if they differ.

        Returns:
            The layer itself. Layers that were built before keep what they have.

        Raises:
            ShapeError: the layers do not fit each other or the shape; then none is built.
            DTypeError: a shape that is no tuple of whole numbers, a wrong ``rng``.

        >>> Dense(2).initialize((3,), rng=0).weight.shape
        (3, 2)
        """
        check_names(self, Layer)
        # Two rows, as a batch has; numbers do not matter, so neither does what 0 leads to.
        zeros = zeros_of_each("initialize", shapes_of(shape, more), dtype)
        hint_channels_last(self, zeros[0].shape, rng)
        drawing = _initial.set(as_generator("initialize", rng))
        try:
            still, undone = self.in_mode(training=False), all_or_nothing(self)
            quiet, naming = np.errstate(all="ignore"), NamesAllRows(zeros[0].shape)
            with still, no_backward(), without_kernels(), quiet, undone, naming:
                self(*zeros)
        finally:
            _initial.reset(drawing)
        self.flat_parameters()
        return self

    @explains_calls
    def predict(self, X: Any, *, batch_size: int = 256) -> Any:
        """Return the outputs in evaluation mode, computed batch by batch, and record nothing.

        A loss of them is a number without ``backward``; ``loss(model(X), y)`` has it.

        Args:
            X: (n, …) inputs; a memory-mapped array is read piece by piece. Where ``forward`` takes
                several, a tuple of arrays, or a dict of arrays by the names of its arguments.
            batch_size: how many rows are computed at once.

        Returns:
            (n, …) outputs, in the model's floating type: logits, where the model ends
            in a ``Dense`` layer; a tuple or a dict where ``forward`` returns several.
            Several threads may predict at once with a model that is
            built, or while another one trains: no other thread sees the mode change.

        Raises:
            ShapeError: no row, rows that the model does not fit, or a model whose result
                has not a row for each.
            DTypeError: not real numbers.
            ArgumentError: numbers beyond the model's floating type.
            DroppedGradientError: a tensor that requires a gradient: ``model(X)`` records one.

        >>> Dense(2).initialize((3,), rng=0).predict(np.ones((5, 3))).shape
        (5, 2)
        """
        if isinstance(X, SEVERAL) and (inputs := as_inputs("predict", self, X)) is not None:
            return predict_several(self, inputs, batch_size)
        usual = type(X) is np.ndarray and X.dtype.kind in "fiub"
        rows: Any = X if usual else as_real("predict", "X", unrecorded("predict", "X", X))
        if rows.ndim == 0 or len(rows) == 0:
            raise ShapeError(sentence("predict", "X", "at least one row", f"shape {rows.shape}"))
        size, parts = as_count("predict", "batch_size", batch_size), []
        if self._built_for is None:
            check_names(self, Layer)
            hint_channels_last(self, rows.shape, None, "predict: X")
        elif rows.size:
            highest = np.maximum.reduce(rows[0], axis=None)
            if highest > self._bright or highest < self._faint:
                look_at_pixels(self, rows)
        inside = self._look()
        if len(rows) <= size and (whole := predicted_whole(inside, rows)) is not None:
            return whole
        least, mode = min(size, len(rows)), modes.InMode(self, training=False, inside=inside.below)
        try:
            with threads_for_call(inside.products.largest(least)), mode, no_backward():
                for some in cut(rows, size):
                    out = self(narrowed("predict", "X", some, self.dtype))
                    part = out.data if isinstance(out, Tensor) else out
                    if not isinstance(part, np.ndarray) or part.shape[:1] != (len(some),):
                        part = rows_of_results("predict", part, len(some))
                    parts.append(part)
        except ShapeError as error:  # it names a batch, which the user has not passed
            error.args = (of_all_rows(str(error), (least, *rows.shape[1:]), rows.shape),)
            raise
        return np.concatenate(parts) if type(part) is np.ndarray else joined(parts)

    @explains_calls
    def summary(self, shape: Shapes | None = None, *more: tuple[int, ...]) -> Summary:
        """Return a table: each layer's output shape, parameters and multiply-adds.

        Args:
            shape: of one input, without the batch axis; may be left out once the model
                is built. A list of shapes where ``forward`` takes several inputs.
            more: the shapes of the other inputs, where the first is no list.

        Returns:
            An object that prints as the table; ``rows``, ``parameters`` and
            ``multiply_adds`` hold its numbers.

        Raises:
            ArgumentError: no shape for a model that is not built.
            ShapeError: a shape that the layers do not fit.

        >>> Dense(2).summary((3,)).parameters
        8
        """
        from neural_network.layers.summary import summary_with_hint

        return summary_with_hint(self, shapes_of(shape, more) if more else shape)

    # --- what is inside ----------------------------------------------------------------

    def children(self) -> Iterator[tuple[str, Layer]]:
        """Return the layers directly inside, with their names: pairs.

        >>> [layer for _, layer in Sequential(Dense(2), Flatten()).children()]
        [Dense(units=2), Flatten()]
        """
        return iter([Child(pair) for pair in self._members() if isinstance(pair[1], Layer)])

    def named_layers(self) -> Iterator[tuple[str, Layer]]:
        """Return this layer and all inside it, depth first: ("", self), ("0", …), ("0.body", …).

        A layer that is used in several places is returned once, with the first name.

        Raises:
            ArgumentError: two layers, or two tensors, that have one name.
        """
        contents = self._look()
        return zip(contents.names, (self, *contents.below), strict=True)

    def all_layers(self) -> list[Layer]:
        """Return this layer and all inside it, each once, depth first, as ``named_layers`` does."""
        return [self, *self._look().below]

    def flat_parameters(self) -> Array:
        """Return the one buffer, 1-D, of which all parameters are views.

        While the parameters are the same ones, it is the same array in each call. With another
        parameter, or layer, there is another buffer.
        For a part of a model, it is a part of the model's buffer.

        Raises:
            ArgumentError: there are no parameters yet.
        """
        named = self._look().parameters
        before = self._flat
        if before is not None and before[2] is named:
            for _, parameter in named:
                if parameter.data.base is not before[1]:
                    break
            else:
                return before[0]
        if not named:
            self._check_built("flat_parameters")
        for layer in self.all_layers():
            for _, value in layer._members():
                if isinstance(value, Parameter) and value.dtype != layer.dtype:
                    place(value, value.data.astype(layer.dtype))
        # The old buffer is reused only if all parameters that were views of it are included.
        same = before is not None and [id(p) for _, p in before[2]] == [id(p) for _, p in named]
        flat = flat_parameters(self.parameters(), before[0] if before and same else None)
        memory = flat.base if isinstance(flat.base, np.ndarray) else flat
        self.__dict__["_flat"] = flat, memory, named
        return flat

    def flat_gradients(self) -> Array:
        """Return what ``backward()`` has added up, 1-D, in the order of ``flat_parameters``."""
        gradients = np.empty_like(self.flat_parameters())
        gather_gradients(self.parameters(), gradients)
        return gradients

    # --- training and freezing ---------------------------------------------------------

    @contextmanager
    def _structure_fixed(self, function: str) -> Iterator[None]:
        """Refuse changes of the structure inside the block, as ``fit`` does.

        Args:
            function: that needs the layers and parameters as they are, for the error.
        """
        before = [(layer, layer._fixed_by) for layer in self.all_layers()]
        for layer, _ in before:
            layer._fixed_by = function
        try:
            yield
        finally:
            for layer, fixed_by in before:
                layer._fixed_by = fixed_by

    @explains_calls
    def freeze(self) -> Self:
        """Exclude the parameters of this layer and all inside from training.

        Neither a ``Trainer`` nor an optimizer that is bound to the model moves them, not even by
        momentum or weight decay (``Optimizer.update`` on a buffer does not know of it).

        In a loop of your own, running statistics still follow what they see in training;
        ``eval`` stops them. A ``Trainer`` holds those of a frozen layer as well, from its
        next step on.

        Raises:
            ArgumentError: there are no parameters yet.
        """
        return self._set_learning("freeze", learning=False)

    @explains_calls
    def unfreeze(self) -> Self:
        """Include the parameters in training again.

        Raises:
            ArgumentError: there are no parameters yet.
        """
        return self._set_learning("unfreeze", learning=True)

    def _set_learning(self, method: str, *, learning: bool) -> Self:
        self._check_built(method, by_itself=False)
        for parameter in self.parameters():
            parameter.requires_grad = learning
        for layer in self.all_layers():
            layer._raise_version()
        return self

    @explains_calls
    def zero_grad(self) -> None:
        """Reset the gradients that ``backward()`` has added up."""
        for _, parameter in self._look().parameters:
            parameter.grad = None

    @explains_calls
    def astype(self, dtype: DTypeLike) -> Self:
        """Turn all parameters and buffers to a floating type: float64 for gradient checks.

        Gradients that ``backward()`` has added up are forgotten.

        Raises:
            DTypeError: no floating type.
            ArgumentError: during ``fit``, whose optimizer keeps state of the old type.
        """
        for layer in self.all_layers():
            layer._check_may_change("astype")
        new_dtype = as_floating_type("astype", "dtype", dtype)
        for _, tensor in (*self.named_parameters(), *self.named_buffers()):
            place(tensor, tensor.data.astype(new_dtype))
            tensor.grad = None
        for layer in self.all_layers():
            vars(layer)["dtype"] = new_dtype
            layer._raise_version()
        flat_parameters(self.parameters())
        return self

    @derived
    def built(self) -> bool:
        """Whether this layer and all inside have their parameters."""
        return None not in [layer._built_for for layer in self.all_layers()]

    # --- what it is --------------------------------------------------------------------

    def __repr__(self) -> str:
        """Show the call that makes this layer."""
        return call_text(type(self).__name__, self._current_arguments())

    def clone(self, **changes: Any) -> Self:
        """Return a layer that was constructed with some other arguments.

        Args:
            changes: name → value of the constructor's arguments that are to be others.

        Returns:
            A new layer, of the same mode and type. Where this one is built, so is the new
            one, with the same numbers in each parameter and buffer that has the same shape;
            others begin anew. Nothing is shared.

        Raises:
            ArgumentError: a name that the constructor does not take, or a layer whose parts
                were changed after it was made, which its arguments do not make again.
            DTypeError, ShapeError: the constructor refuses an argument.

        >>> layer = Dense(2, "relu").initialize((3,), rng=0)
        >>> other = layer.clone(activation="tanh")
        >>> other, np.array_equal(other.weight.data, layer.weight.data)
        (Dense(units=2, activation='tanh'), True)
        """
        made: Self = clone(self, changes)
        return made

    def _numbers(self, X: Any) -> Any:
        """Return an array in the layer's type, integers too; a tensor keeps its own."""
        try:
            array = as_real(type(self).__name__, "X", X)
            return array if isinstance(array, Tensor) else in_own_type(self, array)
        except NeuralNetworkError as error:
            shorten_traceback(error)
            raise
