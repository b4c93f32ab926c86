"""The gradients that a backward pass has computed, by their tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.checks import Array
from neural_network.lifting import is_tensor

# By ``id``: a gradient with which a first step was made, or a sum that contains it, and which.
USED: dict[int, tuple[Array, bool]] = {}


class Gradients(dict[int, tuple[Any, Any]]):
    """``id`` of each input reached → (the input, its gradient).

    Attributes:
        own: by ``id``, gradients that share memory with nothing although they may be views.
    """

    def __init__(self) -> None:
        super().__init__()
        self.own: dict[int, Any] = {}

    def copied(self) -> list[tuple[Any, Any]]:
        """Return inputs with gradients; arrays are writeable and share memory with nothing."""
        seen: set[int] = set()
        found: list[tuple[Any, Any]] = []
        for tensor, grad in self.values():
            if is_tensor(grad):
                found.append((tensor, grad))
                continue
            # NumPy's scalars, which 0-d arrays turn into, report that they are not writeable.
            alone = grad.flags.owndata or id(grad) in self.own
            shared = not alone or not grad.flags.writeable or id(grad) in seen
            own = np.array(grad) if shared else grad
            seen.add(id(own))
            found.append((tensor, own))
        return found

    def add_to_leaves(self) -> None:
        """Add the gradients to those that the inputs have."""
        for leaf, grad in self.copied():
            before = leaf.grad
            with np.errstate(all="ignore"):  # as in the backward pass
                leaf.grad = grad if before is None else before + grad
            if before is not None and id(before) in USED and before.any():
                del USED[id(before)]
                USED[id(leaf.grad)] = leaf.grad, True
