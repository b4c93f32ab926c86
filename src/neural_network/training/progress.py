"""How far a training is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from time import perf_counter
from typing import Any

# Without a terminal, an epoch that takes longer says so in between.
SECONDS_BETWEEN_LINES = 30.0
# A bar is drawn ten times a second; telling it more often only takes time.
SECONDS_BETWEEN_UPDATES = 0.1


class Progress:
    """Shows a training's progress on the standard output."""

    def __init__(self, epochs: int, *, shown: bool) -> None:
        self.epochs = epochs
        self.shown = shown
        self._bar: Any = None
        self._task: Any = None
        self._started = self._told = perf_counter()

    def __enter__(self) -> Progress:
        if self.shown and sys.stdout.isatty():
            try:
                from rich.progress import Progress as Bar
            except ImportError:  # plain lines tell the same
                return self
            self._bar = Bar(transient=True)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin_epoch(self, epoch: int, batches: int | None) -> None:
        """A new epoch, counted from 1."""
        self._epoch, self._batches = epoch, batches
        self._started = self._told = perf_counter()
        if self._bar is not None:
            self._task = self._bar.add_task(self._name(), total=batches)

    def step(self, batch: int, loss: float) -> None:
        """One batch of it is done."""
        if not self.shown:
            return
        now = perf_counter()
        pause = SECONDS_BETWEEN_LINES if self._bar is None else SECONDS_BETWEEN_UPDATES
        if now - self._told < pause:
            return
        self._told = now
        if self._bar is not None:
            text = f"{self._name()}  loss {loss:.4f}"
            self._bar.update(self._task, completed=batch, description=text)
        else:
            of = f"/{self._batches}" if self._batches else ""
            self.say(f"{self._name()}  batch {batch}{of}  loss {loss:.4f}")

    def end_epoch(self, measures: Mapping[str, float]) -> None:
        """The epoch is done: a line with what was measured."""
        if self._bar is not None:
            self._bar.remove_task(self._task)
        numbers = "  ".join(f"{name} {number:.4f}" for name, number in measures.items())
        self.say(f"{self._name()}  {numbers}  {perf_counter() - self._started:.1f} s")

    def say(self, line: str) -> None:
        """Write a line, above the bar if there is one."""
        if not self.shown:
            return
        if self._bar is not None:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            print(line, flush=True)

    def _name(self) -> str:
        return f"epoch {self._epoch}/{self.epochs}"
