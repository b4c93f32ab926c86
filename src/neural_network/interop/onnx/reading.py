"""``interop.onnx.load``: a file, bytes or a message of ONNX becomes a model."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import DTypeError, FileFormatError, brief, needs_extra, sentence
from neural_network.files import as_path, open_file
from neural_network.interop.onnx.graph import (
    MOST_NODES,
    Graph,
    array_of,
    check_known,
    check_nodes,
    graph_of,
    opset_of,
    refusals,
    without_numbers,
)
from neural_network.interop.onnx.model import ONNXModel
from neural_network.interop.onnx.types import is_narrow
from neural_network.interop.onnx.wire import check_parts
from neural_network.public import public

# What protobuf can hold; larger models have their numbers in files beside.
MOST_BYTES = 1 << 31
NOTES = "neural_network.notes"


@public(top_level=False)
@explains_calls
def load(source: str | os.PathLike[str] | bytes | Any) -> ONNXModel:
    """Read a model from ONNX.

    Args:
        source: the path of a file, its content as bytes, or an ``onnx.ModelProto``. Numbers in
            other files are read from the folder of the path.

    Returns:
        The model, built, in evaluation mode. It is called with the graph's inputs in order, and
        returns an array, or a tuple of several. Its parameters are the floating initializers,
        in float32 (float64, where the graph has float64 anywhere). A ``Trainer`` trains it, and
        ``save`` writes it.

    Raises:
        FileFormatError: damaged, no model; operators or options that the library does not have
            (all operators are named); a version of ONNX that it does not know; cycles; other files
            outside of the folder.
        DTypeError: another kind of source.
        FileNotFoundError: there is no such file.
        MissingDependencyError: the package onnx is not installed.

    >>> from neural_network.interop import onnx
    >>> model = onnx.load(onnx.to_model(Sequential(Dense(2)).initialize((3,), rng=0)))
    >>> model
    ONNXModel(1 Gemm)
    """
    with needs_extra("interop.onnx.load", "onnx"):
        import onnx
    what, message = _message(onnx, source)
    if not message.HasField("graph"):
        raise FileFormatError(f"{what}: not an ONNX model: it has no graph")
    with refusals(what):
        opset_of(what, message)
        check_known(what, message)
        message = _inlined(what, message)
        graph = graph_of(what, message, stripped=False)
        check_nodes(what, message)
        return _model(what, message, graph)


@public(top_level=False)
@explains_calls
def load_notes(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the notes that were given to ``save``, such as the names of classes.

    Args:
        path: of an ONNX file.

    Returns:
        A dict, name → what was noted; empty where there are no notes.

    Raises:
        FileFormatError, FileNotFoundError, MissingDependencyError: as ``load``.

    >>> from neural_network.interop import onnx
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/model.onnx"
    >>> onnx.save(Sequential(Dense(2)).initialize((3,)), path, notes={"classes": ["cat", "dog"]})
    >>> onnx.load_notes(path)
    {'classes': ['cat', 'dog']}
    """
    with needs_extra("interop.onnx.load_notes", "onnx"):
        import onnx
    what, message = _message(onnx, as_path("interop.onnx.load_notes", "path", path))
    for entry in message.metadata_props:
        if entry.key == NOTES:
            try:
                notes = json.loads(entry.value)
            except (ValueError, RecursionError) as error:
                raise FileFormatError(f"{what}: damaged notes ({error})") from error
            if isinstance(notes, dict):
                return notes
            raise FileFormatError(f"{what}: damaged notes: no table of names")
    return {}


def _message(onnx: Any, source: object) -> tuple[str, Any]:
    """Return what the source is called in errors, and the protobuf message in it."""
    if isinstance(source, onnx.ModelProto):
        return "ModelProto", source
    if isinstance(source, bytes | bytearray | memoryview):
        return "bytes", _parsed(onnx, "bytes", bytes(source))
    if not isinstance(source, str | os.PathLike):
        expected = "the path of a file, bytes, or an onnx.ModelProto"
        raise DTypeError(sentence("interop.onnx.load", "source", expected, brief(source)))
    with open_file("interop.onnx.load", source, "an ONNX model") as file:
        size = os.fstat(file.fileno()).st_size
        if size >= MOST_BYTES:
            expected = f"less than {MOST_BYTES:,} bytes, which protobuf can hold"
            raise FileFormatError(sentence(str(source), "size", expected, f"{size:,}"))
        content = file.read()
    what = str(os.fspath(source))
    message = _parsed(onnx, what, content)
    with refusals(what):
        _read_beside(what, message, Path(os.fspath(source)).parent)
    return what, message


def _parsed(onnx: Any, what: str, content: bytes) -> Any:
    from google.protobuf.message import DecodeError

    check_parts(what, content, onnx.ModelProto.DESCRIPTOR)
    try:
        return onnx.ModelProto.FromString(content)
    except DecodeError as error:
        raise FileFormatError(f"{what}: not an ONNX model, or a part of one ({error})") from error


