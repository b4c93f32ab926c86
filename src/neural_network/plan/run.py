"""A run: the stages of neighbouring layers, computed by kernels as one op with a gradient."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from neural_network.checks import Array
from neural_network.kernels.runtime.aligned import aligned
from neural_network.kernels.runtime.threads import parallel_region
from neural_network.plan.computation import Computation, new_rule
from neural_network.plan.matching import Match
from neural_network.plan.vocabulary import PreparedStage, prepared_stages
from neural_network.plan.workspace import StageBuffers, Workspace


class Run(Computation):
    """One computation of a match, with what its backward pass needs.

    It takes a workspace that no other run uses, and puts it back when it is deleted: after the
    backward pass, or at once where nothing is recorded.

    Args:
        workspaces: those that no run uses.
        match: what is computed.
        rows: of the input.
        needs_input_grad: whether the gradient of the input is needed.
    """

    rule = new_rule(by_kernels=True)

    def __init__(
        self, workspaces: list[Workspace], match: Match, rows: int, *, needs_input_grad: bool
    ) -> None:
        super().__init__(match, needs_input_grad=needs_input_grad)
        self._unused = workspaces
        try:
            self._workspace = workspaces.pop()
        except IndexError:
            self._workspace = Workspace()
        key = match, rows, needs_input_grad
        self._stages: list[PreparedStage] = self._workspace.prepared(key, self._prepare)

    def _prepare(self, match: Match, rows: int, needs_input_grad: bool) -> list[PreparedStage]:
        return prepared_stages(
            match.stages, rows, partial(StageBuffers, self._workspace),
            needs_input_grad=needs_input_grad,
        )  # fmt: skip

    def __del__(self) -> None:
        """Put the workspace back."""
        if hasattr(self, "_stages"):
            for stage in self._stages:
                stage.release()
        if hasattr(self, "_workspace"):
            self._unused.append(self._workspace)

    def forward(self, X: Array) -> Array:
        """Compute all stages: images, series or (N, inputs) to the shape of the last stage."""
        out = aligned((len(X), *self.match.stages[-1].output_shape))  # the caller keeps it
        X = _channels_last(X)
        with parallel_region():
            for stage in self._stages[:-1]:
                stage.forward(X, stage.out)
                X = stage.out
            self._stages[-1].forward(X, out)
        return _channels_first(out, self.match.axes)

    def differentiate(self, grad_out: Array, gradients: list[Array]) -> Array | None:
        """Go back through the stages."""
        grad: Any = _channels_last(grad_out)
        end = len(gradients)
        with parallel_region():
            for stage, prepared in zip(
                reversed(self.match.stages), reversed(self._stages), strict=True
            ):
                begin = end - stage.parameters
                grad = prepared.backward(grad, gradients[begin:end])
                end = begin
        return _channels_first(grad, self.match.axes) if self.needs_input_grad else None


def _channels_last(X: Array) -> Array:
    """Return images as a view (N, H, W, C), series (N, 1, L, C); vectors contiguous."""
    if not X.flags.writeable:  # kernels would be compiled anew for read-only memory
        X = X.copy()
    if X.ndim == 3:
        X = X[:, :, None]
    return X.transpose(0, 2, 3, 1) if X.ndim == 4 else np.ascontiguousarray(X)


def _channels_first(X: Array, axes: int) -> Array:
    """Return images as a view (N, C, H, W), with one spatial axis (N, C, L)."""
    if X.ndim == 4:
        X = X.transpose(0, 3, 1, 2)
    return X[:, :, 0] if X.ndim == 4 and axes == 1 else X
