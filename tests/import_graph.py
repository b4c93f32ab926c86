"""Which files of the package import which: read from the source, imports inside functions included."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

Graph = dict[str, set[str]]


def import_graph(package: Path, *, for_types: bool) -> Graph:
    """Return file → files it imports.

    Args:
        package: the folder of the package. An ``__init__.py`` counts only for what it imports
            itself: the packages here load their names on first use.
        for_types: whether imports under ``if TYPE_CHECKING`` count.
    """
    files = {_name(package, path): path for path in package.rglob("*.py")}
    return {
        name: {
            file
            for module, imported in _imports(ast.parse(path.read_text()), for_types=for_types)
            for file in (f"{module}.{imported}", module)
            if file in files and files[file].name != "__init__.py"
        }
        - {name}
        for name, path in files.items()
    }


def _name(package: Path, path: Path) -> str:
    parts = (package.name, *path.relative_to(package).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(node: ast.AST, *, for_types: bool) -> Iterator[tuple[str, str]]:
    """Yield (module, name) of each import below a node."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ImportFrom) and child.module:
            yield from ((child.module, alias.name) for alias in child.names)
        elif isinstance(child, ast.Import):
            yield from ((alias.name, "") for alias in child.names)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            if for_types:
                yield from _imports(child, for_types=True)
        else:
            yield from _imports(child, for_types=for_types)


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
