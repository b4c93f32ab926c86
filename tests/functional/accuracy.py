"""Measure functions and slopes beside ``exact.py``, in units in the last place."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from neural_network.autograd import Tensor
from tests.functional.exact import CASES, UNDECIDED, Case, mp

# The largest error, in units in the last place.
ALLOWED = 4.0
# (function, result) → why it is further off. The last ones only where the function's value is
# smaller than the smallest normal number, so that it has lost digits before the slope needs it.
EXCEPTIONS = {
    ("sinc", "value"): "NumPy's own function rounds πx before it takes the sine",
    ("logaddexp", "value"): "NumPy's own function, in float32",
    ("divide", "b"): "where a / b is subnormal",
    ("power", "a"): "where a to the power b is subnormal",
    ("power", "b"): "where a to the power b is subnormal",
}
SUBNORMAL = [("divide", "b"), ("power", "a"), ("power", "b")]
# Stands for ∞ where a formula has no value there, as ∞ · 0: beyond every number.
BEYOND = mp.mpf(2) ** 20000


@dataclass
class Worst:
    """The largest error of a result, where it is, and how many were compared."""

    error: float = 0.0
    place: tuple[float, ...] = ()
    received: float = 0.0
    expected: Any = None
    compared: int = 0

    def __str__(self) -> str:
        exact = mp.nstr(self.expected, 20) if self.expected is not None else "a number"
        return f"{self.error:.4g} units at {self.place}: {self.received!r}, exactly {exact}"


def special(dtype: Any) -> list[float]:
    """Return ±0, the smallest and largest numbers, ones between, ±∞ and NaN."""
    info = np.finfo(dtype)
    sizes = [0, info.smallest_subnormal, info.tiny, info.eps, 0.5, 1, 2, 3, info.max / 2, info.max]
    return [s * float(size) for size in sizes for s in (1, -1)] + [np.inf, -np.inf, np.nan]


def points(case: Case, dtype: Any, draws: int, seed: int) -> list[np.ndarray]:
    """Return the points to compare at: all special ones, drawn bit patterns, usual numbers."""
    rng, info = np.random.default_rng(seed), np.finfo(dtype)
    ends = np.array(special(dtype), dtype)
    columns = [c.ravel() for c in np.meshgrid(*[ends] * case.arguments)]
    bits = np.dtype(f"u{np.dtype(dtype).itemsize}")
    drawn = [
        rng.integers(0, np.iinfo(bits).max, draws, bits, endpoint=True).view(dtype) for _ in columns
    ]
    few = max(draws // 8, 40)
    usual = [rng.uniform(low, high, few).astype(dtype) for low, high in case.usual]
    parts = [columns, drawn, usual]
    if len(columns) == 2:
        # Of the same size, and nearly equal; both also at the ends of the range.
        with np.errstate(all="ignore"):
            first = np.resize(drawn[0], few)
            parts.append([first, (first * rng.uniform(-2, 2, few)).astype(dtype)])
            parts.append([first, first * (1 + rng.integers(-3, 4, few) * info.eps).astype(dtype)])
            parts.append([usual[0], np.resize(drawn[1], few)])
    arrays = [np.concatenate(column) for column in zip(*parts, strict=True)]
    # Of signaling NaN, which no operation returns, every operation warns.
    return [np.where(np.isnan(array), dtype(np.nan), array) for array in arrays]


def excepted(name: str, result: str, dtype: Any) -> bool:
    """Return whether more than the allowed error is known."""
    if (name, result) == ("logaddexp", "value"):
        return dtype == np.float32
    return (name, result) in EXCEPTIONS and (name, result) not in SUBNORMAL


def measure(case: Case, dtype: Any, draws: int, seed: int = 0) -> dict[str, Worst]:
    """Return the worst error of the value and of each slope, by its argument's letter.

    Warnings of the value that NumPy's own function gives as well are left out; others raise.
    """
    arrays = points(case, dtype, draws, seed)
    with np.errstate(all="ignore"):
        nature = case.numpy(*arrays) if case.numpy else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if case.numpy else "error", RuntimeWarning)
        value = case.function(*arrays)
        tensors = [Tensor(array, requires_grad=True) for array in arrays]
        out = case.function(*tensors)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out.backward(np.ones(out.shape, out.dtype))
    assert np.array_equal(value, out.data, equal_nan=True)
    results = {"value": (value, case.value)}
    for letter, tensor, slope in zip("ab", tensors, case.slopes, strict=False):
        assert tensor.grad.dtype == dtype
        results[letter] = tensor.grad, slope
    worst = {name: Worst() for name in results}
    name_of = {id(known): name for name, known in CASES.items()}[id(case)]
    spared = {result for name, result in SUBNORMAL if name == name_of}
    small = np.abs(value) < np.finfo(value.dtype).tiny
    for row, place in enumerate(zip(*[a.tolist() for a in arrays], strict=True)):
        if np.isnan(place).any():
            assert np.isnan(value[row]) or nature is not None, (place, value[row])
            continue
        if nature is not None and np.isnan(nature[row]):
            continue
        for name, (array, reference) in results.items():
            if not (small[row] and name in spared):
                compare(worst[name], place, array[row], reference)
    return worst


def compare(worst: Worst, place: tuple[float, ...], received: Any, reference: Any) -> None:
    """Compare one number, and note it where it is the worst."""
    exact, scale = exactly(reference, place)
    if exact is UNDECIDED:
        return
    worst.compared += 1
    error = units(received, exact, scale)
    if not error <= worst.error:
        worst.error, worst.place, worst.expected = error, place, exact
        worst.received = float(received)


def exactly(reference: Any, place: tuple[float, ...]) -> tuple[Any, Any]:
    """Return the exact result, or its limit at ±∞, and the size of its largest term."""
    args = [mp.mpf(x) for x in place]
    ends = any(mp.isinf(x) for x in args)
    try:
        terms = reference(*args)
        if ends and any(mp.isnan(t) for t in _listed(terms)):
            raise ValueError
    except (ValueError, OverflowError, AttributeError, TypeError):
        if not ends:
            raise
        terms = reference(*[mp.sign(x) * BEYOND if mp.isinf(x) else x for x in args])
    except ZeroDivisionError:
        terms = mp.inf
    if terms is UNDECIDED:
        return UNDECIDED, UNDECIDED
    terms = _listed(terms)
    total = mp.fsum(terms)
    return total, max(abs(t) for t in (*terms, total))


def _listed(terms: Any) -> list[Any]:
    return [mp.mpf(0)] if terms is UNDECIDED else terms if isinstance(terms, list) else [terms]


def units(received: Any, exact: Any, scale: Any) -> float:
    """Return the error in units in the last place of ``scale``, in the type of ``received``."""
    info = np.finfo(received.dtype)
    largest = mp.mpf(float(info.max))
    if np.isnan(received):
        return np.inf
    if mp.isinf(exact) or abs(exact) > largest:
        # What is beyond the largest number is ∞, or next to it. The sign of 1 / 0 is a convention.
        either = mp.isinf(exact) and np.isinf(received)
        if either or (np.isinf(received) and (received > 0) == (exact > 0)):
            return 0.0
        exact = largest * mp.sign(exact)
    if np.isinf(received):
        received = info.max * np.sign(received)
    bits = mp.frexp(min(scale, largest))[1] if scale else -(10**6)
    smallest = int(np.log2(float(info.smallest_subnormal)))
    unit = mp.mpf(2) ** max(bits - info.nmant - 1, smallest)
    return float(abs(mp.mpf(float(received)) - exact) / unit)
