"""What to write where an array has another layout than was expected: the end of a sentence.

Each function returns "" where it knows nothing to write.
"""

from __future__ import annotations

import os
import re
from itertools import accumulate, permutations
from math import isqrt, prod
from operator import mul
from typing import Any

import numpy as np

from neural_network.errors import ShapeError, brief, give_hint, sentence
from neural_network.lifting import array_under
from neural_network.names import PUBLIC

Shape = tuple[int, ...]
# Channels of grey pictures, of colours, and of colours with their opacity.
CHANNELS = (1, 3, 4)
# Of a side of an image that is a row of numbers: scikit-learn's digits have 8.
FEWEST_PIXELS = 8
# Of arrays of more axes no order is looked for.
MOST_AXES = 5
# What turns names into numbers.
NUMBERED = "np.unique(names, return_inverse=True)[1] has a number for each name"
# How a name of a file ends.
PATH = re.compile(r"\.(safetensors|[A-Za-z]\w{1,4})$")


def in_shape(name: str, array: object, wanted: Shape) -> str:
    """Return the code that brings an array to a shape, if there is one that keeps its meaning.

    Class numbers become one-hot rows. Axes are joined, split, added or dropped by ``reshape``;
    where the same sizes stand in another order it would mix the numbers, and they are turned.

    >>> in_shape("b", np.zeros((3, 1)), (3,)), in_shape("X", np.zeros((3, 2)), (2, 3))
    ('; b.reshape(-1) has it', '; X.T has it')
    >>> in_shape("y", np.array([0, 2, 1, 1]), (4, 3)), in_shape("X", np.zeros((4, 3)), (6, 2))
    ('; nn.one_hot(y, 3) has it', '')
    """
    numbers = np.asarray(array_under(array))
    shape = numbers.shape
    if len(wanted) == 2 and wanted[1] > 1 and shape in (wanted[:1], (wanted[0], 1)):
        labels = name if len(shape) == 1 else f"{name}[:, 0]"
        return f"; nn.one_hot({labels}, {wanted[1]}) has it" if _classes(numbers, wanted[1]) else ""
    if prod(shape) != prod(wanted):
        return ""
    if shape == ():
        return f"; np.full({wanted}, {name}) has it"
    if _splits(shape, wanted) or _splits(wanted, shape):
        # A batch has another number of rows than the array that is to be turned.
        rows = shape[:1] == wanted[:1] and shape != (1,)
        sizes = ", ".join(map(str, (-1, *wanted[1:]) if rows else wanted))
        return f"; {name}.reshape({sizes}) has it"
    if sorted(shape) != sorted(wanted) or len(shape) > MOST_AXES:
        return ""
    if len(shape) == 2:
        return f"; {name}.T has it"
    orders = [axes for axes in permutations(range(len(shape))) if _turned(shape, axes) == wanted]
    return f"; {name}.transpose{orders[0]} has it" if len(orders) == 1 else ""


def in_shape_of(name: str, array: Any, other: str, wanted: Shape) -> str:
    """Return what brings an array to the shape of another one, or why nothing does."""
    turned = one_of_two_turned(name, array.shape, other, wanted)
    return turned or in_shape(name, array, wanted) or other_classes(array, wanted)


def other_classes(array: object, wanted: Shape) -> str:
    """Return what is said of class numbers that are not all columns of a wanted shape.

    >>> other_classes(np.array([3, 0]), (2, 3))
    '; class numbers from 0 to 3, and 3 columns are 0 to 2'
    """
    numbers = np.asarray(array_under(array))
    if len(wanted) != 2 or numbers.shape not in (wanted[:1], (wanted[0], 1)) or wanted[1] < 2:
        return ""
    if not _whole(numbers):
        return ""
    low, high, count = numbers.min(), numbers.max(), wanted[1]
    return f"; class numbers from {low:.9g} to {high:.9g}, and {count} columns are 0 to {count - 1}"


