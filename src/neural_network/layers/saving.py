"""``save`` and ``load``: arrays in a safetensors file, the architecture in its metadata."""

from __future__ import annotations

import json
import os
from collections import ChainMap
from collections.abc import Mapping
from typing import Any

import numpy as np

from neural_network.array_files import json_in, read_format, write_arrays
from neural_network.checks import Array, as_flag
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import (
    ArgumentError,
    DTypeError,
    FileFormatError,
    ShapeError,
    brief,
    give_hint,
    no_model,
    sentence,
)
from neural_network.functional.finite import is_finite_by_numpy
from neural_network.layers.activation import ACTIVATIONS
from neural_network.layers.changes import check_unchanged, share, shared
from neural_network.layers.containers import LayerSequence
from neural_network.layers.descriptions import Reader, Writer
from neural_network.layers.initializers import INITIALIZERS
from neural_network.layers.layer import Layer
from neural_network.layers.parameter import Buffer, Parameter, at_most
from neural_network.layers.pixels import expect_digits, expects_digits
from neural_network.layers.unfound import unsaved
from neural_network.lazy import FunctionTable, NameTable
from neural_network.public import public

FORMAT = "neural-network-numpy model"
FORMAT_VERSION = "2"  # with a checksum, and perhaps an entry "ties"
# No axis of an input is longer; it bounds what a hostile file can make us allocate.
WIDEST = 1 << 24
# Nobody pads or strides by more; it bounds what one call of a hostile file's model allocates.
WIDEST_STEP = 4096
# The library's own layers by name.
LAYERS: NameTable[type[Layer]] = NameTable("layer")
# Functions that may be arguments of layers.
FUNCTIONS: Mapping[str, Any] = ChainMap(ACTIVATIONS, INITIALIZERS, FunctionTable())  # type: ignore[arg-type]  # only read


@public
@explains_calls
def save(
    model: Layer,
    path: str | os.PathLike[str],
    *,
    notes: Mapping[str, Any] | None = None,
    allow_nonfinite: bool = False,
) -> None:
    """Write a model to one safetensors file: parameters, buffers, architecture, checksum.

    The file is written beside and renamed: a crash, or a full disk, leaves the old one.
    A layer is stored as its class' name and the arguments of its constructor; a function among
    these is one of ``neural_network.functional``, or ``functools.partial`` of one. Where a part of
    a layer of your own was exchanged later, its arguments would make another model: such a
    model is refused.

    Args:
        model: a layer or model that is built.
        path: the file, such as "digits.safetensors".
        notes: further information for users of the file, such as the classes' names:
            name → number, text, True, False, None, or lists and dicts of these.
        allow_nonfinite: whether parameters may be NaN or infinite, and buffers NaN. (Infinity in
            a buffer, such as a mask, is always fine.)

    Returns:
        None.

    Raises:
        DTypeError: no layer; an argument of a layer, or a note, that JSON cannot hold; no path.
        ArgumentError: the model has no parameters yet; or the arguments of its layers do not
            make it again, because a part was changed after it was made; or a parameter is not
            finite. An old file is left as it is.
        FileWriteError: the file cannot be written.

    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/model.safetensors"
    >>> model = Sequential(Dense(2)).initialize((3,), rng=0)
    >>> save(model, path)
    >>> np.array_equal(load(path).predict(np.eye(3)), model.predict(np.eye(3)))
    True
    """
    arrays, metadata = model_content("save", model)
    check_unchanged("save", model)
    if not as_flag("save", "allow_nonfinite", allow_nonfinite) and (wrong := not_finite(model)):
        hint = "; allow_nonfinite=True writes them"
        raise ArgumentError(sentence("save", "model", "finite numbers", wrong + hint))
    if notes is not None:
        metadata["notes"] = as_json(notes)
    if expects_digits(model):
        metadata["paper"] = "dark"
    metadata |= {"format": FORMAT, "format_version": FORMAT_VERSION}
    write_arrays(path, arrays, metadata, function="save")
    hint_unsaved("save", model, arrays, metadata)


