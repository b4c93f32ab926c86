"""Faces of packages, whose names are loaded when they are first used."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Any


def loader(
    face: dict[str, Any], homes: Mapping[str, Collection[str]], rooms: Collection[str]
) -> Callable[[str], Any]:
    """Return a package's ``__getattr__``.

    Args:
        face: the package's ``globals()``.
        homes: of each file, counted from the package, the names that it is to give.
        rooms: files and folders of the package that are attributes themselves.
    """
    package = face["__name__"]
    home_of = {name: home for home, names in homes.items() for name in names}

    def load(name: str) -> Any:
        if name in rooms:
            return import_module(f"{package}.{name}")
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{home_of[name]}"), name)
        face[name] = value  # the next look-up finds it without coming here
        return value

    return load
