"""One op for the stages of neighbouring layers: what is recorded, and how often it is computed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from neural_network.autograd.engine import Node, Parent, Recorded, recording
from neural_network.autograd.memory import note_saved
from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array
from neural_network.functional.op import Rule
from neural_network.plan.matching import Match


class Computation(ABC):
    """One forward pass of a match, with what its backward pass needs.

    Args:
        match: what is computed.
        needs_input_grad: whether the gradient of the input is needed.

    Attributes:
        rule: of the op that is recorded.
    """

    rule: ClassVar[Rule]

    def __init__(self, match: Match, *, needs_input_grad: bool) -> None:
        self.match, self.needs_input_grad = match, needs_input_grad

    @abstractmethod
    def forward(self, X: Array) -> Array:
        """Compute all stages."""

    @abstractmethod
    def differentiate(self, grad_out: Array, gradients: list[Array]) -> Array | None:
        """Fill the gradients of the parameters; return that of the input, if it is needed."""


class RunNode(Node):
    """The node of a run, whose gradients one backward pass through its stages computes."""

    __slots__ = ()
    own_memory = True

    def gradients(self, grad_out: Any) -> list[tuple[Recorded, Any]]:
        """Return the input and the parameters that require a gradient, with theirs.

        Those of the parameters are views of one buffer, in order, as are the parameters.
        """
        run = self.saved()["run"]
        gradients = run.match.new_gradients(grad_out.dtype)
        input_grad = run.differentiate(run.match.as_rows(grad_out), gradients)
        return [
            (
                tensor,
                gradients[place]
                if place is not None
                else run.match.as_result(input_grad, tensor.data),
            )
            for _, place, tensor in self.parents
        ]


def _run(X: Any, parameters: Any, run: Computation) -> Any:  # noqa: ARG001  # the record names them
    return run.forward(X)


def new_rule(*, by_kernels: bool) -> Rule:
    """Return the rule of an op that computes a run."""
    rule = Rule(_run)
    rule.name, rule.by_kernels = "run", by_kernels
    return rule


def needs_gradient(X: Any) -> bool:
    """Return whether the gradient of an input is needed."""
    return isinstance(X, Tensor) and X.requires_grad


def compute(run: Computation, X: Any) -> Any:
    """Compute what was matched, and record it.

    Args:
        run: not used before.
        X: an array or a tensor.

    Returns:
        An array, or a tensor where X is one or the computation is recorded.
    """
    tensor, match = isinstance(X, Tensor), run.match
    given = X.data if tensor else X
    out = match.as_result(run.forward(match.as_rows(given)), given)
    if recording():
        parents: list[Parent] = [("X", None, X)] if run.needs_input_grad else []
        parents += [
            ("parameters", place, parameter)
            for place, parameter in enumerate(match.parameters)
            if parameter.requires_grad
        ]
        if parents:
            node = RunNode(run.rule, parents, {"run": run})
            # The backward pass needs all of them unchanged, whether they have a gradient or not.
            note_saved((X, *match.parameters) if tensor else match.parameters, node)
            result = Tensor.of_node(out, node)
            if match.stages[-1].needs_output:
                result.memory.add(node)
            return result
    return Tensor(out) if tensor else out
