"""Classic image filters by name, as arrays to pass to ``conv2d``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from neural_network.checks import Array
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, DTypeError, brief, sentence
from neural_network.lazy import Table
from neural_network.public import public


class Filter(NamedTuple):
    """A named filter: its numbers, and what its result shows."""

    values: tuple[tuple[float, ...], ...]
    shows: str

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """Return the numbers, so that a filter can be passed where an array can."""
        return np.array(self.values, dtype=float if dtype is None else dtype)


FILTERS: Mapping[str, Filter] = public(
    MappingProxyType(
        Table(
            {
                "edges": Filter(
                    ((-1, -1, -1), (-1, 8, -1), (-1, -1, -1)),
                    "where a pixel differs from its eight neighbours",
                ),
                "horizontal": Filter(
                    ((-1, -1, -1), (0, 0, 0), (1, 1, 1)),
                    "horizontal edges: positive where it is brighter below",
                ),
                "vertical": Filter(
                    ((-1, 0, 1), (-1, 0, 1), (-1, 0, 1)),
                    "vertical edges: positive where it is brighter to the right",
                ),
                "sharpen": Filter(
                    ((0, -1, 0), (-1, 5, -1), (0, -1, 0)),
                    "the image with its edges emphasised",
                ),
                "mean": Filter(((1 / 9,) * 3,) * 3, "the mean of a pixel and its neighbours"),
                "gaussian-blur": Filter(
                    tuple(tuple(a * b / 16 for b in (1, 2, 1)) for a in (1, 2, 1)),
                    "a blur that weighs the centre most",
                ),
                "sobel-x": Filter(
                    ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),
                    "the slope from left to right, smoothed downwards",
                ),
                "sobel-y": Filter(
                    ((-1, -2, -1), (0, 0, 0), (1, 2, 1)),
                    "the slope from top to bottom, smoothed sideways",
                ),
                "emboss": Filter(
                    ((-2, -1, 0), (-1, 1, 1), (0, 1, 2)),
                    "a relief lit from the upper left",
                ),
                "laplacian": Filter(
                    ((0, 1, 0), (1, -4, 1), (0, 1, 0)),
                    "the second derivative: ridges negative, valleys positive",
                ),
            }
        )
    )
)


@public
@explains_calls
def named_filter(name: str) -> Array:
    """Return a classic filter as a float64 array.

    Args:
        name: a key of ``FILTERS``: edges, horizontal, vertical, sharpen, mean,
            gaussian-blur, sobel-x, sobel-y, emboss or laplacian. Capitals, blanks and
            underscores do not matter.

    Returns:
        (3, 3), a new array.

    Raises:
        ArgumentError: there is no filter of that name; the sentence lists them.
        DTypeError: ``name`` is no text.

    >>> named_filter("sobel-x")
    array([[-1.,  0.,  1.],
           [-2.,  0.,  2.],
           [-1.,  0.,  1.]])
    """
    expected = "one of " + ", ".join(FILTERS)
    if not isinstance(name, str):
        raise DTypeError(sentence("named_filter", "name", expected, brief(name)))
    if filter_key(name) not in FILTERS:
        raise ArgumentError(sentence("named_filter", "name", expected, brief(name)))
    return np.array(FILTERS[filter_key(name)].values, dtype=float)


def filter_key(name: str) -> str:
    """Return how a name is spelt in ``FILTERS``.

    >>> filter_key("Sobel x"), filter_key("gaussian_blur")
    ('sobel-x', 'gaussian-blur')
    """
    return name.strip().lower().replace("_", "-").replace(" ", "-")
