"""References for attention, embedding, and the ops that embedding uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import attention, functional as F

from neural_network.functional.attention import attend, scaled_dot_product_attention
from neural_network.functional.embeddings import embedding
from neural_network.functional.shaping import gather, scatter_add


def gather_reference(X: Any, places: Any, axis: int) -> Any:
    return torch.index_select(X, axis, torch.from_numpy(places))


def scatter_add_reference(g: Any, places: Any, axis: int, size: int) -> Any:
    zeros = g.new_zeros(*g.shape[:axis], size, *g.shape[axis + 1 :])
    return zeros.index_add(axis, torch.from_numpy(places), g)


def attention_reference(
    query: Any,
    key: Any,
    value: Any,
    *,
    mask: Any = None,
    causal: bool = False,
    scale: float | None = None,
) -> Any:
    mask = None if mask is None else torch.as_tensor(mask)
    if mask is not None and causal:  # PyTorch takes one of the two
        allowed = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool).tril()
        boolean = mask.dtype == torch.bool
        mask = mask & allowed if boolean else mask.masked_fill(~allowed, -torch.inf)
        causal = False
    # The one of its kernels that can be differentiated twice.
    with attention.sdpa_kernel(attention.SDPBackend.MATH):
        return F.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, is_causal=causal, scale=scale
        )


def attend_reference(
    arrays: Any, mask: Any = None, causal: bool = False, factor: float = 1.0
) -> Any:
    query, key, value, *added = arrays
    return attention_reference(
        query, key, value, mask=added[0] if added else mask, causal=causal, scale=factor
    )


REFERENCES: dict[Callable[..., Any], Callable[..., Any]] = {
    gather: gather_reference,
    scatter_add: scatter_add_reference,
    embedding: lambda indices, weight: F.embedding(torch.from_numpy(indices), weight),
    scaled_dot_product_attention: attention_reference,
    attend: attend_reference,
}
