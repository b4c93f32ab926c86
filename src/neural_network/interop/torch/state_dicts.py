"""``load_weights``, ``state_dict`` and ``save_weights``: arrays named and laid out as PyTorch's."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from neural_network.array_files import read_arrays, write_arrays
from neural_network.checks import Array, as_flag
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, DTypeError, FileFormatError, brief, sentence
from neural_network.files import open_file
from neural_network.interop.onnx.types import is_narrow
from neural_network.interop.torch.layouts import UNUSED, Entry, entries
from neural_network.interop.torch.matching import match
from neural_network.interop.weights import LoadedWeights, check_some_fit, put, tensors_of
from neural_network.layers.layer import Layer
from neural_network.layers.saving import FORMAT, not_finite
from neural_network.public import public

_public = public(top_level=False)
# The first bytes of what ``torch.save`` writes: a ZIP archive with pickled objects, or these alone.
PICKLED = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
Source = str | os.PathLike[str] | Mapping[str, Any]


@_public
@explains_calls
def load_weights(
    model: Layer,
    source: Source,
    *,
    strict: bool = True,
    names: Mapping[str, str] | None = None,
    allow_nonfinite: bool = False,
) -> LoadedWeights:
    """Copy the weights of a PyTorch network into a model of the same architecture.

    Layouts are changed where they differ: a dense weight is (inputs, outputs) here and
    (outputs, inputs) in PyTorch. Arrays are matched by name ("conv1.weight"). Where the names
    differ, they are matched by order: layer after layer has to have the same parameters with the
    same shapes. ``num_batches_tracked`` is ignored. A safetensors file has its names in
    alphabetical order; numbers in them tell the order of layers that have equal shapes.

    Args:
        model: a built model; its arrays keep their type (float32, or float64).
        source: a safetensors file; or a state dict: name → array or PyTorch tensor.
        strict: whether each array needs a partner. If False, the ones that fit by name are
            loaded, or the ones that fit by order up to the first layer that differs, whichever
            are more.
        names: pairs that are known: layer or parameter of the model → layer or parameter of
            the network, such as ``{"0": "features.conv1"}``.
        allow_nonfinite: whether parameters may be NaN or infinite, and buffers NaN.

    Returns:
        ``LoadedWeights(loaded, missing, unexpected)``: which array came from which, the names
        in the model that got none, and those in the source that were not used.

    Raises:
        FileFormatError: a damaged file, or one that ``torch.save`` wrote (pickled objects, which
            may run any code; the sentence shows the two lines that make safetensors of it).
        FileNotFoundError: there is no such file.
        ArgumentError: arrays without a partner (all are listed), numbers that are not finite, or
            different ones for a layer that the model has in several places.
        ShapeError: an array has the right name and another shape.
        DTypeError: no model, no source, or arrays of text or complex numbers, sparse or quantized.
        The model is as it was after any of them.

    >>> import numpy as np, neural_network as nn
    >>> model = nn.Sequential(nn.Dense(2, "relu"), nn.Dense(1)).initialize((3,), rng=0)
    >>> state = {
    ...     "hidden.weight": np.ones((2, 3)), "hidden.bias": np.zeros(2),
    ...     "out.weight": np.ones((1, 2)), "out.bias": np.zeros(1),
    ... }
    >>> nn.interop.torch.load_weights(model, state).loaded["1.weight"]
    'out.weight'
    >>> model.predict(np.ones((1, 3)))
    array([[6.]], dtype=float32)
    """
    function = "load_weights"
    tensors = tensors_of(function, model)
    strict = as_flag(function, "strict", strict)
    allow_nonfinite = as_flag(function, "allow_nonfinite", allow_nonfinite)
    arrays = _read(function, "source", source)
    shapes = {name: array.shape for name, array in arrays.items()}
    wanted = _wanted(model, shapes)
    pairs = match(function, wanted, shapes, _as_names(function, names), strict=strict)
    check_some_fit(function, "source", list(pairs), wanted, shapes)
    ours: dict[str, Array] = {}
    for entry in wanted:
        if entry.name in pairs:
            array = entry.array(arrays[pairs[entry.name]])
            if not np.array_equal(ours.setdefault(entry.first, array), array, equal_nan=True):
                expected = f"the numbers of {entry.first}, which is the same array in the model"
                raise ArgumentError(sentence(function, pairs[entry.name], expected, "others"))
    put(function, tensors, ours, allow_nonfinite=allow_nonfinite)
    used = set(pairs.values())
    return LoadedWeights(
        loaded=pairs,
        missing=tuple(entry.name for entry in wanted if entry.first not in ours),
        unexpected=tuple(name for name in arrays if name not in used),
    )


@_public
@explains_calls
def state_dict(
    model: Layer, *, like: Source | None = None, names: Mapping[str, str] | None = None
) -> dict[str, Array]:
    """Return a model's weights with the names and layouts of PyTorch.

    ``network.load_state_dict({name: torch.from_numpy(a) for name, a in state.items()})`` reads
    them.

    Args:
        model: a built model.
        like: a state dict or safetensors file of the PyTorch network whose names are used, found
            as ``load_weights`` finds them. By default the names are those of the model, which
            fit a ``torch.nn.Sequential`` with its layers at the same places.
        names: pairs that are known, with ``like``: as of ``load_weights``.

    Returns:
        name → a copy of the array, in the model's type.

    Raises:
        ArgumentError: the model is not built, or ``like`` is of another network.
        DTypeError: no model.
        FileFormatError, FileNotFoundError, ShapeError: as of ``load_weights``.

    >>> import neural_network as nn
    >>> model = nn.Sequential(nn.Dense(2)).initialize((3,), rng=0)
    >>> {name: array.shape for name, array in state_dict(model).items()}
    {'0.weight': (2, 3), '0.bias': (2,)}
    """
    return _exported("state_dict", model, like, names)


@_public
@explains_calls
def save_weights(
    model: Layer,
    path: str | os.PathLike[str],
    *,
    like: Source | None = None,
    names: Mapping[str, str] | None = None,
    allow_nonfinite: bool = False,
) -> None:
    """Write a model's weights as a safetensors file with PyTorch's names and layouts.

    ``network.load_state_dict(safetensors.torch.load_file(path))`` reads it.

    Args:
        model: a built model.
        path: the file; written beside and renamed.
        like, names: as of ``state_dict``.
        allow_nonfinite: whether parameters may be NaN or infinite, and buffers NaN.

    Returns:
        None.

    Raises:
        ArgumentError: the model is not built, has numbers that are not finite, or ``like`` is
            of another network.
        FileWriteError: the file cannot be written.
        DTypeError, FileFormatError, FileNotFoundError, ShapeError: as of ``load_weights``.

    >>> import tempfile
    >>> import neural_network as nn
    >>> path = tempfile.mkdtemp() + "/weights.safetensors"
    >>> model = nn.Sequential(nn.Dense(2)).initialize((3,), rng=0)
    >>> save_weights(model, path)
    >>> load_weights(model, path).missing
    ()
    """
    function = "save_weights"
    arrays = _exported(function, model, like, names)
    if not as_flag(function, "allow_nonfinite", allow_nonfinite) and (wrong := not_finite(model)):
        hint = "; allow_nonfinite=True writes them"
        raise ArgumentError(sentence(function, "model", "finite numbers", wrong + hint))
    # This entry says to programs of PyTorch's users that the arrays are PyTorch's.
    write_arrays(path, arrays, {"format": "pt"}, function=function)


def _exported(
    function: str, model: Layer, like: Source | None, given: Mapping[str, str] | None
) -> dict[str, Array]:
    """Return name → array as PyTorch has them."""
    tensors = tensors_of(function, model)
    wanted = entries(model)
    names = {entry.name: entry.full for entry in wanted}
    known = _as_names(function, given)
    if known and like is None:
        expected = "like=, a state dict or file of the network whose names these are"
        raise ArgumentError(sentence(function, "names", expected, "names alone"))
    if like is not None:
        shapes = {name: array.shape for name, array in _read(function, "like", like).items()}
        wanted = _wanted(model, shapes)
        names = match(function, wanted, shapes, known, strict=True, argument="like")
    return {names[e.name]: np.array(e.array(tensors[e.first].data), order="C") for e in wanted}


def _wanted(model: Layer, shapes: Mapping[str, Any]) -> list[Entry]:
    """Return what the network should have; what is in several places once, if it has less."""
    wanted = entries(model)
    if len(wanted) > sum(not name.endswith(UNUSED) for name in shapes):
        return [entry for entry in wanted if entry.name == entry.first]
    return wanted


def _read(function: str, argument: str, source: Source) -> dict[str, Array]:
    """Return the arrays of a file or of a state dict."""
    if isinstance(source, Mapping):
        return {
            _as_name(function, argument, k): _as_array(function, k, v) for k, v in source.items()
        }
    if not isinstance(source, str | os.PathLike):
        expected = "a safetensors file, or a state dict (name → array or tensor)"
        hint = " (network.state_dict() is one)" if hasattr(source, "state_dict") else ""
        raise DTypeError(sentence(function, argument, expected, brief(source) + hint))
    with open_file(function, source, "a safetensors file") as file:
        first = file.read(9)
    # The length of a safetensors header may begin with the same bytes; then "{" follows it.
    if first.startswith(PICKLED) and first[8:] != b"{":
        raise FileFormatError(
            f"{os.fspath(source):.150}: expected safetensors, received what torch.save or another "
            "program packed, which may run any code. Two lines turn a state dict into "
            "safetensors: import torch, safetensors.torch; safetensors.torch.save_file("
            'torch.load("weights.pth", weights_only=True), "weights.safetensors")'
        )
    arrays, metadata = read_arrays(source, function=function)
    if metadata.get("format") == FORMAT:  # whose layouts are others, under the same names
        raise FileFormatError(
            f"{os.fspath(source):.150}: expected weights of PyTorch, received a model that nn.save "
            "wrote: nn.load(path) reads it, and nn.interop.torch.state_dict(nn.load(path)) are its "
            "weights, for load_weights of another model"
        )
    return arrays


def _as_name(function: str, argument: str, name: object) -> str:
    if not isinstance(name, str):
        expected = "names that are text"
        raise DTypeError(sentence(function, argument, expected, brief(name)))
    return name


def _as_array(function: str, name: str, value: Any) -> Array:
    """Return an array, or a PyTorch tensor as one; PyTorch itself is not imported."""
    expected = "an array of real numbers"
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        try:
            value = value.detach().cpu()
            if value.is_floating_point() and value.element_size() < 4:
                value = value.float()  # bfloat16, which NumPy lacks
            value = value.numpy()
        except (TypeError, ValueError, RuntimeError) as error:  # sparse, quantized, on "meta"
            received = brief(error, str, 120)
            raise DTypeError(sentence(function, f"{name:.100}", expected, received)) from error
    if isinstance(value, Mapping):
        received = f"a dict (the state dict may be source[{brief(name)}])"
        raise DTypeError(sentence(function, f"{name:.100}", expected, received))
    array = np.asarray(value)
    if is_narrow(array.dtype):
        array = array.astype(np.float32)
    if array.dtype.kind not in "fiub":
        received = f"dtype {array.dtype}"
        raise DTypeError(sentence(function, f"{name:.100}", expected, received))
    return array


def _as_names(function: str, names: object) -> dict[str, str]:
    if names is None:
        return {}
    if not isinstance(names, Mapping) or not all(
        isinstance(text, str) for pair in names.items() for text in pair
    ):
        expected = "a dict: name in the model → name in the network"
        raise DTypeError(sentence(function, "names", expected, brief(names)))
    return dict(names)
