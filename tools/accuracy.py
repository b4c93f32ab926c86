"""Print how exact the elementary functions are: the table of docs/accuracy.md.

    python tools/accuracy.py [DRAWS]

Each function and its slopes are compared with mpmath at ±0, the smallest and the largest numbers,
±∞, and at as many drawn bit patterns (1,000 unless given).
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.functional.accuracy import ALLOWED, EXCEPTIONS, exactly, excepted, measure, units  # noqa: E402
from tests.functional.exact import CASES  # noqa: E402

from neural_network.autograd import Tensor  # noqa: E402


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
                exception = excepted(name, result, dtype)
                assert exception or worst[result].error <= ALLOWED
                errors.append("–" if exception else f"{worst[result].error:.2f}")
            cells += [errors[0], ", ".join(errors[1:])]
        print(f"| {' | '.join(cells)} |", flush=True)
    print("\nExceptions (units of ours; units of NumPy's or PyTorch's own at the same place):\n")
    for (name, result), reason in EXCEPTIONS.items():
        print(f"- {name}, {result}: {reason}. {_figure(name, result)}")


# Where exceptions are large, and the type.
PLACES = {
    "sinc": ((1000.3,), np.float64),
    "logaddexp": ((-1.1824238754343241e-05, -11.337431907653809), np.float32),
    "divide": ((9.8e-45, 0.011), np.float32),
    "power": ((3.5596144641882916e-28, 1.5436550378799438), np.float32),
}


def _figure(name: str, result: str) -> str:
    """Return the error of ours and of theirs at a place."""
    place, dtype = PLACES[name]
    arrays = [np.array(x, dtype) for x in place]
    case, row = CASES[name], [float(a) for a in arrays]
    if name in ("sinc", "logaddexp"):
        exact, scale = exactly(case.value, row)
        error = units(case.numpy(*arrays), exact, scale)
        return f"At {row}: {error:.1f}; NumPy's function, which it is: {error:.1f}."
    if (name, result) == ("power", "a"):
        row = [31.92314910888672, -27.920896530151367]
    which = "ab".index(result)
    exact, scale = exactly(case.slopes[which], row)
    tensors = [Tensor(np.array(x, dtype), requires_grad=True) for x in row]
    case.function(*tensors).backward()
    text = f"At {row}: {units(np.asarray(tensors[which].grad)[()], exact, scale):.1f}"
    if find_spec("torch") is None:
        return f"{text}."
    import torch

    theirs = [torch.tensor(x, dtype=torch.float32, requires_grad=True) for x in row]
    (torch.divide if name == "divide" else torch.pow)(*theirs).backward()
    error = units(np.float32(theirs[which].grad), exact, scale)
    return f"{text}; PyTorch: {error:.1f}."


if __name__ == "__main__":
    main()
