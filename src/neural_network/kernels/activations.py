"""Activation functions of many numbers, and the gradients behind them.

Each formula is written once, for ``Numbers`` (NumPy's arrays, where nothing is compiled) and for
``Vectors`` (vectors in LLVM's language). It uses exponentials of numbers below 0 alone, which
cannot overflow. The ops of ``functional/activations.py`` define what is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neural_network.kernels.instructions import FUNCTIONS
from neural_network.kernels.runtime.compiler import kernel, linked_part, prange
from neural_network.kernels.runtime.linking import in_llvm
from neural_network.kernels.tile import LANES, Writer, by_width
from neural_network.kernels.vectors import Numbers, Vector, Vectors

# Numbers of a task: a few of its arrays fit the first-level cache.
BLOCK = 4096
# exp(−HELD) is 0 in float32 without subnormal numbers, as is exp(−FAR² / 2).
HELD, FAR = 88.0, 14.0
PEAK = 0.3989422804014327  # 1 / √(2π)
# A polynomial in 1 / (1 + NEARNESS · z), highest power first: exp(z²/2) times the chance that a
# normal number lies above z, for z from 0 to FAR. Least squares of the relative error at 400
# Chebyshev nodes; it stays below 1e-7.
NEARNESS = 0.3
TAIL = (
    0.0388709204, -0.171443555, 0.233107471, -0.0812823041, 0.145609827, 0.0934725846,
    0.122204592, 0.119451402, 9.09630867e-6,
)  # fmt: skip


def _size(z: Any, m: Any) -> Any:
    return m.where(z < 0.0, -z, z)


def _held(z: Any, limit: float, m: Any) -> Any:
    """Return z between −limit and limit; NaN stays NaN."""
    below = m.where(z > limit, limit, z)
    return m.where(below < -limit, -limit, below)


def _negative(z: Any, m: Any) -> Any:
    """Return the smaller of z and 0."""
    return m.where(z > 0.0, 0.0, z)


def _sigmoid(z: Any, _: Any, m: Any) -> Any:
    decay = m.exp(-_size(z, m))
    return m.where(z < 0.0, decay, 1.0) / (1.0 + decay)


def _sigmoid_slope(z: Any, _: Any, m: Any) -> Any:
    decay = m.exp(-_size(z, m))
    return decay / ((1.0 + decay) * (1.0 + decay))


def _tanh(z: Any, _: Any, m: Any) -> Any:
    less = m.expm1(_size(z, m) * -2.0)
    share = less / (2.0 + less)
    return m.where(z < 0.0, share, -share)


def _tanh_slope(z: Any, option: Any, m: Any) -> Any:
    return _sigmoid_slope(z * 2.0, option, m) * 4.0


def _leaky_relu(z: Any, slope: Any, m: Any) -> Any:
    return z * _leaky_relu_slope(z, slope, m)


def _leaky_relu_slope(z: Any, slope: Any, m: Any) -> Any:
    return m.where(z > 0.0, 1.0, slope)


def _elu(z: Any, alpha: Any, m: Any) -> Any:
    return m.where(z > 0.0, z, m.expm1(_negative(z, m)) * alpha)


def _elu_slope(z: Any, alpha: Any, m: Any) -> Any:
    return m.where(z > 0.0, 1.0, m.exp(_negative(z, m)) * alpha)


def _silu(z: Any, option: Any, m: Any) -> Any:
    return m.where(z < -HELD, -HELD, z) * _sigmoid(z, option, m)


def _silu_slope(z: Any, option: Any, m: Any) -> Any:
    held = _held(z, HELD, m)
    return _sigmoid(held, option, m) * (1.0 + held * _sigmoid(-held, option, m))


def _share_below(z: Any, density: Any, m: Any) -> Any:
    """Return the chance that a normal number lies below z, given exp(−z²/2)."""
    near = 1.0 / (_size(z, m) * NEARNESS + 1.0)
    tail = near * TAIL[0] + TAIL[1]
    for factor in TAIL[2:]:
        tail = tail * near + factor
    tail = tail * density
    return m.where(z < 0.0, tail, 1.0 - tail)


def _gelu(z: Any, _: Any, m: Any) -> Any:
    held = _held(z, FAR, m)
    return m.where(z < -FAR, -FAR, z) * _share_below(held, m.exp(held * held * -0.5), m)


def _gelu_slope(z: Any, _: Any, m: Any) -> Any:
    held = _held(z, FAR, m)
    density = m.exp(held * held * -0.5)
    return _share_below(held, density, m) + held * density * PEAK


Formula = Callable[[Any, Any, Any], Any]
FORMULAS: dict[str, tuple[Formula, Formula]] = {
    "sigmoid": (_sigmoid, _sigmoid_slope),
    "tanh": (_tanh, _tanh_slope),
    "leaky_relu": (_leaky_relu, _leaky_relu_slope),
    "elu": (_elu, _elu_slope),
    "silu": (_silu, _silu_slope),
    "gelu": (_gelu, _gelu_slope),
}
# The numbers by which kernels know them.
KINDS = {name: number for number, name in enumerate(FUNCTIONS)}


def _by_numbers(place: int, kind: int, z: Any, option: Any) -> Any:
    """Compute a function (place 0) or its slope (1) by NumPy."""
    formula = FORMULAS[FUNCTIONS[kind]][place]
    with np.errstate(all="ignore"):
        return formula(z, option[0], Numbers)


def _values(kind: int, option: Any, x: Any, y: Any, at: int, length: int) -> None:
    """Fill ``y`` with the function of ``x``, for ``length`` numbers from ``at`` on."""
    y[at : at + length] = _by_numbers(0, kind, x[at : at + length], option)


def _slopes(kind: int, option: Any, x: Any, grad: Any, y: Any, at: int, length: int) -> None:
    """Fill ``y`` with ``grad`` times the slope at ``x``, for ``length`` numbers from ``at`` on."""
    y[at : at + length] = grad[at : at + length] * _by_numbers(1, kind, x[at : at + length], option)


def _write_values(
    builder: Any, kind: Any, option: Any, x: Any, y: Any, at: Any, length: Any
) -> None:
    _write(builder, 0, kind, option, x, None, y, at, length)


def _write_slopes(
    builder: Any, kind: Any, option: Any, x: Any, grad: Any, y: Any, at: Any, length: Any
) -> None:
    _write(builder, 1, kind, option, x, grad, y, at, length)


def _write(
    builder: Any, place: int, kind: Any, option: Any, x: Any, grad: Any, y: Any, at: Any,
    length: Any,
) -> None:  # fmt: skip
    """Write a loop for each function, and the choice between them."""
    end = builder.append_basic_block("end")
    choice = builder.switch(kind, end)
    for number, name in enumerate(FUNCTIONS):
        formulas = FORMULAS[name]
        block = builder.append_basic_block(name)
        choice.add_case(number, block)
        builder.position_at_end(block)

        def write(
            writer: Writer, _: int, position: Any, formula: Formula = formulas[place]
        ) -> None:
            here = builder.add(at, position)
            chosen = Vector(writer, writer.broadcast(builder.load(option)))
            result = formula(Vector(writer, writer.load(x, here)), chosen, Vectors)
            if grad is not None:
                result = Vector(writer, writer.load(grad, here)) * result
            writer.store(result.value, y, here)

        by_width(builder, ((1, LANES), (1, 1)), length, write)
        builder.branch(end)
    builder.position_at_end(end)


values = in_llvm(_values, _write_values)
slopes = in_llvm(_slopes, _write_slopes)


@linked_part
def values_of(kind: int, option: Any, x: Any, y: Any, at: int, length: int) -> None:
    """As ``_values``."""
    values(kind, option, x, y, at, length)


@kernel
def activate(kind: int, option: Any, X: Any, out: Any) -> None:
    """Fill ``out`` with an activation function.

    Args:
        kind: of ``KINDS``.
        option: the slope or alpha of the function, one number in an array.
        X: flat, contiguous.
        out: as long.
    """
    for task in prange(-(-X.size // BLOCK)):
        values_of(kind, option, X, out, task * BLOCK, min(BLOCK, X.size - task * BLOCK))


@kernel
def activate_backward(kind: int, option: Any, X: Any, G: Any, out: Any) -> None:
    """Fill ``out`` with ``G`` times the slope of an activation function at ``X``; as above."""
    for task in prange(-(-X.size // BLOCK)):
        slopes(kind, option, X, G, out, task * BLOCK, min(BLOCK, X.size - task * BLOCK))