@public
@explains_calls
def load(
    path: str | os.PathLike[str],
    *,
    layers: Mapping[str, type[Layer]] | None = None,
    allow_nonfinite: bool = False,
    require_checksum: bool = False,
) -> Layer:
    """Read a model that ``save`` has written.

    Args:
        path: the file.
        layers: name → class of layers that are not the library's own. Their ``__init__``
            and ``build`` are called with what the file says.
        allow_nonfinite: whether parameters may be NaN or infinite, and buffers NaN.
        require_checksum: whether a file without a checksum is refused, such as one of another
            program or of format version 1. A checksum that is there is always compared.

    Returns:
        The model, built, in evaluation mode; its parameters in float32 where the
        file holds half precision (float16, bfloat16), else in the file's type.

    Raises:
        FileFormatError: damaged, no model, of a newer version, with a layer that is not
            known, or with numbers that are not finite; nothing in a file is ever executed.
        DTypeError: ``layers`` is no table of classes; no path.
        ArgumentError: a path that no file can have.
        FileNotFoundError: there is no such file.

    >>> load("no.file")
    Traceback (most recent call last):
      ...
    neural_network.errors.NeuralNetworkError: load: path: expected a safetensors file, received
    'no.file': No such file or directory
    """
    own = {} if layers is None else layers
    _check_own(own)
    anything, required = allow_nonfinite, require_checksum
    if type(anything) is not bool or type(required) is not bool:
        anything = as_flag("load", "allow_nonfinite", anything)
        required = as_flag("load", "require_checksum", required)
    arrays, metadata = read_format(
        path, FORMAT, "1", FORMAT_VERSION, function="load", require_checksum=required
    )
    path = os.fspath(path)
    model = rebuild(path, json_in(path, metadata, "architecture"), own)
    _build_all(path, model, arrays, metadata)
    frozen = frozen_names(path, metadata, model)
    put_arrays(path, model, arrays)
    if not anything and (wrong := not_finite(model)):
        hint = "load(…, allow_nonfinite=True) reads them"
        raise FileFormatError(f"{path}: expected finite numbers, received {wrong}; {hint}")
    parameters = dict(model.named_parameters())
    for name in frozen:
        parameters[name].requires_grad = False
    if own:
        hint_unsaved("load", model, arrays, metadata)
    if metadata.get("paper") == "dark":
        expect_digits(model)
    return model.eval()


