"""Reading pictures from a folder for each class."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple
from unicodedata import normalize

import numpy as np

from neural_network.checks import Array, as_choice, as_flag
from neural_network.datasets.digits import prepared_and_counted
from neural_network.datasets.pictures import check_picture, is_colourful, read_picture
from neural_network.datasets.resizing import as_image, as_size
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import (
    MOST_LETTERS,
    ArgumentError,
    DatasetNotFoundError,
    FileFormatError,
    give_hint,
    sentence,
    shortened,
    warn_of_call,
)
from neural_network.files import as_path
from neural_network.public import public
from neural_network.terminal import is_terminal

# What operating systems and their programs put into folders, in lower case; besides hidden files.
NOT_PICTURES = {
    "thumbs.db", "thumbs.db:encryptable", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini",
    "picasa.ini", "icon\r", "__macosx", "network trash folder", "temporary items", "@eadir",
    "#recycle", "$recycle.bin", "system volume information", "lost+found",
}  # fmt: skip

# Folders, in lower case, that are parts of the data rather than classes.
PARTS = ("train", "training", "test", "testing", "val", "valid", "validation")
WAYS = ("resize", "digit")
# A file, or a folder in place of one → what is wrong with it.
Wrong = dict[Path, ArgumentError | FileFormatError | OSError]
# Pictures whose colours are looked at.
LOOKED_AT = 8
# The side that is proposed for pictures of several sizes, if they are not smaller.
SIDE = 64


class SizesDifferError(FileFormatError):
    """A folder's pictures are of several sizes, and no ``size`` was given.

    Attributes:
        side: a length of squares to which all could be brought.
        what: the message without the advice, which differs between Python and the command.
    """

    def __init__(self, what: str, side: int) -> None:
        super().__init__(
            f"{what}; size= brings all to one size, such as size={side} for squares or "
            'size=(height, width), and prepare="digit" is for photographs of handwritten digits'
        )
        self.what, self.side = what, side


@public
@explains_calls
def load_image_folder(
    path: str | os.PathLike[str],
    *,
    size: int | tuple[int, int] | None = None,
    grey: bool | None = None,
    prepare: Literal["resize", "digit"] = "resize",
) -> tuple[Array, Array, list[str]]:
    """Read pictures from a folder for each class.

    ``digits/seven/a.png`` is a picture of the class ``seven``. Classes are numbered
    in the order of their names as text (``"10"`` before ``"2"``), and so are pictures
    within a class. Names that are the same text in two Unicode normal forms are the same name;
    capital letters make another one. Links are followed. Hidden files and folders, whose names
    begin with a dot, are ignored, and so is what operating systems add, such as ``Thumbs.db``,
    ``desktop.ini`` and ``__MACOSX``.

    Args:
        path: the folder of the classes' folders.
        size: all pictures are resized to it: one length for squares, or height and width.
            Proportions may change; a shrunk picture is smoothed to avoid aliasing. None where
            all pictures have one size.
        grey: True for shades of grey (see ``load_picture``), False for red, green
            and blue. None for shades of grey, with a hint if the pictures are in colour;
            ``neural-network train`` keeps their colours.
        prepare: "resize", to ``size``, or "digit" for photographs of handwritten digits, of which
            each is prepared by ``prepare_digit``; then without ``size``, and in grey.

    Returns:
        ``(images, labels, class_names)``: (n, H, W), or (n, 3, H, W) if not ``grey``,
        uint8 from 0 for black to 255, or for "digit" (n, 28, 28) float32, from 0 for paper to 1 for
        ink; (n,) int64, the places in ``class_names``; and the sorted list of the classes' names,
        in the Unicode normal form C.

    Raises:
        FileNotFoundError: there is no such folder.
        FileFormatError: no class, a class without pictures or with folders in it, two folders
            of one class, files that are no pictures (all are named) or lie outside the classes, or
            sizes that differ without ``size``.
        DTypeError, ArgumentError, ShapeError: ``path`` is no path, ``size`` no length or pair of
            them, ``prepare`` not one of its words, or "digit" beside ``size`` or ``grey=False``; a
            photograph without a digit.
        MissingDependencyError: Pillow is not installed.

    Warns:
        UserWarning: files contain several pictures (animations, pages); the first is read.
        TrainingHint: pictures in colour have become shades of grey, and ``grey`` was not given.

    >>> import tempfile
    >>> from PIL import Image
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name, shade in [("white", 255), ("black", 0)]:
    ...     (folder / name).mkdir()
    ...     Image.new("L", (4, 2), shade).save(folder / name / "a.png")
    >>> images, labels, class_names = load_image_folder(folder)
    >>> images.shape, labels, class_names
    ((2, 2, 4), array([0, 1]), ['black', 'white'])
    """
    target = None if size is None else as_size("load_image_folder", size)
    shades = grey is None or as_flag("load_image_folder", "grey", grey)
    mode: Literal["L", "RGB"] = "L" if shades else "RGB"
    as_choice("load_image_folder", "prepare", prepare, WAYS)
    if prepare == "digit" and (target is not None or mode == "RGB"):
        expected = '"resize" where size or grey=False is given (digits are grey, 28×28)'
        raise ArgumentError(sentence("load_image_folder", "prepare", expected, repr(prepare)))

    def prepared(path: Path, levels: Array) -> Array:
        return as_image(levels, target) if prepare == "resize" else as_digit(path, levels)[0]

    found = read_folder(as_path("load_image_folder", "path", path), mode, prepared)
    if found.framed:
        which = f"{found.framed[0]}"
        which += f" and {len(found.framed) - 1} other files" if found.framed[1:] else ""
        text = f"{which}: several pictures in a file; the first is read"
        warn_of_call(text, UserWarning)
    if grey is None and prepare == "resize":
        _hint_of_colours(found)
    return found.images, found.labels, found.classes


def _hint_of_colours(found: Folder) -> None:
    """Give a hint if most of some pictures, the first of the first classes, are in colour."""
    firsts = np.unique(found.labels, return_index=True)[1][:LOOKED_AT]
    colourful = sum(is_colourful(found.files[place]) for place in firsts)
    if 2 * colourful > len(firsts):
        give_hint(
            "load_image_folder: the pictures are in colour and were read as shades of grey; "
            "grey=False keeps the colours, (n, 3, H, W), and grey=True says that shades are meant"
        )


class Folder(NamedTuple):
    """What ``read_folder`` has found.

    Attributes:
        images: (n, …) what ``prepare`` has made of the pictures.
        labels: (n,) int64, the places in ``classes``.
        classes: their names.
        files: the n files.
        framed: those with several pictures, of which the first was read.
    """

    images: Array
    labels: Array
    classes: list[str]
    files: list[Path]
    framed: list[Path]


def read_folder(
    path: str | os.PathLike[str],
    mode: Literal["L", "RGB"],
    prepare: Callable[[Path, Array], Array],
    progress: Callable[[list[Path]], Iterable[Path]] | None = None,
    unread: Wrong | None = None,
) -> Folder:
    """Read pictures from a folder for each class, as ``load_image_folder``.

    Args:
        path: the folder of the classes' folders.
        mode: shades of grey, or red, green and blue.
        prepare: called with the file and its picture as ``load_picture`` returns it; returns the
            image to keep, or raises ArgumentError.
        progress: shows how far the reading is; None for a bar of tqdm's on a terminal.
        unread: receives the files that cannot be read, which are left out then, unless all are;
            None where they are errors.

    Raises:
        FileFormatError: as ``load_image_folder``; all that is wrong is named, as far as a message
            has room.
    """
    wrong: Wrong = {}
    classes = _classes(Path(path), wrong)
    files = [(file, label) for label, one in enumerate(classes) for file in _pictures(one, wrong)]
    if wrong:
        unread = None  # what is no folder of pictures is never passed over
    for file, _ in files:  # what is no picture is found before the slow preparation of the others
        try:
            check_picture(file)
        except (FileFormatError, OSError) as error:
            wrong[file] = error
    images: list[Array] = []
    read: list[tuple[Path, int]] = []
    framed: list[Path] = []
    differ: SizesDifferError | None = None
    files = [(file, label) for file, label in files if file not in wrong]
    show = progress or with_reading_bar
    for place, file in enumerate(show([file for file, _ in files])):
        try:
            levels, several = read_picture(file, mode)
            if wrong and unread is None:
                continue  # the others are only looked at, to name all that cannot be read
            image = prepare(file, levels)
        except (ArgumentError, FileFormatError, OSError) as error:
            wrong[file] = error
            continue
        framed += [file] * several
        if images and image.shape != images[0].shape:
            differ = differ or _sizes_differ(file, image.shape[-2:], images[0].shape[-2:])
            continue
        images.append(image)
        read.append(files[place])
    wrong = dict(sorted(wrong.items()))
    if unread is None or not images:
        check_all_read(wrong, also="" if differ is None else f"; {differ.what}")
    else:
        unread |= wrong
    if differ is not None:
        raise differ
    labels = np.array([label for _, label in read], np.int64)
    names = [_text(one) for one in classes]
    return Folder(np.stack(images), labels, names, [file for file, _ in read], framed)


def _sizes_differ(file: Path, size: Sequence[int], first: Sequence[int]) -> SizesDifferError:
    return SizesDifferError(
        f"{file}: expected {first[0]}×{first[1]} pixels (height × width) like the "
        f"pictures before it, received {size[0]}×{size[1]}",
        min(max(first), SIDE),
    )


def as_digit(path: Path, levels: Array) -> tuple[Array, int]:
    """Return what ``prepare_digit`` and ``count_digits`` make of a file's picture.

    Raises:
        ArgumentError: there is no digit on it; the file is named.
    """
    try:
        return prepared_and_counted("prepare_digit", levels)
    except ArgumentError as error:
        raise ArgumentError(f"{path}: {error}") from error


def check_all_read(wrong: Wrong, also: str = "") -> None:
    """Raise the first error of files that cannot be read, with the names of the others.

    Args:
        wrong: file → its error.
        also: what else is wrong.

    Raises:
        ArgumentError, FileFormatError, OSError: there is one.
    """
    if not wrong:
        return
    first, *others = wrong
    error = wrong[first]
    if not (others or also):
        raise error
    text = shortened(what_is_wrong(first, error), 2 * MOST_LETTERS // 3)
    room = MOST_LETTERS - 2 - len(also)
    if others:
        folder = Path(os.path.commonpath([file.absolute().parent for file in wrong]))
        text += f"; {len(others)} more in {folder.name or folder} cannot be read: "
    for place, other in enumerate(others):
        name = f"{', ' if place else ''}{other.absolute().relative_to(folder)}"
        if len(text) + len(name) > room:
            text += " …"
            break
        text += name
    kind = type(error) if isinstance(error, ArgumentError | FileFormatError) else FileFormatError
    raise kind(text + also) from error


def what_is_wrong(file: Path, error: Exception) -> str:
    """Return the sentence about a file that cannot be read, which begins with its name."""
    return f"{file}: {error.strerror}" if isinstance(error, OSError) else str(error)


def _text(entry: Path) -> str:
    """Return a name in one form, whichever a file system prefers: "é" as one character or two."""
    return normalize("NFC", entry.name)


def _visible(folder: Path) -> list[Path]:
    """Return the entries of a folder that people have put there, sorted by name."""
    entries = [
        entry
        for entry in folder.iterdir()
        if not entry.name.startswith(".") and entry.name.lower() not in NOT_PICTURES
    ]
    for entry in entries:
        if not entry.exists():
            raise FileFormatError(f"{entry}: expected a file or folder, received a broken link")
    return sorted(entries, key=lambda entry: (_text(entry), entry.name))


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder and in folders there that people have put there, in order."""
    for entry in _visible(folder):
        if entry.is_dir():
            yield from files_below(entry)
        else:
            yield entry


