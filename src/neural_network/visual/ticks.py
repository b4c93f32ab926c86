"""Ticks whose numbers do not touch, however narrow the axes are.

This module imports matplotlib, so it is imported where something is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.ticker import FuncFormatter, MaxNLocator

# Most ticks that are tried, and the width of a letter and the distance of two numbers in sizes of
# letters; of a line.
MOST, LETTER, APART, LINE = 4, 0.65, 0.9, 1.6


def short(number: float) -> str:
    """Write a number in a few letters.

    >>> from neural_network.visual.ticks import short
    >>> [short(number) for number in (0.25, -5e-05, 0.0, 1500.0, 3e6, 1e-17)]
    ['0.25', '-5e-5', '0', '1500', '3e6', '1e-17']
    """
    if 1000 <= abs(number) < 1e4:
        return f"{number:.0f}"
    text = f"{number:.3g}" if abs(number) < 1e4 else f"{number:.2e}"
    if "e" not in text and 0 < abs(number) < 1e-2:
        text = min(text, f"{number:.2e}", key=len)
    if "e" not in text:
        return text
    digits, _, power = text.partition("e")
    return f"{float(digits):g}e{int(power)}"


class SpacedLocator(MaxNLocator):
    """So many ticks as have space, in letters of so many points: beside or above each other."""

    def __init__(self, points: float) -> None:
        super().__init__(nbins=MOST, steps=[1, 2, 2.5, 5, 10])
        self.points = points

    def __call__(self) -> Sequence[float]:
        """Return the ticks for the present width of the axes."""
        axis: Any = self.axis
        low, high = sorted(axis.get_view_interval())
        figure = axis.get_figure(root=True)
        upright, box = axis.axis_name == "y", axis.axes.bbox
        space = (box.height if upright else box.width) * 72 / figure.dpi / self.points
        ticks: list[float] = []
        for count in range(MOST, 0, -1):
            self.set_params(nbins=count)
            ticks = [float(n) for n in self.tick_values(low, high) if low <= n <= high]
            wide = max((len(short(n)) * LETTER + APART for n in ticks), default=0.0)
            if upright:
                wide = LINE
            # Of three in a row, the outer ones.
            for some in (ticks, ticks[:: len(ticks) - 1] if len(ticks) > 2 else []):
                if len(some) > 1 and wide <= (some[1] - some[0]) / (high - low) * space:
                    return some
        return ticks[:1]


def space_ticks(axis: Any, points: float) -> None:
    """Give an axis ticks whose numbers, in letters of so many points, do not touch."""
    axis.set_tick_params(labelsize=points)
    axis.set_major_locator(SpacedLocator(points))
    axis.set_major_formatter(FuncFormatter(lambda number, _place: short(number)))
