"""The stage of an activation function of single numbers, other than relu."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import isfinite, prod
from types import FunctionType
from typing import Any, NamedTuple, Self

import numpy as np

from neural_network.checks import Array
from neural_network.functional import activations, error_function
from neural_network.functional.op import RULES
from neural_network.plan.conv import MaxPool
from neural_network.plan.vocabulary import Flatten, PlainStage, PreparedStage, Reader, Shape, Step

# As many products take a kernel the time of one value, of any of the functions.
PRODUCTS = 24


class Known(NamedTuple):
    """A function that kernels know.

    Attributes:
        word: of ``kernels.activations.KINDS``.
        products: about as many as take NumPy the time of one value, as measured by
            ``benchmarks/thresholds.py``: its share of the work that decides between NumPy and
            kernels.
        gradient: of the input by NumPy, from that of the result, the input and the option.
        option: the name of the argument that is the option, and its default; ``""`` for none.
        rising: whether it never falls, given the option.
    """

    word: str
    products: int
    gradient: Callable[[Any, Array, float], Any]
    option: tuple[str, float] = ("", 0.0)
    rising: Callable[[float], bool] = lambda _: False


def _of_op(op: Any) -> Callable[[Any, Array, float], Any]:
    """Return the gradient of an op that needs its argument alone."""
    formula = RULES[op].gradients["Z"].function
    return lambda g, Z, _: formula(g, Z=Z)


KNOWN: dict[Any, Known] = {
    activations.sigmoid: Known("sigmoid", 24, _of_op(activations.sigmoid), rising=lambda _: True),
    activations.tanh: Known("tanh", 24, _of_op(activations.tanh), rising=lambda _: True),
    activations.leaky_relu: Known(
        "leaky_relu", 16, activations.leaky_relu_gradient, ("slope", 0.01), lambda slope: slope > 0
    ),
    activations.elu: Known(
        "elu", 24, activations.elu_gradient, ("alpha", 1.0), lambda alpha: alpha >= 0
    ),
    activations.silu: Known("silu", 320, _of_op(activations.silu)),
    activations.gelu: Known("gelu", 1000, _of_op(error_function.exact_gelu)),
}


def with_options(function: Callable[..., Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Return the function of a ``functools.partial`` with its options; any other without."""
    if type(function) is partial and not function.args:
        return function.func, function.keywords
    return function, {}


class Elementwise(Step):
    """An activation function of each number by itself.

    Args:
        function: that is called.
        known: what is known of it.
        option: its slope or alpha; 0 where it has none.
    """

    of_vectors = True

    def __init__(self, function: Callable[[Any], Any], known: Known, option: float) -> None:
        self.by_function, self.known, self.option = function, known, option

    @classmethod
    def of(cls, function: Callable[[Any], Any]) -> Self | None:
        """Return the step of a function, or of its ``functools.partial``; None if unknown."""
        plain, options = with_options(function)
        known = KNOWN.get(plain) if isinstance(plain, FunctionType) else None
        if known is None:
            return None
        name, option = known.option
        if options.keys() - {name}:
            return None
        option = options.get(name, option)
        # What is no number is left to the function, which says so; 0 times infinity is NaN.
        if type(option) not in (int, float) or not isfinite(option) or (name and option == 0):
            return None
        return cls(function, known, float(option))

    def by_ops(self, X: Any) -> Any:
        """Compute it by ops."""
        return self.by_function(X)

    def may_follow(self, step: Step) -> bool:
        """Return whether it may be computed behind a step instead of before it."""
        # The largest of some numbers stays the largest if the function never falls.
        largest = isinstance(step, MaxPool) and self.known.rising(self.option)
        return largest or isinstance(step, Flatten)


class PreparedElementwise(PreparedStage):
    """The stage with its buffers."""

    stage: ElementwiseStage

    def __init__(self, *args: Any, **options: Any) -> None:
        from neural_network.kernels import activations as kernels  # loads Numba

        super().__init__(*args, **options)
        step = self.stage.step
        self._kind = kernels.KINDS[step.known.word]
        self._option = np.array([step.option], np.float32)
        self._values, self._gradient = kernels.activate.compiled, kernels.activate_backward.compiled

    def forward(self, X: Array, out: Array) -> None:
        """Fill ``out``; keep the input."""
        self.saved_input, self.output = np.ascontiguousarray(X), out
        self._values(self._kind, self._option, self.saved_input.reshape(-1), out.reshape(-1))

    def backward(self, grad_out: Array, gradients: Sequence[Array]) -> Array | None:  # noqa: ARG002  # it has no parameters
        """Compute the gradient of the input from the input."""
        if not self.needs_input_grad:
            return None
        X = self.saved_input
        dX = self.buffers.persistent_buffer("input gradient", X.shape)
        grad = np.ascontiguousarray(grad_out)
        self._gradient(
            self._kind, self._option, X.reshape(-1), grad.reshape(-1), dX.reshape(-1)
        )  # fmt: skip
        return dX


class ElementwiseStage(PlainStage):
    """An activation function.

    Args:
        step: the function.
        shape: of a row.
    """

    prepared = PreparedElementwise
    parameters, needs_output = 0, False

    def __init__(self, step: Elementwise, shape: Shape) -> None:
        self.step = step
        self.input_shape = self.output_shape = shape
        self.work = step.known.products * prod(shape)

    def write(self, program: Any, source: Any) -> Any:
        """Write the stage into the program of a single row."""
        return program.activate(source, self.step.known.word, self.step.option)

    @property
    def kernel_work(self) -> int:
        """As many multiplications as take a kernel the time of one row."""
        return PRODUCTS * prod(self.input_shape)

    @classmethod
    def match(cls, reader: Reader, shape: Shape) -> Self | None:
        """Match [Elementwise]."""
        if reader.at_input and reader.axes == 1:  # of tokens, a layer behind reads the last axis
            return None
        step = reader.next(Elementwise)
        return None if step is None else cls(step, shape)

    def by_numpy(self, X: Array) -> tuple[Array, Any]:
        """Compute it by NumPy: a new array, and the input, which the formulas need."""
        return self.step.by_function(X), X

    def gradients_by_numpy(
        self, saved: Any, out: Array, g: Any, gradients: Sequence[Array], *, needs_input_grad: bool
    ) -> Array | None:
        """Compute the gradient of the input."""
        del out, gradients  # it has no parameters
        if not needs_input_grad:
            return None
        grad: Array = self.step.known.gradient(g, saved, self.step.option)
        return grad
