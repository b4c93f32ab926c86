"""What `make conformance` counts: each suite adds up what it has really checked.

    from conformance.counts import count

    def test_case(case):
        ...
        count("ONNX node cases")

The summary prints all counts, and a run of the whole folder fails where one is below its floor.
"""

from __future__ import annotations

from collections import Counter

# Estimator → the least number of scikit-learn's checks that pass.
ESTIMATORS = {
    "Conv2DFeatures": 60,
    "ConvNetClassifier": 67,
    "ConvNetRegressor": 60,
    "MLPClassifier": 67,
    "MLPRegressor": 60,
    "TrainerClassifier": 67,
    "TrainerRegressor": 60,
}
# Count → the least number of a run of the whole folder.
FLOORS = {
    "estimator checks": sum(ESTIMATORS.values()),
    "ONNX node cases": 1_340,
    "ONNX converted cases": 82,
    "round trips": 50,
    "PyTorch calls": 2800,
    "drawn networks": 2000,
}
# Parts of a count → the least number of each; they are printed where they are too few.
PARTS = {"estimator checks": ESTIMATORS}

COUNTS: Counter[str] = Counter()
COUNTS_OF_PARTS: Counter[tuple[str, str]] = Counter()
# What a suite leaves out, by name → how often; the summary prints it.
SKIPPED: Counter[str] = Counter()


def count(name: str, part: str = "", number: int = 1) -> None:
    """Add to a count of the table, and to one of its parts."""
    if name not in FLOORS:
        raise KeyError(f"count: expected one of {', '.join(FLOORS)}; received {name!r}")
    COUNTS[name] += number
    COUNTS_OF_PARTS[name, part] += number


def lines() -> list[str]:
    """Return a line for each count, and for what was skipped."""
    counts = [f"{name}: {COUNTS[name]:,} (at least {floor:,})" for name, floor in FLOORS.items()]
    return counts + [f"skipped: {name}, {number} times" for name, number in SKIPPED.items()]


def too_few() -> list[str]:
    """Return the counts, and parts of counts, that are below their floors."""
    found = [name for name, floor in FLOORS.items() if COUNTS[name] < floor]
    for name, parts in PARTS.items():
        for part, floor in parts.items():
            if (number := COUNTS_OF_PARTS[name, part]) < floor:
                found.append(f"{name} of {part} ({number} of {floor})")
    return found
