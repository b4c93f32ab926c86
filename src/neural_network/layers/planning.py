"""Layers and the plan: which of them are computed together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import finalize

import numpy as np

from neural_network.autograd.engine import recording
from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array
from neural_network.layers.hooks import watchers
from neural_network.layers.parameter import Buffer, Parameter
from neural_network.plan.matching import Match, matched
from neural_network.plan.run import compute, considered, pays
from neural_network.plan.steps import Steps, learned

if TYPE_CHECKING:
    from neural_network.layers.layer import Layer

Key = tuple[int, tuple[int, ...], bool]


class _Known:
    """What was found out about layers, as long as they stay what they are.

    What they are is noted before they are asked: another thread may change them meanwhile.

    Args:
        count: how many layers there were, of which the first few were looked at.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._stamps: list[int] = []
        self._data: list[tuple[Tensor, Array]] = []
        self._modes: list[tuple[int, bool]] = []
        self.steps: list[Steps] = []
        self.match: Match

    def look_at(self, layer: Layer) -> Steps:
        """Note what a layer is, and return what it does."""
        number = len(self._stamps)
        self._stamps.append(layer._stamp)
        # An array that kernels cannot read ends a match, so the others count, too. What batch
        # norm keeps moves in each training step, and is looked at in evaluation.
        kinds = Parameter if recording() else (Parameter, Buffer)
        values = list(vars(layer).values())
        self._data += [(value, value.data) for value in values if isinstance(value, kinds)]
        evaluated = False
        if not recording() and _has_modes(layer):
            training = layer.training
            self._modes.append((number, training))
            evaluated = not training
        self.steps.append(_known_steps(layer, evaluated=evaluated))
        return self.steps[-1]

    def holds(self, layers: Sequence[Layer], place: int) -> bool:
        """Say whether it is still true of the layers from a place on."""
        if len(layers) - place != self._count:
            return False
        for number, stamp in enumerate(self._stamps, place):
            if layers[number]._stamp != stamp:
                return False
        for number, training in self._modes:
            if layers[place + number].training != training:
                return False
        return all(tensor.data is data for tensor, data in self._data)


# Of each layer that holds others, by its identity: (place of the first layer, shape of a row,
# whether it is recorded).
_known: dict[int, dict[Key, _Known]] = {}
# So many shapes of rows are remembered.
REMEMBERED = 64


def together(owner: Layer, layers: Sequence[Layer], place: int, X: Any) -> tuple[int, Any]:
    """Compute as many layers as a plan knows, from a place on.

    Args:
        owner: the layer whose runs share memory.
        layers: the layers.
        place: of the first.
        X: what goes into it.

    Returns:
        How many were computed, and the result; (0, X) where each has to compute itself, as
        it has where somebody watches it, where there is too little work, or no kernel.
    """
    if not hasattr(X, "dtype") or watchers() or not considered(X):
        return 0, X
    match = _match(owner, layers, place, X.shape[1:])
    if not pays(match, len(X.data) if isinstance(X, Tensor) else len(X)):
        return 0, X
    return match.layers, compute(owner, match, X)


def _match(owner: Layer, layers: Sequence[Layer], place: int, shape: tuple[int, ...]) -> Match:
    """Return what stages can compute, from memory if that is still true."""
    table = _known.get(id(owner))
    if table is None:
        finalize(owner, _known.pop, id(owner), None).atexit = False
        table = _known[id(owner)] = {}
    key = place, shape, recording()
    known = table.get(key)
    if known is None or not known.holds(layers, place):
        known = _Known(len(layers) - place)
        for layer in layers[place:]:
            if known.look_at(layer) is None:
                break
        row = shape if len(shape) == 1 else (*shape[1:], shape[0])
        known.match = matched(known.steps, row)
        if all(map(_lasting, layers[place : place + len(known.steps)])):
            if len(table) >= REMEMBERED:
                table.clear()
            table[key] = known
    return known.match


def _known_steps(layer: Layer, *, evaluated: bool) -> Steps:
    """Return what a layer does, if it is built, and is what the library made it."""
    own = type(layer).__module__.startswith("neural_network.layers.")
    if not own or layer._built_for is None or layer.dtype != np.float32 or "forward" in vars(layer):
        return None
    steps = layer.evaluation_steps() if evaluated else layer.steps()
    return steps if all(_plain(one) for step in steps or () for one in learned(step)) else None


def _has_modes(layer: Layer) -> bool:
    """Say whether a layer does something else in evaluation than in training."""
    from neural_network.layers.layer import Layer

    return type(layer).evaluation_steps is not Layer.evaluation_steps


def _plain(parameter: Any) -> bool:
    """Say whether kernels can read what somebody may have put in a parameter's place."""
    if not isinstance(parameter, Tensor):
        return False
    array = parameter.data
    return array.dtype == np.float32 and array.dtype.isnative and array.flags.c_contiguous


def _lasting(layer: Layer) -> bool:
    """Say whether all that a layer's steps follow from can only change by assignment."""
    from neural_network.layers.layer import Layer

    if type(layer).steps is Layer.steps and not _has_modes(layer):  # it asks for nothing
        return True
    try:
        hash(tuple(value for name, value in vars(layer).items() if name[0] != "_"))
    except TypeError:  # a list, of which one entry may change
        return False
    return True