def _classes(folder: Path, wrong: Wrong) -> list[Path]:
    """Return the folders of the classes; what lies beside them is ``wrong``."""
    try:
        exists = folder.exists()
    except OSError as error:  # its name is too long, for example
        raise FileFormatError(f"cannot read {folder}: {error.strerror or error}") from error
    if not exists:
        text = f"{folder}: no such folder; expected one with a folder per class"
        raise DatasetNotFoundError(text)
    if not folder.is_dir():
        raise FileFormatError(f"{folder}: expected a folder with a folder per class, not a file")
    entries = _visible(folder)
    if not entries:
        raise FileFormatError(
            f"{folder}: expected a folder per class, received an empty folder; "
            f"put the pictures of a class into {folder / 'NAME-OF-THE-CLASS'}"
        )
    if entries[1:] and not any(entry.is_dir() for entry in entries):
        raise FileFormatError(
            f"{entries[0]}: expected only folders here, one per class, received files; "
            f"if {folder.name or folder} is one of the classes, pass {folder.parent}"
        )
    for entry in entries:
        if not entry.is_dir():
            wrong[entry] = FileFormatError(
                f"{entry}: expected only folders here, one per class, received a file; "
                f"move it into the folder of its class, or away"
            )
    entries = [entry for entry in entries if entry not in wrong]
    for first, second in pairwise(entries):
        if _text(first) == _text(second):
            raise FileFormatError(
                f"{folder}: expected a folder per class, received two of the class "
                f"{_text(first)!r}, in two Unicode normal forms ({first.name!a}, "
                f"{second.name!a}); put the pictures into one"
            )
    return entries


