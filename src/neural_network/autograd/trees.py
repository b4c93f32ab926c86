"""Nested dicts, lists and tuples of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neural_network.errors import too_deep


def map_tree(function: Callable[..., Any], *trees: Any) -> Any:
    """Apply a function to the leaves of nested dicts, lists and tuples of one form.

    >>> map_tree(lambda a, b: a + b, {"x": [1, 2]}, {"x": [10, 20]})
    {'x': [11, 22]}
    """
    try:
        return _mapped(function, *trees)
    except RecursionError:
        raise too_deep("nested lists", "arguments") from None


def _mapped(function: Callable[..., Any], *trees: Any) -> Any:
    first = trees[0]
    if isinstance(first, dict):
        return {key: _mapped(function, *(tree[key] for tree in trees)) for key in first}
    if isinstance(first, tuple) and hasattr(first, "_fields"):  # a named tuple
        return type(first)(*(_mapped(function, *parts) for parts in zip(*trees, strict=True)))
    if isinstance(first, list | tuple):
        return type(first)(_mapped(function, *parts) for parts in zip(*trees, strict=True))
    return function(*trees)


def leaves_of(tree: Any) -> list[Any]:
    """Return the leaves of nested dicts, lists and tuples, in order.

    >>> leaves_of({"x": [1, 2], "y": (3,)})
    [1, 2, 3]
    """
    leaves: list[Any] = []
    map_tree(leaves.append, tree)
    return leaves


def same_form(tree: Any, other: Any) -> bool:
    """Return whether two trees have the same keys and lengths.

    >>> same_form({"x": [1, 2]}, {"x": (3, 4)}), same_form({"x": 1}, {"y": 1})
    (True, False)
    """
    try:
        return _same(tree, other)
    except RecursionError:
        raise too_deep("nested lists", "arguments") from None


def _same(tree: Any, other: Any) -> bool:
    if isinstance(tree, dict):
        return (
            isinstance(other, dict)
            and tree.keys() == other.keys()
            and all(_same(tree[key], other[key]) for key in tree)
        )
    if isinstance(tree, list | tuple):
        return (
            isinstance(other, list | tuple)
            and len(tree) == len(other)
            and all(map(_same, tree, other))
        )
    return not isinstance(other, dict)
