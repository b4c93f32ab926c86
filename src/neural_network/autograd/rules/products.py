"""Rules of products of vectors and matrices."""

from __future__ import annotations

from math import prod
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from typing import Any

import numpy as np

from neural_network.autograd.rules.shaping import diagonal, swapaxes
from neural_network.autograd.rules.table import rule
from neural_network.errors import DroppedGradientError
from neural_network.functional import elementwise, products, shaping
from neural_network.lifting import array_under, joined


@rule(np.dot)
def dot(a: Any, b: Any) -> Any:
    a, b = joined(a), joined(b)
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return elementwise.multiply(a, b)
    if np.ndim(b) <= 2:
        return products.matmul(a, b)
    return _by_rows(a, swapaxes(b, -1, -2))


def _by_rows(a: Any, b: Any) -> Any:
    """Multiply each row along the last axis of ``a`` by each of ``b``."""
    rows = [shaping.reshape(x, (prod(x.shape[:-1]), x.shape[-1])) for x in (a, b)]
    out = products.matmul(rows[0], shaping.transpose(rows[1]))
    return shaping.reshape(out, a.shape[:-1] + b.shape[:-1])


@rule(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    return products.matmul(shaping.reshape(joined(a), -1), shaping.reshape(joined(b), -1))


@rule(np.inner)
def inner(a: Any, b: Any) -> Any:
    a, b = joined(a), joined(b)
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return elementwise.multiply(a, b)
    if np.ndim(b) <= 2:
        return products.matmul(a, swapaxes(b, -1, -2) if np.ndim(b) > 1 else b)
    return _by_rows(a, b)


@rule(np.outer)
def outer(a: Any, b: Any) -> Any:
    column, row = shaping.reshape(joined(a), (-1, 1)), shaping.reshape(joined(b), (1, -1))
    return elementwise.multiply(column, row)


# --- einsum -----------------------------------------------------------------------------

# What NumPy calls the axes that are written as numbers: in this order it sorts them.
LETTERS = ascii_uppercase + ascii_lowercase


@rule(np.einsum)
def einsum(*operands: Any, optimize: Any = False) -> Any:
    text, arrays = _text_and_arrays(operands)
    # NumPy checks the text, on arrays of the same axes; how depends on the option.
    ones = [np.ones((1,) * np.ndim(array_under(a))) for a in arrays]
    np.einsum(text, *ones, optimize=optimize)
    left, arrow, output = text.replace(" ", "").partition("->")
    inputs = left.split(",")
    if not arrow:
        joint = sorted(set(left) - {",", "."})
        output = "..." * ("." in left) + "".join(k for k in joint if left.count(k) == 1)
    hidden = [
        max(0, np.ndim(array_under(a)) - len(part.replace("...", "")))
        for part, a in zip(inputs, arrays, strict=True)
    ]
    free = [letter for letter in ascii_letters if letter not in text][: max(hidden, default=0)]
    parts = []
    for part, array, number in zip(inputs, arrays, hidden, strict=True):
        written = part.replace("...", "".join(free[len(free) - number :]))
        letters, taken = _diagonals(written, array)
        parts.append((letters, taken))
    written = output.replace("...", "".join(free))
    subscripts = ",".join(letters for letters, _ in parts) + "->" + written
    return products.einsum(subscripts, *(array for _, array in parts))


def _text_and_arrays(operands: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """Return the subscripts and the arrays, also where each array has a list of numbers."""
    if isinstance(operands[0], str):
        return operands[0], [joined(a) for a in operands[1:]]
    arrays, lists = operands[0:-1:2], operands[1::2]
    text = ",".join(_letters(numbers) for numbers in lists)
    if len(operands) % 2:
        text += "->" + _letters(operands[-1])
    return text, [joined(a) for a in arrays]


def _letters(numbers: Any) -> str:
    return "".join("..." if k is Ellipsis else LETTERS[int(k)] for k in numbers)


def _diagonals(letters: str, array: Any) -> tuple[str, Any]:
    """Return the operand with the diagonal taken of axes that have the same letter."""
    while len(set(letters)) < len(letters):
        first = next(i for i, letter in enumerate(letters) if letters.count(letter) > 1)
        second = letters.rindex(letters[first])
        if array.shape[first] != array.shape[second]:
            raise DroppedGradientError(
                f"numpy.einsum: axes {letters[first]!r} of sizes {array.shape[first]} and "
                f"{array.shape[second]} in one operand have no rule"
            )
        rest = letters[:first] + letters[first + 1 : second] + letters[second + 1 :]
        letters, array = rest + letters[first], diagonal(array, 0, first, second)
    return letters, array
