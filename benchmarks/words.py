"""Numbers in words, on the page and in the terminal."""

from __future__ import annotations

from math import exp, log


def figure(value: float) -> str:
    """Write a number with three digits that count, and never as 1e+03."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def amount(value: float, unit: str) -> str:
    """Write a count of operations or bytes."""
    for scale, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= scale:
            return f"{figure(value / scale)} {letter}{unit}"
    return f"{figure(value)} {unit}"


def mean(ratios: list[float]) -> float:
    """Return the geometric mean."""
    return exp(sum(map(log, ratios)) / len(ratios))
