"""Where results go: the screen, and files that are not overwritten unasked."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from neural_network.errors import ArgumentError


def confirm_overwrite(paths: Sequence[Path], *, force: bool) -> None:
    """Ask before any of these files is replaced; without a terminal, refuse.

    Raises:
        ArgumentError: a file exists, and nobody is there to be asked.
        typer.Exit: the answer was no; exit code 1.
    """
    existing = [str(path) for path in paths if path.exists()]
    if not existing or force:
        return
    if not sys.stdin.isatty():
        raise ArgumentError(f"{', '.join(existing)} exists already; --force overwrites")
    if not typer.confirm(f"{', '.join(existing)} exists already. Overwrite?"):
        raise typer.Exit(1)
