"""The bar chart of docs/benchmarks.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from goals import GOALS, verdict
from quiet import is_quiet

COLOURS = {"aim reached": "#2a7f4f", "above floor": "#c9a227", "below floor": "#b5443a"}


def draw(numbers: dict[str, Any], path: Path) -> None:
    """Draw each row's ratio, its aim and its floor."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    rows = numbers["rows"]
    figure, axes = plt.subplots(figsize=(10, 1.6 + 0.32 * len(rows)), layout="constrained")
    places = range(len(rows))
    ratios = [r["ratio"] for r in rows]
    kinds = [verdict(r["ratio"], GOALS[r["key"]]) for r in rows]
    spreads = [
        [max(0.0, r["ratio"] - r["spread"][0]) for r in rows],
        [max(0.0, r["spread"][1] - r["ratio"]) for r in rows],
    ]
    bars = axes.barh(
        places,
        [ratio - 1 for ratio in ratios],
        height=0.7,
        left=1,
        color=[COLOURS[kind] for kind in kinds],
    )
    for bar, row in zip(bars, rows, strict=True):
        if not is_quiet(row["others"]):
            bar.set(hatch="////", edgecolor="white", linewidth=0)
    axes.errorbar(ratios, places, xerr=spreads, fmt="none", ecolor="#555555", elinewidth=0.8)
    axes.plot([r["aim"] for r in rows], places, "|", color="black", markersize=13, mew=2)
    axes.plot([r["floor"] for r in rows], places, "|", color="#888888", markersize=13, mew=1)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    ticks = [step * 10.0**power for power in range(-3, 4) for step in (1, 2, 5)]
    ticks = [tick for tick in ticks if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g}×" for tick in ticks])
    axes.xaxis.minorticks_off()
    axes.set_yticks(places, [label(r) for r in rows])
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.set_title("Peer's time (or memory) over ours: right of 1× ours is better")
    figure.legend(
        handles=[
            *(Patch(color=colour, label=kind) for kind, colour in COLOURS.items()),
            Patch(facecolor="#999999", edgecolor="white", hatch="////", label="disturbed"),
            Line2D([], [], color="black", marker="|", ls="", markersize=13, mew=2, label="aim"),
            Line2D([], [], color="#888888", marker="|", ls="", markersize=13, label="floor"),
        ],
        loc="outside lower center",
        ncols=6,
        frameon=False,
    )
    figure.savefig(path, dpi=110)
    plt.close(figure)


def label(row: dict[str, Any]) -> str:
    """Return what stands beside a bar."""
    work = row["work"].removesuffix(", forward and backward").replace("`", "")
    letter = row["key"].split()[0]
    name = f"{letter}: {work}" if len(letter) == 1 else work
    return f"{name} | {row['peer'].replace('`', '')}"
