"""Saving figures."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neural_network.checks import as_count, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, DTypeError, brief, needs_extra, sentence
from neural_network.files import as_path, written_beside
from neural_network.public import public

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation
    from matplotlib.figure import Figure

# Dots per inch; a printer has no more.
MOST_DPI = 1200


@public(top_level=False)
@explains_calls
@silent
def save_figure(
    figure: Figure | FuncAnimation, path: str | os.PathLike[str], *, dpi: int = 120
) -> Path:
    """Save a figure or animation; a file that exists is replaced when the new one is complete.

    Args:
        figure: a matplotlib figure, or an animation.
        path: the file; its ending names the format (.png, .svg, .pdf, .jpg …); .gif for
            an animation.
        dpi: dots per inch of formats made of dots, at most 1,200.

    Returns:
        The path.

    Raises:
        ArgumentError: matplotlib has no format for that ending.
        FileWriteError: the file cannot be written; an old one is unharmed.
        DTypeError: ``figure`` is no figure, ``path`` no path, ``dpi`` no whole number.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "curve.png"
    >>> save_figure(show_history([0.9, 0.4]), path) == path
    True
    """
    path = Path(as_path("save_figure", "path", path))
    if hasattr(figure, "to_jshtml"):
        return _save_animation(figure, path, as_count("save_figure", "dpi", dpi, maximum=MOST_DPI))
    if not hasattr(figure, "savefig"):
        received = brief(figure)
        if hasattr(figure, "draw"):
            received = f"a {type(figure).__name__}; its figure: save_figure(e.draw(), path)"
        raise DTypeError(sentence("save_figure", "figure", "a matplotlib figure", received))
    as_count("save_figure", "dpi", dpi, maximum=MOST_DPI)
    check_figure_path("save_figure", "path", path, figure)
    with warnings.catch_warnings():
        # A letter that the font lacks is drawn as a box.
        warnings.filterwarnings("ignore", "Glyph .* missing")
        with written_beside(path) as temporary:
            figure.savefig(temporary, dpi=dpi)
    return path


def _save_animation(animation: Any, path: Path, dpi: int) -> Path:
    """Write a GIF beside the old file, and rename it."""
    if path.suffix.lower() != ".gif":
        expected = "an ending of .gif for an animation"
        raise ArgumentError(sentence("save_figure", "path", expected, brief(str(path))))
    with needs_extra("saving an animation", extra="plot"):
        import PIL  # noqa: F401  # which matplotlib needs for GIFs
    with written_beside(path) as temporary:
        animation.save(temporary, writer="pillow", dpi=dpi)
    return path


def check_figure_path(function: str, name: str, path: Path, figure: Figure | None = None) -> None:
    """Raise ArgumentError unless figures can be saved in the format of the ending."""
    as_path(function, name, path)
    if figure is None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        formats = FigureCanvasAgg.get_supported_filetypes()
    else:
        formats = figure.canvas.get_supported_filetypes()
    # Without the format that needs LaTeX, and those of raw pixels.
    known = sorted(set(formats) - {"pgf", "raw", "rgba"})
    if path.suffix.lower().lstrip(".") not in known:
        endings = ", ".join(f".{ending}" for ending in known)
        received = brief(str(path))
        if function == "predict" and path.suffix.lower() in (".csv", ".tsv"):
            received += "; --csv is for a table"
        raise ArgumentError(sentence(function, name, f"an ending of {endings}", received))
