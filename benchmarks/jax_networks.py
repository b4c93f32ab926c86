"""A network in JAX, with a copy of our weights: trees of arrays, and a function of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from networks import (
    Attention,
    BatchNorm,
    Conv,
    Dense,
    Depthwise,
    Embedding,
    Flatten,
    GlobalPool,
    LayerNorm,
    Network,
    Piece,
    Pool,
    ReLU,
    Residual,
    TokenMean,
    Transposed,
    pairs,
)

MOMENTUM, EPSILON = 0.9, 1e-5  # of batch norm and layer norm: everybody's defaults
Pieces = tuple[Piece, ...]


def trees(network: Network, model: Any, *, channels_last: bool) -> tuple[list[Any], list[Any]]:
    """Return the parameters and the running statistics of ``model``, which is ``ours(network)``."""
    return _trees(network.layers, model, channels_last)


def _trees(pieces: Pieces, layers: Any, channels_last: bool) -> tuple[list[Any], list[Any]]:
    parameters: list[Any] = []
    statistics: list[Any] = []
    for piece, layer in pairs(pieces, layers):
        learned: Any = {name: jnp.array(p.data) for name, p in layer.named_parameters()}
        running: Any = ()
        match piece:
            case Conv() | Depthwise() | Transposed():
                weight = layer.weight.data
                if isinstance(piece, Transposed):
                    weight = np.flip(weight.swapaxes(0, 1), (2, 3))
                if channels_last:
                    weight = np.moveaxis(weight, (0, 1), (-1, -2))
                learned["weight"] = jnp.array(weight)
            case BatchNorm():
                running = (
                    jnp.array(layer.running_mean.data),
                    jnp.array(layer.running_variance.data),
                )
            case Attention():
                learned = [
                    {"weight": jnp.array(own.weight.data), "bias": jnp.array(own.bias.data)}
                    for own in (layer.query, layer.key, layer.value, layer.output)
                ]
            case Residual(body, shortcut):
                inside = _trees(body, layer.body, channels_last)
                beside = _trees(shortcut, layer.shortcut or (), channels_last)
                learned, running = zip(inside, beside, strict=True)
        parameters.append(learned)
        statistics.append(running)
    return parameters, statistics


@dataclass(frozen=True)
class Forward:
    """The network as a function.

    Attributes:
        training: whether batch norm measures the batch.
        channels_last: where the channels of pictures and series are.
    """

    training: bool
    channels_last: bool

    def __call__(self, pieces: Pieces, parameters: Any, statistics: Any, X: Any) -> tuple[Any, Any]:
        """Return the result of the layers, and the statistics after it."""
        after = []
        for piece, learned, running in zip(pieces, parameters, statistics, strict=True):
            X, running = self.layer(piece, learned, running, X)  # noqa: PLW2901  # they go on
            after.append(running)
        return X, after

    def layer(self, piece: Piece, p: Any, running: Any, X: Any) -> tuple[Any, Any]:  # noqa: PLR0912  # a table
        """Compute one layer."""
        match piece:
            case Conv() | Depthwise() | Transposed():
                X = self.convolution(piece, p, X)
            case BatchNorm():
                return self.batch_norm(p, running, X)
            case LayerNorm():
                mean, variance = X.mean(-1, keepdims=True), X.var(-1, keepdims=True)
                X = (X - mean) * lax.rsqrt(variance + EPSILON) * p["gamma"] + p["beta"]
            case ReLU():
                X = jax.nn.relu(X)
            case Pool(size):
                window = (1, size, size, 1) if self.channels_last else (1, 1, size, size)
                X = lax.reduce_window(X, -jnp.inf, lax.max, window, window, "VALID")
            case GlobalPool():
                X = X.mean((1, 2) if self.channels_last else (2, 3))
            case Flatten():
                X = jnp.moveaxis(X, -1, 1) if self.channels_last else X
                X = X.reshape(len(X), -1)
            case Dense(relu=relu):
                X = X @ p["weight"] + p["bias"]
                X = jax.nn.relu(X) if relu else X
            case Embedding():
                X = p["weight"][X]
            case Attention(heads=heads):
                X = attention(heads, p, X)
            case TokenMean():
                X = X.mean(1)
            case Residual(body, shortcut):
                out, inside = self(body, p[0], running[0], X)
                straight, beside = self(shortcut, p[1], running[1], X)
                return out + straight, (inside, beside)
            case _:
                raise TypeError(f"no {piece} in JAX")
        return X, running

    def convolution(self, piece: Conv | Depthwise | Transposed, p: Any, X: Any) -> Any:
        """Compute a convolution, with its bias and relu."""
        places = "HW"[: X.ndim - 2]
        names = (
            (f"N{places}C", f"{places}IO") if self.channels_last else (f"NC{places}", f"OI{places}")
        )
        ones = (1,) * len(places)
        strides, dilated, pad = (piece.stride,) * len(places), ones, piece.padding
        if isinstance(piece, Transposed):
            strides, dilated, pad = ones, strides, piece.size - 1 - piece.padding
        channels = X.shape[-1 if self.channels_last else 1]
        X = lax.conv_general_dilated(
            X, p["weight"], strides, [(pad, pad)] * len(places), lhs_dilation=dilated,
            dimension_numbers=(*names, names[0]),
            feature_group_count=channels if isinstance(piece, Depthwise) else 1,
        )  # fmt: skip
        if "bias" in p:
            X = X + self.by_channel(p["bias"], X)
        return jax.nn.relu(X) if getattr(piece, "relu", False) else X

    def by_channel(self, numbers: Any, X: Any) -> Any:
        """Return a number for each channel so that it meets the channels of ``X``."""
        return numbers if self.channels_last else numbers.reshape(-1, *(1,) * (X.ndim - 2))

    def batch_norm(self, p: Any, running: Any, X: Any) -> tuple[Any, Any]:
        """Normalise by the batch's statistics in training, else by those gathered."""
        mean, variance = running
        if self.training:
            axes = tuple(
                axis for axis in range(X.ndim) if axis != (X.ndim - 1 if self.channels_last else 1)
            )
            mean, variance = X.mean(axes), X.var(axes)
            running = tuple(
                MOMENTUM * old + (1 - MOMENTUM) * new
                for old, new in zip(running, (mean, variance), strict=True)
            )
        factor = p["gamma"] * lax.rsqrt(variance + EPSILON)
        shift = p["beta"] - mean * factor
        return X * self.by_channel(factor, X) + self.by_channel(shift, X), running


def attention(heads: int, p: Any, X: Any) -> Any:
    """Self-attention of (N, tokens, size)."""
    rows, tokens, size = X.shape
    query, key, value = (
        (X @ own["weight"] + own["bias"]).reshape(rows, tokens, heads, size // heads)
        for own in p[:3]
    )
    mixed = jax.nn.dot_product_attention(query, key, value).reshape(X.shape)
    return mixed @ p[3]["weight"] + p[3]["bias"]
