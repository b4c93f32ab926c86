"""The progress of a training: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import perf_counter
from typing import Any

from neural_network.terminal import is_terminal, write_line

# Without a terminal, a line is printed this often during an epoch.
SECONDS_BETWEEN_LINES = 30.0
# A bar is drawn ten times a second; more frequent updates only take time.
SECONDS_BETWEEN_UPDATES = 0.1


class Progress:
    """Shows a training's progress on the standard output."""

    def __init__(self, epochs: int, *, shown: bool) -> None:
        self.epochs = epochs
        self.shown = shown
        self._bar: Any = None
        self._task: Any = None
        self._started = self._shown_at = perf_counter()

    def __enter__(self) -> Progress:
        if self.shown and is_terminal(sys.stdout):
            try:
                from rich.progress import Progress as Bar
            except ImportError:  # plain lines show the same
                return self
            self._bar = Bar(transient=True)
            self._draw(self._bar.start)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._draw(self._bar.stop)

    def begin_epoch(self, epoch: int, batches: int | None) -> None:
        """Begin an epoch, counted from 1."""
        self._epoch, self._batches = epoch, batches
        self._started = self._shown_at = perf_counter()
        if self._bar is not None:
            self._task = self._draw(self._bar.add_task, self._name(), total=batches)

    def step(self, batch: int, loss: float) -> None:
        """Show that a batch is done."""
        if not self.shown:
            return
        now = perf_counter()
        pause = SECONDS_BETWEEN_LINES if self._bar is None else SECONDS_BETWEEN_UPDATES
        if now - self._shown_at < pause:
            return
        self._shown_at = now
        if self._bar is not None:
            text = f"{self._name()}  loss {loss:.4f}"
            self._draw(self._bar.update, self._task, completed=batch, description=text)
        else:
            of = f"/{self._batches}" if self._batches else ""
            self.print_line(f"{self._name()}  batch {batch}{of}  loss {loss:.4f}")

    def end_epoch(self, measures: Mapping[str, float]) -> None:
        """End the epoch: print its measures."""
        if self._bar is not None:
            self._draw(self._bar.remove_task, self._task)
        numbers = "  ".join(f"{name} {number:.4f}" for name, number in measures.items())
        self.print_line(f"{self._name()}  {numbers}  {perf_counter() - self._started:.1f} s")

    def print_line(self, line: str) -> None:
        """Print a line, above the bar if there is one."""
        if not self.shown:
            return
        if self._bar is not None:
            plain = {"markup": False, "highlight": False}
            self._draw(self._bar.console.print, line, soft_wrap=True, **plain)
        else:
            write_line(sys.stdout, line)

    def _draw(self, action: Callable[..., Any], *values: Any, **options: Any) -> Any:
        """Do something with the bar; if the terminal is gone, lines take the bar's place."""
        try:
            return action(*values, **options)
        except Exception:  # rich raises what the stream does
            bar, self._bar = self._bar, None
            with suppress(Exception):  # it cannot clear the bar
                bar.stop()

    def _name(self) -> str:
        return f"epoch {self._epoch}/{self.epochs}"
