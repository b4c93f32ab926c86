"""Rows of numbers and pictures: from what a user has to what a network takes."""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt, prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from neural_network.advice import hint_of_dask
from neural_network.checks import Array, as_choice, as_count, as_real
from neural_network.errors import (
    ArgumentError,
    DTypeError,
    ShapeError,
    brief,
    give_hint_of_line,
    refusal,
    sentence,
)
from neural_network.estimators.refusals import refused
from neural_network.estimators.requirements import (
    check_sample_weight,
    convert_to_numpy,
    get_namespace_and_device,
    issparse,
)
from neural_network.layers.randomness import generator

Shape = tuple[int, ...]
# Widths of a height, from which on rows are series of some channels rather than pictures.
SERIES = 8
CHANNELS = ("first", "last")


class Rows(NamedTuple):
    """What a user gave as ``X``, as scikit-learn checks it: with two axes.

    Attributes:
        X: (n, d) numbers; a data frame or a sparse matrix as it was.
        shape: of a row before it was flattened; None where it was flat.
    """

    X: Any
    shape: Shape | None


def as_rows(function: str, X: Any) -> Rows:
    """Return ``X`` with two axes; scikit-learn checks everything else."""
    if hasattr(X, "columns") or issparse(X):
        return Rows(X, None)
    if isinstance(X, np.ma.MaskedArray):  # whose mask np.asarray would drop
        raise DTypeError(sentence(function, "X", "an array without a mask", "a masked array"))
    hint_of_dask(function, "X", X)
    try:
        X = without_string_type(as_numpy(X))
        array = np.asarray(X)
    except ValueError as error:
        received = "a ragged sequence"
        raise ShapeError(sentence(function, "X", "rows of equal length", received)) from error
    except MemoryError as error:
        raise refusal(function, {"X": X}, error) from error
    if array.dtype.kind == "V":  # records, or a type that NumPy lacks
        turned = "structured_to_unstructured(X)" if array.dtype.names else "X.astype(np.float32)"
        received = f"dtype {brief(array.dtype, str)}"
        raise DTypeError(sentence(function, "X", f"rows of numbers, as {turned}", received))
    if array.ndim <= 2:
        return Rows(X, None)
    return Rows(array.reshape(len(array), prod(array.shape[1:])), array.shape[1:])


def computing_type(X: Any) -> np.dtype[Any]:
    """Return the type to compute in: that of NumPy's sum of ``X`` and float32, at most float64.

    >>> from neural_network.estimators.inputs import computing_type
    >>> [computing_type(np.zeros(1, t)).name for t in ("float64", "float16", "uint8", "int64")]
    ['float64', 'float32', 'float32', 'float64']
    """
    found = np.result_type(X.dtype, np.float32)
    return found if found == np.float32 else np.dtype(np.float64)


def as_image_shape(function: str, value: object) -> Shape | None:
    """Return the argument ``image_shape``: None, two sizes or three."""
    if value is None:
        return None
    if not isinstance(value, list | tuple) or len(value) not in (2, 3):
        expected = "(H, W), or (C, H, W) with channels first, or None"
        raise DTypeError(sentence(function, "image_shape", expected, brief(value)))
    return tuple(as_count(function, "image_shape", size) for size in value)


def channels_first(shape: Shape, channels: str) -> Shape:
    """Return the shape of a picture as (C, H, W).

    >>> from neural_network.estimators.inputs import channels_first
    >>> channels_first((8, 9), "last"), channels_first((8, 9, 3), "last")
    ((1, 8, 9), (3, 8, 9))
    """
    if len(shape) == 2:
        return (1, *shape)
    return (shape[-1], *shape[:-1]) if channels == "last" else shape


def picture_shape(
    function: str, given: Shape | None, features: int, image_shape: object, channels: object
) -> Shape:
    """Return (C, H, W) of the pictures in ``X``.

    Args:
        function: for errors.
        given: the shape of a row of ``X``; None for flat rows.
        features: the numbers in a row.
        image_shape, channels: arguments of the estimator.

    Raises:
        DTypeError, ArgumentError, ShapeError: arguments that do not fit each other or ``X``.
    """
    order = as_choice(function, "channels", channels, CHANNELS)
    wanted = as_image_shape(function, image_shape)
    if given is not None and len(given) not in (2, 3):
        expected = "(n, d), (n, H, W) or (n, C, H, W)"
        raise ShapeError(sentence(function, "X", expected, f"rows of shape {given}"))
    if wanted is None:
        if given is not None:
            _hint_series(function, given)
            return channels_first(given, order)
        side = isqrt(features)
        if side * side == features:
            return (1, side, side)
        _hint_colours(function, features)
        return (1, 1, features)
    expected = f"pictures of image_shape {wanted}"
    if given is not None and channels_first(given, order) != channels_first(wanted, order):
        raise ShapeError(sentence(function, "X", expected, f"rows of shape {given}"))
    if prod(wanted) != features:
        received = f"rows of {features} numbers"
        raise ShapeError(sentence(function, "X", f"{expected}, {prod(wanted)} numbers", received))
    return channels_first(wanted, order)