@public
@explains_calls
def load_notes(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the notes that were given to ``save``; ``load`` passes them over.

    Args:
        path: the file.

    Returns:
        A dict, name → what was noted; empty where there are no notes. The writer of the
        file chose the types of what it holds: look before use.

    Raises:
        FileFormatError: damaged, no model, or of a newer version.
        FileNotFoundError: there is no such file.

    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/model.safetensors"
    >>> model = Sequential(Dense(2)).initialize((3,), rng=0)
    >>> save(model, path, notes={"classes": ["cat", "dog"]})
    >>> load_notes(path)
    {'classes': ['cat', 'dog']}
    """
    metadata = read_format(path, FORMAT, "1", FORMAT_VERSION, function="load_notes")[1]
    notes = json_in(os.fspath(path), metadata, "notes") if "notes" in metadata else {}
    if not isinstance(notes, dict):
        raise FileFormatError(f"{path}: damaged metadata: notes")
    return notes


def describe(model: Layer) -> dict[str, Any]:
    """Return the call that makes a model, as JSON can hold it.

    Raises:
        DTypeError: an argument that is no number, text, list, layer or known function; a
            class of your own with the name of one of the library's, or of another one.
    """
    return Writer(Layer, LAYERS, FUNCTIONS).object(model)


def rebuild(path: str, description: object, own: Mapping[str, type[Layer]]) -> Layer:
    """Make the layers that a description names, with no parameters yet.

    Args:
        path: of the file, for errors.
        description: its content.
        own: name → class of layers that are not the library's.

    Raises:
        FileFormatError: no description, a layer that is not known, or arguments that
            its class refuses.
    """

    def check(name: str, layer: Layer) -> None:
        for attribute in ("padding", "output_padding", "stride"):
            found = vars(layer).get(attribute, 0)
            widest = _widest(found) if isinstance(found, tuple) else found
            if name not in own and isinstance(widest, int) and widest > WIDEST_STEP:
                raise FileFormatError(
                    f"{path}: {name} has a {attribute} of {found}, expected at most {WIDEST_STEP}"
                )

    model = Reader(path, LAYERS, own, FUNCTIONS, check).value(description)
    if not isinstance(model, Layer):
        raise FileFormatError(f"{path}: expected a layer and its arguments in the metadata")
    return model


def _widest(sizes: Any) -> int:
    """Return the largest number in sizes; a padding's names depend on the filter."""
    if isinstance(sizes, tuple):
        return max(map(_widest, sizes), default=0)
    return sizes if isinstance(sizes, int) else 0


def describes(path: str, description: object, model: Layer) -> bool:
    """Return whether a file's description is of this model, by whichever version it was written."""
    writer = Writer(Layer, LAYERS, FUNCTIONS)
    described = json.loads(json.dumps(writer.object(model)))
    if description == described:
        return True
    try:
        made = rebuild(path, description, writer.own)
    except FileFormatError:
        return False
    return bool(json.loads(json.dumps(describe(made))) == described)


def as_json(notes: object, function: str = "save") -> str:
    """Return notes as text from which the same notes can be read."""
    expected = "a dict, name → numbers, text, lists and dicts as JSON holds them"
    try:
        if isinstance(notes, Mapping):
            text = json.dumps(dict(notes), allow_nan=False)
            if json.loads(text) == notes:
                return text
    except (TypeError, ValueError, RecursionError):
        pass
    raise DTypeError(sentence(function, "notes", expected, brief(notes)))


def not_finite(model: Layer) -> str:
    """Return which numbers of a built model are not finite, or "" if all are.

    Buffers may hold infinities, as a mask does.
    """
    if is_finite_by_numpy(model.flat_parameters()):
        names = []
    else:
        names = [name for name, one in model.named_parameters() if not is_finite_by_numpy(one.data)]
    names += [name for name, buffer in model.named_buffers() if _has_nan(buffer.data)]
    if not names:
        return ""
    more = f" and {len(names) - 1} others" if len(names) > 1 else ""
    return f"NaN or infinity in {names[0]:.100}{more}"


def _has_nan(array: Array) -> bool:
    return bool(np.logical_or.reduce(np.isnan(array), axis=None))


def model_content(function: str, model: Layer) -> tuple[dict[str, Array], dict[str, str]]:
    """Return a model's arrays by name, and its architecture as metadata."""
    if not isinstance(model, Layer):
        raise no_model(function, model)
    model._check_built(function)
    tensors = [*model.named_parameters(), *model.named_buffers()]
    frozen = [name for name, parameter in model.named_parameters() if not parameter.requires_grad]
    built = {name: list(_built_for(layer)) for name, layer in model.named_layers()}
    metadata = {
        "architecture": json.dumps(describe(model)),
        "built": json.dumps(built),
        "frozen": json.dumps(frozen),
    }
    if table := shared(model):
        metadata["ties"] = json.dumps(table)
    return {name: tensor.data for name, tensor in tensors}, metadata


def _built_for(layer: Layer) -> tuple[Any, ...]:
    """Return the shape and type of the input that a layer was built for.

    A container whose first layer was replaced may take another input than it was built for.
    """
    built = layer._built_for or ()
    if isinstance(layer, LayerSequence) and built:
        first = vars(layer)[layer._sequence][0]
        try:
            first._check_input(built[0])
        except ShapeError:
            return _built_for(first)
    return built


def frozen_names(path: str, metadata: Mapping[str, str], model: Layer) -> list[str]:
    """Return the names of the frozen parameters, from the metadata of a file.

    Raises:
        FileFormatError: a name that no parameter of the model has.
    """
    frozen = json_in(path, metadata, "frozen")
    names = {name for name, _ in model.named_parameters()}  # a set: a file may list a million
    if not isinstance(frozen, list) or not all(
        isinstance(name, str) and name in names for name in frozen
    ):
        raise FileFormatError(f"{path}: damaged metadata: frozen names no parameters")
    return frozen


def _build_all(
    path: str, model: Layer, arrays: Mapping[str, Array], metadata: Mapping[str, str]
) -> None:
    """Build and tie the layers that a file describes; their numbers are not yet the file's."""
    built = json_in(path, metadata, "built")
    if not isinstance(built, dict):
        raise FileFormatError(f"{path}: damaged metadata: built or frozen")
    try:
        with at_most(max([array.size for array in arrays.values()], default=0)):
            _build(path, model, built, checked=metadata.get("format_version", "1") != "1")
    except FileFormatError:
        raise
    except Exception as error:  # any error of a layer that is built for sizes from a file
        raise FileFormatError(f"{path}: its layers do not fit each other ({error})") from error
    table = json_in(path, metadata, "ties") if "ties" in metadata else {}
    names = isinstance(table, dict) and all(isinstance(first, str) for first in table.values())
    if not names or table.keys() & arrays.keys() or share(model, arrays, table):
        raise FileFormatError(f"{path}: damaged metadata: ties")


def hint_unsaved(
    function: str, model: Layer, arrays: Mapping[str, Array], metadata: Mapping[str, str]
) -> None:
    """Warn of numbers of one's own layers that a file lacks, and that each load makes others."""

    def made_again() -> Layer:
        own = {type(layer).__name__: type(layer) for layer in model.all_layers()}
        again = rebuild(function, json.loads(metadata["architecture"]), own)
        _build_all(function, again, arrays, metadata)
        return again

    if (name := unsaved(model, made_again)) is not None:
        give_hint(
            f"{function}: {name} is neither a Parameter nor a Buffer: the file does not have it, "
            "and the model that load makes has other numbers there, and other predictions; "
            f"self.{name.partition('.')[2]} = nn.Parameter(…) is trained and saved, nn.Buffer(…) "
            "is saved"
        )


def check_array_names(
    what: str, model: Layer, arrays: Mapping[str, Array]
) -> dict[str, Parameter | Buffer]:
    """Return a built model's parameters and buffers by name, if a file's arrays have these names.

    Raises:
        FileFormatError: a name is missing or unknown; the sentence begins with ``what``.
    """
    tensors: dict[str, Parameter | Buffer] = dict(
        [*model.named_parameters(), *model.named_buffers()]
    )
    if tensors.keys() != arrays.keys():
        odd = sorted(tensors.keys() ^ arrays.keys())[0]
        whose = "is missing in the file" if odd in tensors else "is not in the model"
        raise FileFormatError(f"{what} of another model: {odd} {whose}")
    return tensors


def put_arrays(path: str | os.PathLike[str], model: Layer, arrays: Mapping[str, Array]) -> None:
    """Copy a file's arrays into a built model; all of them have to fit.

    Raises:
        FileFormatError: a name is missing or unknown, or a shape differs; then the
            model is as it was.
    """
    tensors = check_array_names(f"{path}:", model, arrays)
    for name, tensor in tensors.items():
        array = arrays[name]
        if array.shape != tensor.shape or array.dtype.kind != "f":
            expected = f"shape {tensor.shape}, floating"
            received = f"shape {array.shape}, {array.dtype}"
            raise FileFormatError(
                f"{path}: of another model: {name}: expected {expected}, received {received}"
            )
    widest = max([array.dtype for array in arrays.values()], default=np.dtype(np.float32))
    if widest == np.float64:
        model.astype(np.float64)
    for name, tensor in tensors.items():
        tensor.data[...] = arrays[name]
    model.flat_parameters()


def _build(path: str, model: Layer, built: Mapping[str, Any], *, checked: bool) -> None:
    """Make the parameters of each layer for the input that the file says it had.

    In files of version 1, a container may have been built for another input than it takes.
    """
    unused = np.random.default_rng(0)  # what is drawn is overwritten
    names = set[str]()
    # Anew, because a layer may make others when it is built.
    while waiting := [pair for pair in model.named_layers() if pair[0] not in names]:
        for name, layer in waiting:
            match built.get(name):
                case [list(shape), str(kind)] if _are_sizes(shape):
                    pass
                case _:
                    raise FileFormatError(f"{path}: damaged metadata: layer {name!r} has no sizes")
            if kind not in np.sctypeDict or np.dtype(kind).kind not in "fiub":
                raise FileFormatError(f"{path}: damaged metadata: layer {name!r} takes {kind!r}")
            layer._build(tuple(shape), kind, unused)
            names.add(name)
    if checked:
        for layer in model.all_layers():
            layer._check_input(layer._built_for[0])  # type: ignore[index]  # it was built just now
    if built.keys() - names:
        odd = min(built.keys() - names)
        raise FileFormatError(f"{path}: damaged metadata: no layer {odd!r} in the architecture")


def _are_sizes(shape: list[Any]) -> bool:
    return not [size for size in shape if type(size) is not int or not 0 <= size < WIDEST]


def _check_own(own_layers: object) -> None:
    """Raise DTypeError unless this is a table of layer classes by name."""
    if not isinstance(own_layers, Mapping):
        expected = "a dict name → class of a layer"
        raise DTypeError(sentence("load", "layers", expected, brief(own_layers)))
    for name, cls in own_layers.items():
        if not (isinstance(cls, type) and issubclass(cls, Layer)):
            received = f"{name!r}: {cls!r}"
            raise DTypeError(sentence("load", "layers", "name → class of a layer", received))
