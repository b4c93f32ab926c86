"""References for NumPy's other universal functions, and for the slopes that are ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from conformance.references import elementwise as elsewhere
from neural_network.functional import elementwise, error_function, smooth, ufuncs


def _slope(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the slope of a function of PyTorch, which can be differentiated again."""

    def slope(Z: Any) -> Any:
        (found,) = torch.autograd.grad(function(Z).sum(), Z, create_graph=True)
        return found

    return slope


def _direction(a: Any, b: Any) -> Any:
    return a / torch.sqrt(a * a + b * b)


def _share(base: float) -> Callable[[Any, Any], Any]:
    return lambda a, b: torch.sigmoid((a - b) * base)


# NumPy's name → PyTorch's, where they differ.
NAMES = {
    np.deg2rad: "deg2rad",
    np.radians: "deg2rad",
    np.rad2deg: "rad2deg",
    np.degrees: "rad2deg",
    np.conjugate: "clone",
    np.fabs: "abs",
    np.rint: "round",
}
# Ours, where PyTorch has none, by its functions.
OTHERS: dict[Any, Any] = {
    np.cbrt: lambda a: a ** (1 / 3),
    np.float_power: torch.float_power,
    np.remainder: torch.remainder,
    np.floor_divide: lambda a, b: torch.floor(a / b) + 0 * (a + b),
    np.copysign: torch.copysign,
    np.heaviside: lambda a, b: torch.where(a == 0, b, (a > 0).to(b.dtype)) + 0 * a,
    np.ldexp: lambda a, b: a * torch.from_numpy(2.0**b).to(a.dtype),
}
REFERENCES: dict[Callable[..., Any], Callable[..., Any]] = {
    function: OTHERS.get(ufunc) or getattr(torch, NAMES.get(ufunc, ufunc.__name__))
    for ufunc, function in elementwise.UFUNCS.items()
    if function not in elsewhere.REFERENCES
} | {
    elementwise.finite: lambda a: a.clone(),
    elementwise.root_of_squares: torch.sqrt,
    error_function.erf_slope: _slope(torch.erf),
    error_function.exact_gelu: F.gelu,
    error_function.gelu_slope: _slope(F.gelu),
    smooth.sigmoid_slope: _slope(torch.sigmoid),
    smooth.silu_slope: _slope(F.silu),
    smooth.mish_slope: _slope(F.mish),
    smooth.tanh_gelu: lambda Z: F.gelu(Z, approximate="tanh"),
    ufuncs.share_of_exp: _share(1.0),
    ufuncs.share_of_exp2: _share(float(np.log(2))),
    ufuncs.direction: _direction,
    ufuncs.angle_slope: lambda a, b: b / (a * a + b * b),
    ufuncs.cbrt_slope: lambda a: a ** (-2 / 3) / 3,
    ufuncs.fraction: torch.frac,
    ufuncs.sinc: torch.sinc,
    ufuncs.sinc_slope: _slope(torch.sinc),
}
