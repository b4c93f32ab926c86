"""Which files of a package import which, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

Graph = dict[str, set[str]]


def import_graph(package: Path) -> Graph:
    """Return file → files it imports, also in functions and for type checking alone.

    An ``__init__.py`` counts as imported by no file: packages load their names on first use.
    """
    files = {_name(package, path): path for path in package.rglob("*.py")}
    return {
        name: {
            file
            for module, imported in _imports(ast.parse(path.read_text()))
            for file in (f"{module}.{imported}", module)
            if file in files and files[file].name != "__init__.py"
        }
        - {name}
        for name, path in files.items()
    }


def _name(package: Path, path: Path) -> str:
    parts = (package.name, *path.relative_to(package).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield (module, name) of each import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def cycles(graph: Mapping[str, set[str]]) -> list[set[str]]:
    """Return the groups of files that import each other, by way of others too."""
    reached = {name: _reachable(graph, name) for name in graph}
    groups: list[set[str]] = []
    for name in graph:
        group = {other for other in reached[name] if name in reached[other]}
        if group and group not in groups:
            groups.append(group)
    return groups


def _reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    """Return all that can be reached from a file by one import or more."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found
