"""Rows that are held out of a training, a share of each class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_generator, as_number, within_memory
from neural_network.errors import ArgumentError, DTypeError, ShapeError, brief, sentence
from neural_network.layers.several import are_arrays, arrays_in, each, row_count
from neural_network.public import public


@public
@within_memory
def split(
    X: Any,
    y: Any = None,
    *more: Any,
    fraction: float = 0.2,
    rng: int | np.random.Generator | None = None,
    by_class: bool | ArrayLike = True,
) -> list[Any]:
    """Divide rows at random into two parts: those to train with, and those held out.

    Args:
        X: (n, …) inputs, or a tuple or dict of such arrays.
        y: (n,) labels or (n, …) targets, or a tuple or dict of such arrays; may be left out.
        more: other arrays of n rows, such as weights.
        fraction: of the rows is held out, above 0 and below 1.
        rng: a seed or a Generator. One seed, one result.
        by_class: True: where ``y`` holds labels (whole numbers, True and False, or text, (n,) or
            (n, 1); or one-hot rows), this fraction of each class is held out, at least a row, and
            at least one is left. Other targets are drawn from all rows. False: all rows, whatever
            ``y`` is. (n,) labels: these are the classes.

    Returns:
        ``[X_train, X_held, y_train, y_held, …]``, two of each array, of its type, copied;
        the rows are shuffled, and those of all arrays still belong together.

    Raises:
        ShapeError: different numbers of rows, or fewer than two.
        ArgumentError: ``fraction`` outside 0 to 1, or so near to one of them that a part would be
            empty; a class with a single row.
        DTypeError: an argument of the wrong kind.

    Source: Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", 2009,
    section 7.2.

    >>> X, y = np.arange(20).reshape(10, 2), np.array([0, 1] * 5)
    >>> X_train, X_held, y_train, y_held = split(X, y, fraction=0.4, rng=0)
    >>> X_train.shape, X_held.shape, sorted(y_held.tolist())
    ((6, 2), (4, 2), [0, 0, 1, 1])
    """
    function = "split"
    given = {"X": X, "y": y} if y is not None else {"X": X}
    given |= {f"more[{place}]": value for place, value in enumerate(more)}
    data = {name: _as_rows(function, name, value) for name, value in given.items()}
    rows = _same_rows(function, data)
    as_share(function, "fraction", fraction, rows)
    if by_class is True:
        classes = classes_in(data.get("y"))
    else:
        classes = None if by_class is False else _as_labels(function, by_class, rows)
    drawing = as_generator(function, rng)
    held = held_out(function, "fraction", fraction, rows, drawing, classes)
    parts = [drawing.permutation(np.flatnonzero(part)) for part in (~held, held)]
    return [_at(value, part) for value in data.values() for part in parts]


def _at(value: Any, rows: Array) -> Any:
    return each(lambda array: array[rows], value)


def held_out(
    function: str,
    name: str,
    fraction: object,
    rows: int,
    rng: np.random.Generator,
    classes: Array | None = None,
) -> Array:
    """Return for each row whether it is held out.

    Args:
        function, name: for errors, and the argument that ``fraction`` was.
        fraction: how much of all rows, and of those of each class.
        rows: how many there are.
        rng: to draw them with.
        classes: (rows,) numbers of classes from 0; −1 for rows that are of none; None: there are
            no classes.

    Raises:
        DTypeError, ArgumentError, ShapeError: as ``split``.
    """
    share = as_share(function, name, fraction, rows)
    if rows < 2:
        raise ShapeError(sentence(function, "X", "at least two rows to divide", rows))
    if classes is None:
        number = round(share * rows)
        if not 0 < number < rows:
            expected = f"a fraction that leaves both parts one of the {rows} rows"
            raise ArgumentError(sentence(function, name, expected, f"{share:g}"))
        counts = [(np.arange(rows), number)]
    else:
        counts = _of_each_class(share, classes)
    found = np.zeros(rows, bool)
    for members, number in counts:
        found[rng.permutation(members)[:number]] = True
    return found


def as_share(function: str, name: str, fraction: object, rows: int) -> float:
    """Return a fraction of some rows, above 0 and below 1."""
    share = as_number(function, name, fraction)
    if 0 < share < 1:
        return share
    received = f"{share:g}"
    if share > 1:
        received += f" ({share / rows:.3g} holds out {share:g} of {rows} rows)"
    raise ArgumentError(sentence(function, name, "a fraction above 0 and below 1", received))


def _of_each_class(share: float, classes: Array) -> list[tuple[Array, int]]:
    """Return the rows of each class and how many of them are held out.

    All together they are as near to the share as whole numbers can be (the largest remainders are
    rounded up), with at least one row of each class in both parts.
    """
    members = [np.flatnonzero(classes == c) for c in np.unique(classes)]
    sizes = np.array([len(rows) for rows in members])
    exact = share * sizes
    numbers = np.floor(exact).astype(int)
    left = max(0, round(float(exact.sum())) - int(numbers.sum()))
    order = np.argsort(numbers - exact, kind="stable")
    numbers[order[:left]] += 1
    numbers = np.clip(numbers, np.minimum(1, sizes - 1), sizes - 1)
    return list(zip(members, numbers.tolist(), strict=True))


def check_classes(function: str, classes: Array, names: Array, cure: str) -> None:
    """Raise ArgumentError for a class with a single row.

    Args:
        function: for the error.
        classes: numbers of classes, −1 for none.
        names: of the classes.
        cure: what to do then.
    """
    counts = np.bincount(classes[classes >= 0], minlength=len(names))
    if np.any(counts == 1):
        first = brief(names[int(np.argmax(counts == 1))].item())
        received = f"1 of class {first} ({cure})"
        raise ArgumentError(sentence(function, "y", "at least 2 rows of each class", received))


def classes_in(y: Any, function: str = "split") -> Array | None:
    """Return the class of each row, where these are labels, else None.

    Raises:
        ArgumentError: a class with a single row.
    """
    if not isinstance(y, np.ndarray):
        return None
    if y.ndim == 2 and y.shape[1] > 1:
        if y.dtype.kind not in "fiub" or not np.all((y == 0) | (y == 1)):
            return None
        if not np.all(np.count_nonzero(y, axis=1) == 1):
            return None
        y = np.argmax(y, axis=1)
    if y.dtype.kind not in "iubUS" or y.size != len(y):
        return None
    return numbered(function, y, "by_class=False draws from all rows")


def numbered(function: str, labels: Array, cure: str) -> Array:
    """Return labels as numbers from 0, each of at least two rows."""
    names, classes = np.unique(labels.reshape(-1), return_inverse=True)
    classes = classes.reshape(-1)
    check_classes(function, classes, names, cure)
    return classes


def _as_labels(function: str, value: Any, rows: int) -> Array:
    expected = "True, False, or a label for each row"
    try:
        labels = np.asarray(value)
    except ValueError:  # a ragged sequence
        raise DTypeError(sentence(function, "by_class", expected, brief(value))) from None
    if labels.ndim != 1:
        raise DTypeError(sentence(function, "by_class", expected, brief(value)))
    if len(labels) != rows:
        expected = f"{rows} labels, one for each row"
        raise ShapeError(sentence(function, "by_class", expected, len(labels)))
    return numbered(function, labels, "by_class=False draws from all rows")


def _as_rows(function: str, name: str, value: Any) -> Any:
    """Return an array, or several, with rows."""
    if isinstance(value, tuple | dict) and are_arrays(value):
        return value
    try:
        array = np.asarray(value)
    except ValueError as error:
        expected = "rows of one shape"
        raise ShapeError(sentence(function, name, expected, "a ragged sequence")) from error
    if array.ndim == 0:
        raise DTypeError(sentence(function, name, "an array with rows", brief(value)))
    return array


def _same_rows(function: str, data: dict[str, Any]) -> int:
    rows = row_count(data["X"])
    for name, value in data.items():
        for place, array in arrays_in(value):
            if len(array) != rows:
                expected = f"{rows} rows, as in X"
                raise ShapeError(sentence(function, name + place, expected, len(array)))
    return rows
