"""Hints of the networks by hand: pixels that are not scaled, steps that are too large."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neural_network.checks import Array
from neural_network.errors import give_hint, give_hint_of_call

# So many numbers in a row are pixels rather than features: of a training, which looks at all of
# them, and of a call, where some have to be above BRIGHT.
FEWEST_PIXELS, MANY_PIXELS, BRIGHT = 16, 64, 100
# A loss so many times as large as that of guessing is that of weights which jump about.
FAR_ABOVE = 1.5
# Of the loss that the frequencies of the classes give without a look at X: less has learned
# something. Where there is hardly more than one class, it is as good as nothing.
LEARNED, NOTHING = 0.98, 0.1


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
