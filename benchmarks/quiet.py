"""Whether the machine did anything else meanwhile.

A busy neighbour does not slow both sides alike: whoever splits work into equal halves and
waits for both loses more than whoever hands out pieces. Such a ratio is not to be believed.
"""

from __future__ import annotations

import os
from pathlib import Path
from time import perf_counter

# Of all processor time; the system's own housekeeping stays below.
QUIET = 0.03
# /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal.
WORKING = (0, 1, 2, 5, 6, 7)


class Watch:
    """Counts from its making on what other processes do."""

    def __init__(self) -> None:
        self._start, self._busy, self._own = perf_counter(), _busy(), _own()

    def others(self) -> float | None:
        """Return the share of all processors' time that others took; None: not known here."""
        busy = _busy()
        if busy is None or self._busy is None:
            return None
        passed = (perf_counter() - self._start) * (os.cpu_count() or 1)
        return max(0.0, (busy - self._busy) - (_own() - self._own)) / passed


def is_quiet(others: float | None) -> bool:
    """Say whether a row can be believed; where nothing is known, it has to be."""
    return others is None or others <= QUIET


def _busy() -> float | None:
    """Return the seconds that all processors have worked."""
    path = Path("/proc/stat")
    if not path.exists():
        return None
    ticks = path.read_text().splitlines()[0].split()[1:]
    return sum(int(ticks[place]) for place in WORKING) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    """Return the seconds that this process and its finished children have worked."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
