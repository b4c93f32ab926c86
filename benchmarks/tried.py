"""What was tried for the cells of the field in which a peer is faster."""

from __future__ import annotations

from typing import Any

KEPT = ": kept are "
LEFT = "; no faster, and left out, are "

ONE_ROW = (
    "one row" + KEPT + "all stages in one compiled call, of which threads take tasks, tasks that "
    "are worth waking a thread for, and offsets in place of a matrix of patches"
    + LEFT
    + "a launch of threads for each stage, several threads below 6 · 10⁶ multiplications, "
    "smaller and larger tasks, and depthwise convolutions of each phase of a stride by itself"
)
SMALL_DENSE = (
    "small networks of dense layers" + KEPT + "steps without a tape, one kernel from the inputs to "
    "the gradients and one for the optimizer, and arrays that stay from step to step"
    + LEFT + "NumPy for the same computation"
)  # fmt: skip
DENSE = (
    "large dense layers" + KEPT + "tiles that hold their sums in registers, two products of each "
    "in a round, steps without a tape, and several threads for a row of many weights"
    + LEFT + "NumPy's matrix products, and weights copied to where they follow each other"
)  # fmt: skip
TOKENS = (
    "networks of tokens"
    + KEPT
    + "attention by blocks of queries whose scores stay in the cache and "
    "are computed again in the backward pass, dense layers that take each token as a row, and "
    "kernels of layer norm and of the gradient of an embedding. Attention and the mean of the "
    "tokens are layers of a user's own here, which are called one by one; a program for all of "
    "a row would need layers of the library's"
)
CONVOLUTIONS = (
    "networks with convolutions" + KEPT + "images written where the next convolution reads them, "
    "additions within the last stage of a path, batch norm folded or in two passes with relu "
    "and pooling, and steps without a tape"
    + LEFT
    + "a batch in chunks through all stages. Winograd's transform was faster "
    "from 32 channels on, and is left out for its rounding: sums that are exactly 0, or equal, no "
    "longer are, so that relu and pooling pass other gradients"
)


def tried(cell: dict[str, Any]) -> str:
    """Return what was tried for cells of this kind, as a sentence without its beginning.

    >>> tried({"key": "resnet", "rows": 1})[:22]
    'one row: kept are all '
    """
    if cell["key"] == "tokens":
        return TOKENS
    if cell["rows"] == 1:
        return ONE_ROW
    if cell["key"].startswith("mlp"):
        return DENSE if cell["key"] == "mlp-512" else SMALL_DENSE
    return CONVOLUTIONS
