"""Where the boxes of a tape stand, and the ways of the arrows between them: numbers, no figure.

An arrow that leads over several rows has a place of its own in each row between: no box stands
before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from neural_network.visual.tape import Line, Part

# Inches: between two things in a row, and the width that an arrow needs there.
BESIDE, LANE = 0.3, 0.15
# Rows are ordered, and moved to where their neighbours are, so often.
SWEEPS = 8


@dataclass(frozen=True)
class Arrow:
    """An arrow from a value to what is computed from it.

    Attributes:
        part: what it adds to the gradient of the value.
        corners: of its way.
        space: the width for a label beside its end.
        right: whether the label is at the right.
    """

    part: Part
    corners: list[tuple[float, float]]
    space: float
    right: bool


@dataclass
class Place:
    """The place of a box, or of an arrow in a row, in inches; downwards is positive.

    Attributes:
        x: its middle.
        top: its upper edge.
        width, height: its size.
        row: from above.
        above, below: places that lines lead to in the rows above and below.
        entering: the arrows that end at the box, from left to right.
    """

    width: float
    height: float
    row: int
    x: float = 0.0
    top: float = 0.0
    above: list[Place] = field(default_factory=list)
    below: list[Place] = field(default_factory=list)
    entering: list[Arrow] = field(default_factory=list)

    @property
    def left(self) -> float:
        """The left edge."""
        return self.x - self.width / 2


def places_of(
    lines: Sequence[Line],
    sizes: Mapping[str, tuple[float, float]],
    labels: Mapping[int, tuple[float, float]],
    gap: float,
) -> tuple[dict[str, Place], float, float]:
    """Return the place of each value, and the width and height of all.

    Args:
        lines: of the tape.
        sizes: of the boxes, by the names of the values.
        labels: by ``id`` of a part, the width and height of the label beside its arrow.
        gap: between a row and the labels above the next one: there arrows move sideways.
    """
    depths = _depths(lines)
    boxes = {line.name: Place(*sizes[line.name], depths[line.name]) for line in lines}
    rows: list[list[Place]] = [[] for _ in range(max(depths.values()) + 1)]
    for box in boxes.values():
        rows[box.row].append(box)
    ways: list[tuple[Place, Place, Part, list[Place]]] = []
    for line in lines:
        for part in line.parts:
            start, end = boxes[line.name], boxes[part.through]
            lanes = [Place(LANE, 0.0, row) for row in range(start.row + 1, end.row)]
            for lane in lanes:
                rows[lane.row].append(lane)
            for one, other in zip([start, *lanes], [*lanes, end], strict=True):
                one.below.append(other)
                other.above.append(one)
            ways.append((start, end, part, lanes))
    _spread(rows)
    # Above each row are the labels of the arrows that end in it, where all arrows are upright.
    zones = [0.0] * len(rows)
    for _, end, part, _ in ways:
        zones[end.row] = max(zones[end.row], labels[id(part)][1])
    ends = _stack(rows, zones, gap)
    for box in boxes.values():
        # The arrows that end here, as they come from the left.
        coming = [way for way in ways if way[1] is box]
        coming.sort(key=lambda way: (way[3][-1] if way[3] else way[0]).x)
        for number, (start, _, part, lanes) in enumerate(coming):
            corners = [(start.x, start.top + start.height), (start.x, ends[start.row])]
            for lane in lanes:
                corners += [(lane.x, lane.top - zones[lane.row]), (lane.x, ends[lane.row])]
            share = box.width / len(coming)
            first, last = box.left + number * share, box.left + (number + 1) * share
            # Straight down, if there is space for the label on one side; else where it has more.
            came = corners[-1][0]
            x = came
            if not first <= x <= last or max(x - first, last - x) < labels[id(part)][0]:
                x = first + (0.1 if came < first + share / 2 else 0.9) * share
            right = last - x >= x - first
            space = last - x if right else x - first
            corners += [(x, box.top - zones[box.row]), (x, box.top)]
            box.entering.append(Arrow(part, corners, space, right))
    wide = max(place.x + place.width / 2 for row in rows for place in row)
    return boxes, wide, ends[-1]


def _stack(rows: list[list[Place]], zones: list[float], gap: float) -> list[float]:
    """Place the rows below each other, and return where each ends."""
    top, ends = -gap, []
    for row, zone in zip(rows, zones, strict=True):
        tall = max(place.height for place in row)
        top += gap + zone
        for place in row:
            if place.height == 0.0:  # of an arrow
                place.height = tall
            place.top = top
        top += tall
        ends.append(top)
    return ends


def _depths(lines: Sequence[Line]) -> dict[str, int]:
    """Return the row of each value: below all that it was computed from.

    What is given stands right above where it is used first.
    """
    depths: dict[str, int] = {}
    for line in lines:
        if line.op:
            depths[line.name] = 1 + max([depths.get(name, 0) for name in line.arguments], default=0)
    for line in lines:
        if not line.op:
            used = [depths[part.through] for part in line.parts]
            depths[line.name] = min(used, default=1) - 1
    return depths


def _spread(rows: list[list[Place]]) -> None:
    """Order the rows, and give each place an x near those that it is connected with."""
    for row in rows:
        _packed(row, [place.x for place in row])
    for sweep in range(SWEEPS):
        downwards = sweep % 2 == 0
        for row in rows if downwards else rows[::-1]:
            beside: list[Any] = [place.above if downwards else place.below for place in row]
            wanted = [
                sum(one.x for one in others) / len(others) if others else place.x
                for place, others in zip(row, beside, strict=True)
            ]
            if sweep < SWEEPS - 2:  # then the order stays
                order = sorted(range(len(row)), key=wanted.__getitem__)
                row[:], wanted = [row[n] for n in order], [wanted[n] for n in order]
            _packed(row, wanted)
    left = min(place.left for row in rows for place in row)
    for row in rows:
        for place in row:
            place.x -= left


def _packed(row: list[Place], wanted: list[float]) -> None:
    """Give each place the x that is wanted, or the next one that keeps its distance."""
    at = None
    for place, x in zip(row, wanted, strict=True):
        place.x = x if at is None else max(x, at + place.width / 2)
        at = place.x + place.width / 2 + BESIDE
    # Those that were pushed to the right are so far off as those that were not.
    shift = sum(x - place.x for place, x in zip(row, wanted, strict=True)) / len(row)
    for place in row:
        place.x += shift
