"""The part that every matrix product is made of, beside NumPy, and as it is kept and found again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.kernels.test_cache import ROOT, finish, start

pytestmark = pytest.mark.usefixtures("fast")

# All numbers of rows that a tile may have, and more than one has; and all widths of strips.
COUNTS = [*range(31), 40, 97]
WIDTHS = [8, 16, 24, 32, 40, 48, 64, 72, 136, 200]


def windows(numbers: Any, at: int, shape: tuple[int, ...], steps: tuple[int, ...]) -> Any:
    strides = tuple(numbers.itemsize * step for step in steps)
    return np.lib.stride_tricks.as_strided(numbers[at:], shape, strides)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_any_number_of_rows(width: int, turned: bool) -> None:
    from tests.kernels.toy_kernels import multiply

    rng = np.random.default_rng(width)
    numbers, weights = (rng.standard_normal(60_000).astype(np.float32) for _ in range(2))
    for count in COUNTS:
        for runs, length in ((1, 37), (3, 8), (2, 1), (0, 5), (2, 0)):
            row, step = (1, 113) if turned else (41, 1)
            at, run, w_at, w_step, w_run, y_at, y_row = 5, 59, 7, width + 3, 1009, 11, width + 2
            before = rng.standard_normal(30_000).astype(np.float32)
            for go_on in (False, True):
                found = before.copy()
                multiply(
                    numbers, weights, found, (count, width, runs, length),
                    (at, row, step, run, w_at, w_step, w_run, y_at, y_row), go_on,
                )  # fmt: skip
                X = windows(numbers, at, (count, runs, length), (row, run, step))
                W = windows(weights, w_at, (runs, length, width), (w_run, w_step, 1))
                expected = before.copy()
                target = windows(expected, y_at, (count, width), (y_row, 1))
                sums = np.einsum("pmk,mkc->pc", X.astype(float), W.astype(float))
                target[...] = target * go_on + sums
                # What stands between the rows is not touched.
                np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
                beside = np.ones(len(found), bool)
                windows(beside.view(np.uint8), y_at, (count, width), (y_row, 1))[...] = 0
                assert np.array_equal(found[beside], before[beside])


SUMS = """
import numpy as np
from tests.kernels.toy_kernels import multiply
x, w, y = (np.arange(64, dtype=np.float32) for _ in range(3))
multiply(x, w, y, (2, 8, 1, 3), (0, 3, 1, 0, 0, 8, 0, 0, 8), False)
assert y[:16].tolist() == (x[:6].reshape(2, 3) @ w[:24].reshape(3, 8)).ravel().tolist(), y
"""
MISSES = "print(sum(multiply.compiled.stats.cache_misses.values()))"
AFFINE = """
import numpy as np
from neural_network.kernels.dense import affine
X, W = np.ones((4, 3), np.float32), np.ones((3, 8), np.float32)
out = X @ W
affine(X, W, W[0], out, True)
assert (out == 4).all()
"""


@pytest.mark.slow
def test_it_is_compiled_once_for_all_kernels_and_found_again(tmp_path: Path) -> None:
    environment = {"NUMBA_CACHE_DIR": str(tmp_path)}
    assert finish(start(SUMS + MISSES, **environment))[0] == "1\n"
    (kept,) = tmp_path.rglob("products.products-*.nbc")
    # Another kernel finds it, and does not hold it: its own code is small beside it.
    finish(start(AFFINE, **environment))
    assert [kept] == list(tmp_path.rglob("products.products-*.nbc"))
    (other,) = tmp_path.rglob("dense.affine-*.nbc")
    assert other.stat().st_size < kept.stat().st_size
    # The next process loads the kernel, which has to find the part by its name.
    assert finish(start(SUMS + MISSES, **environment))[0] == "0\n"


@pytest.mark.slow
def test_it_is_said_that_it_is_compiled(tmp_path: Path) -> None:
    slow = "import neural_network.kernels.runtime.announcements as a; a.SILENT = 0.05\n"
    _, err = finish(start(slow + AFFINE, NUMBA_CACHE_DIR=str(tmp_path)))
    assert err.startswith("neural_network: compiling fast functions")
    assert err.count("\n") == 1


TYPED = """
import numpy as np
from neural_network.kernels.runtime.compiler import kernel, linked_part, prange
from neural_network.kernels.products import products
from neural_network.kernels.tile import tile
@linked_part
def own(x: "Any", w: "Any", y: "Any", begin: "int") -> "None":
    tile(1, 8, x, 0, 1, 1, 1, 1, 3, w, 0, 8, 0, y, begin, 8, False)
@kernel
def compute(x, w, y):
    for _ in prange(1):
        own(x, w, y, 8)
        products(1, 8, x, 0, 1, 1, 1, 1, 3, w, 0, 8, 0, y, 16, 8, False)
x, w, y = (np.full(32, value, np.float32) for value in (7, 1, 0))
compute(x, w, y)
assert y.tolist() == [0] * 8 + [21] * 16 + [0] * 8, y
"""


@pytest.mark.slow
def test_it_is_found_wherever_the_caller_stands(tmp_path: Path) -> None:
    environment = {"NUMBA_CACHE_DIR": str(tmp_path)}
    # At a prompt there is no file; a file may be spelled in more ways than one.
    finish(start(f"exec(compile({TYPED!r}, '<stdin>', 'exec'))", **environment))
    spelled = f"import sys; sys.path.insert(0, {str(ROOT)!r} + '/.//src')\n"
    finish(start(spelled + AFFINE, **environment))
    finish(start(spelled + AFFINE, **environment))


def test_its_body_computes_the_same() -> None:
    finish(start(SUMS + AFFINE, NUMBA_DISABLE_JIT="1"))
