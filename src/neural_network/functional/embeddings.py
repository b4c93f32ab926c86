"""Embeddings: a learned vector for each word of a vocabulary."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import (
    Array,
    as_floating,
    as_real,
    check_ndim,
    rounded,
    silent,
    within_memory,
)
from neural_network.errors import ArgumentError, DTypeError, sentence
from neural_network.functional.op import Normal, call, sample_calls
from neural_network.functional.shaping import gather
from neural_network.public import public


@public
@within_memory
@silent
def embedding(indices: ArrayLike, weight: ArrayLike) -> Array:
    """Look up the row of each index: ``out[…, :] = weight[indices[…], :]``.

    The same as one-hot rows times the matrix. The gradient of a row that occurs several times
    is the sum over its occurrences.

    Args:
        indices: whole numbers from 0 to vocabulary − 1, of any shape.
        weight: (vocabulary, size).

    Returns:
        ``indices.shape + (size,)``, in the floating type of ``weight``.

    Raises:
        DTypeError: indices that are floats or booleans; weights that are no real numbers.
        ShapeError: ``weight`` has not two axes.
        ArgumentError: an index below 0, or beyond the vocabulary.

    Source: Bengio, Ducharme, Vincent and Jauvin, "A Neural Probabilistic Language
    Model", JMLR 3, 2003.

    >>> embedding([[2, 0]], [[0.0, 1.0], [10.0, 11.0], [20.0, 21.0]])
    array([[[20., 21.],
            [ 0.,  1.]]])
    """
    matrix = as_real("embedding", "weight", weight)
    if matrix.ndim != 2:
        check_ndim("embedding", "weight", matrix, 2)
    places = as_real("embedding", "indices", indices)
    if places.dtype.kind not in "iu":
        expected = "whole numbers (an embedding at the front: initialize(shape, dtype=int))"
        raise DTypeError(sentence("embedding", "indices", expected, f"dtype {places.dtype}"))
    places = np.asarray(places)
    # Of a wide type, see labels.of_wide_type; a number that intp does not hold becomes negative.
    compared = places.astype(np.intp)
    wrong = compared.view(np.uintp) >= len(matrix)  # a negative one is a large one, unsigned
    if wrong.any():
        where = [int(i) for i in np.argwhere(wrong)[0]]
        expected = f"indices from 0 to {len(matrix) - 1}"
        received = f"{places[tuple(where)]} at {where}"
        raise ArgumentError(sentence("embedding", "indices", expected, received))
    # The rows are converted after the look-up, so that the whole vocabulary need not be.
    rows = gather(matrix, compared.ravel(), 0)
    (rows,), dtype = as_floating("embedding", weight=rows)
    return rounded(rows.reshape((*places.shape, matrix.shape[1])), dtype)


sample_calls(embedding, call(np.array([[0, 2], [2, 3]]), Normal((4, 3))))
