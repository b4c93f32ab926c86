"""The formulas of the optimizers' papers: one number's steps for a list of gradients, in plain Python."""

from __future__ import annotations

from math import sqrt
from typing import Any


def sgd(p: float, gs: Any, rate: float, decay: float, momentum: float, ahead: bool) -> float:
    b = 0.0
    for slope in gs:
        g = slope + decay * p
        b = momentum * b + g
        p = p - rate * (g + momentum * b if ahead else b)
    return p


def adagrad(p: float, gs: Any, rate: float, decay: float, eps: float) -> float:
    s = 0.0
    for slope in gs:
        g = slope + decay * p
        s = s + g * g
        p = p - rate * g / (sqrt(s) + eps)
    return p


def rmsprop(
    p: float, gs: Any, rate: float, decay: float, alpha: float, momentum: float, centered: bool
) -> float:
    v = a = b = 0.0
    for slope in gs:
        g = slope + decay * p
        v = alpha * v + (1 - alpha) * g * g
        a = alpha * a + (1 - alpha) * g
        b = momentum * b + g / (sqrt(v - a * a if centered else v) + 1e-2)
        p = p - rate * b
    return p


def adam(p: float, gs: Any, rate: float, decay: float, b1: float, b2: float, apart: bool) -> float:
    m = v = 0.0
    for t, slope in enumerate(gs, start=1):
        g = slope if apart else slope + decay * p
        p = p - rate * decay * p if apart else p
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g * g
        p = p - rate * (m / (1 - b1**t)) / (sqrt(v / (1 - b2**t)) + 1e-2)
    return p


def lion(p: float, gs: Any, rate: float, decay: float, b1: float, b2: float) -> float:
    m = 0.0
    for g in gs:
        c = b1 * m + (1 - b1) * g
        sign = 1 if c > 0 else -1 if c < 0 else 0
        p = p - rate * (sign + decay * p)
        m = b2 * m + (1 - b2) * g
    return p
