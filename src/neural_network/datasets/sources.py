"""Finding the files of a published dataset, and downloading them once."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from neural_network.checks import Array
from neural_network.datasets.idx import PIECE, check_unzipped, unzipped
from neural_network.errors import (
    MOST_LETTERS,
    DatasetNotFoundError,
    FileFormatError,
    FileWriteError,
    MissingDependencyError,
    needs_extra,
    shortened,
    warn_of_call,
)
from neural_network.files import written_beside
from neural_network.terminal import is_terminal, write_line

ENVIRONMENT_VARIABLE = "NEURAL_NETWORK_DATA"
TIMEOUT_SECONDS = 30

NO_FOLDER = "no such folder"


class Place(NamedTuple):
    """Where a dataset was looked for, and why it was not found there."""

    where: str
    why: str


class Collection(NamedTuple):
    """A dataset that is published as gzipped files at several addresses.

    Attributes:
        name: for people.
        cache_name: of its folder in the cache and in the data folder.
        digests: file name without .gz → SHA-256 of the unzipped content.
        mirrors: addresses of folders.
        system_folders: where packages of operating systems install it.
        in_data_folder: whether its files may also be in the data folder itself.
    """

    name: str
    cache_name: str
    digests: Mapping[str, str]
    mirrors: Sequence[str]
    system_folders: Sequence[Path] = ()
    in_data_folder: bool = False


class Dataset(NamedTuple):
    """A dataset for the command, declared by ``named("dataset", name)``.

    Attributes:
        load: "train" or "test" → pictures (n, H, W), uint8 from 0 to 255, and labels (n,).
        classes: the names of the labels.
        prepared: how ``neural-network predict`` prepares a picture for a model of these:
            "digit" by ``prepare_digit``, "resize" by resizing it.
    """

    load: Callable[[Any], tuple[Array, Array]]
    classes: Sequence[str]
    prepared: str = "resize"


def find_or_download(
    collection: Collection, names: Sequence[str], path: str | os.PathLike[str] | None
) -> list[Path]:
    """Return the paths of the named files, from the first folder that has them all.

    Args:
        collection: the dataset.
        names: of its files, without .gz.
        path: the one folder to look in; None: every known place, then the mirrors.

    Raises:
        DatasetNotFoundError: no folder has them, and no mirror returned them.
    """
    tried: list[Place] = []
    for folder in _folders(collection, path, tried):
        place = str(folder)
        try:
            found = [_in_folder(folder, name) for name in names]
        except OSError as error:
            tried.append(Place(place, error.strerror or str(error)))
            continue
        missing = [name for name, file in zip(names, found, strict=True) if file is None]
        if not missing:
            _warn_of_variable(tried, f"{place} is read")
            return [file for file in found if file is not None]
        tried.append(Place(place, _what_is_wrong(folder, missing)))
    if path is not None:  # other data than the ones asked for are no replacement
        where, why = tried[0]
        raise DatasetNotFoundError(
            f"{collection.name} was not found: path: expected a folder with "
            f"{' and '.join(names)} (or .gz), received {where}: {why}; "
            "without path, the usual places are searched"
        )
    try:
        downloaded = [_download(collection, name, tried) for name in names]
        _warn_of_variable(tried, "files were downloaded")
        return downloaded
    except _NoAnswerError as error:
        raise DatasetNotFoundError(_explain(collection, tried)) from error
    except (MissingDependencyError, FileWriteError, RuntimeError) as error:
        tried.append(Place("a download", str(error)))
        raise DatasetNotFoundError(_explain(collection, tried)) from error


def cache_folder(collection: Collection) -> Path:
    """Return the folder of the user's cache where downloads of this dataset are kept."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "neural-network-numpy" / collection.cache_name


def _at_home(path: str | os.PathLike[str]) -> Path:
    """Return a path with the user's folder in place of ~; as it is where there is no such user."""
    return Path(os.path.expanduser(path))  # noqa: PTH111  # Path.expanduser raises an error then


def _folder_of_variable() -> Path | None:
    """Return the folder that the environment names, if it names one."""
    data = os.environ.get(ENVIRONMENT_VARIABLE)
    return _at_home(data) if data else None


def _warn_of_variable(tried: Sequence[Place], instead: str) -> None:
    """Warn that data come from elsewhere, as the environment names a folder that is none."""
    folder = _folder_of_variable()
    if folder is not None and not folder.exists() and any(why == NO_FOLDER for _, why in tried):
        received = f"{folder}, which does not exist; {instead}"
        warn_of_call(f"{ENVIRONMENT_VARIABLE}: expected a folder, received {received}", UserWarning)


