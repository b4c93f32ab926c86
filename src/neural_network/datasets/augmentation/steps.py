"""Random changes of pictures: shift, rotate, scale, bend, flip, cover.

All random numbers of a batch are drawn in one call of the generator, also where a strength is
0, so that the next batch does not depend on the strength.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import (
    Array,
    as_count,
    as_flag,
    as_generator,
    as_number,
    as_real,
    check_not_empty,
)
from neural_network.datasets.augmentation.warp import Warp, identity_warp, warped
from neural_network.describing import Described
from neural_network.errors import ArgumentError, DTypeError, sentence
from neural_network.public import named, public

Rng = np.random.Generator
Shape = tuple[int, int, int]


@public(top_level=False)
@dataclass(frozen=True, repr=False)
class Augmentation(Described, ABC):
    """A random change of pictures: call it with a batch and a seed or a generator.

    Attributes:
        example: arguments for the option ``--augment`` of the command, joined by "/".
    """

    example: ClassVar[str] = ""
    _class_key = "name"

    def __call__(self, X: ArrayLike, rng: int | Rng | None = None) -> Array:
        """Change each picture of a batch at random.

        Args:
            X: (n, H, W) or (n, C, H, W) floats or integers. Three axes are always pictures of one
                channel; in signals (n, C, L) numbers would move from channel to channel.
            rng: a seed or a ``numpy.random.Generator``; None for another result
                at every call.

        Returns:
            A new array of the shape and type of ``X``. Floats are computed in their
            type (float16 in float32); integers are rounded.

        Raises:
            DTypeError: ``X`` holds something else than floats or integers.
            ShapeError: another number of dimensions, or no pixel.
            ArgumentError: the fill value is none that integers of this type can be.
        """
        name = type(self).__name__
        if isinstance(X, tuple) and any(np.ndim(array) > 2 for array in X):
            expected = "one array of pictures, (n, H, W) or (n, C, H, W)"
            received = f"a tuple of {len(X)}; augment(X[0], rng) changes those of the first"
            raise DTypeError(sentence(name, "X", expected, received))
        # Converts a tensor, unless that would drop its gradient.
        X = np.asarray(as_real(name, "X", X))
        if X.dtype.kind == "b":
            raise DTypeError(sentence(name, "X", "floats or integers", "dtype bool"))
        check_not_empty(name, "X", X, 3, 4)
        self.check_fill(X.dtype)
        X = X.astype(X.dtype.newbyteorder("="), copy=False)
        return self.change(X, as_generator(name, rng))

    @abstractmethod
    def change(self, X: Array, rng: Rng) -> Array:
        """Return the changed pictures; the arguments have been checked."""

    def check_fill(self, dtype: np.dtype[Any]) -> None:
        """Raise ArgumentError if the fill value is no shade of integers of this type."""
        fill = getattr(self, "fill", None)
        if fill is None or dtype.kind == "f":
            return
        limits = np.iinfo(dtype)
        if not (limits.min <= fill <= limits.max and float(fill).is_integer()):
            expected = f"a whole number from {limits.min} to {limits.max} for {dtype} pictures"
            raise ArgumentError(sentence(type(self).__name__, "fill", expected, fill))

    def _shown(self) -> dict[str, Any]:
        values = {field: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {field.name: value for field, value in values.items() if value != field.default}

    def _set(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, repr=False)
class Warping(Augmentation):
    """A change that only moves pixels; ``Augment`` combines neighbouring ones.

    Attributes:
        fill: the shade outside of a picture; None for a change that needs no pixel from outside.
    """

    fill: float | None = dataclasses.field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        self._set(fill=as_number(type(self).__name__, "fill", self.fill))

    @abstractmethod
    def draw(self, rng: Rng, shape: Shape) -> Warp:
        """Draw the warps of n pictures; ``shape`` is (n, H, W)."""

    def change(self, X: Array, rng: Rng) -> Array:
        """Return the changed pictures; the arguments have been checked."""
        return warped(X, self.draw(rng, (len(X), *X.shape[-2:])), self.fill or 0.0)


@public
@named("augmentation")
@dataclass(frozen=True, repr=False)
class Shift(Warping):
    """Move each picture by up to ``pixels`` up or down, and left or right.

    Attributes:
        pixels: the largest move, at least 0; a whole number unless ``subpixel``.
        subpixel: False draws whole pixels, which keeps a picture sharp;
            True draws any move between −pixels and pixels.
        fill: the shade that comes in at the border, 0 by default.

    Raises:
        ArgumentError: ``pixels`` below 0.
        DTypeError: an argument of the wrong kind.

    Source: Simard, Steinkraus and Platt, "Best Practices for Convolutional Neural
    Networks", ICDAR 2003.

    >>> Shift(1)(np.array([[[1, 2, 3], [4, 5, 6]]]), rng=4)
    array([[[0, 0, 0],
            [1, 2, 3]]])
    """

    example: ClassVar[str] = "2"
    pixels: Any  # an int, or a float with subpixel
    subpixel: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(subpixel=as_flag("Shift", "subpixel", self.subpixel))
        if self.subpixel:
            self._set(pixels=as_number("Shift", "pixels", self.pixels, between=(0, np.inf)))
        else:
            self._set(pixels=as_count("Shift", "pixels", self.pixels, minimum=0))

    def draw(self, rng: Rng, shape: Shape) -> Warp:
        """Draw n moves of rows and columns."""
        n, most = shape[0], self.pixels
        drawn = rng.random((n, 2))
        if self.subpixel:
            moves = drawn * (2 * most) - most
        else:
            moves = uniform_count(drawn, 2 * most + 1) - most
        # A pixel that moves down comes from above.
        return identity_warp(n)._replace(offset=-moves)


def uniform_count(drawn: Array, ends: ArrayLike) -> Array:
    """Return whole numbers from 0 to below ``ends``, as floats, from uniform ones in [0, 1).

    ``Generator.integers`` consumes an amount of its stream that depends on the range, so later
    draws would depend on it.

    >>> uniform_count(np.array([0.0, 0.3, 0.99]), 3)
    array([0., 0., 2.])
    """
    counts: Array = np.floor(drawn * np.asarray(ends))
    return counts


@public
@named("augmentation")
@dataclass(frozen=True, repr=False)
class Rotate(Warping):
    """Turn each picture about its middle by an angle between −``degrees`` and ``degrees``.

    Attributes:
        degrees: the largest angle, from 0 to 180; a positive one turns to the left,
            as ``np.rot90`` does.
        fill: the shade that comes in at the corners, 0 by default.

    Raises:
        ArgumentError: ``degrees`` below 0 or above 180.
        DTypeError: an argument of the wrong kind.

    Source: Simard, Steinkraus and Platt, "Best Practices for Convolutional Neural
    Networks", ICDAR 2003.

    >>> Rotate(10)(np.ones((2, 28, 28)), rng=0).shape
    (2, 28, 28)
    """

    example: ClassVar[str] = "10"
    degrees: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(degrees=as_number("Rotate", "degrees", self.degrees, between=(0, 180)))

    def draw(self, rng: Rng, shape: Shape) -> Warp:
        """Draw n angles."""
        return turned(rng.uniform(-self.degrees, self.degrees, shape[0]))


def turned(degrees: Array) -> Warp:
    """Return the warps that turn pictures to the left by these angles.

    >>> turned(np.array([90.0])).matrix.round(6) + 0.0
    array([[[ 0.,  1.],
            [-1.,  0.]]])
    """
    angles = np.deg2rad(degrees)
    cosine, sine = np.cos(angles), np.sin(angles)
    matrix = np.stack([cosine, sine, -sine, cosine], axis=-1).reshape(-1, 2, 2)
    return identity_warp(len(degrees))._replace(matrix=matrix)


@public
@named("augmentation")
@dataclass(frozen=True, repr=False)
class Scale(Warping):
    """Make each picture larger or smaller, by a factor from 1 − ``factor`` to 1 + ``factor``.

    Attributes:
        factor: from 0 to 0.99. The middle and the size of the array stay; what
            grows beyond it is cut off.
        fill: the shade around what has become smaller, 0 by default.

    Raises:
        ArgumentError: ``factor`` below 0 or above 0.99.
        DTypeError: an argument of the wrong kind.

    Source: Simard, Steinkraus and Platt, "Best Practices for Convolutional Neural
    Networks", ICDAR 2003.

    >>> Scale(0.2)(np.ones((2, 1, 28, 28), "float32"), rng=0).dtype
    dtype('float32')
    """

    example: ClassVar[str] = "0.1"
    factor: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(factor=as_number("Scale", "factor", self.factor, between=(0, 0.99)))

    def draw(self, rng: Rng, shape: Shape) -> Warp:
        """Draw n factors."""
        factors = rng.uniform(1 - self.factor, 1 + self.factor, shape[0])
        # In a picture twice as large, a pixel comes from half the distance from the middle.
        return identity_warp(shape[0])._replace(matrix=np.eye(2) / factors[:, None, None])


@public
@named("augmentation")
@dataclass(frozen=True, repr=False)
class Elastic(Warping):
    """Distort each picture by a smooth random field of displacements.

    Every pixel is displaced by a random vector, uniform in [−1, 1] each way, and the
    field of vectors is smoothed with a Gaussian and multiplied by ``alpha``. Outside the
    picture it is 0. A displacement has a standard deviation of about
    ``alpha / (6.1 sigma)`` pixels.

    Attributes:
        alpha: the strength, at least 0; 34 in the paper, for digits of 29×29.
        sigma: the standard deviation of the Gaussian in pixels, above 0: the
            smoothness; 4 in the paper.
        fill: the shade outside of the picture, 0 by default.

    Raises:
        ArgumentError: ``alpha`` below 0, ``sigma`` not above 0.
        DTypeError: an argument of the wrong kind.

    Source: Simard, Steinkraus and Platt, "Best Practices for Convolutional Neural
    Networks", ICDAR 2003.

    >>> Elastic(alpha=34, sigma=4)
    Elastic(alpha=34.0, sigma=4.0)
    """

    example: ClassVar[str] = "34/4"
    alpha: float
    sigma: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(alpha=as_number("Elastic", "alpha", self.alpha, between=(0, np.inf)))
        self._set(sigma=as_number("Elastic", "sigma", self.sigma, above=0))

    def draw(self, rng: Rng, shape: Shape) -> Warp:
        """Draw n fields of displacements."""
        n, height, width = shape
        noise = rng.random((n, 2, height, width), dtype=np.float32) * 2 - 1
        smooth = gaussian(height, self.sigma) @ noise @ gaussian(width, self.sigma)
        smooth *= np.float32(self.alpha)
        return identity_warp(n)._replace(field=smooth)


def gaussian(length: int, sigma: float) -> Array:
    """Return the symmetric matrix that smooths ``length`` numbers, with zeros around them.

    Args:
        length: how many numbers.
        sigma: the Gaussian's standard deviation, in steps from number to number.

    Returns:
        (length, length) float32: exp(−(i − j)²/2σ²), over the sum of such weights
        from far on the left to far on the right.

    >>> gaussian(3, 0.6).round(3)
    array([[0.664, 0.166, 0.003],
           [0.166, 0.664, 0.166],
           [0.003, 0.166, 0.664]], dtype=float32)
    """
    # The sum over all steps k = … −1, 0, 1 … is the integral σ√2π but for 2 exp(−2π²σ²)
    # of it (Poisson's formula): nothing in float32, where σ is at least 1.
    steps = np.subtract.outer(np.arange(length), np.arange(length))
    with np.errstate(under="ignore", over="ignore"):  # far away, a weight is 0
        total = sigma * np.sqrt(2 * np.pi)
        if sigma < 1:
            total = np.exp(-0.5 * (np.arange(-6, 7) / sigma) ** 2).sum()
        return np.asarray(np.exp(-0.5 * (steps / sigma) ** 2) / total, dtype=np.float32)


@public
@named("augmentation")
@dataclass(frozen=True, repr=False)
class Flip(Warping):
    """Mirror pictures left to right, each with a probability of one half.

    Not for digits: a mirrored 2 is no digit.

    Source: Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep
    Convolutional Neural Networks", NIPS 2012.

    >>> Flip()(np.array([[[1, 2, 3]], [[4, 5, 6]]]), rng=0)
    array([[[1, 2, 3]],
           [[6, 5, 4]]])
    """

    fill: None = dataclasses.field(default=None, init=False)

    def __post_init__(self) -> None:
        pass  # nothing to check

    def draw(self, rng: Rng, shape: Shape) -> Warp:
        """Draw which of n pictures are mirrored."""
        warp = identity_warp(shape[0])
        warp.matrix[:, 1, 1] = np.where(rng.random(shape[0]) < 0.5, -1.0, 1.0)
        return warp


@public
@named("augmentation")
@dataclass(frozen=True, repr=False)
class Cutout(Augmentation):
    """Cover a random square of each picture, the same in all channels.

    Attributes:
        size: the side of the square in pixels, at least 0. Its middle lies in the picture, part
            of it may lie outside.
        fill: the shade of the square, 0 by default.

    Raises:
        ArgumentError: ``size`` below 0.
        DTypeError: an argument of the wrong kind.

    Source: DeVries and Taylor, arXiv 1708.04552.

    >>> Cutout(2)(np.ones((1, 3, 4)), rng=0)
    array([[[0., 0., 1., 1.],
            [0., 0., 1., 1.],
            [1., 1., 1., 1.]]])
    """

    example: ClassVar[str] = "8"
    size: int
    fill: float = dataclasses.field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        self._set(size=as_count("Cutout", "size", self.size, minimum=0))
        self._set(fill=as_number("Cutout", "fill", self.fill))

    def change(self, X: Array, rng: Rng) -> Array:
        """Return the changed pictures; the arguments have been checked."""
        height, width = X.shape[-2:]
        corners = uniform_count(rng.random((len(X), 2)), (height, width)) - self.size // 2
        rows = np.arange(height) - corners[:, :1]
        columns = np.arange(width) - corners[:, 1:]
        inside = ((places >= 0) & (places < self.size) for places in (rows, columns))
        covered = np.einsum("nh,nw->nhw", *inside).reshape(
            len(X), *[1] * (X.ndim - 3), height, width
        )
        return np.where(covered, X.dtype.type(self.fill), X)
