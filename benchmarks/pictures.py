"""Works F and G: one filter over many small pictures, and over a large one."""

from __future__ import annotations

from typing import Any

import counts
import memory
import numpy as np
from timing import Way, interleaved, row
from training import digits

from neural_network import conv2d

LARGE = (4096, 4096)


def small(quick: bool) -> list[dict[str, Any]]:
    """Work F: one 3×3 filter over 1000 digits, beside the article's listing."""
    from scipy.signal import convolve2d

    def listing(pictures: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        return np.stack([convolve2d(picture, kernel, mode="valid") for picture in pictures])

    found = []
    for dtype in (np.float32, np.float64):
        name = np.dtype(dtype).name
        X = digits(1000)[0][:, 0].astype(dtype)
        W = np.random.default_rng(0).standard_normal((3, 3)).astype(dtype)
        np.testing.assert_allclose(conv2d(X, W, flip=True), listing(X, W), atol=1e-5)
        ways: dict[str, Way] = {
            "ours": lambda X=X, W=W: conv2d(X, W, flip=True),
            "the article's listing": lambda X=X, W=W: listing(X, W),
        }
        times = interleaved(ways, 5 if quick else 15, calls=3)
        work = counts.one_filter(3, (28, 28), 1000, X.itemsize)
        found.append(row(f"F {name}", times, "ours", ["the article's listing"], work))
    return found


def large(quick: bool) -> list[dict[str, Any]]:
    """Work G: filters over a picture of 4096 × 4096, beside OpenCV and overlap-add."""
    import cv2
    from scipy.signal import oaconvolve

    rng = np.random.default_rng(0)
    X = rng.random(LARGE, dtype=np.float32)
    found = []
    for taps, rounds in ((3, 11), (7, 9), (31, 5)):
        W = rng.standard_normal((taps, taps), dtype=np.float32)
        ways: dict[str, Way] = {
            "ours": lambda W=W: conv2d(X, W),
            "OpenCV": lambda W=W: cv2.filter2D(X, -1, W),
        }
        inside = slice(taps // 2, -(taps // 2))  # OpenCV goes on beyond the border
        bound = 1e-5 * float(np.abs(W).sum())
        expected = conv2d(X, W)
        np.testing.assert_allclose(cv2.filter2D(X, -1, W)[inside, inside], expected, atol=bound)
        peers = ["OpenCV"]
        if taps > 7:
            turned = W[::-1, ::-1].copy()

            def overlapped(X: np.ndarray = X, W: np.ndarray = turned) -> np.ndarray:
                return oaconvolve(X, W, mode="valid")

            np.testing.assert_allclose(overlapped(), expected, atol=bound)
            ways["oaconvolve"] = overlapped
            peers.append("oaconvolve")
        times = interleaved(ways, 3 if quick else rounds)
        work = counts.one_filter(taps, LARGE)
        extra = memory.beyond_the_result(taps)
        found.append(row(f"G {taps}×{taps}", times, "ours", peers, work) | {"memory": extra})
    return found
