"""The number of processors that this process may use, from the system and the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from neural_network.errors import ArgumentError, brief, sentence

# No machine has more processors. Numba starts as many threads as its variable says.
MOST = 1 << 14


def started_with() -> int:
    """Return the number of threads that Numba starts: ``NUMBA_NUM_THREADS``, or one a processor."""
    return _from_environment("NUMBA_NUM_THREADS") or _bound_to()


def check_environment() -> None:
    """Check the variables that Numba would otherwise ignore, or end the process for.

    Raises:
        ArgumentError: one of them holds nonsense; the sentence names it.
    """
    allowed()
    features = os.environ.get("NUMBA_CPU_FEATURES", "")
    if not all(word.strip()[:1] in ("+", "-") for word in features.split(",") if features):
        expected = "features of a processor with + or - before each, such as +avx2,-avx512f"
        raise ArgumentError(sentence("kernels", "NUMBA_CPU_FEATURES", expected, brief(features)))


def allowed() -> int:
    """Return the default number of threads.

    The least of ``NUMBA_NUM_THREADS``, ``OMP_NUM_THREADS``, the processors that this process
    is bound to and the processor time that its control group gives it, rounded up.

    Raises:
        ArgumentError: a variable holds no number of threads.
    """
    limits = (started_with(), _bound_to(), _from_environment("OMP_NUM_THREADS"), quota())
    return max(1, min(limit for limit in limits if limit))


def quota(root: Path = Path("/")) -> int | None:
    """Return the processors that a control group (Linux, version 1 or 2) grants, or None.

    Args:
        root: where ``proc`` and ``sys`` are.
    """
    grants = [grant for folder in _groups(root) if (grant := _grant(folder)) is not None]
    return min(grants, default=None)


def _groups(root: Path) -> Iterator[Path]:
    """Yield the folders of this process's control groups and of their parents."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers == "":
            mounts = [root / "sys/fs/cgroup", root / "sys/fs/cgroup/unified"]
        elif "cpu" in controllers.split(","):
            mounts = [root / "sys/fs/cgroup/cpu", root / "sys/fs/cgroup" / controllers]
        else:
            continue
        # Inside a container the path may be the host's: its folders do not exist here and grant
        # nothing, and the mount itself is the container's group.
        group = Path(path.lstrip("/"))
        for mount in mounts:
            yield from (mount / part for part in (group, *group.parents))


def _grant(folder: Path) -> int | None:
    """Return the processors that one group's files grant, rounded up; None without a limit."""
    try:
        if (folder / "cpu.max").exists():
            time, period = (folder / "cpu.max").read_text().split()
        else:
            time = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        # Rounded up: too many threads by a half cost less than half an idle processor.
        return max(1, -(-int(time) // int(period))) if int(time) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):  # no such file, or the word "max"
        return None


def _bound_to() -> int:
    """Return the number of processors that this process is bound to."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _from_environment(name: str) -> int | None:
    """Return the number in an environment variable, or None where it is not set, or empty."""
    text = os.environ.get(name, "").strip()
    if not text:
        return None
    # OpenMP's variable may hold one number a level of nesting: "4,2".
    number = text.partition(",")[0].strip() if name.startswith("OMP") else text
    if re.fullmatch("[0-9]{1,9}", number) and 1 <= int(number) <= MOST:
        return int(number)
    raise ArgumentError(sentence("kernels", name, f"a number of threads, 1 to {MOST}", brief(text)))
