"""Contestants in turn, medians, ratios."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter, process_time, sleep
from typing import Any

from counts import Work
from environment import PROCESSOR_TIME
from goals import GOALS

Way = Callable[[], object]
# After its work a thread of OpenBLAS, OpenMP or ONNX Runtime waits for more in a loop, OpenBLAS's
# for 2²⁸ ticks: a tenth of a second, in which it takes a core from the one whose turn is next.
PAUSE = 0.0 if PROCESSOR_TIME else 0.15
clock = process_time if PROCESSOR_TIME else perf_counter


@dataclass
class Times:
    """Seconds of each way: in turn with the others, and before that alone."""

    turns: dict[str, list[float]]
    alone: dict[str, float]

    def median(self, name: str) -> float:
        """Return the median of the turns."""
        return median(self.turns[name])

    def fastest(self, *names: str) -> str:
        """Return the name of the way with the smallest median."""
        return min(names, key=self.median)


def interleaved(
    ways: dict[str, Way], rounds: int, *, calls: int = 1, parts: int = 1, settle: bool = True
) -> Times:
    """Time each way in turn, A B A B …

    Args:
        ways: name → a call that does the work.
        rounds: how many turns each way has.
        calls: how many calls a turn times, for works that are over too soon.
        parts: how many steps a call consists of; seconds are given for one.
        settle: make one call before each timed one, which wakes threads and fills caches.
            Calls that consist of many parts need none.
    """

    def turn(way: Way) -> float:
        sleep(PAUSE)
        if settle:
            way()
        start = clock()
        for _ in range(calls):
            way()
        return (clock() - start) / (calls * parts)

    alone = {}
    for name, way in ways.items():
        way()  # whatever is made at the first call
        alone[name] = turn(way)
    turns: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            turns[name].append(turn(way))
    return Times(turns, alone)


def row(key: str, times: Times, ours: str, peers: list[str], work: Work) -> dict[str, Any]:
    """Return a row of the page: the fastest of the peers beside ours."""
    peer = times.fastest(*peers)
    pairs = zip(times.turns[peer], times.turns[ours], strict=True)
    return filled(
        key,
        peer=1e3 * times.median(peer),
        ours=1e3 * times.median(ours),
        spread=[p / o for p, o in pairs],
        unit="ms",
        fastest=peer,
        rounds=len(times.turns[ours]),
        medians_ms={name: 1e3 * times.median(name) for name in times.turns},
        alone_ms={name: 1e3 * seconds for name, seconds in times.alone.items()},
        operations=work.operations,
        bytes=work.bytes,
    )


def filled(
    key: str, *, peer: float, ours: float, spread: list[float], unit: str, **more: Any
) -> dict[str, Any]:
    """Return a row with its ratio, from two figures of which the smaller is the better."""
    goal = GOALS[key]
    return {
        "key": key,
        "work": goal.work,
        "peer": goal.peer,
        "peer_figure": peer,
        "our_figure": ours,
        "unit": unit,
        "ratio": peer / ours,
        "spread": [min(spread), max(spread)],
        "aim": goal.aim,
        "floor": goal.floor,
        **more,
    }
