"""The figure that all functions return: matplotlib's, but outside pyplot.

Pyplot keeps a reference to each of its figures until it is closed. This module imports
matplotlib, so it is imported where a figure is made.
"""

from __future__ import annotations

import atexit
import sys
import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from matplotlib.figure import Figure

from neural_network.errors import give_hint


@dataclass
class Made:
    """What is known of a figure, when it may be gone.

    Attributes:
        function: that made it.
        drawn: whether it ever was.
        before: the empty figure that pyplot had drawn before, by its ``id``; 0 for none.
    """

    function: str
    drawn: bool = False
    before: int = 0


# The last figure.
_last = Made("", drawn=True)


def note_made(figure: Picture, function: str) -> None:
    """Note that a function has made a figure, which is probably saved or shown next."""
    global _last  # noqa: PLW0603  # of the process, as pyplot's figures are
    tell_of_empty_figure()
    _last = figure.made = Made(function, before=_drawn_empty())


def _drawn_empty() -> int:
    """Return the ``id`` of pyplot's current figure, if it is empty and was drawn; else 0."""
    plt = sys.modules.get("matplotlib.pyplot")
    if plt is None or not plt.get_fignums():
        return 0
    current = plt.gcf()
    return id(current) if not current.stale and current.get_children() == [current.patch] else 0


@atexit.register
def tell_of_empty_figure() -> None:
    """Give a hint where pyplot has drawn an empty figure, and the last one of ours is not drawn.

    ``plt.savefig`` after ``show_filters(model)`` does that: pyplot does not know the figure.
    """
    if not _last.drawn and _drawn_empty() not in (0, _last.before):
        _last.drawn = True
        name = f"visual.{_last.function}"
        give_hint(
            f"{_last.function}: pyplot has drawn an empty figure, as it does not know those that "
            f"visual makes: figure = {name}(…), then figure.savefig(path) or figure.show(); or "
            f"{name}(…, ax=plt.gca())"
        )


class Picture(Figure):
    """A matplotlib figure that a notebook shows by itself and ``show`` opens in a window."""

    made: Made | None = None

    def draw(self, renderer: Any) -> None:
        """Draw it, and note that somebody sees it."""
        if self.made is not None:
            self.made.drawn = True
        super().draw(renderer)

    def show(self, warn: bool = True) -> None:
        """Open a window, and wait until it is closed.

        Args:
            warn: whether matplotlib warns where there is no screen.
        """
        from matplotlib import pyplot as plt

        # Pyplot makes the window for this figure instead of one of its own.
        plt.figure(FigureClass=lambda *_args, **_options: self)  # type: ignore[arg-type]  # any function that makes one
        try:
            with warnings.catch_warnings():
                if not warn:
                    warnings.filterwarnings("ignore", ".*non-interactive")
                plt.show()
        finally:
            plt.close(self)

    def _repr_png_(self) -> bytes:
        """Return what a notebook shows."""
        buffer = BytesIO()
        with warnings.catch_warnings():
            # A letter that the font lacks is drawn as a box.
            warnings.filterwarnings("ignore", "Glyph .* missing")
            self.savefig(buffer, format="png", dpi=100)
        return buffer.getvalue()
