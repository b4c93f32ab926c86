"""Works H and I: what it costs to have the library: import time and size on disk."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from statistics import median
from typing import Any

from goals import IMPORT_LIMIT
from timing import Way, interleaved

OWN = "neural-network-numpy"


def importing(quick: bool) -> dict[str, Any]:
    """Import in a fresh process, compared with NumPy's."""

    def process(code: str) -> Way:
        return lambda: subprocess.run([sys.executable, "-c", code], check=True)

    ways = {"numpy": process("import numpy"), "ours": process("import neural_network")}
    times = interleaved(ways, 5 if quick else 15, settle=False)
    numpy, ours = (median(times.turns[name]) for name in ways)
    return {
        "numpy_ms": 1e3 * numpy,
        "our_ms": 1e3 * ours,
        "ratio": ours / numpy,
        "limit": IMPORT_LIMIT,
    }


def sizes(quick: bool) -> dict[str, Any]:  # noqa: ARG001  # nothing is repeated
    """Return the megabytes that an installation brings, with all it depends on."""
    base = closure(OWN)
    # A folder on PYTHONPATH says nothing of what it needs.
    found = {"ours": megabytes(base)} if base else {}
    if "numba" in (fast := base | closure(OWN, "fast")):
        found["ours with the extra fast"] = megabytes(fast)
    if torch := closure("torch"):
        found["torch"] = megabytes(torch)
    return found


def closure(name: str, extra: str = "") -> set[str]:
    """Return an installed distribution and all that it needs; an extra's needs if one is named."""
    from packaging.requirements import Requirement

    waiting, found = [(name, extra)], set[str]()
    while waiting:
        name, extra = waiting.pop()
        try:
            requires = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        found.add(name)
        for text in requires:
            needed = Requirement(text)
            applies = needed.marker is None or needed.marker.evaluate({"extra": extra})
            if applies and needed.name not in found:
                waiting.append((needed.name, ""))
    return found


def megabytes(names: set[str]) -> float:
    """Return the size of the installed files, bytecode left out: it is made later."""
    total = 0
    for name in names:
        if name == OWN:  # installed from this folder, as links
            source = Path(__file__).parents[1] / "src" / "neural_network"
            files = list(source.rglob("*"))
        else:
            files = [Path(str(file.locate())) for file in distribution(name).files or []]
        total += sum(file.stat().st_size for file in files if file.is_file() and counted(file))
    return total / 1e6


def counted(file: Path) -> bool:
    """Leave out what Python writes on its own."""
    return file.suffix != ".pyc"
