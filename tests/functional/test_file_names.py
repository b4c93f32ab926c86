"""Names of files, and pictures in colour, where numbers are expected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.errors import DTypeError, ShapeError


@pytest.mark.parametrize("name", ["three.png", Path("three.png"), ["a.jpg", "b.jpg"], Path("dir")])
@pytest.mark.parametrize(
    "call",
    [
        nn.prepare_digit,
        lambda name: nn.conv2d(name, np.ones((2, 2))),
        nn.relu,
        nn.Tensor,
        lambda name: nn.Sequential(nn.Dense(2)).initialize((3,)).predict(name),
        lambda name: nn.Trainer(nn.Sequential(nn.Dense(2))).fit(name, [0, 1]),
    ],
)
def test_names_of_files_are_no_pictures(name: Any, call: Any) -> None:
    with pytest.raises(
        DTypeError, match=r"the name of a file: nn\.load_picture\(path\) reads a pic"
    ):
        call(name)


def test_other_text_is_no_name_of_a_file() -> None:
    for text in ("cat", ["1.50"], "a sentence. Another"):
        with pytest.raises(DTypeError, match="has a number for each name"):
            nn.relu(text)


@pytest.mark.parametrize("shape", [(80, 60, 3), (3, 80, 60), (80, 60, 4)])
def test_a_digit_is_grey(shape: tuple[int, ...]) -> None:
    axis = -1 if shape[-1] in (3, 4) else 0
    with pytest.raises(ShapeError, match=rf"picture\.mean\(axis={axis}\) makes grey of them"):
        nn.prepare_digit(np.ones(shape))
