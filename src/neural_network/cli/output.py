"""Output: files that are not overwritten without a question, predictions with progress."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import chain, count
from pathlib import Path

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from neural_network.checks import Array
from neural_network.errors import ArgumentError
from neural_network.layers.layer import Layer

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
    if sys.stdin is None or not sys.stdin.isatty():
        raise ArgumentError(f"{', '.join(existing)} exists already; --force overwrites")
    if not typer.confirm(f"{', '.join(existing)} exists already. Overwrite?"):
        raise typer.Exit(1)


def free_name(path: Path) -> Path:
    """Return the path, or the first of NAME-2, NAME-3 … that is not taken."""
    candidates = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return next(p for p in chain([path], candidates) if not (p.exists() or p.is_symlink()))


def predicted(console: Console, model: Layer, X: Array, what: str) -> Array:
    """Return ``model.predict(X)``, with progress on a terminal."""
    starts = track(
        range(0, len(X), ROWS_AT_ONCE),
        what,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    return np.concatenate([model.predict(X[start : start + ROWS_AT_ONCE]) for start in starts])
