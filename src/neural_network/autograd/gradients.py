"""The gradients that a backward pass has computed, by their tensors."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from neural_network.checks import Array
from neural_network.errors import give_hint_of_backward, hinting, users_frame
from neural_network.lifting import is_tensor

# After so many equal gradients a step that has changed nothing is looked for.
SAME = 3
# Of larger leaves nothing is noted: the sums would take as long as a convolution, and who writes a
# step by hand begins with a small network.
LARGEST = 1 << 17
# By ``id``: a gradient with which a first step was made, or a sum that contains it, and which.
USED: dict[int, tuple[Array, bool]] = {}


class Noted(NamedTuple):
    """What a leaf was when its gradient was computed.

    Attributes:
        numbers: their sum; None where they were changed in place since.
        gradient: its sum, with all that was added.
        same: how many equal gradients were added up; 0 where they differ.
    """

    numbers: float | None
    gradient: float
    same: int


# Of a leaf that a hint was given of, until its gradient begins anew.
SILENT = Noted(None, math.nan, 0)


def note_change(leaf: Any) -> None:
    """Note that a leaf is changed in place while it has a gradient, as in a step by hand."""
    if _watched(leaf.grad) and getattr(leaf, "_noted", None) is not SILENT:
        leaf._noted = Noted(None, _sum(leaf.grad), 0)


def _note(leaf: Any, before: Any, grad: Any) -> None:
    """Note what is needed to tell whether the next gradient is added to one that was used.

    Of the parameters of layers, which optimizers change, only changes in place are noted.
    """
    noted = None if before is None else getattr(leaf, "_noted", None)
    if noted is SILENT:
        return
    if leaf.in_a_layer or not _watched(grad):
        leaf._noted = None
        return
    same = 1
    if before is not None:
        if noted is None:
            return
        same = noted.same + 1 if np.array_equal(before, noted.same * grad) else 0
    leaf._noted = Noted(_sum(leaf.data), _sum(leaf.grad), same)


def _look_at_sums(found: list[tuple[Any, Any]]) -> None:
    """Warn of gradients that are added to those of a step by hand, or of none that was made."""
    for leaf, grad in found:
        noted = None if leaf.grad is None else getattr(leaf, "_noted", None)
        if noted is None or not np.any(leaf.grad) or _sum(leaf.grad) != noted.gradient:
            continue  # a gradient that was changed since is meant to be added to
        numbers = noted.numbers
        if numbers is None or not np.array_equal(numbers, _sum(leaf.data), equal_nan=True):
            text = (
                "the gradients are added to those of the step before, with which a tensor of shape "
                f"{leaf.data.shape} was changed already: w.grad = None forgets them, and has to "
                "stand before loss.backward() in each step, or behind w -= 0.1 * w.grad"
            )
        elif (
            noted.same == SAME - 1
            and np.array_equal(leaf.grad, noted.same * grad)
            and (name := _step_elsewhere(leaf)) is not None
        ):
            text = (
                f"the same gradient is added for the {SAME}rd time, as nothing has changed a "
                f"tensor of shape {leaf.data.shape} in between: {name} = {name} - 0.1 * "
                f"{name}.grad has made another tensor, and leaves that of a list as it is; with "
                f"nn.no_grad(): {name} -= 0.1 * {name}.grad changes it, and {name}.grad = None "
                "forgets the gradient"
            )
        else:
            continue
        for other, _ in found:
            other._noted = SILENT
        give_hint_of_backward(text)
        return


def _step_elsewhere(leaf: Any) -> str | None:
    """Return the variable of the caller's that holds what a step would have made of a leaf.

    A loop that calls ``backward()`` for its time, or to look at the gradients, has none.
    """
    steepest = np.unravel_index(np.argmax(np.abs(leaf.grad)), leaf.grad.shape)
    for name, value in users_frame().f_locals.items():
        if not is_tensor(value) or value.data.shape != leaf.data.shape:
            continue
        made, slack = leaf.data - value.data, 1e-5 * np.max(np.abs(leaf.data), initial=1e-30)
        rate = made[steepest] / leaf.grad[steepest]
        if abs(made[steepest]) > slack and np.allclose(made, rate * leaf.grad, 1e-3, slack):
            return name
    return None


def _watched(grad: Any) -> bool:
    """Return whether hints are given of a leaf with this gradient."""
    return type(grad) is np.ndarray and grad.size <= LARGEST


def _sum(array: Array) -> float:
    with np.errstate(all="ignore"):
        return float(np.add.reduce(array, axis=None))


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
            if type(grad) is not np.ndarray and is_tensor(grad):
                found.append((tensor, grad))
                continue
            # NumPy's scalars, which 0-d arrays turn into, report that they are not writeable.
            alone = id(grad) in self.own or (grad.flags.owndata and grad.flags.writeable)
            own = grad if alone and id(grad) not in seen else np.array(grad)
            seen.add(id(own))
            found.append((tensor, own))
        return found

    def add_to_leaves(self) -> bool:
        """Add the gradients to those that the inputs have.

        Returns:
            Whether one of them has had none before, so that a training may begin.
        """
        found = self.copied()
        if True in [leaf.grad is not None for leaf, _ in found] and not hinting.get():
            _look_at_sums(found)
        begins = False
        for leaf, grad in found:
            before = leaf.grad
            begins = begins or not hasattr(leaf, "_noted")
            if before is None:
                leaf.grad = grad
                if leaf.in_a_layer:
                    leaf._noted = None
                    continue
            else:
                with np.errstate(all="ignore"):  # as in the backward pass
                    leaf.grad = before + grad
            _note(leaf, before, grad)
            if before is not None and id(before) in USED and before.any():
                del USED[id(before)]
                USED[id(leaf.grad)] = leaf.grad, True
        return begins
