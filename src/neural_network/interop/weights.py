"""Arrays of another framework, in the layouts of this library, into a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from neural_network.autograd.engine import no_grad
from neural_network.autograd.guards import check_in_place
from neural_network.checks import Array, narrowed
from neural_network.errors import ArgumentError, DTypeError, no_model, sentence
from neural_network.functional.finite import is_finite_by_numpy
from neural_network.layers.layer import Layer
from neural_network.layers.parameter import Buffer, Parameter


class LoadedWeights(NamedTuple):
    """What ``load_weights`` did.

    Attributes:
        loaded: name in the model → name in the source, of all arrays that were copied.
        missing: names in the model for which the source has no array.
        unexpected: names in the source for which the model has no place.
    """

    loaded: dict[str, str]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]


def tensors_of(function: str, model: object) -> dict[str, Parameter | Buffer]:
    """Return a built model's parameters and buffers by name.

    Raises:
        DTypeError: no layer.
        ArgumentError: it is not built.
    """
    if not isinstance(model, Layer):
        raise no_model(function, model)
    model._check_built(function)
    return dict([*model.named_parameters(), *model.named_buffers()])


def put(
    function: str,
    tensors: Mapping[str, Parameter | Buffer],
    arrays: Mapping[str, Array],
    *,
    allow_nonfinite: bool,
) -> None:
    """Copy arrays of the right shapes into the tensors of the same names, all or none.

    Raises:
        DTypeError: an array of other than real numbers.
        ArgumentError: numbers that are not finite, or that the model's type cannot hold.
        GradientError: a backward pass still needs the numbers that are there.
    """
    typed = {}
    for name, array in arrays.items():
        tensor = tensors[name]
        if array.dtype.kind not in "fiub":
            raise DTypeError(sentence(function, name, "real numbers", f"dtype {array.dtype}"))
        fine = (
            not np.isnan(array).any() if isinstance(tensor, Buffer) else is_finite_by_numpy(array)
        )
        if not (fine or allow_nonfinite):
            received = "NaN or infinity; allow_nonfinite=True reads them"
            raise ArgumentError(sentence(function, name, "finite numbers", received))
        typed[name] = narrowed(function, name, array, tensor.dtype)
    with no_grad():
        for name in typed:
            check_in_place(tensors[name])
        for name, array in typed.items():
            tensors[name][...] = array


def without_partners(missing: Iterable[str], unused: Iterable[str], cure: str) -> str:
    """Return what is said to have come where arrays have no partner.

    Args:
        missing: what the model has and the source has not, each as text.
        unused: what the source has beside.
        cure: the arguments that help.
    """
    found = {"none for": list(missing), "not used:": list(unused)}
    said = [f"{word} {listed(names)}" for word, names in found.items() if names]
    return f"{'; '.join(said)} ({cure})"


def check_some_fit(
    function: str, argument: str, loaded: Sequence[str], wanted: Iterable[Any], found: Iterable[str]
) -> None:
    """Raise ArgumentError where ``strict=False`` would load nothing at all.

    Args:
        function, argument: for the sentence.
        loaded: what would be loaded.
        wanted: what the model has: each has a ``name``.
        found: what the source has.
    """
    names = [entry.name for entry in wanted]
    if names and not loaded:
        expected = f"at least one array that fits, of {listed(names)}"
        received = f"{listed(found)}, of which none does; names={{ours: theirs}} pairs layers"
        raise ArgumentError(sentence(function, argument, expected, received))


def listed(names: Any) -> str:
    """Return the first of some names as text, and how many there are."""
    names = list(names)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(f"{name:.60}" for name in names[:3]) + more if names else "none"
