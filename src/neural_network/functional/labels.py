"""Class labels: indices and one-hot rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import (
    Array,
    as_count,
    as_real,
    check_no_nan,
    check_not_empty,
    within_memory,
)
from neural_network.errors import ArgumentError, sentence
from neural_network.public import public

# A larger label is probably a mistake, and its one-hot rows would fill the memory.
MOST_INFERRED_CLASSES = 1_000_000
MOST_CLASSES = 2**31


@public(also="datasets")
@within_memory
def one_hot(labels: ArrayLike, num_classes: int | None = None) -> Array:
    """Return a row with a single 1 for each class index.

    Args:
        labels: (n,) class indices from 0; floats that are whole numbers pass.
        num_classes: columns of the result; None for the largest label plus 1, which is
            too few where a class has no label.

    Returns:
        (n, num_classes), float32: exact for 0 and 1, and never widening a
        float32 network when plain NumPy subtracts it.

    Raises:
        DTypeError: the labels are no numbers (``labels.astype(int)`` turns digits
            that are text into numbers).
        ShapeError: not one dimension, or empty.
        ArgumentError: a label that is NaN, no whole number, negative, or not
            below ``num_classes``.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 6.2.2.3.

    >>> one_hot([0, 2], 3)
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    array = as_real("one_hot", "labels", labels)
    check_not_empty("one_hot", "labels", array, 1)
    limit = (
        None
        if num_classes is None
        else as_count("one_hot", "num_classes", num_classes, maximum=np.inf)
    )
    if limit is not None and limit > MOST_CLASSES:
        raise ArgumentError(sentence("one_hot", "num_classes", f"at most {MOST_CLASSES:,}", limit))
    if limit is None and MOST_INFERRED_CLASSES <= float(np.max(array)) < np.inf:
        expected = f"class indices below {MOST_INFERRED_CLASSES:,} (or num_classes stated)"
        raise ArgumentError(sentence("one_hot", "labels", expected, np.max(array)))
    indices = as_class_indices("one_hot", "labels", array, limit)
    columns = int(indices.max()) + 1 if limit is None else limit
    rows = np.zeros((len(indices), columns), np.float32)
    rows[np.arange(len(indices)), indices] = 1
    return rows


def of_wide_type(numbers: Array) -> Array:
    """Return numbers of a type that holds every number of classes, to compare them with it.

    float16 ends below some of them. With a number that an integer type does not hold, NumPy before
    2.2.6 compares a strided array wrongly, up to a segmentation fault.

    >>> of_wide_type(np.array([1, 2], np.uint8)).dtype.name
    'int64'
    """
    if numbers.dtype == np.float16:
        return numbers.astype(np.float32)
    narrow = numbers.dtype.kind in "iu" and numbers.dtype.itemsize < 8
    return numbers.astype(np.int64) if narrow else numbers


def are_class_indices(labels: Array, classes: int) -> bool:
    """Return whether labels are integers from 0 to ``classes`` − 1, of the type of indices."""
    # The usual case, in every training step: as unsigned numbers, negative ones are large.
    usual = labels.dtype == np.intp and labels.size > 0
    return usual and bool(np.maximum.reduce(labels.view(np.uintp)) < classes)


def as_class_indices(function: str, name: str, labels: Array, num_classes: int | None) -> Array:
    """Return labels as integers from 0 to ``num_classes`` − 1, or raise for the first bad one."""
    limit = np.inf if num_classes is None else num_classes
    expected = "class indices from 0"
    if num_classes is not None:
        expected += f" to {num_classes - 1}"
    if num_classes is not None and are_class_indices(labels, num_classes):
        return labels
    check_no_nan(function, name, labels)
    labels = of_wide_type(labels)
    wrong = (labels < 0) | (labels >= limit) | (labels != np.floor(labels))
    if np.any(wrong):
        first = int(np.argmax(wrong))
        received = f"{labels[first]} at index {first}"
        if labels[first] == limit and np.min(labels) == 1 and np.max(labels) == limit:
            received += f"; {name} - 1 begins at 0"
        elif set(np.unique(labels).tolist()) == {-1, 1}:
            received += f"; ({name} + 1) // 2 are 0 and 1 (the loss hinge takes -1 and 1)"
        raise ArgumentError(sentence(function, name, expected, received))
    indices: Array = labels.astype(np.intp)
    return indices
