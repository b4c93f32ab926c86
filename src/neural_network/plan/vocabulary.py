"""Steps, in which layers describe what they compute, and the base class of stages.

A step can be computed by ops: that defines what it means, and serves second derivatives and
inputs too small for kernels. Steps that only one kind of stage computes stand in its file.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Self, TypeAlias, TypeVar

import numpy as np

from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array, silent
from neural_network.functional.activations import relu
from neural_network.functional.normalization.batch_norm import normalize_by
from neural_network.functional.normalization.sample_norms import normalize_rows
from neural_network.plan.workspace import StageBuffers

Shape = tuple[int, ...]
NO_BIAS = np.zeros(0, np.float32)


class Step(ABC):
    """One operation of a layer.

    Attributes:
        of_vectors: whether, of inputs (N, …, size), it computes each vector by itself.
    """

    of_vectors: ClassVar[bool] = False

    @property
    def axes(self) -> int | None:
        """How many spatial axes its input must have; None: any number."""
        return None

    @property
    def parameters(self) -> list[Tensor]:
        """The trainable tensors, in the order in which ``by_ops`` takes them."""
        return []

    @abstractmethod
    def by_ops(self, X: Any, *parameters: Any) -> Any:
        """Compute it by ops, with these parameters in place of its own."""

    def may_follow(self, step: Step) -> bool:  # noqa: ARG002  # others look at it
        """Return whether it may be computed behind the step that it precedes."""
        return False


# What a layer computes; None where there are no steps for it.
Steps: TypeAlias = Sequence[Step] | None
AnyStep = TypeVar("AnyStep", bound=Step)


class ReLU(Step):
    """``relu``."""

    of_vectors = True

    def by_ops(self, X: Any) -> Any:
        """Compute it by ops."""
        return relu(X)


class Flatten(Step):
    """Reshape (N, …) to (N, inputs)."""

    def by_ops(self, X: Any) -> Any:
        """Compute it by ops."""
        return X.reshape(len(X), -1)


@dataclass(frozen=True, eq=False)
class BatchNorm(Step):
    """Batch norm in evaluation: a fixed factor and shift for each channel."""

    gamma: Tensor
    beta: Tensor
    mean: Tensor
    variance: Tensor
    epsilon: float

    @silent
    def by_ops(self, X: Any) -> Any:
        """Compute it by ops."""
        return normalize_by(X, self._arrays(), self.epsilon)

    def has_channels(self, channels: int) -> bool:
        """Return whether each tensor has this many numbers."""
        return all(array.shape == (channels,) for array in self._arrays().values())

    def _arrays(self) -> dict[str, Array]:
        return {name: getattr(self, name).data for name in ("gamma", "beta", "mean", "variance")}

    def folded(self, weight: Array, bias: Array, axis: int) -> tuple[Array, Array]:
        """Return the weight and bias of a linear map that this batch norm follows.

        Args:
            weight: of the linear map.
            bias: one number for each output, or ``NO_BIAS``.
            axis: of the weight, along which the outputs are.
        """
        with np.errstate(all="ignore"):
            exact = self.gamma.data / np.sqrt(self.variance.data + np.float32(self.epsilon))
            shift = (self.beta.data - self.mean.data * exact).astype(np.float32, copy=False)
            factor = exact.astype(np.float32, copy=False)
            shape = [1] * weight.ndim
            shape[axis] = -1
            return weight * factor.reshape(shape), shift + bias * factor if bias.size else shift


class LinearStep(Step):
    """A step that multiplies its input with weights and adds a bias.

    Args:
        weight: the weights.
        bias: one number for each output, or None.
    """

    output_axis: ClassVar[int]  # of the weights

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self.weight, self.bias = weight, bias

    @property
    def parameters(self) -> list[Tensor]:
        """The weights and the bias."""
        return [self.weight] if self.bias is None else [self.weight, self.bias]

    def arrays(self, norm: BatchNorm | None) -> tuple[Array, Array]:
        """Return weights and bias, or ``NO_BIAS``, with the batch norm that follows folded in."""
        weight, bias = self.weight.data, NO_BIAS if self.bias is None else self.bias.data
        return (weight, bias) if norm is None else norm.folded(weight, bias, self.output_axis)


class LayerNorm(Step):
    """Layer norm over the last axis, for which there is no stage."""

    def __init__(self, gamma: Tensor, beta: Tensor, epsilon: float) -> None:
        self.gamma, self.beta, self.epsilon = gamma, beta, epsilon

    @property
    def parameters(self) -> list[Tensor]:
        """The factors and the summands."""
        return [self.gamma, self.beta]

    def by_ops(self, X: Any, gamma: Any, beta: Any) -> Any:
        """Compute it by ops."""
        return normalize_rows([X, gamma, beta], self.epsilon)


class Reader:
    """Reads the steps of neighbouring layers in order.

    A step for another number of spatial axes is not read.

    Args:
        layers: the steps of each layer; reading ends before the first that has none (None).
        axes: how many spatial axes the layers' input has; a series is an image of one row.
        inside: whether they are of a path inside a stage.
        exchanged: whether a step that may follow its successor comes behind it, so that, for
            example, a function of each number is computed of what pooling has left.

    Attributes:
        axes: as given.
        steps: of all layers.
        ends: positions at which a layer ends, that of the first layer's begin included.
        position: of the next step.
    """

    def __init__(
        self, layers: Sequence[Steps], axes: int = 2, *, inside: bool = False,
        exchanged: bool = False,
    ) -> None:  # fmt: skip
        self.axes, self._inside = axes, inside
        self.steps: list[Step] = []
        self.ends = [0]
        for steps in layers:
            if steps is None:
                break
            self.steps += steps
            self.ends.append(len(self.steps))
        for place in reversed(range(len(self.steps) - 1 if exchanged else 0)):
            self._move_back(place)
        self.position = 0

    def _move_back(self, place: int) -> None:
        """Exchange a step with those behind it that it may follow."""
        steps = self.steps
        for after in range(place + 1, len(steps)):
            if not steps[after - 1].may_follow(steps[after]):
                return
            steps[after - 1 : after + 1] = steps[after], steps[after - 1]
            # A layer that ended between them is complete behind both.
            self.ends = [end + (end == after) for end in self.ends]

    @property
    def at_input(self) -> bool:
        """Whether the next step reads the input of the run, which may be channels first."""
        return self.position == 0 and not self._inside

    def next(
        self, kind: type[AnyStep], fits: Callable[[AnyStep], bool] = lambda _: True
    ) -> AnyStep | None:
        """Return the next step and go on, if it is of this kind and fits; else None."""
        step = self.steps[self.position] if self.position < len(self.steps) else None
        if isinstance(step, kind) and step.axes in (None, self.axes) and fits(step):
            self.position += 1
            return step
        return None


def as_maps(array: Array, maps: Shape, *, flat: bool) -> Array:
    """View what a stage fills or is given as images (N, H, W, C).

    Args:
        array: these images, or vectors of them, channels first.
        maps: H, W and C.
        flat: whether they are vectors.
    """
    if not flat:
        return array
    height, width, channels = maps
    return array.reshape(len(array), channels, height, width).transpose(0, 2, 3, 1)


class GradientPlace:
    """Where a stage reads the gradient of its result, so that the next stage may write it there.

    Args:
        memory: (N, high, wide, columns), contiguous.
        top, left: of the gradient in it.
        shape: of the gradient, (N, H, W, C).

    Attributes:
        memory, top, left: as given.
        gradient: the view of the gradient, which the next stage returns when it has filled it.
        sums: the sum of the gradient over all but the channels, which the next stage leaves here.
    """

    def __init__(self, memory: Array, top: int, left: int, shape: Shape) -> None:
        self.memory, self.top, self.left = memory, top, left
        _, height, width, channels = shape
        self.gradient = memory[:, top : top + height, left : left + width, :channels]
        self.sums: Any = None


class PreparedStage(ABC):
    """A stage with its buffers for a number of rows.

    Images are channels last, (N, H, W, C), vectors (N, inputs) and contiguous. Its methods are
    called inside a ``parallel_region``.

    Args:
        stage: what is computed.
        rows: how many.
        buffers: of the stage.
        needs_input_grad: whether the gradient of the input is needed.

    Attributes:
        out: buffer of the result; the last stage fills an array of the caller's instead.
        saved_input, output: of the last forward pass, for the backward pass.
        previous: the stage whose result is this one's input, or None.
        fills_places: whether ``forward`` fills images of which only the rows are contiguous.
    """

    fills_places: bool = False

    def __init__(
        self, stage: Any, rows: int, buffers: StageBuffers, *, needs_input_grad: bool
    ) -> None:
        self.stage, self.buffers, self.needs_input_grad = stage, buffers, needs_input_grad
        self.previous: PreparedStage | None = None
        self.out = buffers.buffer("out", (rows, *stage.output_shape))
        self.saved_input = self.output = self.out

    @abstractmethod
    def forward(self, X: Array, out: Array) -> None:
        """Fill ``out``; keep what ``backward`` needs."""

    @abstractmethod
    def backward(self, grad_out: Array, gradients: Sequence[Array]) -> Array | None:
        """Fill the gradients of the parameters; return that of the input, if it is needed.

        It is in memory of the stage's own, to which a residual block adds.
        """

    def follow(self, previous: PreparedStage) -> None:
        """Note the stage whose result is this one's input."""
        self.previous = previous

    def place_of_input(self) -> Array | None:
        """Return where the stage before may write images that ``forward`` reads without a copy."""
        return None

    def gradient_place(self) -> GradientPlace | None:
        """Return where ``backward`` reads the gradient of the result without a copy, if it does."""
        return None

    def release(self) -> None:
        """Drop the references to arrays of the caller's."""
        self.saved_input = self.output = self.out


