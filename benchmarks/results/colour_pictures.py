"""Colour pictures of 32×32: CIFAR-10 where its files are at hand, else drawn shapes.

A drawn picture shows one of five shapes, filled with one of two textures: ten classes. Colours,
place, size, angle, texture and light are drawn; a smaller shape without texture and noise disturb.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SIZE, CLASSES = 32, 10
SHAPES = ("disc", "square", "triangle", "ring", "cross")
TEXTURES = ("stripes", "checks")
NOISE = 0.1
# What CIFAR-10's binary version unpacks to; a record is a label and 3 × 32 × 32 bytes.
FOLDER = "cifar-10-batches-bin"
RECORD = 1 + 3 * SIZE * SIZE
FILES = ("data_batch_1.bin", "data_batch_2.bin", "test_batch.bin")


@dataclass(frozen=True)
class Pictures:
    """What is trained and measured.

    Attributes:
        name: what the page calls the set.
        accuracy: in percent, at which a training ends.
        X, y: to train on, (n, 3, 32, 32) float32 about 0, and classes.
        X_test, y_test: to measure the accuracy.
    """

    name: str
    accuracy: float
    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def pictures() -> Pictures:
    """Read 20,000 pictures of CIFAR-10, or draw as many; and others to measure the accuracy."""
    folder = cifar_folder()
    if folder is None:
        return Pictures(name(), 80.0, *draw(20_000, seed=0), *draw(2_000, seed=1))
    *training, (X_test, y_test) = (read_records(folder / file) for file in FILES)
    X, y = (np.concatenate(parts) for parts in zip(*training, strict=True))
    return Pictures(name(), 60.0, X, y, X_test, y_test)


def name() -> str:
    """Return which set ``pictures`` would return."""
    if cifar_folder() is not None:
        return "CIFAR-10"
    return "drawn shapes (`benchmarks/results/colour_pictures.py`)"


def cifar_folder() -> Path | None:
    """Return the folder of CIFAR-10's files in ``$NEURAL_NETWORK_DATA``, if it is there."""
    folder = Path(os.environ.get("NEURAL_NETWORK_DATA", "")) / FOLDER
    return folder if all((folder / file).is_file() for file in FILES) else None


def read_records(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read a file of CIFAR-10's binary version."""
    size = path.stat().st_size
    if size == 0 or size % RECORD:
        raise SystemExit(f"{path}: expected records of {RECORD} bytes, received {size} bytes")
    records = np.fromfile(path, np.uint8).reshape(-1, RECORD)
    X = records[:, 1:].reshape(-1, 3, SIZE, SIZE).astype(np.float32) / 255 - 0.5
    return X, records[:, 0].astype(np.int64)


def draw(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw pictures and their classes, the same for each seed."""
    rng = np.random.default_rng(seed)
    y = rng.integers(CLASSES, size=rows)
    blocks = np.array_split(y, -(-rows // 1000))  # the temporary arrays of all rows would be 1 GB
    return np.concatenate([_draw(block, rng) for block in blocks]), y


def _draw(y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a picture of each class in ``y``."""

    def uniform(low: float, high: float, *shape: int) -> np.ndarray:
        return rng.uniform(low, high, (len(y), *(shape or (1, 1)))).astype(np.float32)

    rows, columns = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j].astype(np.float32)
    # Light falls from one side.
    light = uniform(-0.3, 0.3) * rows + uniform(-0.3, 0.3) * columns
    background = uniform(-0.5, 0.5, 3, 1, 1) + light[:, None]
    # A small shape of one colour disturbs.
    other = _inside(
        rng.integers(len(SHAPES), size=len(y)), rows - uniform(-1, 1), columns - uniform(-1, 1),
        uniform(0, 2 * np.pi), uniform(0.15, 0.3),
    )  # fmt: skip
    X = np.where(other[:, None], uniform(-0.5, 0.5, 3, 1, 1), background)
    inside = _inside(
        y // len(TEXTURES), rows - uniform(-0.35, 0.35), columns - uniform(-0.35, 0.35),
        uniform(0, 2 * np.pi), uniform(0.5, 0.8),
    )  # fmt: skip
    angle, width = uniform(0, np.pi), uniform(6, 10)
    across = np.sin(width * (np.cos(angle) * rows + np.sin(angle) * columns) + uniform(0, 6))
    along = np.sin(width * (np.cos(angle) * columns - np.sin(angle) * rows) + uniform(0, 6))
    checks = (y % len(TEXTURES) == TEXTURES.index("checks"))[:, None, None]
    texture = np.where(checks, across * along, across) > 0
    colours = uniform(-0.5, 0.5, 3, 1, 1)
    signs = rng.choice(np.float32([-1, 1]), (len(y), 3, 1, 1))
    contrast = uniform(0.4, 0.8, 3, 1, 1) * signs
    filled = colours + np.where(texture[:, None], contrast, 0)
    X = np.where(inside[:, None], filled, X)
    return X + rng.normal(0, NOISE, X.shape).astype(np.float32)


def _inside(
    shapes: np.ndarray, rows: np.ndarray, columns: np.ndarray, angle: np.ndarray, size: np.ndarray
) -> np.ndarray:
    """Return for each pixel whether it lies inside of a shape, turned and enlarged."""
    u = (np.cos(angle) * columns + np.sin(angle) * rows) / size
    v = (np.cos(angle) * rows - np.sin(angle) * columns) / size
    radius, larger, smaller = np.hypot(u, v), np.maximum(abs(u), abs(v)), np.minimum(abs(u), abs(v))
    of_each = {
        "disc": radius < 1,
        "square": larger < 0.85,
        "triangle": (v > -0.6) & (v + 1.73 * abs(u) < 1.1),
        "ring": (radius > 0.55) & (radius < 1),
        "cross": (smaller < 0.3) & (larger < 1),
    }
    return np.choose(shapes[:, None, None], [of_each[shape] for shape in SHAPES])