def _hint_series(function: str, given: Shape) -> None:
    """Warn of rows that are probably series of some channels, as they are taken as pictures."""
    if len(given) == 2 and function.startswith("ConvNet") and given[1] > SERIES * given[0] > 0:
        kind = f"Trainer{function.partition('.')[0].removeprefix('ConvNet')}"
        give_hint_of_line(
            f"{function}: X: rows of shape {given} are taken as pictures, which "
            f"image_shape={given} confirms; of series of {given[0]} channels: "
            f"nn.estimators.{kind}(nn.Sequential("
            'nn.Conv1D(32, 5, activation="relu"), nn.Flatten(), nn.Dense(…)))'
        )


def _hint_colours(function: str, features: int) -> None:
    """Warn of flat rows that seem to be colour pictures, which would be taken as signals."""
    side = isqrt(features // 3)
    if 3 * side * side == features and (side == 28 or (side >= 24 and side % 8 == 0)):
        give_hint_of_line(
            f"{function}: X: rows of {features} numbers are taken as signals of one channel; of "
            f"colour pictures they are those of image_shape=(3, {side}, {side}), or with "
            f'channels="last" of image_shape=({side}, {side}, 3)'
        )


class Inputs(NamedTuple):
    """Checked rows, and how they are handed to the network.

    Attributes:
        X: (n, d), an array or a sparse matrix of the computing type.
        shape: of a row as the network takes it: (d,), (C, H, W) …
        last: whether a flat row has the channels of each place beside each other.
    """

    X: Any
    shape: Shape
    last: bool = False

    @property
    def is_sparse(self) -> bool:
        """Whether the rows are sparse: they become arrays batch by batch."""
        return bool(issparse(self.X))

    def at(self, rows: Any) -> Inputs:
        """Return some of the rows."""
        return self._replace(X=self.X[rows])

    def array(self) -> Array:
        """Return (n, …) for the network."""
        X: Array = self.X.toarray() if self.is_sparse else self.X
        if self.last and len(self.shape) == 3:
            channels, *sizes = self.shape
            return np.ascontiguousarray(X.reshape(-1, *sizes, channels).transpose(0, 3, 1, 2))
        return X.reshape(len(X), *self.shape)


def as_numpy(array: Any) -> Any:
    """Return an array of another library, which scikit-learn has let through, as NumPy's."""
    xp, other, _ = get_namespace_and_device(array)
    return convert_to_numpy(array, xp) if other else array


def without_string_type(values: Any) -> Any:
    """Return text of NumPy's type of variable length as objects: scikit-learn does not take it."""
    is_text = isinstance(values, np.ndarray) and values.dtype.kind == "T"
    return values.astype(object) if is_text else values


def row_weights(function: str, sample_weight: Any, X: Any) -> Array:
    """Return checked weights of rows, of which one is above 0."""
    if not isinstance(sample_weight, int | float):  # scikit-learn gives each row this one
        sample_weight = as_real(function, "sample_weight", as_numpy(sample_weight))
    with refused(function, "a weight for each row", sample_weight=sample_weight):
        weights: Array = check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
    if not np.any(weights):
        expected = "a weight above 0"
        raise ArgumentError(sentence(function, "sample_weight", expected, "only zeros"))
    return weights


class Batches:
    """Batches in the order of a ``Trainer``, for rows of which an array is made batch by batch.

    Args:
        inputs: the rows.
        y: (n, …) targets.
        weights: (n,), or None.
        size: of a batch.
        seed: of the training, by which they are shuffled in each epoch.
    """

    def __init__(
        self, inputs: Inputs, y: Array, weights: Array | None, size: int, seed: int
    ) -> None:
        self._data, self._size, self._seed = (inputs, y, weights), size, seed

    def __len__(self) -> int:
        return (len(self._data[1]) - 1) // self._size + 1

    def __call__(self, epoch: int) -> Iterator[tuple[Array, ...]]:
        """Yield the batches of an epoch."""
        inputs, y, weights = self._data
        order = generator(self._seed, "order", epoch).permutation(len(y))
        for start in range(0, len(order), self._size):
            rows = order[start : start + self._size]
            batch = (inputs.at(rows).array(), y[rows])
            yield batch if weights is None else (*batch, weights[rows])


def in_type(X: Any, dtype: DTypeLike) -> Any:
    """Return an array or a sparse matrix in a type, not copied where it has it."""
    return X.astype(dtype, copy=False)
