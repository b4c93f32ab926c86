"""Twins that work number by number, or along rows: arithmetic and activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from neural_network import functional as ours
from neural_network.functional import arithmetic


def flat(a: Any, steps: Any) -> Any:
    return {np.floor: torch.floor, np.ceil: torch.ceil, np.round: torch.round}[steps](a)


TWINS: dict[Callable[..., Any], Callable[..., Any]] = {
    arithmetic.add: torch.add,
    arithmetic.subtract: torch.subtract,
    arithmetic.multiply: torch.multiply,
    arithmetic.divide: torch.divide,
    arithmetic.power: torch.pow,
    arithmetic.maximum: torch.maximum,
    arithmetic.minimum: torch.minimum,
    arithmetic.where: lambda condition, a, b: torch.where(torch.from_numpy(condition), a, b),
    arithmetic.negative: torch.negative,
    arithmetic.positive: torch.positive,
    arithmetic.absolute: torch.absolute,
    arithmetic.square: torch.square,
    arithmetic.sqrt: torch.sqrt,
    arithmetic.exp: torch.exp,
    arithmetic.expm1: torch.expm1,
    arithmetic.log: torch.log,
    arithmetic.log1p: torch.log1p,
    arithmetic.sin: torch.sin,
    arithmetic.cos: torch.cos,
    arithmetic.sign: torch.sign,
    arithmetic.flat: flat,
    arithmetic.clip: lambda a, low=None, high=None: torch.clamp(a, low, high),
    arithmetic.cast: lambda a, dtype: a.to(getattr(torch, np.dtype(dtype).name)),
    ours.identity: lambda Z: Z.clone(),
    ours.relu: F.relu,
    ours.sigmoid: torch.sigmoid,
    ours.tanh: torch.tanh,
    ours.softmax: lambda Z, axis=-1: F.softmax(Z, axis),
    ours.log_softmax: lambda Z, axis=-1: F.log_softmax(Z, axis),
    ours.leaky_relu: lambda Z, slope=0.01: F.leaky_relu(Z, slope),
    ours.elu: lambda Z, alpha=1.0: F.elu(Z, alpha),
    ours.softplus: lambda Z: F.softplus(Z, threshold=40),  # linear above 20 unless told
    ours.silu: F.silu,
    ours.mish: F.mish,
    ours.gelu: lambda Z, approximate="none": F.gelu(Z, approximate=approximate),
    ours.hardswish: F.hardswish,
    ours.erf: torch.erf,
}
