"""Convolution layers: ``Conv1D`` … ``Conv3D``, ``DepthwiseConv2D``, ``ConvTranspose2D``."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

import numpy as np

from neural_network.advice import axes_added, channels_moved, refused_rank
from neural_network.checks import as_count
from neural_network.describing import accepts_old_names
from neural_network.errors import ShapeError, sentence
from neural_network.functional.convolution.conv import conv1d, conv2d, conv3d
from neural_network.functional.convolution.transpose import conv_transpose2d
from neural_network.functional.window import Padding, Size, Window, as_padding, per_axis
from neural_network.layers.activation import Function, steps_of
from neural_network.layers.initializers import Initializer
from neural_network.layers.weighted import Weighted
from neural_network.plan.conv import Conv
from neural_network.plan.depthwise import Depthwise
from neural_network.plan.transpose import ConvTranspose
from neural_network.plan.vocabulary import Step, Steps
from neural_network.public import named, public

CONVOLUTIONS = {1: conv1d, 2: conv2d, 3: conv3d}


class _Convolution(Weighted):
    """What all convolutions share; the number of spatial axes is the class's."""

    axes: ClassVar[int]

    @accepts_old_names
    def __init__(
        self,
        filters: int,
        kernel_size: Size = 3,
        *,
        stride: Size = 1,
        padding: Padding = 0,
        dilation: Size = 1,
        groups: int = 1,
        activation: str | Function | None = None,
        bias: bool = True,
        initializer: str | Initializer = "glorot_uniform",
        l1: float = 0.0,
        l2: float = 0.0,
    ) -> None:
        name = type(self).__name__
        self.filters = as_count(name, "filters", filters)
        self.kernel_size = per_axis(name, "kernel_size", kernel_size, self.axes)
        self.stride = per_axis(name, "stride", stride, self.axes)
        self.dilation = per_axis(name, "dilation", dilation, self.axes)
        self.padding = as_padding(name, padding, self.axes, self.kernel_size, self.dilation)
        self.groups = as_count(name, "groups", groups)
        self._set_options(initializer, l1, l2, activation, bias)

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        """Make the filters and the bias."""
        self._check_rank(shape)
        channels = shape[1]
        if channels == 0:
            expected = "at least one channel along axis 1"
            raise ShapeError(sentence(type(self).__name__, "X", expected, f"shape {shape}"))
        if channels % self.groups or self.filters % self.groups:
            name, of = type(self).__name__, f"{channels} channels and {self.filters} filters"
            raise ShapeError(sentence(name, "groups", f"a divisor of {of}", self.groups))
        inputs, outputs = channels // self.groups, self.filters // self.groups
        self._make_weight(*self._filters(inputs, outputs), rng)
        self._make_bias(self.filters)

    def _filters(self, inputs: int, outputs: int) -> tuple[tuple[int, ...], tuple[int, int]]:
        """Return the shape of the weight and its fans, for the channels of one group."""
        taps = prod(self.kernel_size)
        return (self.filters, inputs, *self.kernel_size), (inputs * taps, outputs * taps)

    def forward(self, X: Any) -> Any:
        """(N, C, …) → (N, filters, …)."""
        X = self._numbers(X)
        self._check_channels(np.shape(X))
        maps = CONVOLUTIONS[self.axes](
            X,
            self.weight,
            self.stride,  # type: ignore[arg-type]  # one number for each of the axes
            self.padding,
            dilation=self.dilation,  # type: ignore[arg-type]  # likewise
            groups=self.groups,
            bias=self.bias,
            precise=False,
        )
        return self.activation(maps)

    def _step(self) -> Step | None:
        """Return the step of the convolution without its activation, if there is one."""
        plain = self.axes <= 2 and self.groups == 1 and max(self.dilation) == 1
        return Conv(self.weight, self.bias, self.stride, self.padding) if plain else None

    def _steps(self) -> Steps:
        """The convolution and its activation, if stages know both."""
        step, after = self._step(), steps_of(self.activation)
        return None if step is None or after is None else [step, *after]

    def multiply_adds(self, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> int:
        """Return the taps that meet in each output."""
        return prod(outputs[1:]) * inputs[1] // self.groups * prod(self.kernel_size)

    def _check_input(self, shape: tuple[int, ...]) -> None:
        self._check_channels(shape)
        name, taps = type(self).__name__, self.kernel_size
        Window.of(name, shape[2:], taps, self.stride, self.padding, self.dilation)

    def _check_channels(self, shape: tuple[int, ...]) -> None:
        self._check_rank(shape)
        channels = self.weight.shape[1] * self.groups
        if shape[1] != channels:
            many = "s" if channels != 1 else ""
            expected = f"{channels} channel{many} along axis 1, as it was built for"
            received = f"shape {shape}{channels_moved('X', shape, self.axes, channels)}"
            raise ShapeError(sentence(type(self).__name__, "X", expected, received))

    def _check_rank(self, shape: tuple[int, ...]) -> None:
        if len(shape) == self.axes + 2:
            return
        channels = self.weight.shape[1] * self.groups if self.built else None
        text = refused_rank(type(self).__name__, "X", shape, self.axes, channels)
        other = self.axes + 1 if len(shape) == self.axes + 3 else self.axes - 1
        if len(shape) in (3, 4) and type(self) in (Conv1D, Conv2D) and other in (1, 2):
            letters = "L" if other == 1 else "H, W"
            text += f"; Conv{other}D takes (N, C, {letters})"
        raise ShapeError(text)


@public
@named("layer")
class Conv2D(_Convolution):
    """2-D convolution of images: ``activation(conv2d(X, W) + b)``.

    Args:
        filters: how many, and so the channels of the result.
        kernel_size: of each filter, an int or a (vertical, horizontal) pair.
        stride, padding, dilation, groups: as in ``conv2d``; ``padding="same"`` keeps sizes.
        activation: a function or the name of one ("relu"); None for none.
        bias: whether to add b, which begins at 0.
        initializer: of W: a function or a name ("glorot_uniform", "he", "orthogonal" …).
        l1, l2: strengths of the penalties l1 · Σ|W| and l2 · ΣW².

    Attributes:
        weight: (filters, C / groups, fh, fw), made at the first call.
        bias: (filters,), or None.

    Raises:
        DTypeError, ArgumentError: an argument of the wrong kind or value.
        ShapeError: (when called) an input of another rank or number of channels than it
            was built for, or smaller than the filter.

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to
    document recognition", Proc. IEEE 86, 1998.

    >>> Conv2D(8, 3, padding="same").initialize((1, 28, 28)).predict(np.ones((1, 1, 28, 28))).shape
    (1, 8, 28, 28)
    """

    axes = 2

    def _step(self) -> Step | None:
        if self.groups > 1 and self.weight.shape[:2] == (self.groups, 1):
            return Depthwise(self.weight, self.bias, self.stride, self.padding, self.dilation)
        return super()._step()


@public
@named("layer")
class Conv1D(_Convolution):
    """1-D convolution of signals (N, C, L): ``Conv2D`` with one axis less.

    Args:
        filters, kernel_size, stride, padding, dilation, groups, activation, bias, initializer,
            l1, l2: as in ``Conv2D``.

    Attributes:
        weight: (filters, C / groups, fl), made at the first call.
        bias: (filters,), or None.

    Raises:
        DTypeError, ArgumentError, ShapeError: as ``Conv2D``.

    Source: as ``conv1d``.

    >>> Conv1D(4, 3).initialize((2, 10)).predict(np.ones((1, 2, 10))).shape
    (1, 4, 8)
    """

    axes = 1


@public
@named("layer")
class Conv3D(_Convolution):
    """3-D convolution of volumes (N, C, D, H, W): ``Conv2D`` with one axis more.

    Args:
        filters, kernel_size, stride, padding, dilation, groups, activation, bias, initializer,
            l1, l2: as in ``Conv2D``.

    Attributes:
        weight: (filters, C / groups, fd, fh, fw), made at the first call.
        bias: (filters,), or None.

    Raises:
        DTypeError, ArgumentError, ShapeError: as ``Conv2D``.

    Source: as ``conv3d``.

    >>> Conv3D(4, 2).initialize((1, 3, 3, 3)).predict(np.ones((1, 1, 3, 3, 3))).shape
    (1, 4, 2, 2, 2)
    """

    axes = 3


@public
@named("layer")
class DepthwiseConv2D(Conv2D):
    """Depthwise convolution: ``Conv2D`` with one group for each channel.

    Args:
        kernel_size: of each filter, an int or a (vertical, horizontal) pair.
        multiplier: filters for each channel.
        stride, padding, dilation, activation, bias, initializer, l1, l2: as in ``Conv2D``.

    Attributes:
        weight: (C · multiplier, 1, fh, fw), made at the first call.
        bias: (C · multiplier,), or None.

    Raises:
        DTypeError, ArgumentError, ShapeError: as ``Conv2D``.

    Source: Howard et al., "MobileNets", arXiv 1704.04861.

    >>> DepthwiseConv2D(3).initialize((5, 8, 8)).weight.shape
    (5, 1, 3, 3)
    """

    axes = 2

    @accepts_old_names
    def __init__(
        self,
        kernel_size: Size = 3,
        multiplier: int = 1,
        *,
        stride: Size = 1,
        padding: Padding = 0,
        dilation: Size = 1,
        activation: str | Function | None = None,
        bias: bool = True,
        initializer: str | Initializer = "glorot_uniform",
        l1: float = 0.0,
        l2: float = 0.0,
    ) -> None:
        self.multiplier = as_count("DepthwiseConv2D", "multiplier", multiplier)
        super().__init__(
            1, kernel_size, stride=stride, padding=padding, dilation=dilation,
            activation=activation, bias=bias, initializer=initializer, l1=l1, l2=l2,
        )  # fmt: skip

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        """Make the filters, now that the channels are counted."""
        self._check_rank(shape)
        self.groups = max(shape[1], 1)  # none is refused below
        self.filters = shape[1] * self.multiplier
        super().build(shape, rng)


@public
@named("layer")
class ConvTranspose2D(_Convolution):
    """Transposed 2-D convolution of images: ``activation(conv_transpose2d(X, W) + b)``.

    Args:
        filters: how many, and so the channels of the result.
        kernel_size: of each filter, an int or a (vertical, horizontal) pair.
        stride, padding, output_padding, dilation, groups: as in ``conv_transpose2d``.
        activation, bias, initializer, l1, l2: as in ``Conv2D``.

    Attributes:
        weight: (C, filters / groups, fh, fw), made at the first call.
        bias: (filters,), or None.

    Raises:
        DTypeError, ArgumentError, ShapeError: as ``Conv2D``.

    Source: as ``conv_transpose2d``.

    >>> ConvTranspose2D(3, 2, stride=2).initialize((4, 5, 5)).predict(np.ones((1, 4, 5, 5))).shape
    (1, 3, 10, 10)
    """

    axes = 2
    padding: tuple[int, ...]

    @accepts_old_names
    def __init__(
        self,
        filters: int,
        kernel_size: Size = 3,
        *,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        dilation: Size = 1,
        groups: int = 1,
        activation: str | Function | None = None,
        bias: bool = True,
        initializer: str | Initializer = "glorot_uniform",
        l1: float = 0.0,
        l2: float = 0.0,
    ) -> None:
        name = "ConvTranspose2D"
        self.output_padding = per_axis(name, "output_padding", output_padding, 2, minimum=0)
        super().__init__(
            filters, kernel_size, stride=stride, dilation=dilation, groups=groups,
            padding=per_axis(name, "padding", padding, 2, minimum=0),
            activation=activation, bias=bias, initializer=initializer, l1=l1, l2=l2,
        )  # fmt: skip

    def _filters(self, inputs: int, outputs: int) -> tuple[tuple[int, ...], tuple[int, int]]:
        taps = prod(self.kernel_size)
        # An output is met by the numbers of its group, each at one tap in stride².
        fan_in = max(1, inputs * taps // prod(self.stride))
        return (inputs * self.groups, outputs, *self.kernel_size), (fan_in, outputs * taps)

    def _check_input(self, shape: tuple[int, ...]) -> None:
        if len(shape) != 4 or shape[1] != len(self.weight):
            channels = len(self.weight)
            expected = f"(N, {channels}, H, W), as it was built for"
            advice = axes_added("X", shape, 2, channels)
            received = f"shape {shape}{advice or channels_moved('X', shape, 2, channels)}"
            raise ShapeError(sentence("ConvTranspose2D", "X", expected, received))

    def _step(self) -> Step | None:
        if self.groups > 1 or self.dilation != (1, 1):
            return None
        return ConvTranspose(self.weight, self.bias, self.stride, self.padding, self.output_padding)

    def forward(self, X: Any) -> Any:
        """(N, C, H, W) → (N, filters, OH, OW)."""
        X = self._numbers(X)
        self._check_input(np.shape(X))
        maps = conv_transpose2d(
            X,
            self.weight,
            self.stride,
            self.padding,
            self.output_padding,
            dilation=self.dilation,
            groups=self.groups,
            bias=self.bias,
        )
        return self.activation(maps)

    def multiply_adds(self, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> int:  # noqa: ARG002  # of the inputs alone
        """Return the taps that each input is multiplied with."""
        return prod(inputs[1:]) * self.filters // self.groups * prod(self.kernel_size)
