"""What the wrapper around a public function costs a right call; see ``elsewhere/surface.py``.

    python benchmarks/surface.py

Ops and layers have none: what answers a wrong call is in the function that a right one needs, too.
"""

from __future__ import annotations

import sys
import timeit
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import neural_network as nn

TURNS, SECONDS = 100, 0.002
digit, edges, rows = np.ones((28, 28)), np.ones((3, 3)), np.ones((32, 10), np.float32)
model = nn.Sequential(nn.Dense(10)).initialize((10,), rng=0)
# Each function with the arguments of a right call.
FUNCTIONS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "conv2d of a digit": (nn.conv2d, (digit, edges)),
    "max_pool2d of a digit": (nn.max_pool2d, (digit[None, None],)),
    "leaky_relu of (32, 10)": (nn.leaky_relu, (rows,)),
    "dropout of (32, 10)": (nn.dropout, (rows, 0.5)),
    "accuracy of 32 rows": (nn.accuracy, (rows, np.zeros(32, int))),
    "predict of 32 rows, Dense(10)": (nn.Layer.predict, (model, rows)),
    "zero_grad of a model": (nn.Layer.zero_grad, (model,)),
}


def main() -> None:
    """Print the time and the calls of Python with and without the wrapper."""
    print("| call | without: µs, calls | with: µs, calls | wrapper: ns |")
    print("| --- | ---: | ---: | ---: |")
    for name, (function, arguments) in FUNCTIONS.items():
        plain = partial(function.__wrapped__, *arguments)  # type: ignore[attr-defined]  # of ``wraps``
        wrapped = partial(function, *arguments)
        without, with_it = seconds(plain, wrapped)
        print(
            f"| {name} | {1e6 * without:.2f}, {calls(plain)} | {1e6 * with_it:.2f}, "
            f"{calls(wrapped)} | {1e9 * (with_it - without):.0f} |"
        )


def seconds(*functions: Callable[[], Any]) -> list[float]:
    """Return the seconds of a call of each, the least of several turns."""
    timers = [timeit.Timer(function) for function in functions]
    number = max(1, int(SECONDS / timers[0].timeit(1)))
    turns = [[timer.timeit(number) / number for timer in timers] for _ in range(TURNS)]
    return [min(times) for times in zip(*turns, strict=True)]


def calls(function: Callable[[], Any]) -> int:
    """Return how many calls of Python a call makes."""
    count = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


if __name__ == "__main__":
    main()
