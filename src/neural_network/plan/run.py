"""A run: layers next to each other, computed in stages, and one op to the tape."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import prod
from typing import Any
from weakref import finalize

import numpy as np

from neural_network.autograd.engine import debugging, recording, walk_back
from neural_network.autograd.tensor import Tensor
from neural_network.functional.checks import Array
from neural_network.functional.op import Gradient, Rule
from neural_network.kernels.choice import possible, worthwhile
from neural_network.kernels.memory import aligned
from neural_network.plan.matching import Match, matched
from neural_network.plan.stages import INPUTS_GRADIENT
from neural_network.plan.steps import Steps, computed_plainly, learned
from neural_network.plan.workspace import Room, Workspace

# Products of a batch from where on compiled stages are worth it.
WORTHWHILE = 1e6
# Workspaces that wait to be used again, by whom they serve. Several, if several threads
# compute with one model, or several batches are under way before the first walks back.
# (By its identity: a model may say what equals it, and then it has no hash.)
_waiting: dict[int, list[Workspace]] = {}


class Run:
    """One computation of some stages: what is kept on the way there, for the way back.

    The workspace goes back to those that wait when nobody holds the run any more: after the
    walk back, or at once where nothing is recorded.
    """

    def __init__(self, owner: Any, match: Match, wanted: bool) -> None:
        self.steps, self.stages, self.wanted = match.steps, match.stages, wanted
        self.parameters = [t for step in match.steps for t in learned(step)]
        self._kept: list[Any] = []
        self._waiting = _waiting_for(owner)
        self._workspace = self._waiting.pop() if self._waiting else Workspace()
        self._found: tuple[Array, Array | None, list[Array]] | None = None

    def __del__(self) -> None:
        """Let the next one have the memory."""
        self._waiting.append(self._workspace)

    def forward(self, X: Array) -> Array:
        """Compute all stages: (N, C, H, W) or (N, inputs) → the same of the last stage."""
        X = _last(X)
        end = len(self.stages) - 1
        for place, stage in enumerate(self.stages):
            room, shape = Room(self._workspace, place), (len(X), *stage.outputs)
            # The last result is the caller's own.
            out = aligned(shape) if place == end else room.take("out", shape)
            self._kept.append(stage.forward(X, room, out))
            X = out
        return _first(X)

    def backward(self, G: Array) -> tuple[Array | None, list[Array]]:
        """Return the gradients for the input, if it is wanted, and for all parameters.

        Those for the parameters lie in one memory, in order, as the parameters of a model do.
        """
        if self._found is None or self._found[0] is not G:
            found = _laid_out([parameter.shape for parameter in self.parameters])
            slopes: Any = _last(G) if G.ndim == 4 else np.ascontiguousarray(G)
            end = len(found)
            for place in range(len(self.stages) - 1, -1, -1):
                begin = end - self.stages[place].learns
                # The last gradient is the caller's own.
                room = Room(self._workspace, place, () if place else (INPUTS_GRADIENT,))
                slopes = self.stages[place].backward(
                    slopes, self._kept[place], room, self.wanted or place > 0, found[begin:end]
                )
                end = begin
            share = _first(slopes) if self.wanted else None
            self._found = (G, share, found)
        return self._found[1:]


def _waiting_for(owner: Any) -> list[Workspace]:
    """Return the workspaces that wait to serve an object; they go when it goes."""
    key = id(owner)
    if key not in _waiting:
        finalize(owner, _waiting.pop, key, None).atexit = False
        _waiting[key] = []
    return _waiting[key]


def _laid_out(shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """Return arrays of these shapes, one after the other in one memory."""
    ends = list(accumulate((prod(shape) for shape in shapes), initial=0))
    flat = np.empty(ends[-1], np.float32)
    return [
        flat[begin:end].reshape(shape)
        for begin, end, shape in zip(ends[:-1], ends[1:], shapes, strict=True)
    ]


def _last(X: Array) -> Array:
    """Move the channels of pictures behind their places."""
    return X.transpose(0, 2, 3, 1) if X.ndim == 4 else X


def _first(X: Array) -> Array:
    """Move the channels of pictures before their places."""
    return X.transpose(0, 3, 1, 2) if X.ndim == 4 else X


# --- the op --------------------------------------------------------------------------


def _run(X: Any, parameters: Any, run: Run) -> Any:  # noqa: ARG001  # the tape looks for tensors in them
    return run.forward(X)


def _for_input(g: Any, X: Any, parameters: Any, run: Run) -> Any:
    if isinstance(g, Tensor):
        return _recorded(g, X, parameters, run)[0]
    return run.backward(g)[0]


def _for_parameters(g: Any, X: Any, parameters: Any, run: Run) -> Any:
    if isinstance(g, Tensor):
        return _recorded(g, X, parameters, run)[1:]
    return run.backward(g)[1]


def _recorded(g: Tensor, X: Any, parameters: Any, run: Run) -> list[Any]:
    """Return all gradients as tensors with a record, from the plain ops.

    The walk goes to copies of what took part, so that it ends there, also where a parameter
    has a part in what came before.
    """
    inputs = [value + np.zeros((), np.float32) for value in (X, *parameters)]
    out = computed_plainly(run.steps, inputs[0], inputs[1:])
    targets = [value for value in inputs if isinstance(value, Tensor) and value.requires_grad]
    found = walk_back([out], [g], targets, create_graph=True, retain_graph=True)
    return [found[id(value)][1] if id(value) in found else None for value in inputs]


RULE = Rule(_run)
RULE.name = "run"
RULE.own_memory = True
RULE.gradients["X"] = Gradient(_for_input, ("X", "parameters", "run"))
RULE.gradients["parameters"] = Gradient(_for_parameters, ("X", "parameters", "run"))


def compute(owner: Any, layers: Sequence[Steps], X: Any) -> tuple[int, Any]:
    """Compute as many layers as stages can, from the first on.

    Args:
        owner: an object whose runs share memory: what holds the layers.
        layers: what each layer does; None for what has no words.
        X: an array or a tensor.

    Returns:
        How many layers were computed, and their result: an array where nothing is recorded.
        (0, X), where this is nothing for stages: other types, too little work, no kernels.
    """
    if X.dtype != np.float32 or X.ndim not in (2, 4) or debugging() or not possible():
        return 0, X
    match = matched(layers, X.shape[1:] if X.ndim == 2 else (*X.shape[2:], X.shape[1]))
    if not worthwhile(len(X) * sum(stage.work for stage in match.stages), WORTHWHILE):
        return 0, X
    run = Run(owner, match, wanted=isinstance(X, Tensor) and X.requires_grad)
    if recording() and (run.wanted or any(t.requires_grad for t in run.parameters)):
        return match.layers, Tensor.__lift__(RULE, (X, run.parameters, run), {})
    out = run.forward(X.data if isinstance(X, Tensor) else X)
    return match.layers, Tensor(out) if isinstance(X, Tensor) else out
