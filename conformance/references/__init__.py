"""The function of PyTorch that corresponds to each of ours.

It takes the same arguments by the same names. Floating arrays arrive as PyTorch tensors;
labels, masks and indices as NumPy arrays. Each module of this folder has one table,
``REFERENCES``. ``NO_REFERENCE`` names the functions without one, and why.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import Any

from neural_network.functional import hinge

REFERENCES: dict[Callable[..., Any], Callable[..., Any]] = {}
for module in pkgutil.iter_modules(__path__, f"{__name__}."):
    REFERENCES.update(import_module(module.name).REFERENCES)

NO_REFERENCE = {
    "FILTERS": "a table of constants",
    "named_filter": "looks up a table of constants",
    "dropout": "the generators draw different masks, and the article's does not rescale",
    "dropout2d": "the generators draw different masks",
}

# Functions whose reference has a first derivative only.
FIRST_ORDER = {hinge: "multi_margin_loss cannot be differentiated twice"}
