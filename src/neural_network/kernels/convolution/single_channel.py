"""Sizes of the kernels for filters that read one channel, by which their time is estimated too.

They are apart from the kernels, because an estimate must not load a compiler.
"""

from __future__ import annotations

# Outputs whose sums ``shifts`` takes together: a buffer of them stays in the first-level cache.
RUN = 2048
# So many numbers between two rows are summed as well: that is cheaper than a new run.
LITTLE = 64
# Columns of a tile of ``fft``, and its possible rows, powers of two.
WIDE = 192
LENGTHS = (16, 32, 64, 128, 256, 512)
