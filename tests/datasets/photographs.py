"""Drawn photographs of handwritten digits, and how many of them the shipped network reads.

    python -m tests.datasets.photographs [--each 200] [--seed 2] [--split test] [--picture FILE]

prints the share of right answers of each kind of photograph; `--picture` draws how they are
prepared. What was tuned was tuned on the training digits and seed 1; the test digits and seed 2
only measure.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

import neural_network as nn
from neural_network.datasets.digits import ink_on
from neural_network.datasets.sheet import find_sheet, straightened

# Kind: whether there is a table around the sheet, and which lines the paper has.
KINDS = {
    "plain paper": (False, ""),
    "lined paper": (False, "lined"),
    "squared paper": (False, "squared"),
    "sheet on a table": (True, ""),
    "lined sheet on a table": (True, "lined"),
    "squared sheet on a table": (True, "squared"),
}
SHEET = 800  # the longer side of a sheet before it is photographed


class Photograph(NamedTuple):
    """Shades (H, W) of a photograph, and the digit on it."""

    shades: Any
    label: int


def photographs(kind: str, count: int, seed: int, split: Any = "test") -> Iterator[Photograph]:
    """Draw digits on paper, photographed by hand; one seed gives the same photographs."""
    images, labels = nn.load_mnist(split)
    order = np.random.default_rng(seed).permutation(len(images))
    for number in range(count):
        place = order[number % len(order)]
        rng = np.random.default_rng([seed, list(KINDS).index(kind), number])
        yield Photograph(photographed(images[place], kind, rng), int(labels[place]))


def photographed(digit: Any, kind: str, rng: np.random.Generator) -> Any:
    """Draw one photograph, as float64 whole shades."""
    table, lines = KINDS[kind]
    rows, columns = (int(rng.integers(420, 860)) for _ in range(2))
    shape = float(np.exp(rng.uniform(-0.35, 0.35))) if table else rows / columns
    height, width = int(SHEET * min(1, shape)), int(SHEET * min(1, 1 / shape))
    # How much of the light is reflected, from 0 to 1.
    paper = np.full((height, width), rng.uniform(0.8, 1))
    if lines:
        paper *= _ruled(lines, height, width, rng)
    paper *= 1 - rng.uniform(0.55, 0.9) * _written(digit, paper.shape, 0.05 if table else 0.2, rng)
    corners = _corners(rows, columns, height / width, table, rng)
    scene = _projected(paper, corners, (rows, columns))
    if table:
        covered = _projected(np.ones_like(paper), corners, (rows, columns))
        scene += (1 - covered) * _table(rows, columns, rng)
    scene *= _light(rows, columns, rng)
    scene = _blurred(255 * scene, rng.uniform(0, 1.5)) + rng.normal(
        0, rng.uniform(0.5, 5), scene.shape
    )
    return _as_jpeg(scene, int(rng.integers(60, 96)))


def _ruled(lines: str, height: int, width: int, rng: np.random.Generator) -> Any:
    """Return the light that lined or squared paper reflects, with some of them a margin line."""
    spacing, thickness = rng.uniform(28, 90), rng.uniform(1.2, 4.5)
    strength, soft = rng.uniform(0.1, 0.45), 0.8

    def across(length: int, places: Any) -> Any:
        distance = np.abs(np.arange(length)[:, None] - places).min(1)
        return strength * np.clip((thickness / 2 - distance) / soft + 0.5, 0, 1)

    def places(length: int) -> Any:
        return np.arange(rng.uniform(0, spacing), length, spacing)

    drawn = np.broadcast_to(across(height, places(height))[:, None], (height, width))
    if lines == "squared":
        drawn = np.maximum(drawn, across(width, places(width)))
    elif rng.random() < 0.4:
        drawn = np.maximum(drawn, across(width, np.array([rng.uniform(0.05, 0.15) * width])))
    return 1 - drawn


def _written(digit: Any, shape: tuple[int, int], margin: float, rng: np.random.Generator) -> Any:
    """Return the ink of a digit somewhere within the margins, with a finer or a broader pen."""
    size = int(rng.uniform(0.25, 0.75 - margin) * min(shape))
    large = np.asarray(Image.fromarray(digit).resize((size, size), Image.Resampling.BICUBIC)) / 255
    # A higher threshold on the soft strokes makes them finer.
    pen = np.clip((large - rng.uniform(0.2, 0.6)) * 5 + 0.5, 0, 1)
    top, left = (
        int(margin * length + rng.uniform(0, 1) * ((1 - 2 * margin) * length - size))
        for length in shape
    )
    ink = np.zeros(shape)
    ink[top : top + size, left : left + size] = pen
    return ink


def _table(rows: int, columns: int, rng: np.random.Generator) -> Any:
    """Return a table darker than paper, some with a grain."""
    board = np.full((rows, columns), rng.uniform(0.05, 0.45))
    coarse = Image.fromarray(rng.normal(0, 1, (rows // 8 + 1, 4)).astype(np.float32))
    grain = np.asarray(coarse.resize((columns, rows), Image.Resampling.BICUBIC))
    return np.clip(board * (1 + rng.uniform(0, 0.25) * grain), 0.02, 0.55)


def _corners(rows: int, columns: int, shape: float, table: bool, rng: np.random.Generator) -> Any:
    """Return where the corners of the sheet are in the photograph: (4, 2), x before y."""
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [1, shape]
    square *= 1 + rng.uniform(-0.06, 0.06, (4, 1))  # perspective
    angle = np.deg2rad(rng.uniform(-12, 12))
    turned = square @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middle, frame = np.array([columns, rows]) / 2, np.array([columns, rows])
    if table:
        scale = rng.uniform(0.65, 0.92) * np.min(frame / np.ptp(turned, axis=0))
        spare = (frame - scale * np.ptp(turned, axis=0)) / 2
        return middle + scale * turned + rng.uniform(-0.7, 0.7, 2) * spare
    # The sheet reaches beyond the photograph: the largest frame inside of it would be cut out.
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * frame / 2
    back = corners @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    scale = 1.15 * np.max(np.abs(back) / [1, shape])
    return middle + scale * turned


def _projected(plane: Any, corners: Any, size: tuple[int, int]) -> Any:
    """Return the sheet as seen in the photograph; 0 outside of it."""
    height, width = plane.shape
    sheet = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=float)
    equations, values = [], []
    for (x, y), (u, v) in zip(corners, sheet, strict=True):
        equations += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    numbers = np.linalg.solve(np.array(equations), np.array(values))
    # Drawn at twice the size, so that fine lines stay fine and smooth.
    doubled = numbers * np.array([0.5, 0.5, 1, 0.5, 0.5, 1, 0.5, 0.5])
    large = Image.fromarray(plane.astype(np.float32)).transform(
        (2 * size[1], 2 * size[0]),
        Image.Transform.PERSPECTIVE,
        tuple(doubled),
        Image.Resampling.BILINEAR,
    )
    return np.asarray(large).reshape(size[0], 2, size[1], 2).mean((1, 3)).astype(float)


def _light(rows: int, columns: int, rng: np.random.Generator) -> Any:
    """Return light that falls from one side, through a lens that darkens the corners."""
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    side = 1 - rng.uniform(0, 0.35) * (0.5 + 0.35 * (np.cos(angle) * x + np.sin(angle) * y))
    return rng.uniform(0.75, 1) * side * (1 - rng.uniform(0, 0.3) * (x**2 + y**2) / 2)


def _blurred(scene: Any, sigma: float) -> Any:
    reach = np.arange(-4, 5)
    weights = np.exp(-(reach**2) / (2 * max(sigma, 0.05) ** 2))
    weights /= weights.sum()
    for axis in (0, 1):
        padded = np.pad(scene, [(4, 4) if axis == i else (0, 0) for i in (0, 1)], mode="edge")
        scene = sum(
            w * np.take(padded, np.arange(scene.shape[axis]) + k, axis)
            for k, w in enumerate(weights)
        )
    return scene


def _as_jpeg(scene: Any, quality: int) -> Any:
    file = io.BytesIO()
    Image.fromarray(np.clip(np.rint(scene), 0, 255).astype("uint8")).save(
        file, "JPEG", quality=quality
    )
    return np.asarray(Image.open(file), dtype=float)


def right(shown: list[Photograph]) -> tuple[int, int]:
    """Return how many of the photographs the shipped network reads, and how many are refused."""
    digits, labels, refused = [], [], 0
    for shades, label in shown:
        try:
            digits.append(nn.prepare_digit(shades))
            labels.append(label)
        except nn.ArgumentError:
            refused += 1
    if not digits:
        return 0, refused
    answers = nn.models.load_tiny_cnn().predict(np.stack(digits)[:, None]).argmax(1)
    return int((answers == labels).sum()), refused


def draw(path: str) -> None:
    """Draw what becomes of three photographs: the sheet, its ink without lines, the digit."""
    from matplotlib import pyplot as plt

    kinds = ("sheet on a table", "lined sheet on a table", "squared sheet on a table")
    figure, grid = plt.subplots(3, 4, figsize=(9, 7), layout="constrained")
    for number, (row, kind) in enumerate(zip(grid, kinds, strict=True), 1):
        *_, (shades, _) = photographs(kind, number, seed=7)
        found = find_sheet(shades)
        assert found is not None
        flat, paper = straightened(shades, found, 384)
        ink = ink_on(flat, paper)
        assert ink is not None
        steps = {
            "photograph": shades,
            "sheet": flat,
            "ink": 255 * (1 - ink),
            "28×28": 255 * nn.prepare_digit(shades),
        }
        for axes, (title, picture) in zip(row, steps.items(), strict=True):
            axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
            axes.set(xticks=[], yticks=[])
            axes.set_title(title, fontsize=9)
        corners = found.corners * shades.shape
        row[0].plot(*np.vstack([corners, corners[:1]]).T[::-1], color="C1")
    figure.savefig(path, dpi=80)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=200, help="photographs of each kind")
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--split", choices=["train", "test"], default="test")
    parser.add_argument("--picture", help="only draw what is done with three, into this file")
    parser.add_argument("--kind", choices=list(KINDS), action="append")
    options = parser.parse_args()
    if options.picture:
        draw(options.picture)
        return
    for kind in options.kind or KINDS:
        shown = list(photographs(kind, options.each, options.seed, options.split))
        count, refused = right(shown)
        print(f"{kind:26} {count / options.each:6.1%} of {options.each} right, {refused} refused")


if __name__ == "__main__":
    main()
