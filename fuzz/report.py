"""What a part of the fuzzer returns."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple


class Fault(NamedTuple):
    """What should not have happened, and the command that makes it happen again."""

    text: str
    repeat: str


def repeating(part: str, seed: int, case: int) -> str:
    """Return the command that repeats a case."""
    return f"python -m fuzz.run {part} --seed {seed} --case {case}"


@dataclass
class Report:
    """What a part did: how many cases, with which outcomes, and the faults among them."""

    cases: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    places: Counter[str] = field(default_factory=Counter)

    def add(self, place: str, fault: Fault) -> None:
        """Note a fault; of those at one place, all are counted and the first is shown, at once."""
        self.places[place] += 1
        if self.places[place] == 1:
            self.faults.append(fault)
            print(f"\nFAULT {fault.text}\nrepeat: {fault.repeat}", flush=True)

    def summary(self) -> str:
        """Return a line of counts."""
        outcomes = "".join(f", {count:,} {name}" for name, count in self.outcomes.most_common())
        return f"{self.cases:,} cases{outcomes}, {len(self.faults)} faults"
