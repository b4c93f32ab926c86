"""Which neighbouring layers are computed together: decided once, and kept by their container.

A decision holds for one ``Key`` while the versions of the layers are the same. It does not depend
on the kernel mode and on the number of rows, which only decide whether kernels are worth it, nor
on which parameters are frozen, which is read where a computation is recorded. With forward hooks,
in ``debug``, in ``functional_call``, and inside ``grad`` and its relatives every layer is called
by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from math import prod
from operator import attrgetter
from typing import Any

import numpy as np

from neural_network.autograd.engine import debugging, recording
from neural_network.autograd.tensor import Tensor
from neural_network.blas import threads_for_call
from neural_network.checks import Array
from neural_network.kernels.runtime.gate import kernel_wanted
from neural_network.layers.hooks import watchers
from neural_network.layers.modes import modes_of
from neural_network.layers.pixels import expect_digits, is_on_dark_paper, look_at_size
from neural_network.layers.structure import Contents
from neural_network.plan.computation import compute, needs_gradient
from neural_network.plan.matching import Match, matched, matched_vectors
from neural_network.plan.plain import PlainRun, predicted
from neural_network.plan.run import Run
from neural_network.plan.single_row import Program, program_of
from neural_network.plan.vocabulary import Flatten, Step, Steps
from neural_network.plan.workspace import Workspace

Layer = Any  # its file imports this one

# Inputs of other types, such as masked arrays, are left to the layers, which may refuse them.
ARRAYS = (np.ndarray, np.memmap)
# A model keeps this many decisions; a new one replaces the oldest.
DECISIONS = 8
# Of the first batch that are looked at for a hint.
ROWS = 64
# The shape of a row, the type, whether operations are recorded, and the mode of each layer.
Key = tuple[tuple[int, ...], np.dtype[Any], bool, tuple[bool, ...]]

_array, _sequence, _version = map(attrgetter, ("data", "_sequence", "_version"))
_planned: ContextVar[bool] = ContextVar("planned", default=True)


@contextmanager
def without_plan() -> Iterator[None]:
    """Call every layer by itself inside the block: no decision is read or made."""
    token = _planned.set(False)
    try:
        yield
    finally:
        _planned.reset(token)


@dataclass(slots=True)
class Part:
    """What is computed from one position on, for rows of one shape and type.

    Attributes:
        row: the shape of a row.
        dtype: of the input.
        match: the stages that begin there, or None.
        compiled: whether kernels can compute them.
        program: that computes rows by themselves of which nothing is recorded; or None.
        ops: of the layer at this position, each with its parameters; None where it has no steps,
            and for a container, inside of which stages may begin behind its first layer.
        checked: whether the layer itself has computed such rows, and so raised no error.
    """

    row: tuple[int, ...]
    dtype: np.dtype[Any]
    match: Match | None = None
    compiled: bool = False
    program: Program | None = None
    ops: list[tuple[Callable[..., Any], list[Tensor]]] | None = None
    checked: bool = False

    def predicted(self, X: Array) -> Array | None:
        """Compute at least one row by the program; None where there is none, or not for so many."""
        if self.match is None or self.program is None:
            return None
        out = self.program.predicted(self.match.as_rows(X))
        return None if out is None else self.match.as_result(out, X)


class Decision:
    """What is computed together, as long as the layers keep their versions.

    Its parts are found while the layers are computed for the first time: the output shape of a
    layer without steps is known only then.

    Args:
        layers: that follow each other.
        versions: of the layers, read before the layers are: another thread may change them. No
            two layers have the same version, so it also identifies the layers.
        key: what the decision is for.
    """

    def __init__(self, layers: Sequence[Layer], versions: list[int], key: Key) -> None:
        self.versions = versions
        _, self._dtype, self.recorded, self._modes = key
        self.parts: dict[int, Part] = {}
        self._containers = [bool(layer._sequence) for layer in layers]
        self._steps = [_steps_of(layer, key[1], recorded=self.recorded) for layer in layers]

    def decide(self, position: int, X: Array, owner: Layer) -> Part:
        """Find and keep what is computed from a position on; note on what a model is trained."""
        if position == 0 and self.recorded and owner.training:
            expect_digits(owner, expected=is_on_dark_paper(X[:ROWS]))
        part = Part(row := X.shape[1:], X.dtype)
        steps = self._steps[position]
        if steps is not None and X.dtype == self._dtype:
            if not self._containers[position]:
                part.ops = [(step.by_ops, step.parameters) for step in steps]
            if row:
                match = self._match(position, row)
                part.match = match if match.stages else None
                part.compiled = bool(match.stages) and X.dtype == np.float32
                if part.compiled and not self.recorded:
                    part.program = program_of(match, row[-1:] if match.of_vectors else row)
                if position == 0 and not self.recorded and not any(self._modes):
                    self._keep_whole(owner, part)
                    flat = match.layers == len(self._steps) and not match.of_vectors
                    if flat and len(match.stages[-1].output_shape) == 1:
                        look_at_size(owner, row)
        self.parts[position] = part
        return part

    def _match(self, position: int, row: tuple[int, ...]) -> Match:
        """Return what stages compute from a position on; it has no stages where they cannot."""
        steps, axes = self._steps[position:], len(row) - 1
        if axes <= 2:
            match = _matched_row(steps, row)
            if match.stages or axes == 0:
                return match
        return matched_vectors(steps, row[-1])

    def _keep_whole(self, owner: Layer, part: Part) -> None:
        """Let ``predicted_whole`` find a part that is the whole of a model."""
        contents = owner._look()
        versions = [version for version, _ in contents.versions]
        if (
            part.match is not None
            and part.match.layers == len(self._steps)
            and owner._sequence in ("", "layers")
            and _is_read(owner, self._dtype)
            # What is inside is what this decision was made for: another thread may change it.
            and versions[len(versions) - len(self.versions) :] == self.versions
        ):
            contents.whole[part.row, part.dtype] = part


class Plan:
    """The decisions for the layers of one container, and the workspaces that no run uses."""

    def __init__(self) -> None:
        self.decisions: dict[Key, Decision] = {}
        self.workspaces: list[Workspace] = []
        # What ``whole_match`` has found, and the versions and modes of the layers then.
        self.whole: tuple[Any, tuple[Match, bool] | None] | None = None

    def decision(self, layers: Sequence[Layer], row: tuple[int, ...], dtype: Any) -> Decision:
        """Return the decision for rows of this shape and type, as things are now."""
        read = all_read(layers)
        key = row, dtype, recording(), modes_of(read)
        versions = [*map(_version, read)]
        found = self.decisions.get(key)
        if found is not None and found.versions == versions:
            return found
        # A change of the layers ends all decisions. The dictionary is replaced, not changed, so
        # that threads need no lock.
        kept = list(self.decisions.items()) if found is None else []
        decision = Decision(layers, versions, key)
        self.decisions = {**dict(kept[-(DECISIONS - 1) :]), key: decision}
        return decision


def run_layers(
    owner: Layer, layers: Sequence[Layer], X: Any, call: Callable[[int, Any, bool], Any]
) -> Any:
    """Compute layers one after the other; by kernels those that kernels compute faster.

    Args:
        owner: the container, which keeps the decisions.
        layers: that follow each other.
        X: the input of the first.
        call: computes a layer by itself; takes its position, its input, and whether it was
            decided here how the layer is computed.

    Returns:
        The result: an array where nothing is recorded and X is an array.
    """
    array, level = (X.data, X.level) if isinstance(X, Tensor) else (X, 0)
    single = watchers() or debugging() or not _planned.get() or level
    if single or type(array) not in ARRAYS:
        for position in range(len(layers)):
            X = call(position, X, False)
        return X
    plan: Plan = owner.__dict__.get("_plan") or owner.__dict__.setdefault("_plan", Plan())
    decision = plan.decision(layers, array.shape[1:], array.dtype)
    position = 0
    while position < len(layers):
        tensor = isinstance(X, Tensor)
        array = X.data if tensor else X
        # A layer of a user's own may return anything.
        if type(array) not in ARRAYS or array.ndim == 0 or (tensor and X.level):
            X, position = call(position, X, False), position + 1
            continue
        part = decision.parts.get(position)
        if part is None or part.row != array.shape[1:] or part.dtype != array.dtype:
            part = decision.decide(position, array, owner)
        match, rows = part.match, len(array)
        match = None if match is not None and rows < match.least_rows else match
        if match is not None and match.of_vectors:
            rows = array.size // array.shape[-1]
        alone = None if part.program is None or not rows else part.predicted(array)
        if match is not None and alone is not None:
            X = Tensor(alone) if tensor else alone
            position += match.layers
        elif (
            match is not None
            and part.compiled
            and rows
            and kernel_wanted("network", rows * match.work)
        ):
            needed = needs_gradient(X)
            X = compute(Run(plan.workspaces, match, rows, needs_input_grad=needed), X)
            position += match.layers
        elif match and match.plain:
            X = _by_numpy(match, X, recorded=decision.recorded)
            position += match.layers
        elif part.checked and rows and array is X:
            for by_ops, parameters in part.ops or ():
                X = by_ops(X, *map(_array, parameters))
            position += 1
        else:
            X = call(position, X, part.ops is not None)
            part.checked = part.ops is not None and not decision.recorded
            position += 1
    return X


def predicted_whole(contents: Contents, X: Array) -> Array | None:
    """Compute all layers of a model in evaluation, of which nothing is recorded.

    It saves ``predict`` the blocks and decisions by which layers are called one after the other:
    more time than a row takes in a small network.

    Args:
        contents: of the model, as it is now.
        X: (N, …), at least one row.

    Returns:
        The result; None where it is not known yet how such rows are computed, or where other ways
        are faster.
    """
    part = contents.whole.get((X.shape[1:], X.dtype))
    if part is None or watchers() or debugging() or not _planned.get():
        return None
    if len(X) < part.match.least_rows:
        return None
    out: Array | None = part.predicted(X)
    if out is not None or not part.match.plain:
        return out
    rows = X.size // X.shape[-1] if part.match.of_vectors else len(X)
    if part.compiled and kernel_wanted("network", rows * part.match.work):
        return None
    with threads_for_call(contents.products.largest(len(X))):
        return predicted(part.match, X)


def whole_match(model: Layer) -> tuple[Match, bool] | None:
    """Return the stages that compute a whole model.

    Args:
        model: a layer that is built.

    Returns:
        The match of all layers, and whether they begin with flatten, which it leaves out; None
        where there is a layer that the plan does not compute, or a model of other classes.
    """
    plan: Plan = model.__dict__.get("_plan") or model.__dict__.setdefault("_plan", Plan())
    read = all_read([model])
    state = [*map(_version, read)], modes_of(read)
    if plan.whole is None or plan.whole[0] != state:
        plan.whole = state, _whole_match(model)
    return plan.whole[1]


def _whole_match(model: Layer) -> tuple[Match, bool] | None:
    if model._sequence == "layers":
        if not _is_read(model, model.dtype):
            return None
        layers = model.layers
    else:
        layers = [model]
    steps = [_steps_of(layer, model.dtype, recorded=True) for layer in layers]
    row = model.input_shape
    first = steps[0] or []
    flat = len(row) > 1 and bool(first) and all(type(step) is Flatten for step in first)
    if flat:
        row, steps = (prod(row),), steps[1:]
    if not row or len(row) > 3 or not steps:
        return None
    match = _matched_row(steps, row)
    return (match, flat) if match.stages and match.layers == len(steps) else None


def whole_run(model: Layer, match: Match, rows: int) -> Run:
    """Return a run of what ``whole_match`` has found, without the gradient of the input."""
    return Run(model._plan.workspaces, match, rows, needs_input_grad=False)


def _matched_row(steps: Sequence[Steps], row: tuple[int, ...]) -> Match:
    """Match steps for rows of this shape, channels first: vectors, series or images."""
    axes = len(row) - 1
    return matched(steps, (*(1,) * (axes == 1), *row[1:], row[0]), axes)


def is_planned_whole(model: Layer) -> bool:
    """Return whether all layers of a model that is built are such as the plan computes."""
    layers = model.layers if model._sequence == "layers" else [model]
    return _is_read(model, model.dtype) and all(
        _steps_of(layer, model.dtype, recorded=True) is not None for layer in layers
    )


def may_plan() -> bool:
    """Return whether layers may be computed together in this thread, and are recorded."""
    return recording() and not watchers() and not debugging() and _planned.get()


def _by_numpy(match: Match, X: Any, *, recorded: bool) -> Any:
    """Compute the stages of a match by NumPy."""
    if recorded:
        return compute(PlainRun(match, needs_input_grad=needs_gradient(X)), X)
    return Tensor(predicted(match, X.data)) if isinstance(X, Tensor) else predicted(match, X)


def all_read(layers: Sequence[Layer]) -> Sequence[Layer]:
    """Return the layers, and those inside of containers, whose steps are read as well."""
    if not any(map(_sequence, layers)):
        return layers
    return [one for layer in layers for one in (layer, *layer._look().below)]


def _steps_of(layer: Layer, dtype: np.dtype[Any], *, recorded: bool) -> Steps:
    """Return the steps of a layer of the library's own that is built, of this type; else None."""
    replaced = layer._replaced
    if replaced:
        layer._check_used_alone()
    if not _is_read(layer, dtype):
        return None
    if layer._sequence:
        steps = layer._steps_of_layers(partial(_steps_of, dtype=dtype, recorded=recorded))
    elif recorded or layer.training:
        steps = layer._steps()
    else:
        steps = layer._evaluation_steps()
    if layer._replaced is not replaced:  # while they were read
        layer._check_used_alone()
    return steps if steps is None or all(_readable(step, dtype) for step in steps) else None


def _is_read(layer: Layer, dtype: np.dtype[Any]) -> bool:
    """Return whether a layer is the library's own, built, of this type, with its own forward."""
    own = type(layer).__module__.startswith("neural_network.layers.")
    built = layer._built_for is not None and layer.dtype == dtype
    return own and built and "forward" not in vars(layer)


def _readable(step: Step, dtype: np.dtype[Any]) -> bool:
    """Return whether stages can read the parameters of a step."""
    return all(
        isinstance(parameter, Tensor)
        and parameter.data.dtype == dtype
        and parameter.data.flags.c_contiguous
        for parameter in step.parameters
    )
