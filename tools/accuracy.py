"""Print how exact the elementary functions are: the table of docs/accuracy.md.

    python tools/accuracy.py [DRAWS]

Each function and its slopes are compared with mpmath at ±0, the smallest and the largest numbers,
±∞, and at as many drawn bit patterns (1,000 unless given).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.functional.accuracy import ALLOWED, EXCEPTIONS, measure, units  # noqa: E402
from tests.functional.exact import CASES, mp  # noqa: E402


def main() -> None:
    """Print a row for each function, and the exceptions."""
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print("| function | float64: value | slopes | float32: value | slopes |")
    print("| --- | --- | --- | --- | --- |")
    for name, case in CASES.items():
        cells = [name]
        results = ["value", *"ab"[: len(case.slopes)]]
        for dtype in (np.float64, np.float32):
            worst = measure(case, dtype, draws)
            errors = []
            for result in results:
                exception = (name, result) in EXCEPTIONS
                assert exception or worst[result].error <= ALLOWED
                errors.append("–" if exception else f"{worst[result].error:.2f}")
            cells += [errors[0], ", ".join(errors[1:])]
        print(f"| {' | '.join(cells)} |", flush=True)
    print("\nExceptions:\n")
    for (name, result), reason in EXCEPTIONS.items():
        print(f"- {name}, {result}: {reason}. {_figure()}")


def _figure() -> str:
    """Return what NumPy's sinc gives beside the exact number."""
    x = np.float64(1000.3)
    exact = mp.sincpi(mp.mpf(float(x)))
    return f"np.sinc({x}) is off by {units(np.sinc(x), exact, exact):.0f} units, as ours is."


if __name__ == "__main__":
    main()
