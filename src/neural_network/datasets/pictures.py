"""Reading picture files."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from neural_network.checks import Array, as_flag
from neural_network.datasets.resizing import as_image, as_size
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import FileFormatError, needs_extra, warn_of_call
from neural_network.files import open_file
from neural_network.public import public

if TYPE_CHECKING:
    from PIL import Image

# The limit protects against small files that unpack to gigabytes. Cameras of "100 megapixels" have
# up to 109 million.
MOST_PIXELS = 120_000_000
# Where nothing is darker than this on white, or lighter than its opposite on black, ink is hidden.
HIDDEN = 159
# Formats of animations and pages. Other files with several pictures are one picture to people: a
# telephone's photograph with its preview, a drawing with its layers.
FRAMED = ("GIF", "PNG", "WEBP", "AVIF", "TIFF")
# Photographs of handwritten digits differ less, in the mean, between their colours.
COLOURFUL = 30


@public
@explains_calls
def load_picture(
    path: str | os.PathLike[str], *, size: int | tuple[int, int] | None = None, grey: bool = True
) -> Array:
    """Read a picture file as shades of grey, or as red, green and blue.

    For ``grey``, colours become 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601). A transparent picture
    is drawn on white, or on black where all of it is so light that white would hide it; a
    photograph is rotated upright according to its EXIF data. Numbers of 16 bits are scaled to 0 to
    255, and so are floating ones from 0 to 1. The content of a file decides how it is read, not its
    name.

    Args:
        path: a PNG, JPEG or any other file that Pillow reads (extra ``plot``), except EPS, which
            is a program. Packages for Pillow count: HEIC after
            ``pillow_heif.register_heif_opener()``.
        size: a length, or height and width, to resize it to as ``load_image_folder`` and ``train``
            do; None for its own. A drawn or photographed digit for a network of MNIST is prepared
            otherwise: ``prepare_digit(load_picture(path))``, as ``neural-network predict`` does.
        grey: False for red, green and blue; of a grey picture these are equal.

    Returns:
        (H, W) float64, 0 for black to 255 for white; (3, H, W), 0 for dark to 255 for bright, if
        not ``grey``. With a ``size`` rounded to uint8, as ``load_image_folder`` returns it.

    Raises:
        FileFormatError: the file is no picture that Pillow reads, is damaged, cut short or of more
            than 120 million pixels, holds numbers that are no shades, or is no file, but a folder,
            a pipe or a device.
        FileNotFoundError, PermissionError: there is no such file, or it must not be read.
        DTypeError, ArgumentError, ShapeError: ``path`` is no path, ``size`` no length or pair of
            them, ``grey`` not True or False.
        MissingDependencyError: Pillow is not installed.

    Warns:
        UserWarning: the file contains several pictures (animations, pages); the first is read.

    >>> import tempfile
    >>> from PIL import Image
    >>> path = Path(tempfile.mkdtemp()) / "orange.png"
    >>> Image.new("RGB", (2, 1), (255, 165, 0)).save(path)
    >>> load_picture(path)
    array([[173., 173.]])
    >>> load_picture(path, grey=False).tolist()
    [[[255.0, 255.0]], [[165.0, 165.0]], [[0.0, 0.0]]]
    >>> load_picture(path, grey=False, size=32).shape
    (3, 32, 32)
    """
    target = None if size is None else as_size("load_picture", size)
    mode: Literal["L", "RGB"] = "L" if as_flag("load_picture", "grey", grey) else "RGB"
    levels, several = read_picture(path, mode)
    if several:
        warn_of_call(f"{path}: contains several pictures; the first is read", UserWarning)
    return levels if target is None else as_image(levels, target)


def read_picture(path: str | os.PathLike[str], mode: Literal["L", "RGB"]) -> tuple[Array, bool]:
    """Read a file as ``load_picture`` does, in grey ("L") or in colour ("RGB").

    Returns:
        The picture; and whether the file contains more than this one.
    """
    with _opened(path) as picture:
        several = picture.format in FRAMED and getattr(picture, "is_animated", False)
        return _levels(_upright(_with_transparency(picture)), mode), several


def is_colourful(path: Path) -> bool:
    """Return whether a picture is rather of things than of digits on paper."""
    levels, _ = read_picture(path, "RGB")
    return bool(np.ptp(levels, axis=-1 if levels.shape[-1] == 3 else 0).mean() > COLOURFUL)


def check_picture(path: str | os.PathLike[str]) -> None:
    """Raise FileFormatError for a file that is no picture; only its beginning is read."""
    with _opened(path):
        pass


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[Image.Image]:
    """Open a picture file; what Pillow raises inside the block is raised as FileFormatError."""
    with needs_extra("reading a picture", extra="plot"):
        from PIL import Image, UnidentifiedImageError

    # Without a handler, Python prints what Pillow logs of a damaged file, beside the error.
    if not (log := logging.getLogger("PIL")).handlers:
        log.addHandler(logging.NullHandler())
    opened = open_file("load_picture", path, "a picture file")
    file = Path(path)
    try:
        with opened, warnings.catch_warnings():
            # Of damaged tags, of which none is used; and of sizes, which are checked here.
            warnings.simplefilter("ignore")
            with Image.open(opened) as picture:
                _check_size(file, picture)
                yield picture
    except FileFormatError:
        raise
    except Image.DecompressionBombError as error:
        raise FileFormatError(
            f"{file}: expected at most {MOST_PIXELS:,} pixels, received more"
        ) from error
    except UnidentifiedImageError as error:
        raise FileFormatError(f"{file}: not a picture that can be read{_kind(file)}") from error
    except Exception as error:  # decoders raise errors of many kinds
        why = (str(error) or type(error).__name__)[:200]
        if "truncated" in why.lower():  # Pillow has several sentences for it
            why = "damaged, or cut short as by an interrupted copy"
        raise FileFormatError(f"{file}: not a picture that can be read ({why})") from error


def _check_size(file: Path, picture: Image.Image) -> None:
    """Raise FileFormatError, before pixels are decoded, for what is not to be decoded."""
    if picture.width * picture.height > MOST_PIXELS:
        raise FileFormatError(
            f"{file}: expected at most {MOST_PIXELS:,} pixels, "
            f"received {picture.width}×{picture.height}"
        )
    if picture.format == "EPS":  # Pillow would have Ghostscript run it
        raise FileFormatError(f"{file}: not a picture that can be read (EPS is a program)")


# How files of other kinds begin, after so many bytes; and what they are.
BEGINNINGS = (
    (4, b"ftyphe", "a HEIC photograph"),
    (4, b"ftypmif1", "a HEIC photograph"),
    (4, b"ftypmsf1", "a HEIC photograph"),
    (4, b"ftypavi", "an AVIF picture, for which this Pillow has no decoder"),
    (4, b"ftypcrx", "a raw photograph"),
    (4, b"ftyp", "a video"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (4, b"JXL ", "a JPEG XL picture"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"<?xml", "an SVG drawing, or other XML"),
    (0, b"<!doctype", "a web page"),
    (0, b"<html", "a web page"),
)


def _kind(file: Path) -> str:
    """Return what a file that Pillow does not know seems to be, and what can be done."""
    with file.open("rb") as opened:
        head = opened.read(64)
    if not head:
        return " (an empty file)"
    for start, beginning, what in BEGINNINGS:
        if head[start:].lower().startswith(beginning.lower()):
            advice = "; save or export it as JPEG"
            if "HEIC" in what:
                advice += " (an iPhone takes JPEG with Settings, Camera, Formats, Most Compatible)"
            return f" ({what}{advice})"
    return " (of no format that Pillow knows)"


def _upright(picture: Image.Image) -> Image.Image:
    """Turn a photograph as its camera was held; a picture without that information is upright.

    No other tag is looked at: one of a wrong form must not stop a good picture.
    """
    from PIL import Image

    turn = Image.Transpose
    turns = {
        2: turn.FLIP_LEFT_RIGHT, 3: turn.ROTATE_180, 4: turn.FLIP_TOP_BOTTOM, 5: turn.TRANSPOSE,
        6: turn.ROTATE_270, 7: turn.TRANSVERSE, 8: turn.ROTATE_90,
    }  # fmt: skip
    try:
        orientation: Any = picture.getexif().get(0x0112)
    except Exception:  # damaged data: as stored, as viewers show it
        return picture
    known = isinstance(orientation, int) and orientation in turns
    return picture.transpose(turns[orientation]) if known else picture


def _with_transparency(picture: Image.Image) -> Image.Image:
    """Decode a picture, and scale the shade that stands for transparent, which Pillow does not."""
    tiles = getattr(picture, "tile", None)  # how a file's numbers are decoded
    raw = tiles[0][3] if tiles else None
    picture.load()
    shade = picture.info.get("transparency")
    if picture.format == "PNG" and isinstance(raw, str):
        if isinstance(shade, int) and raw in ("L;2", "L;4"):
            picture.info["transparency"] = shade * (85 if raw == "L;2" else 17)
        elif isinstance(shade, tuple) and raw == "RGB;16B":
            picture.info["transparency"] = tuple(part >> 8 for part in shade)
    return picture


def _levels(picture: Image.Image, mode: Literal["L", "RGB"]) -> Array:
    """Return (H, W) for "L", (3, H, W) for "RGB", float64."""
    if picture.mode.startswith("I") or picture.mode == "F":  # Pillow has only grey ones
        shades = _deep(picture)
        return shades if mode == "L" else np.stack([shades] * 3)
    if picture.mode == "LAB":
        from PIL import ImageCms

        lab, rgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(picture, lab, rgb, outputMode="RGB")
        picture = picture if converted is None else converted
    levels = np.asarray(_opaque(picture).convert(mode), dtype=float)
    return levels if mode == "L" else levels.transpose(2, 0, 1)


def _deep(picture: Image.Image) -> Array:
    """Return the shades of a picture of more than 8 bits a pixel, which Pillow would clip."""
    numbers = np.asarray(picture, dtype=float)
    tags = getattr(picture, "tag_v2", {})  # of a TIFF
    low, high = float(np.min(numbers)), float(np.max(numbers))
    white = 255.0
    if picture.mode.startswith("I;16"):
        white = 2.0 ** tags.get(258, (16,))[0] - 1  # bits of a sample: 12 in some
    elif picture.format == "PPM" and picture.mode == "I":
        white = 65535.0  # Pillow scales all to it
    elif picture.mode == "F" and high <= 1:
        white = 1.0
    elif 255 < high <= 65535:
        white = 65535.0
    if not (low >= 0 and high <= white) or (picture.mode == "F" and 1 < high < 4):
        raise ValueError(
            f"expected shades from 0 to 255, received {low:g} to {high:g}; numbers from 0 to "
            "65535, and floating ones from 0 to 1, are scaled"
        )
    shades = numbers * (255 / white)
    if tags.get(262) == 0:  # "white is zero", which Pillow heeds for 8 bits only
        shades = 255 - shades
    hidden_number = picture.info.get("transparency")
    if isinstance(hidden_number, int):
        hidden = numbers == hidden_number
        shades[hidden] = 255 if np.min(shades, initial=255, where=~hidden) <= HIDDEN else 0
    return shades


def _opaque(picture: Image.Image) -> Image.Image:
    """Draw a transparent picture on white; on black where white would hide it."""
    from PIL import Image

    if picture.mode == "La":
        picture = picture.convert("LA")
    if picture.mode not in ("LA", "PA", "RGBA", "RGBa") and "transparency" not in picture.info:
        return picture
    picture = picture.convert("RGBA")
    on_white, on_black = (
        Image.alpha_composite(Image.new("RGBA", picture.size, colour), picture)
        for colour in ("white", "black")
    )
    darkest = np.asarray(on_white.convert("L")).min()
    lightest = np.asarray(on_black.convert("L")).max()
    return on_black if darkest > HIDDEN and lightest > 255 - HIDDEN else on_white
