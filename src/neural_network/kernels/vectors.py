"""Formulas of vectors in LLVM's language, written as those of NumPy's arrays are.

Numba computes an exponential with a call for each number; here whole vectors are computed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from neural_network.kernels.tile import Writer

# exp of less is 0 in float32 without subnormal numbers.
LOWEST = -87.33


class Numbers:
    """What the formulas need, of arrays."""

    where = staticmethod(np.where)
    exp = staticmethod(np.exp)
    expm1 = staticmethod(np.expm1)


class Vector:
    """A vector in LLVM's language, or one of truth values, with Python's operators."""

    def __init__(self, writer: Writer, value: Any) -> None:
        self.writer, self.builder, self.value = writer, writer.builder, value

    def of(self, value: Any) -> Vector:
        """Return a vector, or the same number in all lanes, as a vector."""
        if isinstance(value, Vector):
            return value
        return Vector(self.writer, ir.Constant(self.writer.vector, [value] * self.writer.lanes))

    def _by(self, word: str, other: Any, *, turned: bool = False) -> Vector:
        a, b = (self.of(other), self) if turned else (self, self.of(other))
        # A product and a sum are rounded once ("contract").
        value = getattr(self.builder, word)(a.value, b.value, flags=["contract"])
        return Vector(self.writer, value)

    def __add__(self, other: Any) -> Vector:
        return self._by("fadd", other)

    def __sub__(self, other: Any) -> Vector:
        return self._by("fsub", other)

    def __rsub__(self, other: Any) -> Vector:
        return self._by("fsub", other, turned=True)

    def __mul__(self, other: Any) -> Vector:
        return self._by("fmul", other)

    def __truediv__(self, other: Any) -> Vector:
        return self._by("fdiv", other)

    def __rtruediv__(self, other: Any) -> Vector:
        return self._by("fdiv", other, turned=True)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Vector:
        return Vector(self.writer, self.builder.fneg(self.value))

    def __gt__(self, other: Any) -> Vector:
        return Vector(self.writer, self.builder.fcmp_ordered(">", self.value, self.of(other).value))

    def __lt__(self, other: Any) -> Vector:
        return Vector(self.writer, self.builder.fcmp_ordered("<", self.value, self.of(other).value))


class Vectors:
    """What the formulas need, of vectors in LLVM's language."""

    @staticmethod
    def where(condition: Vector, a: Any, b: Any) -> Vector:
        """Return a where the condition is true, else b."""
        chosen = condition.builder.select(
            condition.value, condition.of(a).value, condition.of(b).value
        )
        return Vector(condition.writer, chosen)

    @classmethod
    def exp(cls, x: Vector) -> Vector:
        """Return the exponential of numbers of 0 or below."""
        power, rest = cls._power_and_rest(x)
        return cls.where(x < LOWEST, 0.0, power * rest + power)

    @classmethod
    def expm1(cls, x: Vector) -> Vector:
        """Return the exponential less 1, of numbers of 0 or below."""
        power, rest = cls._power_and_rest(x)
        return cls.where(x < LOWEST, -1.0, power * rest + (power - 1.0))

    @classmethod
    def _power_and_rest(cls, x: Vector) -> tuple[Vector, Vector]:
        """Return 2ⁿ and exp(r) − 1, where x = n · log 2 + r and |r| ≤ log(2) / 2."""
        # To add 1.5 · 2²³ rounds to a whole number, which then stands in the lowest bits.
        magic = 12582912.0
        shifted = x * 1.4426950408889634 + magic
        whole = shifted - magic
        # log 2 in two parts, the first of which is short, so that its product with n is exact.
        rest = (x - whole * 0.693359375) - whole * -2.1219444005469057e-4
        series: Vector = rest.of(1 / 5040)
        for divisor in (720, 120, 24, 6, 2, 1):
            series = series * rest + 1 / divisor
        builder, lanes = x.builder, x.writer.lanes
        bits = ir.VectorType(ir.IntType(32), lanes)
        number = builder.add(builder.bitcast(shifted.value, bits), bits([127] * lanes))
        power = builder.bitcast(builder.shl(number, bits([23] * lanes)), x.writer.vector)
        return Vector(x.writer, power), series * rest