def as_numbers(value: object) -> str:
    """Return how a table of several types, or a sparse matrix, becomes numbers."""
    if hasattr(value, "toarray") and hasattr(value, "nnz"):
        return "; it is sparse: .toarray() gives an array"
    dtypes = getattr(value, "dtypes", None)
    if not hasattr(value, "isna") or dtypes is None:
        return ""
    columns = list(dtypes.items()) if hasattr(dtypes, "items") else [("", dtypes)]
    for name, dtype in columns:
        column = f"the column {brief(name, letters=40)}" if hasattr(dtypes, "items") else "it"
        if getattr(dtype, "kind", "O") not in "fiub":
            if not hasattr(dtypes, "items"):  # of a series
                return f"; it holds no numbers: {NUMBERED}"
            return f'; {column} holds no numbers: pandas.get_dummies(X, dtype="float32")'
        missing = value[name] if hasattr(dtypes, "items") else value  # type: ignore[index]  # a frame
        if missing.isna().any():
            return f"; {column} has missing values: fillna(…), or dropna()"
    return '; .astype("float32") makes one type of it'


def one_of_two_turned(name: str, shape: Shape, other: str, like: Shape) -> str:
    """Say that one of two arrays, whose rows are samples, is the transpose of what it should be.

    >>> one_of_two_turned("y", (2, 3), "A", (3, 2))
    '; one of them is transposed (y.T or A.T): a row is a sample'
    """
    if len(shape) != 2 or shape != like[::-1] or 1 in shape:
        return ""
    return f"; one of them is transposed ({name}.T or {other}.T): a row is a sample"


def _classes(numbers: np.ndarray[tuple[int, ...], np.dtype[Any]], count: int) -> bool:
    """Return whether numbers are class indices."""
    compared = numbers.astype(np.float64)  # any class number fits, see labels.of_wide_type
    return _whole(numbers) and bool(np.all((compared >= 0) & (compared < count)))


def _whole(numbers: np.ndarray[tuple[int, ...], np.dtype[Any]]) -> bool:
    """Return whether there are numbers, and all are whole and finite."""
    if numbers.dtype.kind not in "fiu" or not numbers.size or not np.all(np.isfinite(numbers)):
        return False
    return bool(np.all(numbers == np.floor(numbers)))


def _splits(shape: Shape, other: Shape) -> bool:
    """Return whether the second shape splits axes of the first and moves none."""
    return set(accumulate(shape, mul)) <= {1, *accumulate(other, mul)}


def _turned(shape: Shape, axes: Shape) -> Shape:
    return tuple([shape[axis] for axis in axes])


def channels_first(name: str, shape: Shape, axes: int) -> str:
    """Return the code that moves the channels of one image, or of several, from the last axis.

    Args:
        name: of the array.
        shape: (…, sizes, C).
        axes: spatial ones.

    >>> channels_first("X", (20, 32, 32, 3), 2), channels_first("image", (32, 32, 3), 2)
    ('X.transpose(0, 3, 1, 2)', 'image.transpose(2, 0, 1)')
    """
    order = list(range(len(shape)))
    order.insert(len(shape) - axes - 1, order.pop())
    return f"{name}.transpose{tuple(order)}"


def channels_seem_last(shape: Shape, axes: int, *, channels: Shape = CHANNELS) -> bool:
    """Return whether a shape looks like images whose channels are the last axis.

    >>> channels_seem_last((20, 32, 32, 3), 2), channels_seem_last((20, 3, 32, 32), 2)
    (True, False)
    """
    if len(shape) <= axes or shape[-1] not in channels:
        return False
    sizes = shape[-axes - 1 : -1]
    if axes == 1:  # a signal of 4 samples and many channels is possible, but not convolved
        return sizes[0] >= 32
    return min(sizes) >= 8 and max(sizes) <= 2 * min(sizes)


