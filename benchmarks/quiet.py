"""Whether other processes ran during a measurement.

They do not slow both sides alike: a library that splits work into equal halves and waits for
both loses more than one that hands out small pieces. Such a ratio is not reliable.
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
    """Measures how much processor time other processes take, from its construction on."""

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
    """Return whether a row is reliable; where the share is unknown, it counts as reliable."""
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
