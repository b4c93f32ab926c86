"""Nested dicts, lists and tuples of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def map_tree(function: Callable[..., Any], *trees: Any) -> Any:
    """Apply a function to the leaves of nested dicts, lists and tuples of one form.

    >>> map_tree(lambda a, b: a + b, {"x": [1, 2]}, {"x": [10, 20]})
    {'x': [11, 22]}
    """
    first = trees[0]
    if isinstance(first, dict):
        return {key: map_tree(function, *(tree[key] for tree in trees)) for key in first}
    if isinstance(first, tuple) and hasattr(first, "_fields"):  # a named tuple
        return type(first)(*(map_tree(function, *parts) for parts in zip(*trees, strict=True)))
    if isinstance(first, list | tuple):
        return type(first)(map_tree(function, *parts) for parts in zip(*trees, strict=True))
    return function(*trees)


def leaves_of(tree: Any) -> list[Any]:
    """Return the leaves of nested dicts, lists and tuples, in order.

    >>> leaves_of({"x": [1, 2], "y": (3,)})
    [1, 2, 3]
    """
    leaves: list[Any] = []
    map_tree(leaves.append, tree)
    return leaves
