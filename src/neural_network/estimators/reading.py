"""What estimators share that take rows of numbers or pictures, and compute with a network."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

from neural_network.autograd.engine import no_grad
from neural_network.checks import Array, as_choice
from neural_network.elsewhere.surface import Answering, unknown_arguments
from neural_network.errors import DTypeError, ShapeError, sentence
from neural_network.estimators.inputs import (
    CHANNELS,
    Inputs,
    Rows,
    Shape,
    as_rows,
    computing_type,
    in_type,
)
from neural_network.estimators.refusals import refused
from neural_network.estimators.requirements import BaseEstimator, check_is_fitted, validate_data
from neural_network.functional.shaping import cut
from neural_network.layers.layer import Layer

# Rows of a sparse matrix of which the outputs are computed at once.
PIECE = 1024


class RowEstimator(Answering, BaseEstimator):
    """Base of the estimators and the transformer.

    Their methods and constructors answer the words of other libraries. ``__init__`` itself is as it
    is written, because scikit-learn reads its signature.

    Attributes:
        model_: the network.
        input_shape_: of a row, as the network takes it.
    """

    model_: Layer

    def set_params(self, **params: Any) -> Self:
        """Set arguments by name."""
        known = self.get_params()
        if unknown := [name for name in params if name not in known]:
            raise unknown_arguments(f"{type(self).__name__}.set_params", type(self), unknown, known)
        super().set_params(**params)
        return self

    @abstractmethod
    def _row_shape(self, function: str, rows: Rows) -> Shape:
        """Return the shape in which the network takes a row, without the batch axis."""

    def _inputs(self, function: str, rows: Rows, *, first: bool) -> Inputs:
        """Return the rows as the network takes them."""
        if first:
            self.input_shape_ = self._row_shape(function, rows)
        elif rows.shape is not None and self._row_shape(function, rows) != self.input_shape_:
            given, moved = self.input_shape_, "X.transpose(0, 3, 1, 2)"
            if len(given) == 3 and getattr(self, "channels", "first") == "last":
                given, moved = (*given[1:], given[0]), "X.transpose(0, 2, 3, 1)"
            expected = f"rows of shape {given}, as in fit"
            received = f"rows of shape {rows.shape}"
            if len(given) == 3 and rows.shape != given and sorted(rows.shape) == sorted(given):
                received += f"; {moved} has the channels where fit had them"
            raise ShapeError(sentence(function, "X", expected, received))
        X = rows.X
        if X.dtype.kind not in "biuf":
            raise DTypeError(sentence(function, "X", "rows of numbers", f"dtype {X.dtype}"))
        if X.dtype.kind == "f":
            X = in_type(X, computing_type(X))
        channels = getattr(self, "channels", "first")
        last = as_choice(function, "channels", channels, CHANNELS) == "last"
        return Inputs(X, self.input_shape_, last)

    def _outputs(self, method: str, X: Any) -> Array:
        """Return the network's outputs for some rows."""
        check_is_fitted(self)
        function = f"{type(self).__name__}.{method}"
        rows = as_rows(function, X)
        shape: Shape = rows.X.shape if isinstance(rows.X, np.ndarray) else ()
        of_one = len(self.input_shape_) == 3 and shape == self.input_shape_[-2:]
        if of_one and shape[1] != self.n_features_in_:
            received = f"shape {shape}; X[None] is one picture"
            raise ShapeError(sentence(function, "X", "rows, or pictures (n, H, W)", received))
        with refused(function, "rows of numbers", X=X):
            numbers = validate_data(self, rows.X, accept_sparse="csr", dtype="numeric", reset=False)
        inputs = self._inputs(function, Rows(numbers, rows.shape), first=False)
        if not inputs.is_sparse:
            outputs: Array = self.model_.predict(inputs.array())
            return outputs
        parts = cut(np.arange(inputs.X.shape[0]), PIECE)
        return np.concatenate([self.model_.predict(inputs.at(part).array()) for part in parts])

    def __sklearn_is_fitted__(self) -> bool:
        return "model_" in vars(self)  # a look-up that fails makes a sentence

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


@contextmanager
def unchanged_on_error(estimator: Any) -> Iterator[None]:
    """Let an estimator keep attributes and weights that it had before a block that fails."""
    before = dict(vars(estimator))
    model = before.get("model_")
    tensors = [] if model is None else [*model.parameters(), *(b for _, b in model.named_buffers())]
    arrays = [tensor.data.copy() for tensor in tensors]  # a later fit trains the same ones
    try:
        yield
    except BaseException:  # Ctrl-C also leaves the attributes as they were
        vars(estimator).clear()
        vars(estimator).update(before)
        with no_grad():
            for tensor, array in zip(tensors, arrays, strict=True):
                tensor[...] = array
        raise
