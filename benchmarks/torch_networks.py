"""A network in PyTorch, with a copy of our weights."""

from __future__ import annotations

from typing import Any

import torch
from networks import (
    Attention,
    BatchNorm,
    Conv,
    Dense,
    Depthwise,
    Dropout,
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
from torch import nn


def in_torch(network: Network, model: Any) -> nn.Sequential:
    """Build the same network as ``model``, which is ``ours(network)``."""
    return nn.Sequential(*_modules(network.layers, model))


def _modules(pieces: tuple[Piece, ...], layers: Any) -> list[nn.Module]:
    found: list[nn.Module] = []
    for piece, layer in pairs(pieces, layers):
        found.append(_module(piece, layer))
        if getattr(piece, "relu", False):
            found.append(nn.ReLU())
    return found


def _module(piece: Piece, layer: Any) -> nn.Module:  # noqa: PLR0912  # a table
    match piece:
        case Conv():
            kind = nn.Conv1d if piece.axes == 1 else nn.Conv2d
            module: nn.Module = kind(
                layer.weight.shape[1], piece.filters, piece.size, piece.stride, piece.padding,
                bias=piece.bias,
            )  # fmt: skip
        case Depthwise(size, stride, padding):
            channels = len(layer.weight)
            module = nn.Conv2d(
                channels, channels, size, stride, padding, groups=channels, bias=False
            )
        case Transposed(filters, size, stride, padding):
            module = nn.ConvTranspose2d(len(layer.weight), filters, size, stride, padding)
        case BatchNorm():
            module = nn.BatchNorm2d(len(layer.gamma))
        case LayerNorm():
            module = nn.LayerNorm(len(layer.gamma))
        case ReLU():
            return nn.ReLU()
        case Pool(size):
            return nn.MaxPool2d(size)
        case GlobalPool():
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        case Flatten():
            return nn.Flatten()
        case Dropout(rate):
            return nn.Dropout(rate)
        case Dense(units):
            module = nn.Linear(layer.weight.shape[0], units)
        case Embedding(vocabulary, size):
            module = nn.Embedding(vocabulary, size)
        case Attention():
            return SelfAttention(piece, layer)
        case TokenMean():
            return MeanOfTokens()
        case Residual(body, shortcut):
            other = _modules(shortcut, layer.shortcut) if shortcut else []
            return Sum(nn.Sequential(*_modules(body, layer.body)), nn.Sequential(*other))
    _copy(layer, module, transpose=isinstance(piece, Dense))
    return module


def _copy(layer: Any, module: nn.Module, *, transpose: bool) -> None:
    """Copy a layer's parameters, which both libraries list in the same order."""
    with torch.no_grad():
        for mirror, parameter in zip(module.parameters(), layer.parameters(), strict=True):
            numbers = parameter.data.T if transpose else parameter.data
            mirror.copy_(torch.from_numpy(numbers))


class Sum(nn.Module):
    """A residual block; an empty shortcut is the identity."""

    def __init__(self, body: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Any shape that the body keeps."""
        return self.body(X) + self.shortcut(X)


class SelfAttention(nn.Module):
    """``own_layers.SelfAttention`` in PyTorch."""

    def __init__(self, piece: Attention, layer: Any) -> None:
        super().__init__()
        self.heads = piece.heads
        self.query, self.key, self.value, self.output = (
            _module(Dense(piece.size), own)
            for own in (layer.query, layer.key, layer.value, layer.output)
        )

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """(N, tokens, size) → the same."""
        queries, keys, values = (
            layer(X).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        mixed = nn.functional.scaled_dot_product_attention(queries, keys, values)
        return self.output(mixed.transpose(1, 2).flatten(2))


class MeanOfTokens(nn.Module):
    """(N, tokens, size) → (N, size)."""

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return the mean over the tokens."""
        return X.mean(1)
