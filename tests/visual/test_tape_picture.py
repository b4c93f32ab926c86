"""The picture of a tape: arrows pass beside boxes, labels and texts have space."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
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


@cache
def drawn(case: Any, small: bool) -> tuple[Any, Any]:
    """Return the tape of a case, and its axes in a figure of its own or in a quarter of a slide."""
    f, x = DEEP[case] if case in DEEP else FUNCTIONS[case]
    tape = nn.explain_gradient(f, *x)
    place = Figure(figsize=(10.24, 7.68)).subplots(2, 2)[0, 0] if small else None
    figure = tape.draw(ax=place)
    figure.draw_without_rendering()
    return tape, place if small else figure.axes[0]


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
@pytest.mark.parametrize("case", range(len(FUNCTIONS)))
def test_no_arrow_passes_behind_a_box(case: int, small: bool) -> None:
    tape, axes = drawn(case, small)
    boxes, arrows = boxes_and_arrows(axes)
    assert len(boxes) == len(tape.lines)
    assert len(arrows) == sum(len(line.parts) for line in tape.lines)
    for corners in arrows:
        for one, other in pairwise(corners):
            for share in np.linspace(0, 1, 200):
                point = one + share * (other - one)
                assert not any(inside(box, point) for box in boxes)


@pytest.mark.parametrize("case", range(len(FUNCTIONS)))
def test_texts_are_whole_and_have_room(case: int) -> None:
    tape, axes = drawn(case, False)
    assert overlaps(axes.figure) == []
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


def layers(rows: int, sizes: list[int], dtype: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return the loss of a network of dense layers, and its parameters."""
    drawn = np.random.default_rng(0)
    X, Y = drawn.random((rows, sizes[0])), np.eye(sizes[-1])[np.arange(rows) % sizes[-1]]

    def loss(*p: Any) -> Any:
        A: Any = X
        for W, b in zip(p[::2], p[1::2], strict=True):
            A = nn.relu(A @ W + b)
        return nn.cross_entropy(nn.softmax(A), Y)

    parameters = [np.asarray(a, dtype) for a in nn.initial_parameters(sizes[:4]).values()]
    for one, other in pairwise(sizes[3:]):
        parameters += [drawn.normal(size=(one, other)).astype(dtype), np.zeros((1, other), dtype)]
    return loss, tuple(parameters)


DEEP: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "3 layers": layers(20, [784, 32, 16, 10], np.float64),
    "3 layers, float32": layers(20, [784, 32, 16, 10], np.float32),
    "9 layers": layers(4, [3] * 10, np.float64),
    "12 arguments": (lambda *x: sum(np.sum(np.tanh(one * 2)) for one in x), (np.ones(2),) * 12),
    "a chain": (lambda x: [x := np.sin(x) for _ in range(60)][-1], (0.5,)),
}


@pytest.mark.parametrize("case", DEEP)
def test_a_figure_grows_until_its_texts_are_readable(case: str) -> None:
    tape, axes = drawn(case, False)
    boxes, arrows = boxes_and_arrows(axes)
    texts = list(axes.texts)
    assert len(texts) == len(boxes) + len(arrows)
    assert all(text.get_visible() and float(text.get_fontsize()) >= 6.5 for text in texts)
    assert sum("\ngradient" in text.get_text() for text in texts) == len(boxes)
    assert not any("cast" in line.expression for line in tape.lines)


@pytest.mark.parametrize("case", [*range(len(FUNCTIONS)), "9 layers"])
@pytest.mark.parametrize("small", [False, True])
def test_no_arrow_crosses_a_label(case: Any, small: bool) -> None:
    _, axes = drawn(case, small)
    boxes, arrows = boxes_and_arrows(axes)
    points = np.concatenate(
        [
            one + np.linspace(0, 1, 100)[:, np.newaxis] * (other - one)
            for corners in arrows
            for one, other in pairwise(axes.transData.transform(corners))
        ]
    )
    for label in axes.texts[len(boxes) : len(boxes) + len(arrows)]:
        if label.get_visible():
            extent = label.get_window_extent()
            inner = (points > extent.min).all(axis=1) & (points < extent.max).all(axis=1)
            assert not inner.any(), label


