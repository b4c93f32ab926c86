"""One op for the stages of neighbouring layers: what is recorded, and how often it is computed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from neural_network.autograd.engine import Node, Parent, recording
from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array
from neural_network.functional.op import Gradient, Rule
from neural_network.plan.matching import Match


class Computation(ABC):
    """One forward pass of a match, with what its backward pass needs.

    Args:
        match: what is computed.
        needs_input_grad: whether the gradient of the input is needed.

    Attributes:
        rule: of the op that is recorded.
        takers: how many gradients a backward pass takes: the input's, and the parameters'.
    """

    rule: ClassVar[Rule]

    def __init__(self, match: Match, *, needs_input_grad: bool) -> None:
        self.match, self.needs_input_grad = match, needs_input_grad
        self._gradients: tuple[Array, Array | None, list[Array]] | None = None
        self.takers, self._taken = 1, 0

    @abstractmethod
    def forward(self, X: Array) -> Array:
        """Compute all stages."""

    @abstractmethod
    def differentiate(self, grad_out: Array, gradients: list[Array]) -> Array | None:
        """Fill the gradients of the parameters; return that of the input, if it is needed."""

    def backward(self, grad_out: Array) -> tuple[Array | None, list[Array]]:
        """Return the gradients of the input, if it is needed, and of all parameters.

        Those of the parameters are views of one buffer, in order, as are the parameters.
        """
        if self._gradients is None or self._gradients[0] is not grad_out:
            gradients = self.match.new_gradients(grad_out.dtype)
            self._gradients = grad_out, self.differentiate(grad_out, gradients), gradients
        _, input_grad, gradients = self._gradients
        # A backward pass takes the input's gradient and the parameters'; another begins anew.
        self._taken += 1
        if self._taken % self.takers == 0:
            self._gradients = None
        return input_grad, gradients


def _run(X: Any, parameters: Any, run: Computation) -> Any:  # noqa: ARG001  # the record names them
    return run.forward(X)


def _input_grad(g: Any, run: Computation) -> Any:
    return run.backward(g)[0]


def _parameter_gradients(g: Any, run: Computation) -> Any:
    return run.backward(g)[1]


def new_rule(*, by_kernels: bool) -> Rule:
    """Return the rule of an op that computes a run."""
    rule = Rule(_run)
    rule.name, rule.own_memory, rule.by_kernels = "run", True, by_kernels
    rule.gradients["X"] = Gradient(_input_grad, ("run",))
    rule.gradients["parameters"] = Gradient(_parameter_gradients, ("run",))
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
    tensor = isinstance(X, Tensor)
    out = run.forward(X.data if tensor else X)
    if recording():
        match = run.match
        parents: list[Parent] = [("X", None, X)] if run.needs_input_grad else []
        parents += [
            ("parameters", place, parameter)
            for place, parameter in enumerate(match.parameters)
            if parameter.requires_grad
        ]
        if parents:
            node = Node(run.rule, parents, {"run": run})
            run.takers = len({name for name, _, _ in parents})
            # The backward pass needs all of them unchanged, whether they have a gradient or not.
            for value in (X, *match.parameters) if tensor else match.parameters:
                value.memory.add(node)
            result = Tensor.of_node(out, node)
            if match.stages[-1].needs_output:
                result.memory.add(node)
            return result
    return Tensor(out) if tensor else out
