"""PyTorch's twin of each of our functions: it takes the same arguments, by the same names.

Floating arrays arrive as PyTorch tensors; labels, masks and places as NumPy arrays. A
family's file holds one table. ``NO_TWIN`` names what has none, and why.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.twins import (
    arrays,
    attention,
    elementwise,
    losses,
    normalization,
    resizing,
    windows,
)
from neural_network.functional import hinge

Twin = Callable[..., Any]

TWINS: dict[Callable[..., Any], Twin] = {
    **elementwise.TWINS,
    **arrays.TWINS,
    **windows.TWINS,
    **losses.TWINS,
    **normalization.TWINS,
    **attention.TWINS,
    **resizing.TWINS,
}

NO_TWIN = {
    "FILTERS": "a table of constants",
    "named_filter": "looks up a table of constants",
    "dropout": "the generators draw different masks, and the article's keeps the size of survivors",
    "dropout2d": "the generators draw different masks",
}

# Functions whose twin has a first derivative only.
ONCE = {hinge: "multi_margin_loss cannot be differentiated twice"}
