"""Work T: value and gradient of a function of twenty operations, beside HIPS autograd."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from counts import Work
from timing import Way, interleaved, row

from neural_network import grad

CALLS = 100
# Each operation computes a number for each element, and the backward pass one or two more.
OPERATIONS = 20


def twenty(x: Any, module: ModuleType = np) -> Any:
    """Return a number; both sides compute it by NumPy's names."""
    a = module.sin(x)
    b = a * x
    c = module.exp(-b)
    d = c + a
    e = module.tanh(d * d)
    f = e - b
    g = f / (1.0 + d)
    h = module.cos(g) * e
    i = (h + x) * c
    j = module.log(module.sqrt(i * i + 1.0)) + h
    return module.sum(j * j)


def scalars_and_vectors(quick: bool) -> list[dict[str, Any]]:
    """Measure ``grad`` of the function, of a number and of 100 numbers."""
    import autograd
    import autograd.numpy

    theirs = autograd.grad(lambda x: twenty(x, autograd.numpy))
    ours = grad(twenty)
    found = []
    for name, x in (("T scalar", 1.3), ("T vector", np.linspace(0.1, 1.0, 100))):
        np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-12)
        ways: dict[str, Way] = {
            "ours": lambda x=x: ours(x),
            "HIPS autograd": lambda x=x: theirs(x),
        }
        times = interleaved(ways, 5 if quick else 15, calls=CALLS)
        size = np.size(x)
        work = Work(operations=3 * OPERATIONS * size, bytes=3 * OPERATIONS * 8 * size)
        found.append(row(name, times, "ours", ["HIPS autograd"], work))
    return found
