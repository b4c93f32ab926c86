"""``load_weights``: the arrays of Keras' files, read by h5py."""

from __future__ import annotations

import io
import json
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np

from neural_network.checks import Array, as_flag
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import (
    ArgumentError,
    FileFormatError,
    brief,
    needs_extra,
    no_model,
    sentence,
)
from neural_network.files import open_file
from neural_network.interop.keras.layouts import Stored, Walk
from neural_network.interop.keras.settings import check_steps
from neural_network.interop.weights import (
    LoadedWeights,
    check_some_fit,
    put,
    tensors_of,
    without_partners,
)
from neural_network.layers.containers import Sequential
from neural_network.public import public

FUNCTION = "load_weights"
WHAT = "a file .weights.h5 or .keras"
CHANNELS = ("last", "first")
HDF5, ZIP = b"\x89HDF", b"PK\x03\x04"
# In a .keras file: names of the parts, and how many bytes of them are read. An optimizer stores
# at most a few arrays beside each of the model's.
WEIGHTS, CONFIG = "model.weights.h5", "config.json"
MOST_CONFIG, FREE, TIMES = 1 << 25, 1 << 24, 8
# Of groups and datasets in a file.
MOST_OBJECTS = 1 << 16


@public(top_level=False)
@explains_calls
def load_weights(
    model: Sequential,
    path: str | os.PathLike[str],
    *,
    strict: bool = True,
    channels: str = "last",
    allow_nonfinite: bool = False,
) -> LoadedWeights:
    """Copy the weights of a Keras ``Sequential`` into a ``Sequential`` with the same layers.

    Keras numbers the layers of each class, so that the first ``Conv2D`` here gets the weights of
    the first ``Conv2D`` there. Kernels are (height, width, channels, filters) in Keras and
    (filters, channels, height, width) here. Pictures are (height, width, channels) there: the
    rows of the dense layer after ``Flatten`` are put into our order.

    A file ``.weights.h5`` says nothing of the settings of layers. Keras' batch norm has
    ``epsilon=0.001``, and ours 1e-05: write ``BatchNorm(epsilon=1e-3)``. A ``.keras`` file says
    them: another epsilon, stride, padding or activation is an error.

    Args:
        model: a built model: a ``Sequential``, perhaps with others inside.
        path: the file that ``model.save_weights("x.weights.h5")`` or ``model.save("x.keras")``
            of Keras 3 has written.
        strict: whether each array needs a partner, and the settings of a ``.keras`` file have to
            be the model's. If False, the layers that fit are loaded.
        channels: "last", or "first" for a network with ``data_format="channels_first"``.
        allow_nonfinite: whether parameters may be NaN or infinite, and buffers NaN.

    Returns:
        ``LoadedWeights(loaded, missing, unexpected)``: which array came from which, the names
        in the model that got none, and those in the file that were not used.

    Raises:
        MissingDependencyError: h5py is not installed (extra ``keras``).
        FileFormatError: a damaged file, one of another program, or of Keras 2.
        FileNotFoundError: there is no such file.
        ArgumentError: arrays without a partner, a layer that computes something else in Keras,
            another ``epsilon``, or numbers that are not finite.
        DTypeError: no ``Sequential``, or no path.
        The model is as it was after any of them.

    >>> import neural_network as nn
    >>> nn.interop.keras.load_weights("model", "digits.weights.h5")
    Traceback (most recent call last):
      ...
    neural_network.errors.DTypeError: load_weights: model: expected a Sequential, received 'model'
    """
    if not isinstance(model, Sequential):
        raise no_model(FUNCTION, model, "a Sequential")
    tensors = tensors_of(FUNCTION, model)
    strict = as_flag(FUNCTION, "strict", strict)
    allow_nonfinite = as_flag(FUNCTION, "allow_nonfinite", allow_nonfinite)
    if not isinstance(channels, str) or channels not in CHANNELS:
        raise ArgumentError(sentence(FUNCTION, "channels", '"last" or "first"', brief(channels)))
    wanted = list(Walk(FUNCTION, channels_last=channels == "last").through(model))
    size = sum(tensor.data.nbytes for tensor in tensors.values())
    with open_file(FUNCTION, path, WHAT) as file:
        weights, config = _parts(path, file, size)
        if config is not None:
            _check_config(path, model, config, channels, strict=strict)
        arrays, unexpected = _read(path, weights, wanted, strict=strict)
    ours = {
        entry.name: entry.turned(arrays[entry.path]) for entry in wanted if entry.path in arrays
    }
    check_some_fit(FUNCTION, "path", list(ours), wanted, unexpected)
    put(FUNCTION, tensors, ours, allow_nonfinite=allow_nonfinite)
    return LoadedWeights(
        loaded={entry.name: entry.path for entry in wanted if entry.path in arrays},
        missing=tuple(entry.name for entry in wanted if entry.path not in arrays),
        unexpected=unexpected,
    )


