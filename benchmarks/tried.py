"""What was tried for the cells of the field in which a peer is faster."""

from __future__ import annotations

from typing import Any

KEPT = "kept: "
LEFT = "; no faster, and left out: "

ONE_ROW = (
    KEPT + "all stages in one compiled call, of which threads take tasks; tasks that are worth "
    "waking a thread for" + LEFT + "a launch of threads for each stage, smaller and larger tasks "
    "and matrices of patches"
)
SMALL_DENSE = (
    KEPT + "no tape, one kernel from the inputs to the gradients and one for the optimizer, arrays "
    "that stay from step to step" + LEFT + "NumPy for the same computation"
)
DENSE = KEPT + "tiles that hold their sums in registers" + LEFT + "NumPy's matrix products"
CONVOLUTIONS = (
    KEPT + "images written where the next convolution reads them, additions within the last stage "
    "of a path, batch norm folded or in two passes with relu and pooling"
    + LEFT + "a batch in chunks through all stages, Winograd's transform below some hundred channels"
)  # fmt: skip


def tried(cell: dict[str, Any]) -> str:
    """Return what was tried for a cell, as a sentence without a full stop.

    >>> tried({"key": "resnet", "rows": 1})[:22]
    'kept: all stages in on'
    """
    if cell["rows"] == 1:
        return ONE_ROW
    if cell["key"].startswith("mlp"):
        return DENSE if cell["key"] == "mlp-512" else SMALL_DENSE
    return CONVOLUTIONS
