"""Layers that the library lacks, written as a user would write them."""

from __future__ import annotations

from typing import Any

import neural_network as nn


class SelfAttention(nn.Layer):
    """Each token looks at all tokens, in several heads.

    Args:
        size: numbers of a token's vector.
        heads: how many; a divisor of ``size``.
    """

    def __init__(self, size: int, heads: int) -> None:
        self.size, self.heads = size, heads
        self.query, self.key, self.value, self.output = (nn.Dense(size) for _ in range(4))

    def forward(self, X: Any) -> Any:
        """(N, tokens, size) → the same."""
        rows, tokens, _ = X.shape
        split = (rows, tokens, self.heads, self.size // self.heads)
        queries, keys, values = (
            layer(X).reshape(split).transpose(0, 2, 1, 3)
            for layer in (self.query, self.key, self.value)
        )
        mixed = nn.scaled_dot_product_attention(queries, keys, values)
        return self.output(mixed.transpose(0, 2, 1, 3).reshape(rows, tokens, self.size))


class MeanOfTokens(nn.Layer):
    """(N, tokens, size) → (N, size)."""

    def forward(self, X: Any) -> Any:
        """Return the mean over the tokens."""
        return X.mean(axis=1)
