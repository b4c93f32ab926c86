"""Reading picture files."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neural_network.checks import Array
from neural_network.errors import FileFormatError, needs_extra
from neural_network.files import as_path
from neural_network.public import public

if TYPE_CHECKING:
    from PIL import Image

# The limit protects against small files that unpack to gigabytes.
MOST_PIXELS = 100_000_000


@public
def load_picture(path: str | os.PathLike[str]) -> Array:
    """Read a picture file as shades of grey.

    Colours become 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601); a transparent picture is drawn
    on white; a photograph is rotated upright according to its EXIF data.

    Args:
        path: a PNG, JPEG or any other file that Pillow reads (extra ``plot``).

    Returns:
        (H, W) float64, 0 for black to 255 for white.

    Raises:
        FileFormatError: the file is no picture, is damaged or too large.
        FileNotFoundError: there is no such file.
        MissingDependencyError: Pillow is not installed.

    >>> import tempfile
    >>> from PIL import Image
    >>> path = Path(tempfile.mkdtemp()) / "grey.png"
    >>> Image.fromarray(np.array([[0, 100, 255]], "uint8")).save(path)
    >>> load_picture(path)
    array([[  0., 100., 255.]])
    """
    return _read(Path(as_path("load_picture", "path", path)), _grey)


def load_colours(path: str | os.PathLike[str]) -> Array:
    """Read a picture file as red, green and blue; otherwise as ``load_picture``.

    Args:
        path: a PNG, JPEG or any other file that Pillow reads (extra ``plot``).

    Returns:
        (3, H, W) float64, 0 for dark to 255 for bright; three equal channels for a
        grey picture.

    Raises:
        FileFormatError: the file is no picture, is damaged or too large.
        FileNotFoundError: there is no such file.
        MissingDependencyError: Pillow is not installed.

    >>> import tempfile
    >>> from PIL import Image
    >>> path = Path(tempfile.mkdtemp()) / "orange.png"
    >>> Image.new("RGB", (2, 1), (255, 165, 0)).save(path)
    >>> load_colours(path).tolist()
    [[[255.0, 255.0]], [[165.0, 165.0]], [[0.0, 0.0]]]
    """
    return _read(Path(path), _colours)


def _read(path: Path, levels: Callable[[Image.Image], Array]) -> Array:
    """Return the numbers of a picture file, upright."""
    with needs_extra("reading a picture", extra="plot"):
        from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            # Of tags that nobody asks for; where the pixels are damaged, Pillow raises.
            warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
            with Image.open(path) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise FileFormatError(
                        f"{path}: expected at most {MOST_PIXELS:,} pixels, "
                        f"received {picture.width}×{picture.height}"
                    )
                return levels(ImageOps.exif_transpose(picture))
    except (FileNotFoundError, PermissionError, FileFormatError):
        raise
    except IsADirectoryError as error:
        raise FileFormatError(f"{path}: expected a picture file, received a folder") from error
    except Exception as error:  # decoders raise errors of many kinds
        raise FileFormatError(f"{path}: not a picture that can be read ({error})") from error


def _grey(picture: Image.Image) -> Array:
    if _is_deep(picture):
        # 16 bits a pixel, or more: Pillow's own conversion would clip at 255.
        deep = np.asarray(picture, dtype=float)
        if picture.mode.startswith("I;16"):
            return deep * (255 / 65535)
        if not np.all((deep >= 0) & (deep <= 255)):
            raise ValueError(
                f"expected shades from 0 to 255, received {np.min(deep):g} to {np.max(deep):g}"
            )
        return deep
    return np.asarray(_on_white(picture).convert("L"), dtype=float)


def _colours(picture: Image.Image) -> Array:
    if _is_deep(picture):  # Pillow has only grey ones
        return np.stack([_grey(picture)] * 3)
    return np.asarray(_on_white(picture).convert("RGB"), dtype=float).transpose(2, 0, 1)


def _is_deep(picture: Image.Image) -> bool:
    return picture.mode.startswith("I") or picture.mode == "F"


def _on_white(picture: Image.Image) -> Image.Image:
    from PIL import Image

    if picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture
