"""The field in words: a line for each cell as it is printed, and the section of the page."""

from __future__ import annotations

from typing import Any

import small_networks
from field_networks import FIELD, Entry
from goals import FIGURES, verdict
from networks import BatchNorm, Conv, Depthwise, Piece, Residual, Transposed
from quiet import is_quiet
from tried import tried
from words import amount, figure, mean

TRAININGS = ("training, Adam", "training, SGD with momentum")


def line(cell: dict[str, Any]) -> str:
    """Return what is printed as soon as a cell is known."""
    low, high = cell["spread"]
    medians = ", ".join(
        f"{name} {value:.3g}{' (one turn)' if name in cell['once'] else ''}"
        for name, value in cell["medians_ms"].items()
    )
    return (
        f"field:{cell['key']:<12} {cell['work']:<28} {cell['rows']:>4} rows "
        f"{cell['ratio']:5.2f} × {cell['peer']} ({low:.2f} to {high:.2f}); ms: {medians}; "
        f"{cell['calls']:.0f} calls{_launches(cell)}"
    )


def section(numbers: dict[str, Any]) -> str:
    """Return the section of the page: the figures, the table, and what bounds slow cells."""
    cells = numbers.get("field")
    if not cells:
        return ""
    absent = "".join(
        f" Not measured: {name}: {reason}." for name, reason in numbers["absent"].items()
    )
    return "\n\n".join(
        [
            "## The field\n\n"
            "Ratio = the time of the fastest peer over ours, with the spread of the rounds, the\n"
            "peer, and our time. Peers in training: PyTorch eager, `torch.compile` and JAX;\n"
            "in inference: ONNX Runtime, OpenVINO, PyTorch and JAX. Where a library leaves open\n"
            "the memory format, the faster one of a short trial is measured.\n"
            "Inputs and labels are drawn. Outputs, losses and the norms of gradients are compared\n"
            f"before they are timed; OpenVINO computes in float32.{absent}",
            table(cells),
            bounds(cells, numbers["limits"]),
        ]
    ).rstrip()


def table(cells: list[dict[str, Any]]) -> str:
    """Return the field as a table: a row for each network."""
    columns = (*((work, None) for work in TRAININGS), ("inference", 128), ("inference", 1))
    lines = [
        "| network | batch | training, Adam | training, SGD with momentum | inference, 128 rows "
        "| inference, one row |",
        "| --- | ---: | --- | --- | --- | --- |",
    ]
    found = {(c["key"], c["work"], c["rows"]): c for c in cells}
    for key in dict.fromkeys(c["key"] for c in cells):
        entry = FIELD[key]
        own = [found.get((key, work, rows or entry.batch)) for work, rows in columns]
        words = ["" if c is None else _cell(c) for c in own]
        lines.append("| " + " | ".join([entry.title, str(entry.batch), *words]) + " |")
    return "\n".join(lines)


def _cell(c: dict[str, Any]) -> str:
    low, high = map(figure, c["spread"])
    disturbed = "" if is_quiet(c["others"]) else ", disturbed"
    ours = figure(c["medians_ms"]["ours"])
    ratio = figure(c["ratio"])
    return f"**{ratio}** ({low} to {high}) {c['peer']}; {ours} ms{disturbed}"


def bounds(cells: list[dict[str, Any]], limits: dict[str, float]) -> str:
    """Return a line for each cell in which a peer is faster: what it has to do, counted."""
    under = [c for c in cells if c["ratio"] < 1.0]
    if not under:
        return ""
    head = (
        "Cells under 1.0, with what was counted: operations, and bytes that have to move, with\n"
        "the time that this machine's limits (below) give them; calls of Python functions and of\n"
        "kernels in one step or prediction."
    )
    lines = "\n".join(f"- {bound(c, limits)}" for c in under)
    groups = dict.fromkeys(tried(c) for c in under)
    return "\n\n".join([head, lines, *(f"Tried for {group}." for group in groups)])


def bound(c: dict[str, Any], limits: dict[str, float]) -> str:
    """Return what was counted of a cell, beside its time."""
    computing = 1e3 * c["operations"] / limits["operations_per_second"]
    moving = 1e3 * c["bytes"] / limits["bytes_per_second"]
    ours, peer = c["medians_ms"]["ours"], c["medians_ms"][c["peer"]]
    least = max(computing, moving)
    name = "arithmetic" if computing >= moving else "memory"
    mostly = f"{name} bounds it" if ours < 2 * least else "most of the time goes elsewhere"
    return (
        f"**{FIELD[c['key']].title}, {c['work']}, {c['rows']} rows** ({figure(c['ratio'])}): "
        f"{amount(c['operations'], 'FLOP')} take {precise(computing)} ms, "
        f"{amount(c['bytes'], 'B')} take {precise(moving)} ms; "
        f"{c['calls']:,.0f} Python calls{_launches(c)}. "
        f"Ours takes {precise(ours)} ms, {c['peer']} {precise(peer)} ms: {mostly}."
    )


def _launches(cell: dict[str, Any]) -> str:
    return f", {cell['launches']:,.0f} kernels" if "launches" in cell else ""


def precise(milliseconds: float) -> str:
    """Write a time of which thousandths count."""
    return f"{milliseconds:.4f}" if milliseconds < 0.1 else figure(milliseconds)


def has_structure(entry: Entry) -> bool:
    """Return whether a network has batch norm, strides or residual additions."""

    def has(piece: Piece) -> bool:
        match piece:
            case BatchNorm() | Residual():
                return True
            case Conv() | Depthwise() | Transposed():
                return piece.stride > 1
        return False

    return any(map(has, entry.network.layers))


def figures(numbers: dict[str, Any]) -> dict[str, float]:
    """Return the figures that have an aim, of what was measured."""
    found: dict[str, float] = {}
    if cells := numbers.get("field"):
        found["mean"] = mean([c["ratio"] for c in cells])
        normed = [
            c["ratio"] for c in cells if c["work"] in TRAININGS and has_structure(FIELD[c["key"]])
        ]
        if normed:
            found["normed"] = min(normed)
        found["worst"] = min(c["ratio"] for c in cells)
    if small := numbers.get("small"):
        found |= small_networks.figures(small)
    for name, work in numbers.get("busy", {}).items():
        found[f"busy {name}"] = work["ratio"]
    for name, first in numbers.get("first", {}).get("networks", {}).items():
        found[f"first {name}"] = first["empty"]
    return found


def summary(numbers: dict[str, Any]) -> str:
    """Return the figures as a table, with aims and floors."""
    found = figures(numbers)
    if not found:
        return ""
    lines = [
        "Figures over many measurements:",
        "",
        "| figure | measured | aim | not resolved beyond | verdict |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for key, value in found.items():
        goal = FIGURES[key]
        least = "≤ " if goal.smaller else ""
        aims = (f"{least}{number:g} {goal.unit}".strip() for number in (goal.aim, goal.floor))
        measured = f"**{figure(value)}** {goal.unit}".strip()
        lines.append(f"| {' | '.join([goal.title, measured, *aims, verdict(value, goal)])} |")
    return "\n".join(lines)