class AddingStage(PreparedStage):
    """A stage that can add the result of another path to its own while that is in the cache."""

    def adds(self) -> bool:
        """Return whether it can: neither relu, pooling nor flatten follows."""
        stage = self.stage
        return not (stage.relu or stage.flatten) and stage.pool is None

    def forward(self, X: Array, out: Array) -> None:
        """Fill ``out``; keep what ``backward`` needs."""
        self.forward_added(X, out, None, relu=self.stage.relu)

    @abstractmethod
    def forward_added(self, X: Array, out: Array, added: Array | None, *, relu: bool) -> None:
        """Fill ``out`` with the result, plus ``added`` if it ``adds``, or with relu of it."""


class Stage(ABC):
    """Some steps that kernels compute together, for inputs of one shape.

    A subclass is tried by ``matching`` as soon as its file is imported, which the layers whose
    steps it computes do.

    Attributes:
        input_shape, output_shape: of one row, channels last.
        parameters: how many there are.
        work: multiplications for one row, or as many as take NumPy its time.
        needs_output: whether ``backward`` needs the result unchanged.
        least_rows: with fewer rows its layers are called, which refuse them.
        prepared: the class by which kernels compute it.
    """

    kinds: ClassVar[list[type[Stage]]] = []
    prepared: ClassVar[type[PreparedStage]]
    input_shape: Shape
    output_shape: Shape
    parameters: int
    work: int
    needs_output: bool
    least_rows: int = 0

    @property
    def kernel_work(self) -> int:
        """As many multiplications as take a kernel the time of one row; ``work`` decides on it."""
        return self.work

    def __init_subclass__(cls) -> None:
        """Register the kind of stage, if it says what it matches."""
        if "match" in vars(cls):
            Stage.kinds.append(cls)

    def write(self, program: Any, source: Any) -> Any:  # noqa: ARG002  # other stages use them
        """Write the stage into the program of a single row.

        Args:
            program: a ``single_row.Program``.
            source: the place of the input.

        Returns:
            The place of the result; None where there is no kernel for it.
        """
        return None

    @classmethod
    @abstractmethod
    def match(cls, reader: Reader, shape: Shape) -> Self | None:
        """Return the stage that begins at the next step, and read its steps; else None.

        Args:
            reader: of the steps.
            shape: of one row of the input, channels last.
        """


