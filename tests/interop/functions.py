"""Functions that an Activation takes, with options, and the shape of an input of each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import neural_network as nn

PICTURES = (4, 7, 8)
SERIES, VOLUMES = (3, 11), (2, 5, 6, 7)
# Functions with options → the shape of an input.
_WITH_OPTIONS: list[tuple[Callable[..., Any], dict[str, Any], tuple[int, ...]]] = [
    (nn.max_pool1d, {}, SERIES), (nn.avg_pool1d, {}, SERIES), (nn.global_avg_pool, {}, SERIES),
    (nn.max_pool1d, {"size": 3, "stride": 2, "padding": 1, "dilation": 2}, SERIES),
    (nn.max_pool1d, {"size": 3, "stride": 3, "ceil_mode": True}, SERIES),
    (nn.avg_pool1d, {"size": 3, "padding": 1, "count_include_pad": False}, SERIES),
    (nn.avg_pool1d, {"size": 4, "stride": 3, "padding": 1, "ceil_mode": True}, SERIES),
    (nn.max_pool2d, {"size": (3, 2), "stride": 2, "padding": (1, 0)}, PICTURES),
    (nn.avg_pool2d, {"size": (3, 2), "padding": ((1, 0), (0, 1))}, PICTURES),
    (nn.max_pool3d, {}, VOLUMES), (nn.avg_pool3d, {"size": 3, "stride": 1}, VOLUMES),
    (nn.adaptive_avg_pool1d, {"output_size": 4}, SERIES),
    (nn.adaptive_max_pool1d, {"output_size": 4}, SERIES),
    (nn.adaptive_max_pool1d, {"output_size": 16}, SERIES),
    (nn.adaptive_avg_pool2d, {"output_size": 1}, PICTURES),
    (nn.adaptive_avg_pool2d, {"output_size": (3, 4)}, PICTURES),
    (nn.adaptive_avg_pool2d, {"output_size": (7, 2)}, PICTURES),
    (nn.adaptive_max_pool2d, {"output_size": (7, 2)}, PICTURES),
    (nn.adaptive_max_pool2d, {"output_size": (3, 5)}, PICTURES),
    (nn.adaptive_avg_pool3d, {"output_size": (2, 3, 4)}, VOLUMES),
    (nn.adaptive_max_pool3d, {"output_size": (2, 3, 4)}, VOLUMES),
    (nn.instance_norm, {}, SERIES),
    (nn.instance_norm, {"gamma": np.arange(4, dtype=np.float32), "epsilon": 0.1}, PICTURES),
    (nn.interpolate, {"scale": 2}, SERIES), (nn.interpolate, {"scale": 2}, PICTURES),
    (nn.interpolate, {"size": (5, 11)}, PICTURES), (nn.interpolate, {"scale": 1.7}, PICTURES),
    (nn.interpolate, {"scale": (0.5, 1.3)}, PICTURES), (nn.interpolate, {"size": 3}, VOLUMES),
    (nn.interpolate, {"scale": 2, "mode": "linear"}, SERIES),
    (nn.interpolate, {"scale": 1.3, "mode": "linear"}, SERIES),
    (nn.interpolate, {"size": 4, "mode": "linear", "align_corners": True}, SERIES),
    (nn.interpolate, {"size": (3, 13), "mode": "bilinear"}, PICTURES),
    (nn.interpolate, {"scale": (1.01, 1.4), "mode": "bilinear"}, PICTURES),
    (nn.interpolate, {"scale": 1.5, "mode": "bilinear", "align_corners": True}, PICTURES),
    (nn.interpolate, {"size": 1, "mode": "bilinear", "align_corners": True}, PICTURES),
    (nn.interpolate, {"scale": 2, "mode": "trilinear"}, VOLUMES),
]  # fmt: skip
# Name of a case → a layer, and the shape of an input.
FUNCTIONS: dict[str, tuple[Callable[[], nn.Layer], tuple[int, ...]]] = {
    f"Activation {function.__name__} {options}": (
        lambda function=function, options=options: nn.Activation(partial(function, **options)),
        shape,
    )
    for function, options, shape in _WITH_OPTIONS
}
