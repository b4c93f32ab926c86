"""Pictures that do not fit in memory: 20,000 × 20,000 pixels by blocks, within 2 GB."""

from __future__ import annotations

import subprocess
import sys

import dask.array as da
import numpy as np

import neural_network as nn

SIDE, MOST = 20_000, 2_000_000_000  # pixels, bytes
KERNEL = np.random.default_rng(1).normal(size=(5, 5)).astype(np.float32)


def pixels(rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
    """Compute a part of a picture without seams of its own."""
    i = np.arange(*rows, dtype=np.float32)[:, None]
    j = np.arange(*columns, dtype=np.float32)[None]
    return np.sin(i * np.float32(0.37) + j * np.float32(0.11)) + np.cos(i * j % 97)


def picture(side: int, chunk: int = 1000) -> da.Array:
    def block(block_info: dict | None = None) -> np.ndarray:
        return pixels(*block_info[None]["array-location"])

    sizes = da.core.normalize_chunks(chunk, (side, side))
    return da.map_blocks(block, chunks=sizes, dtype=np.float32, meta=np.empty((0, 0), np.float32))


def test_blocks_of_a_picture_of_4000_equal_the_whole() -> None:
    blocks = nn.scale.dask.conv2d(picture(4000, 700), KERNEL, padding="same").compute()
    whole = nn.conv2d(pixels((0, 4000), (0, 4000)), KERNEL, padding="same")
    np.testing.assert_allclose(blocks, whole, rtol=1e-5, atol=1e-5)


def test_windows_across_the_edges_of_blocks() -> None:
    blocks = nn.scale.dask.conv2d(picture(SIDE), KERNEL)
    rng = np.random.default_rng(0)
    edges = np.cumsum(blocks.chunks[0])[:-1]
    for i, j in rng.choice(edges, (20, 2)):
        rows, columns = (i - 10, i + 10), (j - 10, j + 10)
        found = blocks[slice(*rows), slice(*columns)].compute()
        around = pixels((i - 10, i + 14), (j - 10, j + 14))
        np.testing.assert_allclose(found, nn.conv2d(around, KERNEL), rtol=1e-5, atol=1e-5)


def test_20000_by_20000_within_2_gigabytes() -> None:
    program = """
import resource
import neural_network as nn
from conformance.test_scale import KERNEL, SIDE, picture
total = nn.scale.dask.conv2d(picture(SIDE), KERNEL, padding="same").mean().compute()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, total)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=900
    )
    peak, mean = ended.stdout.split()
    assert int(peak) < MOST, f"{int(peak) / 1e6:,.0f} MB"
    assert np.isfinite(float(mean))
