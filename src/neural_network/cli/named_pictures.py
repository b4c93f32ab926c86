"""The pictures that ``neural-network predict`` is given by name, and the file of a table."""

from __future__ import annotations

import shlex
from pathlib import Path

from neural_network.cli.data import near_name
from neural_network.cli.models import MODEL, is_run, trained_model
from neural_network.cli.preparation import PICTURES
from neural_network.cli.settings import MODEL_FILES
from neural_network.datasets.folders import Wrong, files_below
from neural_network.errors import ArgumentError, FileFormatError, sentence
from neural_network.models import MODELS


def file_of_table(pictures: list[Path]) -> Path | None:
    """Take the file that ends in .csv out of several pictures, if there is one such file."""
    files = [path for path in pictures if path.suffix.lower() == ".csv"]
    if len(files) != 1 or len(pictures) == 1:
        return None
    pictures.remove(files[0])
    return files[0]


def picture_files(pictures: list[Path], unread: Wrong) -> list[Path]:
    """Return the pictures that are named, and those in the folders that are, and below.

    A folder without any goes to ``unread``.

    Raises:
        ArgumentError: a model's file, or the folder of a training, is among them.
    """
    found: list[Path] = []
    for path in pictures:
        if not path.exists():
            _check_missing(path, only=len(pictures) == 1)
        if not path.is_dir():
            is_file = path.suffix.lower() in MODEL_FILES and path.is_file()
            if is_file or (str(path) in MODELS and not path.exists()):
                expected = f"a picture (a model is named by --model {path})"
                raise ArgumentError(sentence("predict", "PICTURE", expected, f"the model {path}"))
            found.append(path)
            continue
        if is_run(path):
            named = trained_model(path) or path / MODEL
            expected = f"pictures (a trained model is named by --model {named})"
            received = f"the folder of a training {path}"
            raise ArgumentError(sentence("predict", "PICTURE", expected, received))
        inside = list(files_below(path))
        if not inside:
            text = f"{path}: expected pictures, received an empty folder"
            unread[path] = FileFormatError(text)
        found += inside
    return found


def _check_missing(path: Path, *, only: bool) -> None:
    """Raise ArgumentError about what is not there, unless it is one of several pictures.

    Args:
        path: as typed, which does not exist.
        only: whether no other picture was named.
    """
    if str(path) in MODELS or path.is_symlink():  # which other sentences are about
        return
    received = f"{path}, which does not exist"
    if str(path).startswith(("http:", "https:")):
        received = f"{path}; download it first"
    elif path.suffix.lower() not in PICTURES and not only:
        received += " (--all, --csv and --json take no value; a name with spaces needs quotes)"
    elif "*" in path.name:
        received += f"; neural-network predict {shlex.quote(str(path.parent))} reads all in there"
    elif only:
        received += near_name(str(path))
    else:
        return
    raise ArgumentError(sentence("predict", "PICTURE", "a picture, or a folder", received))