def prepared_stages(
    stages: Sequence[Stage], rows: int, buffers: Callable[[int], StageBuffers],
    *, needs_input_grad: bool,
) -> list[PreparedStage]:  # fmt: skip
    """Prepare stages that follow each other.

    Args:
        stages: what is computed.
        rows: how many.
        buffers: returns those of a stage, from its number.
        needs_input_grad: whether the gradient of the first stage's input is needed.
    """
    prepared = [
        stage.prepared(
            stage, rows, buffers(number), needs_input_grad=needs_input_grad or number > 0
        )
        for number, stage in enumerate(stages)
    ]
    for stage, following in pairwise(prepared):
        following.follow(stage)
        place = following.place_of_input() if stage.fills_places else None
        if place is not None:
            stage.out = place
    return prepared


class PlainStage(Stage):
    """A stage that NumPy computes where the work is small; that of others is left to the layers."""

    @abstractmethod
    def by_numpy(self, X: Array) -> tuple[Array, Any]:
        """Compute it by NumPy: a new array, and what ``gradients_by_numpy`` needs beside it."""

    @abstractmethod
    def gradients_by_numpy(
        self, saved: Any, out: Array, g: Any, gradients: Sequence[Array], *, needs_input_grad: bool
    ) -> Array | None:
        """Fill the gradients of the parameters; return that of the input, if it is needed.

        Args:
            saved: what ``by_numpy`` returned beside its result.
            out: its result.
            g: the gradient of the result, which is not changed.
            gradients: of the parameters.
            needs_input_grad: whether the gradient of the input is needed.
        """
