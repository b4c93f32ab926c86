"""Texts of a drawn figure that lie on each other."""

from __future__ import annotations

from typing import Any
from unittest import mock

from matplotlib.text import Text

# Pixels by which boxes of texts may touch.
SLACK = 1.0


def drawn_texts(figure: Any) -> list[Any]:
    """Draw a figure and return the texts that were drawn: titles, numbers, labels of ticks."""
    found: dict[Any, None] = {}
    draw = Text.draw

    def noted(text: Any, *args: Any, **kwargs: Any) -> Any:
        if text.get_visible() and text.get_text().strip():
            found[text] = None
        return draw(text, *args, **kwargs)

    with mock.patch.object(Text, "draw", noted):
        figure.draw_without_rendering()
    return list(found)


def overlaps(figure: Any, texts: Any = None) -> list[tuple[str, str]]:
    """Return pairs of texts that lie on each other, and texts that are outside of the figure.

    Args:
        figure: it is drawn, unless its texts are given.
        texts: of ``drawn_texts``.
    """
    drawn = drawn_texts(figure) if texts is None else texts
    boxes = [(text.get_text(), text.get_window_extent()) for text in drawn]
    wide, high = figure.bbox.size
    found = [
        (text, "the edge")
        for text, box in boxes
        if min(box.x0, box.y0) < -SLACK or box.x1 > wide + SLACK or box.y1 > high + SLACK
    ]
    for place, (text, one) in enumerate(boxes):
        for other_text, other in boxes[:place]:
            across = min(one.x1, other.x1) - max(one.x0, other.x0)
            if min(across, min(one.y1, other.y1) - max(one.y0, other.y0)) > SLACK:
                found.append((text, other_text))
    return found