def channels_moved(name: str, shape: Shape, axes: int, channels: int | None = None) -> str:
    """Return what to add to a complaint, where an array's channels seem to be its last axis.

    Args:
        name, shape: of the array.
        axes: spatial ones.
        channels: that are expected; None where that is not known.

    >>> channels_moved("image", (32, 32, 3), 2, 3)
    '; image.transpose(2, 0, 1) puts the channels first'
    """
    if len(shape) < axes + 1:
        return ""
    first = shape[-axes - 1]
    last = shape[-1] == channels != first if channels else channels_seem_last(shape, axes)
    return f"; {channels_first(name, shape, axes)} puts the channels first" if last else ""


def axes_added(name: str, shape: Shape, axes: int, channels: int | None = None) -> str:
    """Return the code that adds axes of rows or channels to what should be (N, C, sizes).

    Args:
        name, shape: of the array.
        axes: spatial ones.
        channels: that are expected; None where that is not known.

    >>> axes_added("X", (28, 28), 2), axes_added("X", (3, 32, 32), 2, 3)
    ('; X[None, None] is one image of one channel', '; X[None] is one image')
    """
    one = "image" if axes == 2 else "input"
    lacking = axes + 2 - len(shape)
    if lacking == 2 == axes and (pixels := rows_as_images(name, shape, channels)):
        return pixels
    if lacking == 2 and channels in (1, None):
        return f"; {name}[None, None] is one {one} of one channel"
    if lacking != 1:
        return ""
    known = CHANNELS[1:] if channels is None else (channels,)
    alone = f"; {name}[None] is one {one}"
    if shape[0] in known:
        return alone
    if shape[-1] in known and channels_seem_last(shape, axes, channels=known):
        return f"; {channels_first(name, shape, axes)}[None] is one {one}, its channels first"
    several = f"; {name}[:, None] are {one}s of one channel"
    if channels is None:
        return f"{several}, {name}[None] is one {one} of several"
    return several if channels == 1 else ""


