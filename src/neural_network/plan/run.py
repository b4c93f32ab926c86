"""A run: layers next to each other, computed in stages, and one op to the tape."""

from __future__ import annotations

from typing import Any
from weakref import finalize

import numpy as np

from neural_network.autograd.engine import Node, Parent, debugging, recording, walk_back
from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array
from neural_network.functional.op import Gradient, Rule
from neural_network.kernels.runtime.aligned import aligned
from neural_network.kernels.runtime.gate import kernel_wanted, kernels_possible
from neural_network.plan.matching import Match
from neural_network.plan.steps import computed_plainly
from neural_network.plan.workspace import Workspace

# Workspaces that wait to be used again, by whom they serve. Several, if several threads
# compute with one model, or several batches are under way before the first walks back.
# (By its identity: a model may say what equals it, and then it has no hash.)
_waiting: dict[int, list[Workspace]] = {}


class Run:
    """One computation of some stages: what is kept on the way there, for the way back.

    The workspace goes back to those that wait when nobody holds the run any more: after the
    walk back, or at once where nothing is recorded.

    Args:
        owner: whose runs share memory.
        match: what is computed.
        rows: of the input.
        wanted: whether the input's gradient will be asked for.
    """

    def __init__(self, owner: Any, match: Match, rows: int, *, wanted: bool) -> None:
        self.match, self.wanted = match, wanted
        self._waiting = _waiting_for(owner)
        try:
            self._workspace = self._waiting.pop()
        except IndexError:
            self._workspace = Workspace()
        self._stages = self._workspace.prepared(match, rows, wanted=wanted)
        self._found: tuple[Array, Array | None, list[Array]] | None = None
        # Where it is recorded: what went in, and how many gradients a walk asks for.
        self.X: Any = None
        self.askers, self._asked = 1, 0

    def __del__(self) -> None:
        """Let the next one have the memory."""
        if hasattr(self, "_stages"):
            for stage in self._stages:
                stage.forget()
        if hasattr(self, "_workspace"):
            self._waiting.append(self._workspace)

    def forward(self, X: Array) -> Array:
        """Compute all stages: (N, C, H, W) or (N, inputs) → the same of the last stage."""
        from neural_network.kernels.runtime.threads import parallel_region

        # The last result is the caller's own.
        out = aligned((len(X), *self.match.stages[-1].outputs))
        X = _last(X)
        with parallel_region():
            for stage in self._stages[:-1]:
                stage.forward(X, stage.out)
                X = stage.out
            self._stages[-1].forward(X, out)
        return _first(out)

    def backward(self, G: Array) -> tuple[Array | None, list[Array]]:
        """Return the gradients for the input, if it is wanted, and for all parameters.

        Those for the parameters lie in one memory, in order, as the parameters of a model do.
        """
        if self._found is None or self._found[0] is not G:
            from neural_network.kernels.runtime.threads import parallel_region

            shares = self.match.gradients()
            slopes: Any = _last(G)
            end = len(shares)
            with parallel_region():
                for place in range(len(self._stages) - 1, -1, -1):
                    begin = end - self.match.stages[place].learns
                    slopes = self._stages[place].backward(slopes, shares[begin:end])
                    end = begin
            self._found = (G, _first(slopes) if self.wanted else None, shares)
        _, share, found = self._found
        # One walk asks for the input's and for the parameters'; the next one begins anew.
        self._asked += 1
        if self._asked % self.askers == 0:
            self._found = None
        return share, found


def _waiting_for(owner: Any) -> list[Workspace]:
    """Return the workspaces that wait to serve an object; they go when it goes."""
    key = id(owner)
    if key not in _waiting:
        finalize(owner, _waiting.pop, key, None).atexit = False
        _waiting[key] = []
    return _waiting[key]


def _last(X: Array) -> Array:
    """Move the channels of pictures behind their places; lay vectors side by side."""
    if not X.flags.writeable:  # kernels are compiled anew for memory that cannot be written
        X = X.copy()
    return X.transpose(0, 2, 3, 1) if X.ndim == 4 else np.ascontiguousarray(X)


def _first(X: Array) -> Array:
    """Move the channels of pictures before their places."""
    return X.transpose(0, 3, 1, 2) if X.ndim == 4 else X


# --- the op --------------------------------------------------------------------------


def _run(X: Any, parameters: Any, run: Run) -> Any:  # noqa: ARG001  # the tape knows them by name
    return run.forward(X)


def _for_input(g: Any, run: Run) -> Any:
    return _recorded(g, run)[0] if isinstance(g, Tensor) else run.backward(g)[0]


def _for_parameters(g: Any, run: Run) -> Any:
    return _recorded(g, run)[1:] if isinstance(g, Tensor) else run.backward(g)[1]


def _recorded(g: Tensor, run: Run) -> list[Any]:
    """Return all gradients as tensors with a record, from the plain ops.

    The walk goes to copies of what took part, so that it ends there, also where a parameter
    has a part in what came before.
    """
    # What was frozen since then had a part all the same.
    inputs = [
        value + np.zeros((), np.float32)
        if value is run.X or value.requires_grad
        else Tensor(value.data, requires_grad=True)
        for value in (run.X, *run.match.parameters)
    ]
    out = computed_plainly(run.match.steps, inputs[0], inputs[1:])
    targets = [value for value in inputs if isinstance(value, Tensor) and value.requires_grad]
    found = walk_back([out], [g], targets, create_graph=True, retain_graph=True)
    return [found[id(value)][1] if id(value) in found else None for value in inputs]


RULE = Rule(_run)
RULE.name = "run"
RULE.own_memory = RULE.by_kernels = True
RULE.gradients["X"] = Gradient(_for_input, ("run",))
RULE.gradients["parameters"] = Gradient(_for_parameters, ("run",))


def compute(owner: Any, match: Match, X: Any) -> Any:
    """Compute what was matched.

    Args:
        owner: an object whose runs share memory: what holds the layers.
        match: of layers that follow each other.
        X: an array or a tensor.

    Returns:
        The result: an array where nothing is recorded and none came in.
    """
    tensor = isinstance(X, Tensor)
    run = Run(owner, match, len(X.data if tensor else X), wanted=tensor and X.requires_grad)
    out = run.forward(X.data if tensor else X)
    if recording():
        parents: list[Parent] = [("X", None, X)] if run.wanted else []
        parents += [
            ("parameters", place, parameter)
            for place, parameter in enumerate(match.parameters)
            if parameter.requires_grad
        ]
        if parents:
            node, run.X = Node(RULE, parents, {"run": run}), X
            run.askers = len({name for name, _, _ in parents})
            # The run needs them all as they are, whether they have a gradient or not.
            for taking_part in (X, *match.parameters) if tensor else match.parameters:
                taking_part.memory.add(node)
            result = Tensor.of_node(out, node)
            if match.stages[-1].keeps_result:
                result.memory.add(node)
            return result
    return Tensor(out) if tensor else out


def considered(X: Any) -> bool:
    """Say whether an input is of a kind that stages take, where kernels may run at all."""
    return X.dtype == np.float32 and X.ndim in (2, 4) and kernels_possible() and not debugging()


def pays(match: Match, rows: int) -> bool:
    """Say whether compiled stages are worth it."""
    return bool(match.stages) and rows > 0 and kernel_wanted("network", rows * match.work)
