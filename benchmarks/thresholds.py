"""Measure NumPy against a compiled kernel near each threshold of ``kernels/runtime/gate.py``.

Prints, for each row of ``THRESHOLDS`` and of ``LIMITS``, the time of both at a quarter of the
threshold, at it, and at four times it, on one thread. Kernels are compiled and loaded before
anything is measured.

    python benchmarks/thresholds.py             all rows
    python benchmarks/thresholds.py pooling …   some of them
    python benchmarks/thresholds.py activations functions of single numbers, in products
    python benchmarks/thresholds.py products    dense layers: their kernels beside BLAS
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np

import neural_network as nn
from neural_network.autograd import Tensor
from neural_network.functional.convolution.fft import _largest_sizes
from neural_network.functional.shaping import scatter_add
from neural_network.kernels import dense
from neural_network.kernels.products import padded_columns
from neural_network.kernels.runtime.gate import LIMITS, THRESHOLDS
from neural_network.plan.elementwise import KNOWN
from neural_network.training.data import Batch, is_finite

Call = Callable[[], object]
REPEATS = 15
FACTORS = (0.25, 1.0, 4.0)
# Of the products of dense layers: rows of the batch; inputs and units.
ROWS_OF_X = (64, 256, 1024)
SIZES_OF_W = ((64, 64), (256, 256), (784, 100), (784, 512), (512, 512), (1024, 1024), (512, 10))
rng = np.random.default_rng(0)


def _floats(*shape: int) -> Any:
    return rng.standard_normal(shape).astype(np.float32)


def _side(numbers: float) -> int:
    return max(3, round(numbers**0.5))


def _depthwise(products: float) -> Call:
    X, W = _floats(1, 8, *[_side(products / 72)] * 2), _floats(8, 1, 3, 3)
    return lambda: nn.conv2d(X, W, padding=1, groups=8)


def _tiled(products: float) -> Call:
    X, W = _floats(1, 16, *[_side(products / 2304)] * 2), _floats(16, 16, 3, 3)
    return lambda: nn.conv2d(X, W, padding=1, precise=False)


def _single_channel(products: float) -> Call:
    X, W = _floats(*[_side(products / 25)] * 2), _floats(5, 5)
    return lambda: nn.conv2d(X, W, padding=2, method="direct")


def _network(products: float) -> Call:
    X = _floats(max(1, round(products / (64 * 64 + 640))), 64)
    model = nn.Sequential(nn.Dense(64, "relu"), nn.Dense(10)).initialize((64,), rng=0)
    model.eval()
    return lambda: model(X)


def _dense_chain(products: float) -> Call:
    X = _floats(max(1, round(products / (64 * 64 + 640))), 64)
    batch = Batch(X, rng.integers(0, 10, len(X)))
    model = nn.Sequential(nn.Dense(64, "relu"), nn.Dense(10))
    trainer = nn.Trainer(model, rng=0, progress=False)
    trainer.fit(X[:1].repeat(2, axis=0), np.arange(2))

    def step() -> None:
        trainer.memory.begin_step()
        trainer.train_step(batch)

    return step


def _dense_rows(products: float) -> Call:
    X = _floats(max(2, round(products / (64 * 64 + 640))), 64)
    model = nn.Sequential(nn.Dense(64, "relu"), nn.Dense(10)).initialize((64,), rng=0)
    return lambda: model.predict(X, batch_size=len(X))


def _single_row(products: float) -> Call:
    X = _floats(1, 8, *[_side(products / 1152)] * 2)
    model = nn.Sequential(nn.Conv2D(16, 3, padding=1, activation="relu"), nn.GlobalAvgPool2D())
    model.initialize(X.shape[1:], rng=0)
    return lambda: model.predict(X)


def _largest(numbers: float) -> Call:
    X = _floats(1, 1, 1, *[_side(numbers)] * 2)
    return lambda: _largest_sizes(X)


def _forward_and_backward(function: Callable[[Any], Any], X: Any) -> Call:
    """Return a call that computes a result and the gradient for the input."""
    leaf = Tensor(X, requires_grad=True)
    g = np.ones_like(function(X))
    return lambda: function(leaf).backward(g)


def _pooling(numbers: float) -> Call:
    return _forward_and_backward(nn.max_pool2d, _floats(4, 8, *[_side(numbers / 32)] * 2))


def _batch_norm(numbers: float) -> Call:
    return _forward_and_backward(nn.batch_norm, _floats(max(1, round(numbers / 512)), 8, 8, 8))


def _sum_of_rows(numbers: float) -> Call:
    g = _floats(max(1, round(numbers / 64)), 64)
    places = rng.integers(0, 1000, len(g))
    return lambda: scatter_add(g, places, 0, 1000)


def _layer_norm(numbers: float) -> Call:
    gamma, beta = _floats(64), _floats(64)
    X = _floats(max(1, round(numbers / 64)), 64)
    return _forward_and_backward(lambda X: nn.layer_norm(X, gamma, beta), X)


def _attention(products: float) -> Call:
    X = _floats(4, _side(products / 128), 16)
    return _forward_and_backward(lambda X: nn.scaled_dot_product_attention(X, X, X), X)


def _finite_check(numbers: float) -> Call:
    X = _floats(round(numbers))
    return lambda: is_finite(X)


def _optimizer(numbers: float) -> Call:
    p, g = _floats(round(numbers / 3)), _floats(round(numbers / 3))  # Adam has two state arrays
    adam = nn.Adam()
    adam.start(p)
    return lambda: adam.update(p, g)


def _cross_entropy(scores: float, classes: int = 10) -> Call:
    rows = max(1, round(scores / classes))
    model = nn.Sequential(nn.Dense(classes)).initialize((4,), rng=0)
    with nn.use_kernels("numba"):
        logits = model(Tensor(_floats(rows, 4), requires_grad=True))
    labels = rng.integers(0, classes, rows)
    return lambda: nn.softmax_cross_entropy(logits, labels)


ROWS: dict[str, Callable[[float], Call]] = {
    "depthwise convolution": _depthwise,
    "tiled convolution": _tiled,
    "single-channel convolution": _single_channel,
    "network": _network,
    "dense chain": _dense_chain,
    "dense rows": _dense_rows,
    "attention": _attention,
    "single row": _single_row,
    "largest of an image": _largest,
    "sum of rows": _sum_of_rows,
    "pooling": _pooling,
    "layer norm": _layer_norm,
    "batch norm": _batch_norm,
    "finite check": _finite_check,
    "optimizer": _optimizer,
    "cross-entropy behind a kernel": _cross_entropy,
    "limit: dense chain": _dense_chain,
    "limit: dense rows": _dense_rows,
    "limit: cross-entropy behind a kernel": lambda scores: _cross_entropy(scores, 1024),
}


def microseconds(call: Call, mode: str) -> float:
    """Return the shortest time of a call, of some repeats of about 2 ms each."""
    with nn.use_kernels(mode):
        call()
        started = time.perf_counter()
        call()
        count = max(1, int(2e-3 / (time.perf_counter() - started)))
        times = []
        for _ in range(REPEATS):
            started = time.perf_counter()
            for _ in range(count):
                call()
            times.append((time.perf_counter() - started) / count)
    return 1e6 * min(times)


def activations() -> None:
    """Print the time of a number, and how many products take NumPy as long at the threshold."""
    X, least = _floats(1, 20_000), THRESHOLDS["network"]
    single = microseconds(_network(least), "numpy") / least
    print(f"{'activation':<14} {'NumPy ns':>9} {'kernel ns':>10} {'products':>9}")
    for function, known in KNOWN.items():
        model = nn.Sequential(nn.Activation(function)).initialize((20_000,), rng=0)
        calls = [partial(model.predict, X)] * 2
        plain, compiled = map(microseconds, calls, ("numpy", "numba"))
        print(
            f"{known.word:<14} {plain / 20:>9.2f} {compiled / 20:>10.2f} "
            f"{plain / 20_000 / single:>9.0f}"
        )


def products() -> None:
    """Print the products in a nanosecond of dense layers' kernels and of BLAS, on one thread."""
    print("  rows inputs  units |   X·W BLAS kernel | gradients BLAS kernel")
    for rows, (inputs, units) in product(ROWS_OF_X, SIZES_OF_W):
        X, W, G = _floats(rows, inputs), _floats(inputs, units), _floats(rows, units)
        columns = padded_columns(units)
        padded, masked = np.pad(W, ((0, 0), (0, columns - units))), _floats(rows, columns)
        bias, out, db = _floats(units), _floats(rows, units), _floats(units)
        dW, dX = np.empty_like(W), np.empty_like(X)

        def forward(X: Any = X, W: Any = W, out: Any = out) -> None:
            np.matmul(X, W, out=out)

        def backward(X: Any = X, W: Any = W, G: Any = G, dW: Any = dW, dX: Any = dX) -> None:
            np.matmul(X.T, G, out=dW)
            np.matmul(G, W.T, out=dX)

        calls = [
            forward,
            partial(dense.affine, X, padded, bias, out, True),
            backward,
            partial(dense.affine_backward, X, W, G, out, masked, dW, db, dX, True),
        ]
        work = rows * inputs * units / 1e3
        rates = [
            times * work / microseconds(call, "auto")
            for times, call in zip((1, 1, 2, 2), calls, strict=True)
        ]
        text = "{:>6} {:>6} {:>6} | {:>10.1f} {:>6.1f} | {:>14.1f} {:>6.1f}"
        print(text.format(rows, inputs, units, *rates), flush=True)


def main(names: list[str]) -> None:
    """Print the table."""
    nn.set_num_threads(1)
    others = {"activations": activations, "products": products}
    for name in names or others:
        if name in others:
            others[name]()
    names = [name for name in names or ROWS if name not in others]
    if not names:
        return
    works = THRESHOLDS | {f"limit: {name}": work for name, work in LIMITS.items()}
    LIMITS.clear()  # so that the kernels are used beyond them, too
    print(f"{'row':<36} {'work':>10} {'NumPy µs':>10} {'kernel µs':>10} {'ratio':>6}")
    for name in names:
        for factor in FACTORS:
            work = works[name] * factor
            call = ROWS[name](work)
            plain, compiled = (microseconds(call, mode) for mode in ("numpy", "numba"))
            ratio = plain / compiled
            print(f"{name:<36} {work:>10,.0f} {plain:>10.1f} {compiled:>10.1f} {ratio:>6.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