def class_names(path: str | os.PathLike[str]) -> list[str]:
    """Return the names of a folder's classes, as ``load_image_folder`` does."""
    return [_text(one) for one in _classes(Path(path), {})]


def _pictures(folder: Path, wrong: Wrong) -> list[Path]:
    """Return the files of a class; a folder without some is ``wrong``."""
    files = _visible(folder)
    if not files:
        wrong[folder] = FileFormatError(
            f"{folder}: expected pictures of the class {_text(folder)!r}, received an empty "
            f"folder; put some there, or remove it"
        )
    for file in files:
        if file.is_dir():
            raise FileFormatError(
                f"{file}: expected a picture file, received a folder; the pictures of a class lie "
                f"in its folder, not in folders below it; if those are the classes, "
                f"pass {_to_pass(folder)}"
            )
    return files


def _to_pass(folder: Path) -> str:
    """Return which folder to read: of several parts of the data, that to learn from."""
    parts = [one for one in _visible(folder.parent) if one.name.lower() in PARTS]
    learned = next((one for one in parts if one.name.lower().startswith("train")), None)
    others = [str(one) for one in parts if one != learned]
    if learned is None or folder not in parts or not others:
        return str(folder)
    return f"{learned} to learn from, and {' or '.join(others)} to evaluate"


def with_reading_bar(files: list[Path]) -> Iterable[Path]:
    """Show progress on a terminal, if the reading takes more than a second."""
    if not is_terminal(sys.stderr):
        return files
    try:
        from tqdm import tqdm
    except ImportError:  # no progress bar without it
        return files
    shown: Iterable[Path] = tqdm(files, desc="reading pictures", delay=1)
    return shown
