"""Pooling layers: the largest number or the mean of each window."""

from __future__ import annotations

from typing import Any

from neural_network.advice import refused_rank
from neural_network.checks import as_flag
from neural_network.describing import accepts_old_names
from neural_network.errors import ShapeError, sentence
from neural_network.functional.pooling.pool import avg_pool2d, global_avg_pool, max_pool2d
from neural_network.functional.window import Padding, Size, Window, as_padding, per_axis
from neural_network.layers.layer import Layer
from neural_network.plan.conv import MaxPool
from neural_network.plan.pooling import AvgPool, GlobalAvgPool
from neural_network.plan.vocabulary import Steps
from neural_network.public import named, public


@public
@named("layer")
class MaxPool2D(Layer):
    """Largest number of each window, channel by channel: ``max_pool2d``.

    Args:
        kernel_size, stride, padding, dilation, ceil_mode: as in ``max_pool2d``,
            where ``kernel_size`` is ``size``.

    Attributes:
        kernel_size, stride, padding, dilation, ceil_mode: as given; sizes for both axes.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``max_pool2d``.

    Source: as ``max_pool2d``.

    >>> MaxPool2D(2).predict(np.arange(16.0).reshape(1, 1, 4, 4))
    array([[[[ 5.,  7.],
             [13., 15.]]]], dtype=float32)
    """

    @accepts_old_names
    def __init__(
        self,
        kernel_size: Size = 2,
        stride: Size | None = None,
        padding: Padding = 0,
        *,
        dilation: Size = 1,
        ceil_mode: bool = False,
    ) -> None:
        self.kernel_size, self.stride = _sizes("MaxPool2D", kernel_size, stride)
        self.padding = as_padding("MaxPool2D", padding, 2)
        self.dilation = per_axis("MaxPool2D", "dilation", dilation, 2)
        self.ceil_mode = as_flag("MaxPool2D", "ceil_mode", ceil_mode)

    def _check_input(self, shape: tuple[int, ...]) -> None:
        _check_fits(self, shape, self.dilation)

    def forward(self, X: Any) -> Any:
        """(N, C, H, W) → (N, C, OH, OW)."""
        return max_pool2d(
            self._numbers(X), self.kernel_size, self.stride, self.padding,
            dilation=self.dilation, ceil_mode=self.ceil_mode,
        )  # fmt: skip

    def _steps(self) -> Steps:
        """Max pooling without padding, whose stride is the window's size."""
        if _padded(self) or self.dilation != (1, 1) or self.kernel_size != self.stride:
            return None
        return [MaxPool(self.kernel_size)]


@public
@named("layer")
class AvgPool2D(Layer):
    """Mean of each window, channel by channel: ``avg_pool2d``.

    Args:
        kernel_size, stride, padding, ceil_mode, count_include_pad: as in ``avg_pool2d``,
            where ``kernel_size`` is ``size``.

    Attributes:
        kernel_size, stride, padding, ceil_mode, count_include_pad: as given; sizes for both
            axes.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``avg_pool2d``.

    Source: as ``avg_pool2d``.

    >>> AvgPool2D(2).predict(np.arange(4.0).reshape(1, 1, 2, 2))
    array([[[[1.5]]]], dtype=float32)
    """

    @accepts_old_names
    def __init__(
        self,
        kernel_size: Size = 2,
        stride: Size | None = None,
        padding: Padding = 0,
        *,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        self.kernel_size, self.stride = _sizes("AvgPool2D", kernel_size, stride)
        self.padding = as_padding("AvgPool2D", padding, 2)
        self.ceil_mode = as_flag("AvgPool2D", "ceil_mode", ceil_mode)
        self.count_include_pad = as_flag("AvgPool2D", "count_include_pad", count_include_pad)

    def _check_input(self, shape: tuple[int, ...]) -> None:
        _check_fits(self, shape)

    def forward(self, X: Any) -> Any:
        """(N, C, H, W) → (N, C, OH, OW)."""
        return avg_pool2d(
            self._numbers(X), self.kernel_size, self.stride, self.padding,
            ceil_mode=self.ceil_mode, count_include_pad=self.count_include_pad,
        )  # fmt: skip

    def _steps(self) -> Steps:
        """Average pooling without padding."""
        return None if _padded(self) else [AvgPool(self.kernel_size, self.stride)]


@public
@named("layer")
class GlobalAvgPool2D(Layer):
    """Mean of each channel over all its places: (N, C, H, W) → (N, C).

    Raises:
        ShapeError: (when called) no spatial axis.

    Source: as ``global_avg_pool``.

    >>> GlobalAvgPool2D().predict(np.arange(8.0).reshape(1, 2, 2, 2))
    array([[1.5, 5.5]], dtype=float32)
    """

    def _check_input(self, shape: tuple[int, ...]) -> None:
        if len(shape) < 3:
            raise ShapeError(sentence("GlobalAvgPool2D", "X", "(N, C, …)", f"shape {shape}"))

    def forward(self, X: Any) -> Any:
        """(N, C, H, W) → (N, C)."""
        return global_avg_pool(self._numbers(X))

    def _steps(self) -> Steps:
        """The mean over all places."""
        return [GlobalAvgPool()]


def _padded(pool: MaxPool2D | AvgPool2D) -> bool:
    """Return whether windows may reach beyond the images."""
    unpadded = isinstance(pool.padding, int | str) and pool.padding in (0, "valid")
    return not unpadded or pool.ceil_mode


def _check_fits(pool: MaxPool2D | AvgPool2D, shape: tuple[int, ...], dilation: Size = 1) -> None:
    """Raise ShapeError unless the window of a layer fits into an input."""
    name = type(pool).__name__
    if len(shape) != 4:
        raise ShapeError(refused_rank(name, "X", shape, 2))
    Window.of(
        name, shape[2:], pool.kernel_size, pool.stride, pool.padding, dilation,
        ceil_mode=pool.ceil_mode, name="window",
    )  # fmt: skip


def _sizes(
    function: str, size: Size, stride: Size | None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the window's sizes and steps along both axes."""
    sizes = per_axis(function, "kernel_size", size, 2)
    return sizes, sizes if stride is None else per_axis(function, "stride", stride, 2)
