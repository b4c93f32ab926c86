"""The figure that all functions return: matplotlib's, but outside pyplot.

Pyplot keeps a reference to each of its figures until it is closed. This module imports
matplotlib, so it is imported where a figure is made.
"""

from __future__ import annotations

import warnings
from io import BytesIO

from matplotlib.figure import Figure


class Picture(Figure):
    """A matplotlib figure that a notebook shows by itself and ``show`` opens in a window."""

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
