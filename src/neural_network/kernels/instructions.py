"""The table by which ``single_row`` computes stages: one row for each, of 64-bit integers.

It is apart from the kernels, because writing it must not load a compiler.
"""

from __future__ import annotations

from neural_network.kernels.runtime.aligned import LINE

# What a row of the table computes.
CONVOLVE, DEPTHWISE, DENSE, NORMALIZE, MEAN, ADD, TRANSPOSED = range(7)
ACTIVATE, MAX_POOL, AVG_POOL = range(7, 10)
# The numbers of activation functions.
FUNCTIONS = ("sigmoid", "tanh", "leaky_relu", "elu", "silu", "gelu")

# The columns of the table. Arrays are given by their addresses, 0 for none.
FIELDS = (
    "kind", "tasks",
    "source", "other", "target", "scratch", "constant",  # in the memory of the table's owner
    "weight", "bias", "gamma", "beta", "mean", "variance",  # of the layers
    "channels", "height", "width",  # of the input
    "filters", "rows", "columns",  # of the result
    "taps_down", "taps_along", "stride_down", "stride_along", "spacing_down", "spacing_along",
    "top", "left",  # zeros before the first row and column
    "pool_down", "pool_along",  # of the windows whose largest number is kept; 1 and 1 without
    "function",  # of ``FUNCTIONS``; the constant is its option, or epsilon of batch norm
    "relu", "direct",  # whether relu follows; whether the input is a matrix of patches already
    "band", "group",  # rows or numbers of the result, and filters or channels, of a task
    "piece", "apart",  # numbers of a task's scratch memory; from that of one task to the next
    "taken", "done",  # tasks that threads have begun, and ended, in this call
)  # fmt: skip
MEMORY = slice(FIELDS.index("source"), FIELDS.index("constant") + 1)
TENSORS = slice(FIELDS.index("weight"), FIELDS.index("variance") + 1)

# Before and behind images, and behind scratch memory, are so many numbers that may be read, and
# behind scratch memory also written. No zeros around an image are more.
SLACK = 64
# Columns of a matrix of patches are padded to a multiple of this.
COLUMNS = LINE // 4


def patches_of_channel(high: int, wide: int, taps_down: int, taps_along: int, stride: int) -> int:
    """Return the numbers of a channel that are copied for ``high`` × ``wide`` windows.

    Under each column of a filter, and for each phase of rows (see ``row_convolution``), they are a
    block of rows, and behind it numbers that may be overwritten.

    >>> patches_of_channel(8, 16, 3, 3, 1)  # ten rows of 16 numbers for each column
    528
    """
    rows = high + (taps_down - 1) // stride
    block = (-(-rows * wide // COLUMNS) + 1) * COLUMNS
    return taps_along * min(stride, taps_down) * block