def rows_as_images(name: str, shape: Shape, channels: int | None = None) -> str:
    """Return the code that makes images of rows of as many numbers as a square one has.

    Args:
        name, shape: of the array.
        channels: that are expected; None where that is not known.

    >>> rows_as_images("X", (5000, 784)), rows_as_images("X", (30, 40))
    ('; X.reshape(-1, 1, 28, 28) makes images of rows of 784 numbers, before Flatten', '')
    """
    if len(shape) != 2 or shape[0] == shape[1]:
        return ""
    rows, numbers = shape
    for count in CHANNELS if channels is None else (channels,):
        side = isqrt(numbers // count)
        if side >= FEWEST_PIXELS and count * side**2 == numbers:
            text = f"; {name}.reshape(-1, {count}, {side}, {side}) makes images of rows of "
            text += f"{numbers} numbers, before Flatten"
            one = max(shape) <= 2 * min(shape) and rows > 1 and count == 1
            return f"{text}; {name}[None, None] is one image" if one else text
    return ""


def refused_rank(
    function: str, name: str, shape: Shape, axes: int, channels: int | None = None
) -> str:
    """Return the sentence about an array that is not (N, C, sizes), and how to make it that.

    >>> refused_rank("max_pool2d", "X", (28,), 2)
    'max_pool2d: X: expected (N, C, H, W), received shape (28,)'
    """
    letters = "L" if axes == 1 else ", ".join("DHW"[-axes:])
    expected = f"(N, C, {letters})"
    received = f"shape {shape}{axes_added(name, shape, axes, channels)}"
    return sentence(function, name, expected, received)


def of_all_rows(text: str, batch: Shape, whole: Shape | None = None) -> str:
    """Return a sentence in which the shape of a batch, which the user has not passed, is theirs.

    Args:
        text: the sentence.
        batch: its shape.
        whole: what the user has passed; None for (n, …).

    >>> of_all_rows("Dense: X: expected (N, 3), received shape (256, 4)", (256, 4))
    'Dense: X: expected (N, 3), received shape (n, 4)'
    """
    return text.replace(f"shape {batch}", f"shape {any_rows(batch) if whole is None else whole}")


class NamesAllRows:
    """Say in a ShapeError of the block what the user has passed, where it names a batch of it.

    A class, as it is entered in each call of ``predict``.

    Args:
        batch: the shape of the batch, which the user has not passed.
        whole: what the user has passed; None for (n, …).
    """

    def __init__(self, batch: Shape, whole: Shape | None = None) -> None:
        self.batch, self.whole = batch, whole

    def __enter__(self) -> None:
        """Change nothing yet."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        """Change the sentence of an error."""
        if isinstance(error, ShapeError):
            error.args = (of_all_rows(str(error), self.batch, self.whole),)


def any_rows(shape: Shape) -> str:
    """Return a shape as text, with n in the place of the number of rows.

    >>> any_rows((256, 4)), any_rows((3,))
    ('(n, 4)', '(n,)')
    """
    return f"(n, {', '.join(map(str, shape[1:]))})" if len(shape) > 1 else "(n,)"


def of_object(value: object) -> str:
    """Return what is said of an object that is no array of numbers."""
    missing = "; does the function that computes it lack its return?" if value is None else ""
    return f" (a {type(value).__name__}){missing}"


def one_row(name: str, shape: Shape, ndims: Shape = (2,)) -> str:
    """Return how an array of one axis becomes a single row, and a number a list of one.

    >>> one_row("A", (10,)), one_row("A", ()), one_row("y", (), (1,))
    ('; A[None] is one row', '', '; [y] is a list of one')
    """
    if shape == () and ndims == (1,):
        return f"; [{name}] is a list of one"
    if 2 not in ndims:
        return ""
    return f"; {name}[None] is one row" if len(shape) == 1 else ""


def of_no_numbers(array: Any, value: object, name: str) -> str:
    """Return what is said of a value whose array holds no numbers."""
    # Of as many axes as there are: ``array.flat`` takes 32.
    first = array[(0,) * array.ndim] if array.size else None
    text = isinstance(first, str) and array.ndim == 1  # of a table other columns may be numbers
    if array.dtype.kind in "US" or isinstance(first, os.PathLike) or text:
        return of_text(value, name)
    single = array.dtype == object and array.ndim == 0
    return (of_object(value) if single else "") + as_numbers(value)


def of_text(value: Any, name: str) -> str:
    """Return what to do with text, or paths, where an argument is expected to be numbers."""
    first = value
    while isinstance(first, list | tuple) and len(first):
        first = first[0]
    if isinstance(first, os.PathLike) or (isinstance(first, str) and PATH.search(first)):
        read = "nn.load_picture(path) reads a picture, np.load(path) an array"
        if str(first).endswith(".safetensors"):
            read = "nn.load(path) reads a model"
        return f" (the name of a file: {read})"
    if name == "filter_kernel" and isinstance(value, str):
        return " (text: named_filter(name) is a filter of that name, 3×3, for conv2d)"
    return f" (text: {NUMBERED})"


def flag(name: str, value: object) -> str:
    """Return a value that is no True or False as text, with the one that it stands for.

    >>> flag("verbose", 0), flag("verbose", "no")
    ('0; verbose=False is that', "'no'")
    """
    known = isinstance(value, int) and value in (0, 1)
    return f"{brief(value)}; {name}={bool(value)} is that" if known else brief(value)


def function(value: object) -> str:
    """Return a value that is no function as text, with the function of that name if there is one.

    >>> function("mse"), function(3)
    ("'mse'; nn.mse_loss is a function", '3')
    """
    if not isinstance(value, str):
        return brief(value)
    from neural_network.elsewhere.answers import word

    files = [names for file, names in PUBLIC.items() if file.startswith("functional")]
    functions = [name for names in files for name in names.split()]
    meant = value if value in functions else word(value, functions)
    return f"{brief(value)}; nn.{meant} is a function" if meant is not None else brief(value)


def hint_of_dask(function: str, name: str, value: object) -> None:
    """Give a hint, for an array of Dask, that it is read into memory as a whole."""
    if type(value).__module__.partition(".")[0] != "dask":
        return
    blocks = "nn.scale.dask.predict and nn.scale.dask.conv2d compute block by block"
    give_hint(f"{function}: {name} is a Dask array, which is read into memory as a whole; {blocks}")
