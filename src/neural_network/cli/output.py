"""Output: what a command tells, and files that are not overwritten without a question."""

from __future__ import annotations

import difflib
import json
import math
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import chain, count
from pathlib import Path
from threading import Timer
from time import monotonic
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

import numpy as np
import typer

from neural_network.checks import Array
from neural_network.datasets.folders import Wrong, what_is_wrong
from neural_network.errors import (
    MOST_LETTERS,
    ArgumentError,
    FileWriteError,
    ShapeError,
    brief,
    sentence,
    shortened,
)
from neural_network.files import as_path
from neural_network.kernels.runtime.announcements import be_quiet
from neural_network.layers.layer import Layer
from neural_network.terminal import is_terminal, write_line

Item = TypeVar("Item")
Force = Annotated[bool, typer.Option("--force", help="Overwrite without asking.")]
Json = Annotated[bool, typer.Option("--json", help="Print the results as one JSON object.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Only results and errors: no progress, no notes.")
]
NoPicture = Annotated[bool, typer.Option("--no-picture", help="Draw no picture.")]

ROWS_AT_ONCE = 256
NOTHING_WRITTEN = "stopped; nothing was written"
# Without a terminal: seconds of work until a line tells of it, and between two such lines.
UNTIL_A_LINE, BETWEEN_LINES = 1.0, 10.0
# Columns of a terminal on which every table fits.
LONG = 10_000


@contextmanager
def before_writing() -> Iterator[None]:
    """Let the command say, after Ctrl-C, that nothing was written."""
    try:
        yield
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(NOTHING_WRITTEN) from stop


def confirm_overwrite(paths: Sequence[Path], *, force: bool, advice: str = "") -> None:
    """Ask before any of these files is replaced; without a terminal, refuse.

    Args:
        paths: the files.
        force: whether nothing is asked.
        advice: what else can be done than to overwrite them.

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
    names = f"{', '.join(existing)} exist{'' if existing[1:] else 's'}"
    if not is_terminal(sys.stdin):
        raise ArgumentError(f"{names} already; --force overwrites{advice}")
    if not typer.confirm(f"{names} already{advice}. Overwrite?"):
        raise typer.Exit(1)


def check_folder(option: str, folder: Path) -> None:
    """Raise ArgumentError if a folder cannot be made: for a file in its place, or permissions."""
    for path in (folder, *folder.parents):
        if path.is_dir():
            if os.access(path, os.W_OK):
                return
            raise ArgumentError(f"{option}: cannot write in the folder {path}: Permission denied")
        if path.exists() or path.is_symlink():
            raise ArgumentError(f"{option}: cannot make the folder {folder}: {path} is a file")


def check_place(command: str, option: str, path: Path) -> None:
    """Raise ArgumentError if the folder of a file to write does not exist, or is not writable."""
    if not path.parent.is_dir():
        expected = "a file in a folder that exists"
        raise ArgumentError(sentence(command, option, expected, brief(str(path))))
    check_folder(f"{command}: {option}", path.parent)


def terminal_width() -> int:
    """Return the columns of the terminal of the standard output; 80 where there is none."""
    return shutil.get_terminal_size().columns


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


def did_you_mean(
    word: str, words: Iterable[str], written: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Return which of some words was probably meant, as it is to be written; "" if none is like it.

    >>> did_you_mean("edgs", ["edges", "mean"])
    '; did you mean edges?'
    """
    found = difflib.get_close_matches(word, [*words], 1)
    return f"; did you mean {written.get(found[0], found[0])}?" if found else ""


def printable(name: str) -> str:
    """Return a file's name with ? for what cannot be written as Unicode."""
    return name.encode("utf-8", "replace").decode()


