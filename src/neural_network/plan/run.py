"""A run: the stages of neighbouring layers, computed by kernels as one op with a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.autograd.engine import Node, Parent, recording
from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array
from neural_network.functional.op import Gradient, Rule
from neural_network.kernels.runtime.aligned import aligned
from neural_network.kernels.runtime.threads import parallel_region
from neural_network.plan.matching import Match
from neural_network.plan.vocabulary import PreparedStage
from neural_network.plan.workspace import StageBuffers, Workspace


class Run:
    """One computation of a match, with what its backward pass needs.

    It takes a workspace that no other run uses, and puts it back when it is deleted: after the
    backward pass, or at once where nothing is recorded.

    Args:
        workspaces: those that no run uses.
        match: what is computed.
        rows: of the input.
        needs_input_grad: whether the gradient of the input is needed.
    """

    def __init__(
        self, workspaces: list[Workspace], match: Match, rows: int, *, needs_input_grad: bool
    ) -> None:
        self.match, self.needs_input_grad = match, needs_input_grad
        self._unused = workspaces
        try:
            self._workspace = workspaces.pop()
        except IndexError:
            self._workspace = Workspace()
        key = match, rows, needs_input_grad
        self._stages: list[PreparedStage] = self._workspace.prepared(key, self._prepare)
        self._gradients: tuple[Array, Array | None, list[Array]] | None = None
        # Where it is recorded: how many gradients a backward pass takes.
        self.takers, self._taken = 1, 0

    def _prepare(self, match: Match, rows: int, needs_input_grad: bool) -> list[PreparedStage]:
        return [
            stage.prepared(
                stage, rows, StageBuffers(self._workspace, number),
                needs_input_grad=needs_input_grad or number > 0,
            )
            for number, stage in enumerate(match.stages)
        ]  # fmt: skip

    def __del__(self) -> None:
        """Put the workspace back."""
        if hasattr(self, "_stages"):
            for stage in self._stages:
                stage.release()
        if hasattr(self, "_workspace"):
            self._unused.append(self._workspace)

    def forward(self, X: Array) -> Array:
        """Compute all stages: (N, C, H, W) or (N, inputs) to the shape of the last stage."""
        out = aligned((len(X), *self.match.stages[-1].output_shape))  # the caller keeps it
        X = _channels_last(X)
        with parallel_region():
            for stage in self._stages[:-1]:
                stage.forward(X, stage.out)
                X = stage.out
            self._stages[-1].forward(X, out)
        return _channels_first(out)

    def backward(self, grad_out: Array) -> tuple[Array | None, list[Array]]:
        """Return the gradients of the input, if it is needed, and of all parameters.

        Those of the parameters are views of one buffer, in order, as are the parameters.
        """
        if self._gradients is None or self._gradients[0] is not grad_out:
            gradients = self.match.new_gradients()
            grad: Any = _channels_last(grad_out)
            end = len(gradients)
            with parallel_region():
                for stage, prepared in zip(
                    reversed(self.match.stages), reversed(self._stages), strict=True
                ):
                    begin = end - stage.parameters
                    grad = prepared.backward(grad, gradients[begin:end])
                    end = begin
            input_grad = _channels_first(grad) if self.needs_input_grad else None
            self._gradients = (grad_out, input_grad, gradients)
        _, input_grad, gradients = self._gradients
        # A backward pass takes the input's gradient and the parameters'; another begins anew.
        self._taken += 1
        if self._taken % self.takers == 0:
            self._gradients = None
        return input_grad, gradients


def _channels_last(X: Array) -> Array:
    """Return images as a view (N, H, W, C), vectors as a contiguous array."""
    if not X.flags.writeable:  # kernels would be compiled anew for read-only memory
        X = X.copy()
    return X.transpose(0, 2, 3, 1) if X.ndim == 4 else np.ascontiguousarray(X)


def _channels_first(X: Array) -> Array:
    """Return images as a view (N, C, H, W)."""
    return X.transpose(0, 3, 1, 2) if X.ndim == 4 else X


# --- the op --------------------------------------------------------------------------


def _run(X: Any, parameters: Any, run: Run) -> Any:  # noqa: ARG001  # the record names them
    return run.forward(X)


def _input_grad(g: Any, run: Run) -> Any:
    return run.backward(g)[0]


def _parameter_gradients(g: Any, run: Run) -> Any:
    return run.backward(g)[1]


RULE = Rule(_run)
RULE.name = "run"
RULE.own_memory = RULE.by_kernels = True
RULE.gradients["X"] = Gradient(_input_grad, ("run",))
RULE.gradients["parameters"] = Gradient(_parameter_gradients, ("run",))


def compute(workspaces: list[Workspace], match: Match, X: Any) -> Any:
    """Compute what was matched.

    Args:
        workspaces: those of the owner that no run uses.
        match: of neighbouring layers.
        X: an array or a tensor.

    Returns:
        An array, or a tensor where X is one or the computation is recorded.
    """
    tensor = isinstance(X, Tensor)
    array: Array = X.data if tensor else X
    needs_input_grad = tensor and X.requires_grad
    run = Run(workspaces, match, len(array), needs_input_grad=needs_input_grad)
    out = run.forward(array)
    if recording():
        parents: list[Parent] = [("X", None, X)] if needs_input_grad else []
        parents += [
            ("parameters", place, parameter)
            for place, parameter in enumerate(match.parameters)
            if parameter.requires_grad
        ]
        if parents:
            node = Node(RULE, parents, {"run": run})
            run.takers = len({name for name, _, _ in parents})
            # The backward pass needs all of them unchanged, whether they have a gradient or not.
            for value in (X, *match.parameters) if tensor else match.parameters:
                value.memory.add(node)
            result = Tensor.of_node(out, node)
            if match.stages[-1].needs_output:
                result.memory.add(node)
            return result
    return Tensor(out) if tensor else out
