"""What the command reads and writes: pictures, folders of them, the files it has made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

# On a busy machine BLAS would wait at every step for the slowest of its threads.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
# A short training, and the files that any makes.
QUICK = ["--model", "perceptron", "--epochs", "2", "--batch-size", "100"]
MADE = [
    "checkpoint.safetensors",
    "history.png",
    "log.csv",
    "model.safetensors",
    "pictures.png",
    "settings.toml",
]


def files(folder: Path) -> list[str]:
    return sorted(
        path.name
        for path in folder.rglob("*")
        if path.is_file() and "cache" not in str(path.relative_to(folder))
    )


def photograph(path: Path, *digits: Any) -> None:
    """Test digits as dark ink on grey paper."""
    paper = np.full((200, 40 + 120 * len(digits)), 190.0)
    for place, digit in enumerate(digits):
        ink = np.asarray(Image.fromarray(digit).resize((112, 112)), dtype=float)
        paper[40:152, 20 + 120 * place : 132 + 120 * place] -= 0.6 * ink
    Image.fromarray(paper.astype("uint8")).save(path)


def a_folder(path: Path, classes: int = 3, each: int = 6, size: int = 12) -> Path:
    """Pictures of bars, a folder per class."""
    for label in range(classes):
        (path / f"bar {label}").mkdir(parents=True)
        for number in range(each):
            picture = np.full((size, size), 10 * number, "uint8")
            picture[3 * label : 3 * label + 3] = 255
            Image.fromarray(picture).save(path / f"bar {label}" / f"{number}.png")
    return path


def colours(path: Path, each: int = 6, size: int = 12) -> Path:
    """Pictures that only their colour tells apart: all have the same shade of grey."""
    rng = np.random.default_rng(0)
    for name, colour in {
        "red": (200, 50, 50),
        "green": (20, 131, 60),
        "blue": (60, 80, 208),
    }.items():
        (path / name).mkdir(parents=True)
        for number in range(each):
            noise = rng.integers(-8, 9, (size, size, 1))
            levels = np.clip(np.array(colour) + noise, 0, 255).astype("uint8")
            Image.fromarray(levels).save(path / name / f"{number}.png")
    return path