class Report:
    """What a command tells: results on the standard output, everything else on standard error.

    On a terminal tables have lines and long work a bar; in a pipe and in a file tables have none,
    and long work a line now and then.

    Args:
        json: whether the results are one JSON object instead of text.
        quiet: whether progress and notes are left out.
    """

    def __init__(self, *, json: bool = False, quiet: bool = False) -> None:
        self.json, self.quiet = json, quiet
        be_quiet(quiet)

    def note(self, text: str) -> None:
        """Print a hint, or how the work goes on."""
        if not self.quiet:
            typer.echo(text, err=True)

    def result(self, text: str) -> None:
        """Print a result."""
        if not self.json:
            typer.echo(text)

    def end(self, **found: Any) -> None:
        """Print all results as JSON, if they are wanted so; NaN and infinity become null."""
        if self.json:
            typer.echo(json.dumps(_as_json(found), ensure_ascii=False, indent=2))

    def end_unless_all_read(self, unread: Wrong) -> None:
        """Name the files that could not be read, after the results of the others.

        Raises:
            typer.Exit: there are some; exit code 1.
        """
        if not unread:
            return
        for file, error in unread.items():
            text = shortened(what_is_wrong(file, error), MOST_LETTERS)
            typer.echo(f"neural-network: {printable(text)}", err=True)
        files = "1 file" if len(unread) == 1 else f"{len(unread):,} files"
        typer.echo(f"neural-network: {files} could not be read; see above", err=True)
        raise typer.Exit(1)

    def table(
        self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: int = 0
    ) -> None:
        """Print a table, as a result.

        Args:
            title: above the table.
            columns: their names.
            rows: a text for each column.
            right: how many of the last columns are numbers, which stand on the right.
        """
        if self.json:
            return
        lefts = len(columns) - right
        # A cell has at least a letter and a line beside it.
        if is_terminal(sys.stdout) and 2 * len(columns) < terminal_width():
            from rich.console import Console
            from rich.markup import escape
            from rich.table import Column, Table

            sides: list[Any] = ["left"] * lefts + ["right"] * right
            heads = [
                Column(escape(name), justify=side, overflow="fold")
                for name, side in zip(columns, sides, strict=True)
            ]
            drawn = Table(*heads, title=escape(title))
            for row in rows:
                drawn.add_row(*map(escape, row))
            # Where TERM is "dumb", rich takes 80 columns unless it is told both.
            width, height = shutil.get_terminal_size()
            console = Console(width=width, height=height)
            if console.measure(drawn, options=console.options.update(width=LONG)).maximum > width:
                drawn.padding = 0
            console.print(drawn)
            return
        typer.echo(title)
        widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
        for row in (columns, *rows):
            cells = [
                f"{cell:{'<' if place < lefts else '>'}{width}}"
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            typer.echo(f"  {'  '.join(cells)}".rstrip())

    def files(self, title: str, files: Mapping[str, Path]) -> None:
        """Print a table of results and their files."""
        self.table(title, ["result", "file"], [[what, str(path)] for what, path in files.items()])

    def progress(self, items: Sequence[Item], what: str) -> Iterable[Item]:
        """Iterate with a progress bar; without a terminal, with a line now and then."""
        if self.quiet:
            return items
        if not is_terminal(sys.stderr):
            return _with_lines(items, what)
        from rich.console import Console
        from rich.progress import track

        return track(items, what, console=Console(stderr=True), transient=True)

    def status(self, what: str) -> AbstractContextManager[Any]:
        """Return a block that says what is done; without a terminal, if it takes long."""
        if self.quiet:
            return nullcontext()
        if not is_terminal(sys.stderr):
            return _line_if_long(what)
        from rich.console import Console

        return Console(stderr=True).status(what)

    def predicted(self, model: Layer, X: Array, what: str) -> Array:
        """Return ``model.predict(X)``, with progress."""
        starts = self.progress(range(0, len(X), ROWS_AT_ONCE), what)
        parts = [model.predict(X[start : start + ROWS_AT_ONCE]) for start in starts]
        if not isinstance(parts[0], np.ndarray):
            received = f"one of {len(parts[0])}"
            raise ShapeError(sentence(what, "the model", "a model of one output", received))
        return np.concatenate(parts)


def _with_lines(items: Sequence[Item], what: str) -> Iterator[Item]:
    """Iterate, and print how many are done: after a second, then every ten."""
    due = monotonic() + UNTIL_A_LINE
    for done, item in enumerate(items):
        if monotonic() > due:
            write_line(sys.stderr, f"{what}: {done:,} of {len(items):,} …")
            due = monotonic() + BETWEEN_LINES
        yield item


@contextmanager
def _line_if_long(what: str) -> Iterator[None]:
    """Print what is done, if the block takes more than a second."""
    timer = Timer(UNTIL_A_LINE, write_line, (sys.stderr, f"{what} …"))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _as_json(value: Any) -> Any:
    """Return what JSON has: lists, dicts, text, numbers, None for those that are not finite."""
    if isinstance(value, Mapping):
        return {str(key): _as_json(one) for key, one in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_as_json(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, int | str) or value is None else printable(str(value))