def _parts(path: Any, file: BinaryIO, size: int) -> tuple[BinaryIO, Any]:
    """Return the HDF5 file, and the configuration that is beside it in a .keras file."""
    first = file.read(4)
    file.seek(0)
    if first == HDF5:
        return file, None
    if first != ZIP:
        raise FileFormatError(f"{path}: expected {WHAT}, received another file")
    try:
        with zipfile.ZipFile(file) as archive:
            weights = _part(archive, WEIGHTS, TIMES * size + FREE)
            config = json.loads(_part(archive, CONFIG, MOST_CONFIG))
    except FileFormatError as error:
        raise FileFormatError(f"{path}: {error}") from None
    except (
        KeyError,  # a part is missing
        ValueError,
        RecursionError,
        OSError,
        EOFError,
        RuntimeError,  # encrypted, or packed in a way that Python does not know
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise FileFormatError(
            f"{path}: expected {WHAT}, received a damaged one ({error})"
        ) from error
    return io.BytesIO(weights), config


def _part(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Return the bytes of a part of an archive, which may be packed very densely."""
    with archive.open(name) as part:
        read = part.read(most + 1)
    if len(read) > most:
        raise FileFormatError(f"{name}: expected at most {most:,} bytes for this model")
    return read


def _check_config(
    path: Any, model: Sequential, config: Any, channels: str, *, strict: bool
) -> None:
    """Raise ArgumentError if settings that the arrays do not show are other ones in Keras."""
    described = list(_configs(config))
    first = any(of.get("data_format") == "channels_first" for _, of in described)
    if first != (channels == "first") and any("data_format" in of for _, of in described):
        there = "first" if first else "last"
        expected = f'"{there}", as in {os.fspath(path):.150}'
        raise ArgumentError(sentence(FUNCTION, "channels", expected, f'"{channels}"'))
    if strict:
        check_steps(FUNCTION, model, iter(described))


def _configs(config: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield class and settings of each layer of a configuration, in order."""
    waiting = [config]
    while waiting:
        match waiting.pop():
            case {"class_name": str(name), "config": {"layers": list(layers)}}:
                waiting += reversed(layers)
            case {"class_name": str(name), "config": dict(of)}:
                yield name, of


def _read(
    path: Any, file: BinaryIO, wanted: list[Stored], *, strict: bool
) -> tuple[dict[str, Array], tuple[str, ...]]:
    """Return path → array of what fits, and the paths of the rest."""
    with needs_extra("reading Keras' files", "keras"):
        import h5py

    try:
        with h5py.File(file, "r") as opened:
            if "layer_names" in opened.attrs or "model_weights" in opened:
                raise FileFormatError(
                    f"{path}: expected {WHAT}, received the format of Keras 2; "
                    'model.save_weights("x.weights.h5") of Keras 3 writes it anew'
                )
            found = dict(_datasets(path, opened))
            arrays = _fitting(wanted, found)
            unexpected = tuple(sorted(found.keys() - arrays))
            if strict and (unexpected or len(arrays) < len(wanted)):
                raise _unpaired(wanted, found, arrays)
            return {name: np.asarray(found[name]) for name in arrays}, unexpected
    except (FileFormatError, ArgumentError):
        raise
    except Exception as error:  # h5py raises many kinds for a damaged file
        text = f"expected {WHAT}, received a damaged one ({error})"
        raise FileFormatError(f"{path}: {text:.400}") from error


def _datasets(path: Any, opened: Any) -> Iterator[tuple[str, Any]]:
    """Yield path and dataset of each array of the layers; links to elsewhere are refused."""
    import h5py

    waiting, seen = [("layers", opened)], 0
    while waiting:
        place, parent = waiting.pop()
        link = parent.get(place.rpartition("/")[2], getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise FileFormatError(
                f"{path}: expected {WHAT}, received one with no group {place:.80}"
            )
        thing = parent[place.rpartition("/")[2]]
        seen += 1
        if seen > MOST_OBJECTS or place.count("/") > 200:
            raise FileFormatError(f"{path}: expected at most {MOST_OBJECTS} groups and arrays")
        if isinstance(thing, h5py.Dataset):
            if thing.external or thing.is_virtual:
                raise FileFormatError(f"{path}: {place:.80} has its numbers in another file")
            yield place, thing
        else:
            waiting += [(f"{place}/{name}", thing) for name in sorted(thing, reverse=True)]


def _fitting(wanted: list[Stored], found: Mapping[str, Any]) -> set[str]:
    """Return the paths of the layers of which each array is there, with its shape."""
    layers: dict[str, list[Stored]] = {}
    for entry in wanted:
        layers.setdefault(entry.path.rpartition("/")[0], []).append(entry)
    return {
        entry.path
        for group, entries in layers.items()
        if all(e.path in found and found[e.path].shape == e.shape for e in entries)
        and f"{group}/{len(entries)}" not in found
        for entry in entries
    }


def _unpaired(wanted: list[Stored], found: Mapping[str, Any], fitting: set[str]) -> ArgumentError:
    missing = [f"{e.name} (as {e.path} {e.shape})" for e in wanted if e.path not in fitting]
    unused = [f"{path} {found[path].shape}" for path in sorted(found.keys() - fitting)]
    expected = "the arrays of the model, layer by layer"
    received = without_partners(missing, unused, "strict=False loads what fits")
    return ArgumentError(sentence(FUNCTION, "path", expected, received))
