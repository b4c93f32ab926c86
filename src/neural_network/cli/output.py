"""Output: files that are not overwritten without a question, predictions with progress."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from neural_network.checks import Array
from neural_network.errors import ArgumentError, FileWriteError
from neural_network.files import as_path
from neural_network.layers.layer import Layer
from neural_network.terminal import is_terminal

Item = TypeVar("Item")
Force = Annotated[bool, typer.Option("--force", help="Overwrite without asking.")]

ROWS_AT_ONCE = 256


def confirm_overwrite(paths: Sequence[Path], *, force: bool) -> None:
    """Ask before any of these files is replaced; without a terminal, refuse.

    Raises:
        ArgumentError: a file exists and there is no terminal to ask; a path is a folder.
        typer.Exit: the answer was no; exit code 1.
    """
    for path in paths:
        if path.is_dir():
            raise ArgumentError(f"{path} is a folder; expected the name of a file")
    existing = [str(path) for path in paths if path.exists() or path.is_symlink()]
    if not existing or force:
        return
    if not is_terminal(sys.stdin):
        raise ArgumentError(f"{', '.join(existing)} exists already; --force overwrites")
    if not typer.confirm(f"{', '.join(existing)} exists already. Overwrite?"):
        raise typer.Exit(1)


def free_name(path: Path) -> Path:
    """Return the path, or the first of NAME-2, NAME-3 … that is not taken."""
    candidates = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return next(p for p in chain([path], candidates) if not (p.exists() or p.is_symlink()))


def make_folder(option: str, folder: Path) -> None:
    """Make the folder that an option names, unless it exists.

    Raises:
        FileWriteError: it cannot be made.
    """
    as_path(option, "FOLDER", folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        text = f"{option}: cannot make the folder {folder}: {error.strerror}"
        raise FileWriteError(text) from error


def print_files(console: Console, title: str, files: Mapping[str, Path]) -> None:
    """Print a table of results and their files."""
    table = Table("result", "file", title=title)
    for result, path in files.items():
        table.add_row(result, escape(str(path)))
    console.print(table)


def printable(name: str) -> str:
    """Return a file's name with ? for what cannot be written as Unicode."""
    return name.encode("utf-8", "replace").decode()


def with_progress(console: Console, items: Sequence[Item], what: str) -> Iterable[Item]:
    """Iterate with a progress bar, on a terminal."""
    return track(items, what, console=console, transient=True, disable=not console.is_terminal)


def predicted(console: Console, model: Layer, X: Array, what: str) -> Array:
    """Return ``model.predict(X)``, with progress on a terminal."""
    starts = with_progress(console, range(0, len(X), ROWS_AT_ONCE), what)
    return np.concatenate([model.predict(X[start : start + ROWS_AT_ONCE]) for start in starts])
