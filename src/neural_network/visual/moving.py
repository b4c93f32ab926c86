"""The animation that functions return: matplotlib's, which shows itself and saves GIFs.

This module imports matplotlib, so it is imported where an animation is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from matplotlib.animation import AbstractMovieWriter, FuncAnimation

from neural_network.errors import DTypeError, brief, sentence
from neural_network.files import as_path
from neural_network.visual.inputs import noted

# Of pictures in a notebook and in a GIF.
DPI = 80


class Moving(FuncAnimation):
    """An animation; a notebook shows it with buttons.

    Args:
        name: of the user's call, for the progress.
        figure: that changes.
        show: changes it to a picture, by its number.
        count: of pictures.
        fps: pictures a second.

    Attributes:
        figure, frame_count, fps: as given.
    """

    def __init__(
        self, name: str, figure: Any, show: Callable[[int], list[Any]], count: int, fps: float
    ) -> None:
        super().__init__(
            figure, show, frames=count, interval=1000 / fps, blit=False, cache_frame_data=False
        )
        self.figure, self.frame_count, self.fps = figure, count, fps
        self._name = name
        # Else matplotlib warns where nobody looks at it, although the figure is there.
        self._draw_was_started = True

    def save(  # type: ignore[override]  # it hands on what matplotlib takes
        self, filename: Any, writer: Any = "pillow", **options: Any
    ) -> None:
        """Write a GIF, as matplotlib does, with Pillow; it shows its progress.

        Args:
            filename: of the file.
            writer: "pillow", or another of matplotlib's.
            options: as of matplotlib's method, such as ``fps`` and ``dpi``.

        Raises:
            DTypeError: no path, or no writer.
        """
        as_path(self._name, "filename", filename)
        if not isinstance(writer, str | AbstractMovieWriter):
            expected = "the name of a writer of matplotlib's, such as 'pillow'"
            raise DTypeError(sentence(self._name, "writer", expected, brief(writer)))
        ticks = noted(self._name, range(self.frame_count))
        if isinstance(writer, str):  # another one has a pace of its own
            options = {"fps": self.fps, "dpi": DPI, **options}
        super().save(filename, writer, progress_callback=lambda *_: next(ticks, None), **options)
        for _ in ticks:  # the last line
            pass

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        dpi = self.figure.dpi
        self.figure.set_dpi(DPI)
        try:
            page: str = self.to_jshtml(fps=self.fps)  # type: ignore[arg-type]  # any number serves
        finally:
            self.figure.set_dpi(dpi)
        return page
