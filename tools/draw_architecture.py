"""Draw docs/images/packages.png, path_of_a_digit.png and path_of_predict.png.

All are measured, not drawn by hand: the first from the import statements of the sources, the
others by following the Python calls of one ``conv2d`` and of one ``predict`` of 64 digits.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt  # the backend comes first

import neural_network as nn

ROOT = Path(__file__).parents[1]
SOURCE = Path(nn.__file__).parent
IMAGES = ROOT / "docs" / "images"
INK, ARROW, BOX = "#1b1b1b", "#2c6fbb", "#e8f0fa"


def order_of_packages() -> list[str]:
    """Return the packages from the top to the ground, as the import contract lists them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    layers: list[str] = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    return layers


def count_imports() -> Counter[tuple[str, str]]:
    """Return how many import statements go from one package to another."""
    counts: Counter[tuple[str, str]] = Counter()
    for path in SOURCE.rglob("*.py"):
        package = path.relative_to(SOURCE).with_suffix("").parts[0]
        for node in ast.walk(ast.parse(path.read_text())):
            modules = []
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module]
                if node.module == "neural_network":
                    modules = [f"neural_network.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            for module in modules:
                first, *rest = module.split(".")
                if first == "neural_network" and rest and rest[0] != package:
                    counts[package, rest[0]] += 1
    return counts


def draw_packages() -> None:
    """Draw a box for each package, and an arc for each pair in which one imports the other."""
    order = order_of_packages()
    counts = count_imports()
    figure, axes = plt.subplots(figsize=(6.4, 0.62 * len(order) + 0.6))
    place = {name: -row for row, name in enumerate(order)}
    for name, y in place.items():
        folder = (SOURCE / name).is_dir()
        axes.add_patch(plt.Rectangle((0, y - 0.3), 2.2, 0.6, facecolor=BOX, edgecolor=INK))
        label = f"{name}/" if folder else f"{name}.py"
        axes.text(1.1, y, label, ha="center", va="center", fontsize=12, color=INK)
    for (source, target), number in sorted(counts.items()):
        if source not in place or target not in place:
            continue
        start, end = place[source], place[target]
        distance = start - end
        side = 1 if distance > 1 else 0
        if side == 0:
            axes.annotate(
                "", (1.1, end + 0.3), (1.1, start - 0.3),
                arrowprops={"arrowstyle": "-|>", "color": ARROW, "lw": 1.4},
            )  # fmt: skip
            continue
        curve = f"arc3,rad={-0.32 - 0.002 * distance}"
        axes.annotate(
            "", (2.22, end), (2.22, start),
            arrowprops={
                "arrowstyle": "-|>", "color": ARROW, "alpha": 0.7,
                "lw": min(0.5 + number / 8, 3), "connectionstyle": curve,
            },
        )  # fmt: skip
    axes.set_xlim(-0.2, 5.1)
    axes.set_ylim(-len(order) + 0.3, 0.7)
    axes.axis("off")
    axes.set_title("An arrow: imports (thicker: more often). None points up.", fontsize=11)
    figure.savefig(IMAGES / "packages.png", dpi=110, bbox_inches="tight")
    plt.close(figure)


def files_entered(work: Callable[[], Any]) -> list[tuple[str, str]]:
    """Return (file, function) for each change of file among the library's calls, in order."""
    entered: list[tuple[str, str]] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event != "call" or not path.is_relative_to(SOURCE):
            return
        name = str(path.relative_to(SOURCE))
        if not entered or entered[-1][0] != name:
            entered.append((name, frame.f_code.co_name))

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return entered


def draw_path(name: str, work: Callable[[], Any]) -> None:
    """Draw in which order a warm call enters the files, one column for each package."""
    for _ in range(3):  # the first calls compile, load and decide
        work()
    steps = files_entered(work)
    packages = [file.split("/")[0].removesuffix(".py") for file, _ in steps]
    columns = [package for package in order_of_packages() if package in packages]
    figure, axes = plt.subplots(figsize=(2.6 * len(columns), 0.38 * len(steps) + 0.8))
    for row, ((file, function), package) in enumerate(zip(steps, packages, strict=True)):
        here = (columns.index(package), -row)
        label = f"{file.removeprefix(package + '/')}: {function}"
        axes.text(
            *here, label, ha="center", va="center", fontsize=8, color=INK,
            bbox={"boxstyle": "round,pad=0.2", "facecolor": BOX, "edgecolor": INK, "lw": 0.6},
        )  # fmt: skip
        if row:
            before = (columns.index(packages[row - 1]), 0.7 - row)
            end = (here[0], here[1] + 0.3)
            axes.annotate("", end, before, arrowprops={"arrowstyle": "-|>", "color": ARROW})
    for column, package in enumerate(columns):
        axes.text(column, 1, package, ha="center", fontsize=11, weight="bold", color=INK)
    axes.set_xlim(-0.6, len(columns) - 0.4)
    axes.set_ylim(-len(steps) + 0.4, 1.5)
    axes.axis("off")
    figure.savefig(IMAGES / name, dpi=80, bbox_inches="tight")
    plt.close(figure)
    print(f"{name}: {len(steps)} changes of file")


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    draw_packages()
    pictures = nn.load_mnist()[0][:64, None].astype("float32") / 255
    edges = nn.named_filter("edges")
    draw_path("path_of_a_digit.png", lambda: nn.conv2d(pictures[0, 0], edges))
    model = nn.models.mnist_cnn().initialize((1, 28, 28), rng=0)
    draw_path("path_of_predict.png", lambda: model.predict(pictures))