# --- numbers in other files --------------------------------------------------------------


def _tensors(graph: Any) -> list[Any]:
    """Return the tensors of a graph, those of attributes too; rows refuse graphs in attributes."""
    inside = [
        tensor
        for node in graph.node
        for attribute in node.attribute
        for tensor in (attribute.t, *attribute.tensors)
    ]
    return [*graph.initializer, *inside]


def _read_beside(what: str, message: Any, folder: Path) -> None:
    """Read the numbers that a model has in other files, if they are in its folder.

    Raises:
        FileFormatError: a path that leads out of the folder, by a link too; a place beyond the
            end of a file; more numbers than the files have.
    """
    from onnx import TensorProto, external_data_helper

    outside = [t for t in _tensors(message.graph) if t.data_location == TensorProto.EXTERNAL]
    sizes: dict[Path, int] = {}
    asked = 0
    for tensor in outside:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        path, size = _beside(what, tensor.name, entries, folder)
        sizes[path] = size
        try:
            begin = int(entries.get("offset") or 0)
            length = int(entries.get("length") or size - begin)
        except ValueError:
            begin = length = -1
        if begin < 0 or length < 0 or begin + length > size:
            text = f"reads beyond the end of {path.name}"
            raise FileFormatError(f"{what}: {brief(tensor.name, str, 60)}: {text}")
        asked += length
    if asked > sum(sizes.values()):
        text = f"{asked:,} bytes of {sum(sizes.values()):,} in the files beside it"
        raise FileFormatError(f"{what}: expected numbers that are used once, received {text}")
    for tensor in outside:
        external_data_helper.load_external_data_for_tensor(tensor, str(folder))
        tensor.data_location = TensorProto.DEFAULT
        del tensor.external_data[:]


def _beside(what: str, name: str, entries: Mapping[str, str], folder: Path) -> tuple[Path, int]:
    """Return the file that a tensor's numbers are in, and its size."""
    location = entries.get("location", "")
    text = f"{what}: {brief(name, str, 60)}: expected a file in the model's folder, received "
    if not location or "\0" in location:
        raise FileFormatError(text + "no name of one")
    path, home = folder / location, Path(os.path.realpath(folder))
    real = Path(os.path.realpath(path))
    absolute = Path(location).is_absolute() or location.startswith(("/", "\\"))
    linked = path.is_symlink() or real != home / location
    if absolute or ".." in Path(location).parts or linked or not real.is_relative_to(home):
        raise FileFormatError(text + brief(location))
    if not real.is_file():
        raise FileFormatError(text + f"{brief(location)}, which is no file")
    return real, real.stat().st_size


# --- a model's own functions -------------------------------------------------------------


def _inlined(what: str, message: Any) -> Any:
    """Return a model without functions of its own: their nodes stand where they are called."""
    if not message.functions:
        return message
    from onnx import inliner

    functions = {(one.domain, one.name): one for one in message.functions}
    counts: dict[tuple[str, str], int] = {}

    def count(nodes: Any, above: tuple[Any, ...] = ()) -> int:
        total = 0
        for (key, _), times in Counter([((n.domain, n.op_type), 0) for n in nodes]).items():
            if key not in functions:
                total += times
                continue
            if key in above:
                raise FileFormatError(f"{what}: the function {brief(key[1])} calls itself")
            if key not in counts:
                counts[key] = count(functions[key].node, (*above, key))
            total += times * counts[key]
        return total

    if len(functions) > MOST_NODES or count(message.graph.node) > MOST_NODES:
        raise FileFormatError(f"{what}: expected at most {MOST_NODES:,} nodes in its functions")
    return inliner.inline_local_functions(message)


def _model(what: str, message: Any, graph: Graph) -> ONNXModel:
    """Return the model of a checked message, with its numbers."""
    stripped = without_numbers(message, graph).SerializeToString()
    model = ONNXModel(b64encode(stripped).decode())
    shape: tuple[int, ...] = (2,)
    kind = "float32"
    if graph.inputs:
        sizes = graph.inputs[0].shape or ()
        shape = tuple((2 if at == 0 else 1) if n is None else n for at, n in enumerate(sizes))
        kind = graph.inputs[0].dtype.name
    model._build(shape, kind if kind in np.sctypeDict else "float32", np.random.default_rng(0))
    tensors = {tensor.name: tensor for tensor in message.graph.initializer}
    for name, own in (*model.weights.items(), *model.statistics.items()):
        array = array_of(what, tensors[name])
        own.data[...] = array.astype(np.float32) if is_narrow(array.dtype) else array
    if model.weights:
        model.flat_parameters()
    return model.eval()
