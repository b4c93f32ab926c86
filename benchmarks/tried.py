"""What was tried where a peer is faster: for cells of the field, and rows of the first table."""

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
NOTHING = "nothing yet"
IN_FIELD = "see {} in the field"
CONVOLUTION = (
    "kept are tiles that hold their sums in registers, with fewer columns where there are few "
    "filters, two products of each sum in a round, and a backward pass that does not copy its "
    "gradient"
    + LEFT
    + "four products in a round, addresses of rows in two groups, and small images "
    "joined for the gradient of the filters. Of 16 or 32 filters a tile is narrow, so that more "
    "of its time is spent on loading factors. About Winograd's transform, see the field"
)
NUMPY = (
    "kept are windows copied by blocks that fit the cache, matrix products of them, and the "
    "gradient of pooling by a few images at a time; little or no faster, and left out, are "
    "halves of a batch by two Python threads, images one by one, rows copied with their padding, "
    "and the gradient of the inputs as a convolution with reversed filters, which is slower where "
    "there are more filters than channels"
)
MEMORY = (
    "kept are arrays that are used again from step to step, and machine code of kernels alone. "
    "Most of what is counted is compiled kernels and what loads them, in the first step: PyTorch's "
    "are loaded when it is imported, which is not counted"
)
TAPE = (
    "kept are values that are taken from their tensors once an operation. Calls of Python bound "
    "both sides; ours asks more often of which type its arguments are"
)
ROWS = {
    "A share": IN_FIELD.format("networks with convolutions"),
    "A without Numba": NUMPY,
    "A memory": MEMORY,
    "B": IN_FIELD.format("networks with convolutions"),
    "C": IN_FIELD.format("one row"),
    "conv 3×3 64": CONVOLUTION,
    "conv 3×3 128": CONVOLUTION,
    "conv 5×5": CONVOLUTION,
    "conv 1×1": CONVOLUTION,
    "conv stride 2": CONVOLUTION,
    "T scalar": TAPE,
    "T vector": TAPE,
}


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


def tried_for_rows(rows: list[dict[str, Any]]) -> str:
    """Return a line for all rows of the first table in which a peer is faster, by what was tried.

    >>> tried_for_rows([{"key": "B", "ratio": 0.8}, {"key": "G 3×3", "ratio": 1.2}])
    '- **B.** Tried: see networks with convolutions in the field.'
    """
    groups: dict[str, list[str]] = {}
    for row in rows:
        if row["ratio"] < 1.0:
            groups.setdefault(ROWS.get(row["key"], NOTHING), []).append(row["key"])
    return "\n".join(f"- **{', '.join(keys)}.** Tried: {text}." for text, keys in groups.items())
