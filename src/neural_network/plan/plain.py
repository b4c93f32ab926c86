"""A run whose stages NumPy computes: small networks, for which a kernel is not worth its call.

The stages are those of ``run.py``. Beside calling each layer by itself, it saves Python: the whole
run is one op of the tape, and its gradients are views of one buffer. The numbers are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neural_network.checks import Array, silent
from neural_network.plan.computation import Computation, new_rule
from neural_network.plan.dense import DenseStage
from neural_network.plan.matching import Match


@silent
def predicted(match: Match, X: Array) -> Array:
    """Compute all stages of a match, of which nothing is recorded."""
    out = match.as_rows(X)
    for stage in match.plain:
        out, _ = stage.by_numpy(out)
    return match.as_result(out, X)


class PlainRun(Computation):
    """One computation of a match by NumPy."""

    rule = new_rule(by_kernels=False)
    _saved: list[tuple[Array, Any]]  # of each stage: its result, and what its gradients need

    def __init__(self, match: Match, *, needs_input_grad: bool) -> None:
        super().__init__(match, needs_input_grad=needs_input_grad)
        self._options: list[dict[str, Any]] = [{}] * len(match.plain)

    @silent
    def forward(self, X: Array) -> Array:
        """Compute all stages: (N, inputs) to (N, outputs)."""
        return self.forward_aloud(X)

    def forward_aloud(self, X: Array) -> Array:
        """Compute all stages; warnings are the caller's."""
        self._saved = []
        for stage, options in zip(self.match.plain, self._options, strict=True):
            computed = stage.by_numpy(X, **options)
            self._saved.append(computed)
            X = computed[0]
        return X

    def differentiate(self, grad_out: Array, gradients: Sequence[Array]) -> Array | None:
        """Go back through the stages. The engine calls it, which lets no warning out."""
        grad: Array | None = grad_out
        end = len(gradients)
        for place in reversed(range(len(self.match.plain))):
            stage, (out, saved) = self.match.plain[place], self._saved[place]
            begin = end - stage.parameters
            grad = stage.gradients_by_numpy(
                saved, out, grad, gradients[begin:end],
                needs_input_grad=place > 0 or self.needs_input_grad, **self._options[place],
            )  # fmt: skip
            end = begin
        return grad


class RepeatedRun(PlainRun):
    """A run that is computed again and again in the same arrays, each time for as many rows.

    Its results are the next run's as well.

    Args:
        match: what is computed.
        rows: of each input.
    """

    def __init__(self, match: Match, rows: int) -> None:
        super().__init__(match, needs_input_grad=False)
        self._options = [
            {"arrays": stage.arrays(rows)} if isinstance(stage, DenseStage) else {}
            for stage in match.plain
        ]
