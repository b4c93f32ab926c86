"""References for elementwise functions and activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from neural_network import functional as ours
from neural_network.functional import elementwise


def flat(a: Any, steps: Any) -> Any:
    return {np.floor: torch.floor, np.ceil: torch.ceil, np.round: torch.round}[steps](a)


REFERENCES: dict[Callable[..., Any], Callable[..., Any]] = {
    elementwise.add: torch.add,
    elementwise.subtract: torch.subtract,
    elementwise.multiply: torch.multiply,
    elementwise.divide: torch.divide,
    elementwise.power: torch.pow,
    elementwise.maximum: torch.maximum,
    elementwise.minimum: torch.minimum,
    elementwise.where: lambda condition, a, b: torch.where(torch.from_numpy(condition), a, b),
    elementwise.negative: torch.negative,
    elementwise.positive: torch.positive,
    elementwise.absolute: torch.absolute,
    elementwise.square: torch.square,
    elementwise.sqrt: torch.sqrt,
    elementwise.exp: torch.exp,
    elementwise.expm1: torch.expm1,
    elementwise.log: torch.log,
    elementwise.log1p: torch.log1p,
    elementwise.sin: torch.sin,
    elementwise.cos: torch.cos,
    elementwise.sign: torch.sign,
    elementwise.flat: flat,
    elementwise.clip: lambda a, low=None, high=None: torch.clamp(a, low, high),
    elementwise.cast: lambda a, dtype: a.to(getattr(torch, np.dtype(dtype).name)),
    ours.identity: lambda Z: Z.clone(),
    ours.relu: F.relu,
    ours.sigmoid: torch.sigmoid,
    ours.tanh: torch.tanh,
    ours.softmax: lambda Z, axis=-1: F.softmax(Z, axis),
    ours.log_softmax: lambda Z, axis=-1: F.log_softmax(Z, axis),
    ours.leaky_relu: lambda Z, slope=0.01: F.leaky_relu(Z, slope),
    ours.elu: lambda Z, alpha=1.0: F.elu(Z, alpha),
    ours.softplus: lambda Z: F.softplus(Z, threshold=40),  # its default is linear above 20
    ours.silu: F.silu,
    ours.mish: F.mish,
    ours.gelu: lambda Z, approximate="none": F.gelu(Z, approximate=approximate),
    ours.hardswish: F.hardswish,
    ours.erf: torch.erf,
}
