"""Figures to files, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from neural_network.errors import ArgumentError, DTypeError, sentence
from neural_network.files import written_beside
from neural_network.functional.checks import as_count

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_figure(figure: Figure, path: str | os.PathLike[str], *, dpi: int = 120) -> Path:
    """Write a figure beside ``path`` and rename it into place.

    Args:
        figure: a matplotlib figure.
        path: the file; its ending names the format (.png, .svg, .pdf, .jpg …).
        dpi: dots per inch of formats made of dots.

    Returns:
        The path.

    Raises:
        ArgumentError: matplotlib knows no format of that ending.
        FileWriteError: the file cannot be written; an old one is unharmed.
    """
    path = Path(path)
    if not hasattr(figure, "savefig"):
        raise DTypeError(sentence("save_figure", "figure", "a matplotlib figure", repr(figure)))
    as_count("save_figure", "dpi", dpi)
    check_figure_path("save_figure", "path", path, figure)
    with written_beside(path) as temporary:
        figure.savefig(temporary, dpi=dpi)
    return path


def check_figure_path(function: str, name: str, path: Path, figure: Figure | None = None) -> None:
    """Raise ArgumentError unless the ending names a format that figures can be saved in."""
    if figure is None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        formats = FigureCanvasAgg.get_supported_filetypes()
    else:
        formats = figure.canvas.get_supported_filetypes()
    if path.suffix.lower().lstrip(".") not in formats:
        endings = ", ".join(f".{ending}" for ending in sorted(formats))
        raise ArgumentError(sentence(function, name, f"an ending of {endings}", repr(str(path))))
