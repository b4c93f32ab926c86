"""Odd values: what somebody may hand in by mistake, or to see what happens.

Each is made anew by a function, because a call may change or use up what it was given.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import pathlib
import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import neural_network as nn
from fuzz.judging import UserError


def nested(depth: int) -> Any:
    """Return lists in lists."""
    value: Any = 1.0
    for _ in range(depth):
        value = [value]
    return value


def endless() -> Any:
    """Return a list that holds itself."""
    value: list[Any] = [1.0]
    value.append(value)
    return value


def raising(*_: object, **__: object) -> None:
    """Raise what no library raises."""
    raise UserError


class Hostile:
    """Looks like an array, and raises when it is used as one."""

    shape = (2, 3)
    dtype = "float32"
    ndim = 2

    def __array__(self, dtype: object = None, copy: object = None) -> Any:
        raise UserError

    def __len__(self) -> int:
        raise UserError

    def __iter__(self) -> Any:
        raise UserError


class Wordy:
    """Its ``repr`` is long."""

    def __repr__(self) -> str:
        """Return more than a message should hold."""
        return "wordy " * 1000


class OwnArray(np.ndarray):
    """A subclass of arrays that changes nothing."""


class OwnLayer(nn.Layer):
    """A layer of one's own that returns what it is given."""

    def forward(self, X: Any) -> Any:
        return X


class OwnList(list):  # type: ignore[type-arg]  # a subclass is the point
    """A subclass of lists."""


class OwnFloat(float):
    """A subclass of floats."""


class OwnInt(int):
    """A subclass of ints."""


class OwnStr(str):
    """A subclass of strings."""

    __slots__ = ()


def one(*_: object, **__: object) -> float:
    """Return a number whatever it is given."""
    return 1.0


def word(*_: object, **__: object) -> str:
    """Return a word whatever it is given."""
    return "word"


def nothing(*_: object, **__: object) -> None:
    """Return None whatever it is given."""


def built(units: int = 2) -> nn.Layer:
    """Return a layer that was built for three inputs."""
    return nn.Dense(units).initialize((3,), rng=0)


def array(shape: tuple[int, ...], dtype: Any = np.float64, value: Any = None) -> Any:
    """Return an array of ascending numbers, or of one."""
    if value is not None:
        return np.full(shape, value, dtype)
    return np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)


def locked(shape: tuple[int, ...]) -> Any:
    """Return an array that cannot be written."""
    found = np.ones(shape)
    found.flags.writeable = False
    return found


SHAPES = [
    (), (0,), (1,), (2,), (3,), (7,), (0, 3), (3, 0), (1, 1), (2, 3), (3, 2), (4, 3), (1, 0, 2),
    (2, 3, 4), (1, 2, 5, 5), (0, 2, 5, 5), (2, 0, 5, 5), (1, 2, 0, 5), (2, 1, 28, 28),
    (1, 2, 3, 4, 4), (1,) * 20, (1,) * 64,
]  # fmt: skip
TYPES = [
    "float16", "float32", "float64", "longdouble", ">f4", "int8", "uint8", "int64", "uint64",
    "bool",
    "complex64", "complex128", "U3", "S3", "object", "datetime64[s]", "timedelta64[s]", "i4,f4",
    "StringDType",
]  # fmt: skip
VALUES = [0.0, -1.0, np.nan, np.inf, -np.inf, 1e38, 3e38, 1e300, 1e-310, -0.0, 0.5, 255, 1e19]