def test_a_small_place_says_what_it_leaves_out() -> None:
    grid = Figure(figsize=(10.24, 7.68)).subplots(2, 2)
    for (f, x), ax in zip([(FUNCTIONS[2]), *list(DEEP.values())[:3]], grid.flat, strict=True):
        nn.explain_gradient(f, *x).draw(ax=ax, title="mine")
    for ax in grid.flat:
        note = ax.texts[-1]
        assert note.get_visible()
        words = " ".join(note.get_text().split())
        boxes, arrows = boxes_and_arrows(ax)
        shown = [text for text in ax.texts[:-1] if text.get_visible()]
        assert ("names" in words or "slopes" in words) == (len(shown) < len(boxes) + len(arrows))
        wanted = "gradients" in words
        assert wanted != all("gradient" in text.get_text() for text in ax.texts[: len(boxes)])
    wide = Figure(figsize=(20, 30)).subplots()
    nn.explain_gradient(*FUNCTIONS[0][:1], 2.0).draw(ax=wide)
    assert not wide.texts[-1].get_visible()


def test_parameters_of_models_have_their_names() -> None:
    model = nn.Sequential(nn.Dense(3), nn.Dense(2)).initialize((4,), rng=0)
    other = nn.Dense(2).initialize((4,), rng=0)
    scale = nn.Tensor(2.0, requires_grad=True)

    def both(x: Any) -> Any:
        return np.sum((model(x) + other(x)) * scale)

    for f, names in [
        (lambda x: np.sum(model(x)), ["0.weight", "0.bias", "1.weight", "1.bias"]),
        (both, ["model.0.weight", "other.weight", "other.bias", "scale"]),
        (lambda x: both(2 * x), ["model.1.bias", "other.weight", "scale"]),
    ]:
        lines = nn.explain_gradient(f, np.ones((2, 4))).lines
        assert {line.name for line in lines if not line.op} >= {"x", *names}
        assert not any(line.name.startswith("parameter") for line in lines)


def neuron(x: Any, w: Any, b: Any) -> Any:
    return 1 / (1 + np.exp(-(x * w + b)))


@pytest.mark.parametrize("size", [(6.4, 4.8), (8, 4.5), (8, 6), (9.6, 5.4)])
def test_boxes_in_a_quarter_hold_more_than_names_and_no_note_lies_on_them(size: Any) -> None:
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(2, 2)
    for f, x, ax in [(neuron, (2.0, 0.5, -1.0), grid[0, 0]), (*FUNCTIONS[0], grid[1, 1])]:
        tape = nn.explain_gradient(f, *x)
        tape.draw(ax=ax)
    assert overlaps(figure) == []
    for ax in (grid[0, 0], grid[1, 1]):
        boxes, _ = boxes_and_arrows(ax)
        for text in ax.texts[: len(boxes)]:
            assert text.get_visible()
            assert any(word in text.get_text() for word in (": ", "value"))
        note = ax.texts[-1]
        lowest = min(box.get_window_extent().y0 for box in boxes)
        assert not note.get_visible() or note.get_window_extent().y1 <= lowest + 1
    first, _ = boxes_and_arrows(grid[1, 1])
    assert all("gradient" in text.get_text() for text in grid[1, 1].texts[: len(first)])


def test_half_of_a_figure_holds_the_whole_tape() -> None:
    figure = Figure(layout="constrained")
    ax = figure.subplots(1, 2)[0]
    tape = nn.explain_gradient(neuron, 2.0, 0.5, -1.0)
    tape.draw(ax=ax)
    assert overlaps(figure) == []
    assert not ax.texts[-1].get_visible()
    boxes, arrows = boxes_and_arrows(ax)
    assert len(ax.texts) == len(boxes) + len(arrows) + 1
    assert all("gradient" in text.get_text() for text in ax.texts[: len(boxes)])
