"""The picture of a tape: arrows pass beside boxes, labels and texts have room."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

import neural_network as nn
from tests.visual.overlaps import overlaps

W = np.random.default_rng(0).normal(size=(3, 2))
FUNCTIONS: list[tuple[Any, tuple[Any, ...]]] = [
    (lambda x: (x * x + x) * x, (2.0,)),
    (lambda x: np.sum((np.sin(x) * x + x) * x / (1 + x**2)), (2.0,)),
    (lambda w, b: np.tanh(w * 2.0 + b) * w + b * np.exp(w), (0.5, 0.1)),
    (lambda x, w, b: np.sum(np.tanh(x @ w + b) ** 2 * np.exp(-b)), (W.T, W, np.zeros(2))),
    (lambda x, y: np.sum(np.where(x > y, x, y) * y) / np.sum(x * y) + np.max(x), (W, W[::-1])),
    (lambda x: nn.conv2d(x, np.ones((2, 2)), padding=1, stride=2).sum() + x.mean(), (np.eye(8),)),
]


def boxes_and_arrows(axes: Any) -> tuple[list[Any], list[Any]]:
    boxes = [patch for patch in axes.patches if isinstance(patch, FancyBboxPatch)]
    arrows = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
    return boxes, [arrow._path_original.vertices for arrow in arrows]


def inside(box: Any, point: Any) -> bool:
    edge = 0.01
    return bool(
        box.get_x() + edge < point[0] < box.get_x() + box.get_width() - edge
        and box.get_y() + edge < point[1] < box.get_y() + box.get_height() - edge
    )


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize(("f", "x"), FUNCTIONS)
def test_no_arrow_passes_behind_a_box(f: Any, x: Any, small: bool) -> None:
    from matplotlib.figure import Figure

    tape = nn.explain_gradient(f, *x)
    place = Figure(figsize=(10.24, 7.68)).subplots(2, 2)[0, 0] if small else None
    figure = tape.draw(ax=place)
    axes = place if small else figure.axes[0]
    boxes, arrows = boxes_and_arrows(axes)
    assert len(boxes) == len(tape.lines)
    assert len(arrows) == sum(len(line.parts) for line in tape.lines)
    for corners in arrows:
        for one, other in pairwise(corners):
            for share in np.linspace(0, 1, 200):
                point = one + share * (other - one)
                assert not any(inside(box, point) for box in boxes)


@pytest.mark.parametrize(("f", "x"), FUNCTIONS)
def test_texts_are_whole_and_have_room(f: Any, x: Any) -> None:
    tape = nn.explain_gradient(f, *x)
    figure = tape.draw()
    assert overlaps(figure) == []
    axes = figure.axes[0]
    boxes, _ = boxes_and_arrows(axes)
    texts = axes.texts[: len(boxes)]
    for box, text, line in zip(boxes, texts, tape.lines, strict=True):
        assert text.get_visible()
        assert " ".join(line.expression.split()) in " ".join(text.get_text().split()) or not line.op
        frame, words = box.get_window_extent(), text.get_window_extent()
        assert frame.x0 <= words.x0 <= words.x1 <= frame.x1
        assert frame.y0 <= words.y0 <= words.y1 <= frame.y1
    for label in axes.texts[len(boxes) :]:
        assert label.get_visible()
        assert "…" not in label.get_text() or "slopes" in label.get_text()
        assert not any(
            label.get_window_extent().overlaps(box.get_window_extent()) for box in boxes
        ), label
