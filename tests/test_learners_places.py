"""Places where somebody who had not seen the code was stopped or misled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn

RNG = np.random.default_rng(0)
ROWS, LABELS = RNG.random((20, 784), dtype=np.float32), np.arange(20) % 10
IMAGES = "; X.reshape(-1, 1, 28, 28) makes images of rows of 784 numbers, before Flatten"


def network(*layers: Any) -> nn.Sequential:
    return nn.Sequential(*layers, nn.Flatten(), nn.Dense(10))


@pytest.mark.parametrize(
    ("layers", "X"),
    [
        ([nn.Conv2D(4, 3)], ROWS),
        ([nn.Flatten(), nn.Conv2D(4, 3)], ROWS.reshape(-1, 1, 28, 28)),
        ([nn.MaxPool2D(2)], ROWS),
        ([nn.Flatten(), nn.AvgPool2D(2)], ROWS.reshape(-1, 1, 28, 28)),
    ],
)
def test_flattened_images_get_the_line_that_makes_images(layers: Any, X: Any) -> None:
    trainer = nn.Trainer(network(*layers), progress=False)
    for call in (lambda: network(*layers)(X), lambda: trainer.fit(X, LABELS, epochs=1)):
        with pytest.raises(nn.ShapeError) as found:
            call()
        assert IMAGES in str(found.value)


@pytest.mark.parametrize(
    ("shape", "line"),
    [
        ((30, 3072), "; X.reshape(-1, 3, 32, 32) makes images"),
        ((30, 64), "; X.reshape(-1, 1, 8, 8) makes images"),
        ((480, 576), "numbers, before Flatten; X[None, None] is one image"),
        ((64, 64), "; X[None, None] is one image of one channel"),
        ((30, 40), "; X[None, None] is one image of one channel"),
    ],
)
def test_rows_and_single_images_are_told_apart(shape: Any, line: str) -> None:
    with pytest.raises(nn.ShapeError) as found:
        nn.Conv2D(4, 3)(np.zeros(shape, np.float32))
    assert line in str(found.value)
    assert ("reshape" in line) <= ("one channel" not in str(found.value))


def test_true_is_no_path_of_a_checkpoint() -> None:
    trainer = nn.Trainer(network(), progress=False)
    resume: Any = True
    with pytest.raises(nn.DTypeError, match=r"^fit: resume: .*Checkpoint\(path\) has written"):
        trainer.fit(ROWS, LABELS, epochs=1, resume=resume)


def test_what_is_drawn_or_printed_comes_first_among_the_cures() -> None:
    weight: Any = nn.Parameter(np.ones((3, 3)))
    one: Any = nn.Parameter(np.ones(()))
    for convert, value, first in (
        (np.asarray, weight, "t.data is its array;"),
        (np.asarray, one, "t.item() is its number, t.data its array;"),
        (float, one * 2, "t.item() is its number, t.data its array;"),
        (int, one, "t.item() is its number"),
        (float, weight, "t.data is its array;"),
    ):
        with pytest.raises(nn.DroppedGradientError) as found:
            convert(value)
        assert f"requires one; {first}" in str(found.value)


@pytest.mark.parametrize("more", [(), (ROWS,), (ROWS, LABELS), (ROWS, LABELS.tolist())])
def test_a_model_has_no_counts_of_its_own(more: Any) -> None:
    with pytest.raises(nn.ArgumentError, match=r"nn\.confusion_matrix\(model\.predict\(X\), y\)"):
        nn.visual.show_confusion_matrix(network(), *more)
