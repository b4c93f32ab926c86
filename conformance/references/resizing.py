"""References for adaptive pooling and interpolation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.nn import functional as F

from neural_network.functional.interpolation import interpolate
from neural_network.functional.pooling import adaptive as pools


def interpolate_reference(
    X: Any,
    size: Any = None,
    *,
    scale: Any = None,
    mode: str = "nearest",
    align_corners: bool = False,
) -> Any:
    aligned = None if mode == "nearest" else align_corners
    return F.interpolate(X, size, scale, mode, aligned)


REFERENCES: dict[Callable[..., Any], Callable[..., Any]] = {
    pools.adaptive_avg_pool1d: F.adaptive_avg_pool1d,
    pools.adaptive_avg_pool2d: F.adaptive_avg_pool2d,
    pools.adaptive_avg_pool3d: F.adaptive_avg_pool3d,
    pools.adaptive_max_pool1d: F.adaptive_max_pool1d,
    pools.adaptive_max_pool2d: F.adaptive_max_pool2d,
    pools.adaptive_max_pool3d: F.adaptive_max_pool3d,
    interpolate: interpolate_reference,
}
