"""Public names, loaded on first use; the tables are generated (``names.py``)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, TypeVar

from neural_network.names import ALSO, NAMED, PACKAGES_ONLY, PUBLIC, TOP_LEVEL_ONLY

T = TypeVar("T")


def attach(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return a package's ``__getattr__``, ``__dir__`` and ``__all__``.

    Its attributes are its public names; its files and folders, as in any package, are found
    too, and listed where they are the package's own parts ("layers", "training" …).
    """
    inner = package.partition(".")[2]
    tables = (PUBLIC, PACKAGES_ONLY) if inner else (PUBLIC, TOP_LEVEL_ONLY)
    homes = {
        name: file
        for table in tables
        for file, names in table.items()
        if not inner or file.startswith(f"{inner}.")
        for name in names.split()
    } | ALSO.get(inner, {})
    own = () if inner else {file.split(".")[0] for file in PUBLIC | PACKAGES_ONLY} | {"__version__"}
    listed = sorted([*homes, *own])
    module = sys.modules[package]

    def load(name: str) -> Any:
        if name in homes:
            value = getattr(import_module(f"neural_network.{homes[name]}"), name)
            setattr(module, name, value)  # the next look-up does not call this function
            return value
        file = f"{package}.{name}"
        if not name.startswith("_"):
            try:
                return import_module(file)
            except ModuleNotFoundError as error:
                if error.name != file:  # the file exists and needs another package
                    raise
            from neural_network.elsewhere.answers import missing_name

            # Python looks a name of ``from … import name`` up in this function of its own, and
            # replaces any AttributeError.
            importing = sys._getframe(1).f_code.co_name == "_handle_fromlist"
            raise missing_name(package, name, listed, importing=importing)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return load, lambda: listed, listed


def missing_entry(name: object, names: Iterable[str]) -> KeyError:
    """Return the error for a name that a table does not have."""
    from neural_network.errors import ArgumentError, both, brief

    text = f"expected one of {', '.join(names)}; received {brief(name)}"
    error: KeyError = both(ArgumentError, KeyError)(text)
    return error


class Table(dict[str, T]):
    """A dict whose error for a name that it does not have lists those that it has."""

    def __missing__(self, name: object) -> T:
        raise missing_entry(name, self)


class _LastFinder:
    """Asked by Python for a module of the package that nobody has found: raises a sentence.

    Not where somebody only asks whether there is one (``importlib.util.find_spec``).
    """

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:  # noqa: ARG004  # Python passes them
        """Find nothing."""
        importing = sys._getframe(2).f_code.co_name == "_find_and_load_unlocked"
        if importing and name.startswith("neural_network."):
            from neural_network.elsewhere.answers import missing_module

            raise missing_module(name)


sys.meta_path.append(_LastFinder)  # the last one: it costs other imports nothing


class NameTable(Mapping[str, T]):
    """Name → what ``@named(kind)`` declares, loaded on first use.

    >>> from neural_network.lazy import NameTable
    >>> table = NameTable("activation")
    >>> "relu" in table, table["relu"] is relu
    (True, True)
    """

    def __init__(self, kind: str) -> None:
        self._homes: dict[str, tuple[str, str]] = {}
        for file, entries in NAMED[kind].items():
            for entry in entries.split():
                name, _, attribute = entry.partition("=")
                self._homes[name] = (file, attribute or name)
        self._loaded: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self:
            raise missing_entry(name, self)
        if name not in self._loaded:
            file, attribute = self._homes[name]
            self._loaded[name] = getattr(import_module(f"neural_network.{file}"), attribute)
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._homes

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)

    def __repr__(self) -> str:
        return f"{{{', '.join(map(repr, self))}}}"


class FunctionTable(NameTable[Callable[..., Any]]):
    """Name → public function of ``neural_network.functional``, loaded on first use.

    >>> from neural_network.lazy import FunctionTable
    >>> FunctionTable()["max_pool1d"] is max_pool1d
    True
    """

    def __init__(self) -> None:
        self._homes = {
            name: (file, name)
            for table in (PUBLIC, PACKAGES_ONLY)
            for file, names in table.items()
            for name in names.split()
            if file.startswith("functional.") and not name.isupper()
        }
        self._loaded = {}