SCALARS: list[Callable[[], Any]] = [
    lambda: None, lambda: True, lambda: False, lambda: ..., lambda: NotImplemented,
    lambda: 0, lambda: 1, lambda: -1, lambda: 2, lambda: 3, lambda: 7, lambda: 255, lambda: 4096,
    lambda: -(2**31), lambda: 2**31, lambda: 2**32, lambda: 2**53, lambda: 2**62, lambda: 2**63 - 1,
    lambda: 2**63, lambda: 2**64, lambda: -(2**63) - 1, lambda: 10**6, lambda: 10**9,
    lambda: 10**12, lambda: 10**15, lambda: 10**19, lambda: 10**400, lambda: -(10**400),
    lambda: 0.0, lambda: -0.0, lambda: 0.5, lambda: 1.5, lambda: 3.5, lambda: -2.5, lambda: 1e-320,
    lambda: 1e16, lambda: 1e300, lambda: float("nan"), lambda: float("inf"), lambda: -float("inf"),
    lambda: 1 + 2j, lambda: np.float16(3), lambda: np.float32("nan"), lambda: np.float64("inf"),
    lambda: np.int8(-3), lambda: np.int64(2), lambda: np.uint64(2**64 - 1), lambda: np.bool_(True),
    lambda: np.complex64(1j), lambda: np.datetime64("2020-01-01"), lambda: np.str_("relu"),
    lambda: np.longdouble(2), lambda: OwnFloat(0.5), lambda: OwnInt(2), lambda: OwnStr("relu"),
    lambda: fractions.Fraction(1, 3), lambda: decimal.Decimal("0.5"),
    lambda: decimal.Decimal("nan"),
    lambda: datetime.date(2020, 1, 1),
]  # fmt: skip
WORDS: list[Callable[[], Any]] = [
    lambda: "", lambda: " ", lambda: "no", lambda: "relu", lambda: "adam", lambda: "mean",
    lambda: "same", lambda: "0", lambda: "nan", lambda: "a\0b", lambda: "é" * 3, lambda: "\ud800",
    lambda: "x" * 10_000, lambda: "../" * 5, lambda: ".", lambda: "/proc/nowhere/file", lambda: "~",
    lambda: "CON", lambda: b"bytes", lambda: b"\xff\xfe", lambda: bytearray(b"x"),
    lambda: memoryview(b"abc"), lambda: pathlib.Path("nowhere"), lambda: pathlib.Path("/"),
    lambda: pathlib.Path("x" * 300),
]  # fmt: skip
LISTS: list[Callable[[], Any]] = [
    list, tuple, dict, set, lambda: [[]], lambda: [None], lambda: [[1, 2], [3]], lambda: [1, 2, 3],
    lambda: [1.5, "two"], lambda: (2, 2), lambda: (0, 0), lambda: (-1, 1), lambda: (1, 2, 3, 4, 5),
    lambda: (2**40, 2**40), lambda: (2**63, 1), lambda: [10**30], lambda: [float("nan")] * 3,
    lambda: [[[1.0, 2.0], [3.0, 4.0]]], lambda: nested(40), lambda: nested(2000), endless,
    lambda: ["a", "b"], lambda: {"a": 1}, lambda: {0: 1.0}, lambda: {"units": 3}, lambda: {1, 2},
    lambda: range(3), lambda: range(0), lambda: range(10**12), lambda: slice(None),
    lambda: OwnList([1, 2]), lambda: frozenset([1]), lambda: iter([1, 2]), lambda: (n for n in [1]),
    lambda: map(float, [1]), lambda: enumerate([1]), lambda: [np.ones(2), np.ones(3)],
    lambda: [np.ones(2), nn.Tensor([1.0, 2.0])], lambda: {"a": np.ones(2)}, lambda: [()] * 3,
    lambda: [True, None, "x"], lambda: [1] * 100, lambda: [built()], lambda: ("relu",) * 2,
]  # fmt: skip
THINGS: list[Callable[[], Any]] = [
    object, lambda: int, lambda: np.ndarray, lambda: nn.Dense, lambda: nn.Tensor, lambda: np,
    lambda: sys, lambda: len, lambda: np.sin, lambda: np.add, lambda: np.sum, lambda: nn.relu,
    lambda: nn.softmax_cross_entropy, lambda: (lambda: 1), lambda: (lambda x: x),
    lambda: (lambda x, y: x), lambda: raising, lambda: one, lambda: word, lambda: nothing, Hostile,
    Wordy, OwnLayer, lambda: OwnLayer, built, lambda: nn.Dense(2), nn.Flatten,
    lambda: nn.Sequential(nn.Dense(2)), lambda: nn.Dropout(0.5), nn.BatchNorm,
    lambda: nn.Sequential, nn.Adam, lambda: nn.Adam, nn.EarlyStopping,
    lambda: nn.Cosine(0.1), nn.Flip, nn.History,
    lambda: np.random.default_rng(0), lambda: np.random.RandomState(0), lambda: random.Random(0),
    lambda: nn.Tensor([1.0, 2.0]), lambda: nn.Tensor(np.ones((2, 3)), requires_grad=True),
    lambda: nn.Tensor([1, 2]), lambda: nn.Tensor(2.0, requires_grad=True),
    lambda: nn.Tensor(np.ones((0, 3)), requires_grad=True), lambda: nn.Parameter(np.ones((3, 2))),
    lambda: nn.Buffer(np.ones(3)), lambda: nn.Tensor([np.nan, np.inf], requires_grad=True),
    lambda: np.ones((2, 3)).view(OwnArray), lambda: np.ma.masked_array([1.0, 2.0], [True, False]),
    lambda: np.ma.masked, lambda: np.asmatrix(np.ones((2, 2))), lambda: np.rec.array([(1, 2.0)]),
    lambda: np.ones((4, 6))[::2, ::-2], lambda: np.ones((3, 2)).T, lambda: locked((2, 3)),
    lambda: np.broadcast_to(np.float32(1), (200, 300)), lambda: np.lib.stride_tricks.as_strided(
        np.ones(4), (3, 2), (8, 8)
    ), lambda: np.frombuffer(bytes(24)), lambda: np.array([None, 1.0]), lambda: np.array([[1],
    2], object),
    lambda: np.dtype("f4"), lambda: np.float32, lambda: "float32", lambda: type(None), ValueError,
    lambda: np.ones(100_000, "float32"), lambda: np.ones((300, 300)), lambda: np.nditer([1.0]),
]  # fmt: skip


def odd_array(rng: random.Random) -> Any:
    """Return an array of some shape, type and value."""
    shape, dtype = rng.choice(SHAPES), rng.choice(TYPES)
    value = rng.choice([None, None, *VALUES])
    if dtype == "StringDType":
        return np.full(shape, "word", np.dtypes.StringDType())
    with np.errstate(all="ignore"):
        try:
            return array(shape, dtype, value)
        except (ValueError, OverflowError, TypeError):
            return np.zeros(shape, dtype)


def odd(rng: random.Random) -> Any:
    """Return an odd value."""
    kind = rng.choices([SCALARS, WORDS, LISTS, THINGS, None], [5, 1.5, 3, 4, 6])[0]
    return odd_array(rng) if kind is None else rng.choice(kind)()


def shown(value: Any) -> str:
    """Return a value in few letters."""
    if isinstance(value, np.ndarray):
        first = "" if value.size == 0 else f" {value.ravel()[0]!r} …"[:40]
        return f"{type(value).__name__}({value.shape}, {value.dtype}{first})"
    try:
        text = repr(value)
    except Exception as error:  # of a hostile object, or too deep
        text = f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"
    return text if len(text) <= 80 else f"{text[:60]}… ({len(text)} letters)"