def _folders(
    collection: Collection, path: str | os.PathLike[str] | None, tried: list[Place]
) -> Iterator[Path]:
    """Yield the folders in order; a later one is determined only when it is needed."""
    if path is not None:
        yield _at_home(path)
        return
    data = _folder_of_variable()
    if data is not None:
        yield data / collection.cache_name
        if collection.in_data_folder:
            yield data
    try:
        yield cache_folder(collection)
    except RuntimeError as error:  # a user without a home directory
        tried.append(Place("the user's cache", str(error)))
    yield from collection.system_folders


def _in_folder(folder: Path, name: str) -> Path | None:
    """Return the file under one of its names, or None."""
    dotted = name.replace("-idx", ".idx")  # how some archives spell it
    for spelling in (f"{name}.gz", name, f"{dotted}.gz", dotted):
        if (folder / spelling).is_file():
            return folder / spelling
    return None


def _what_is_wrong(folder: Path, missing: Sequence[str]) -> str:
    if not folder.is_dir():
        return "not a folder" if folder.exists() else NO_FOLDER
    return "has no such files" if missing[1:] else f"has no {missing[0]}"


def _download(collection: Collection, name: str, tried: list[Place]) -> Path:
    """Fetch one file into the cache from the first mirror whose content is right."""
    target = cache_folder(collection) / f"{name}.gz"
    if target.is_file():  # downloaded by another call or process meanwhile
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileWriteError(f"cannot make {target.parent}: {error.strerror}") from error
    why = ""
    for mirror in collection.mirrors:
        url = f"{mirror}{name}.gz"
        try:
            with written_beside(target) as temporary:
                _fetch(url, temporary)
                _check_content(temporary, collection.digests[name])
            return target
        except (_NoAnswerError, FileFormatError) as error:
            why = why or str(error)[:50]
    if why:
        first, *others = collection.mirrors
        others_too = f" (and {len(others)} more)" if others else ""
        tried.append(Place(f"the address {first}{others_too}", why))
    raise _NoAnswerError(name)


class _NoAnswerError(Exception):
    """A mirror did not return the file."""


def _fetch(url: str, target: Path) -> None:
    with needs_extra("downloading a dataset", extra="data"):
        import pooch
        import tqdm  # noqa: F401  (pooch draws its progress bar with it)
    write_line(sys.stderr, f"downloading {url}")
    fetch = pooch.HTTPDownloader(progressbar=is_terminal(sys.stderr), timeout=TIMEOUT_SECONDS)
    try:
        fetch(url, str(target), None)
    except OSError as error:  # every error of requests is one
        # What an address answers is short; that none is reached is said in a page of text.
        said = f", {str(error)[:60]}" if getattr(error, "response", None) is not None else ""
        raise _NoAnswerError(f"{type(error).__name__}{said}") from error


def _check_content(path: Path, digest: str) -> None:
    """Raise FileFormatError unless the unzipped content has this SHA-256."""
    actual, size = hashlib.sha256(), path.stat().st_size
    received = 0
    with open(path, "rb") as raw, unzipped("its content", raw) as file:
        while piece := file.read(PIECE):
            received += len(piece)
            check_unzipped("its content", received, size)
            actual.update(piece)
    if actual.hexdigest() != digest:
        raise FileFormatError(f"another content, of SHA-256 {actual.hexdigest()[:16]}…")


def _explain(collection: Collection, tried: Sequence[Place]) -> str:
    *first, last = (f"{name}.gz" for name in collection.digests)
    within = "" if collection.in_data_folder else f" {collection.cache_name}"
    outer = "it" if collection.in_data_folder else "the one around it"
    head = f"{collection.name} was not found. Tried:"
    end = (
        f"\nPut {', '.join(first)} and {last} into a folder{within} and set {ENVIRONMENT_VARIABLE} "
        f"to {outer} (in Python also path=)."
    )
    # What is to be done is shown in full: the names of folders give way.
    names = [where for where, _ in tried if "://" not in where]
    whole = f"{head}{_listed(tried)}{end}"
    left, room = MOST_LETTERS - len(whole) + sum(map(len, names)), 0
    for place, length in enumerate(sorted(map(len, names))):  # short ones leave theirs to others
        room = left // (len(names) - place)
        if length > room:
            break
        left -= length
    return f"{head}{_listed([Place(_fitted(where, room), why) for where, why in tried])}{end}"


def _fitted(where: str, room: int) -> str:
    return where if "://" in where else shortened(where, max(20, room))


def _listed(places: Sequence[Place]) -> str:
    return "".join(f"\n  - {where}: {why}" for where, why in places)
