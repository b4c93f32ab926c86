"""Hints of the networks by hand: pixels that are not scaled, steps that are too large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any
from weakref import ReferenceType, ref

import numpy as np

from neural_network.checks import Array
from neural_network.errors import give_hint, give_hint_of_call, give_hint_of_line

# So many numbers in a row are pixels rather than features: of a training, which looks at all of
# them, and of a call, where some have to be above BRIGHT.
FEWEST_PIXELS, MANY_PIXELS, BRIGHT = 16, 64, 100
# A loss so many times as large as that of guessing is that of weights which jump about.
FAR_ABOVE = 1.5
# Of the loss that the frequencies of the classes give without a look at X: less has learned
# something. Where there is hardly more than one class, it is as good as nothing.
LEARNED, NOTHING = 0.98, 0.1
# The probabilities that the last forward pass of this thread has returned, and the shape of a bias
# without the axis of rows, if it had one.
_of_flat_bias: ContextVar[tuple[ReferenceType[Any], int] | None] = ContextVar(
    "of_flat_bias", default=None
)


def hint_pixels(function: str, X: Array) -> bool:
    """Warn of pixels as they are in files; return whether these are."""
    pixels = X.shape[1] >= FEWEST_PIXELS and X.min() >= 0 and 100 < X.max() <= 255
    if pixels:
        give_hint(
            f"{function}: X holds numbers from {X.min():.0f} to {X.max():.0f}, as pixels are in "
            "files: the steps are far too large for the weights; scale them: X / 255 (validation "
            "and test data likewise)"
        )
    return bool(pixels)


def hint_pixels_of_call(function: str, X: Array) -> None:
    """Warn of pixels as they are in files; the first row is looked at first, which is cheap."""
    if X.shape[1] < MANY_PIXELS or not np.maximum.reduce(X[0]) > BRIGHT:
        return
    if X.min() >= 0 and X.max() <= 255:
        give_hint_of_call(
            f"{function}: X holds numbers from {X.min():.0f} to {X.max():.0f}, as pixels are in "
            "files, which are far too large for the usual first weights; scale them: X / 255"
        )


def hint_one_output(function: str, name: str, cure: str) -> None:
    """Warn of a softmax over one number in each row, which learns nothing."""
    give_hint(
        f"{function}: {name} has one column, and softmax of one number in each row is 1 whatever "
        f"the weights are, so nothing is learned: {cure}"
    )


def hint_rate(function: str, lr: float, losses: Sequence[float], y: Array) -> None:
    """Warn of a loss that has been far above that of guessing, and has not come below it since."""
    if not losses:
        return
    guessing = float(np.log(max(y.shape[1], 2)))
    shares: Any = np.mean(y, axis=0, dtype=np.float64)
    shares = shares[shares > 0]
    frequencies = max(-float(np.sum(shares * np.log(shares))), NOTHING)
    if max(losses) > FAR_ABOVE * guessing and losses[-1] > LEARNED * frequencies:
        most = f" (it has been {max(losses):.3g})" if max(losses) > 1.1 * losses[-1] else ""
        give_hint(
            f"{function}: the loss is {losses[-1]:.3g} in the last epoch{most}, and guessing has "
            f"{guessing:.3g}: the steps are too large; try lr={lr / 10:.3g}, and inputs from 0 to 1"
        )


def note_biases(arrays: Mapping[str, Array], A: Array) -> None:
    """Note whether a forward pass, which has returned A, had a bias (h,), and not (1, h)."""
    flat = next((k for k in range(1, len(arrays) // 2 + 1) if arrays[f"b{k}"].ndim == 1), 0)
    if flat or _of_flat_bias.get() is not None:
        _of_flat_bias.set((ref(A), flat) if flat else None)


def hint_flat_bias(function: str, A: Any) -> None:
    """Warn of gradients (1, h) of a bias (h,): ``b -= grad`` fails in NumPy, with no word of it."""
    noted = _of_flat_bias.get()
    if noted is None or noted[0]() is not A:
        return
    k = noted[1]
    give_hint_of_line(
        f"{function}: b{k} of the forward pass has the shape (h,), and grad_b{k} is (1, h): "
        f"b{k} -= lr * grad_b{k}[0], of each bias; or start with b{k} = np.zeros((1, h))"
    )
