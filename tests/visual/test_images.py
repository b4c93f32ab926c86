"""Pictures alone: ``show_images``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt

import neural_network as nn
from neural_network import visual
from tests.visual.overlaps import overlaps
from tests.visual.pictures_models import COLOURS, GREYS


def drawn(figure: Any) -> list[Any]:
    return [np.asarray(image.get_array()) for image in figure.axes[0].images]


def captions(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


@pytest.mark.parametrize("images", [GREYS, GREYS[:, 0], nn.Tensor(GREYS, requires_grad=True)])
def test_grey_pictures_are_drawn_in_order_with_one_scale(images: Any) -> None:
    found = drawn(visual.show_images(images))
    assert len(found) == 12
    for picture, given in zip(found, GREYS[:, 0], strict=True):
        np.testing.assert_allclose(picture, given, atol=1e-6)


def test_colours_and_bytes() -> None:
    for images in (COLOURS, np.uint8(COLOURS * 255)):
        found = drawn(visual.show_images(images))
        np.testing.assert_allclose(found[5], np.moveaxis(COLOURS[5], 0, -1), atol=1 / 255)


def test_other_numbers_go_from_the_smallest_to_the_largest_of_all() -> None:
    images = np.stack([np.full((4, 4), -2.0), np.full((4, 4), 0.0), np.full((4, 4), 2.0)])
    assert [picture[0, 0] for picture in drawn(visual.show_images(images))] == [0, 0.5, 1]


def test_one_picture_captions_and_title() -> None:
    assert len(drawn(visual.show_images(GREYS[0, 0]))) == 1
    figure = visual.show_images(GREYS[:3], [7, "a cat", "two very long names: one"], title="Three")
    assert captions(figure)[:2] == ["7", "a cat"]
    assert captions(figure)[2] == "two very long\nnames: one"
    assert figure.axes[0].get_title() == "Three"
    assert visual.show_images(GREYS[:3]).axes[0].get_title() == ""


def test_as_many_as_wanted_and_as_fit() -> None:
    figure = visual.show_images(GREYS, range(12), most=5)
    assert figure.axes[0].get_title() == "5 of 12 pictures"
    assert captions(figure) == ["0", "1", "2", "3", "4"]
    _, ax = plt.subplots(figsize=(1, 1))
    visual.show_images(np.concatenate([GREYS] * 9), most=100, ax=ax)
    assert 0 < len(ax.images) < 100
    assert ax.get_title().split() == [str(len(ax.images)), "of", "108", "pictures"]
    plt.close("all")


def test_numbers_that_are_not_finite_are_drawn() -> None:
    images = GREYS.copy()
    images[0, 0, 0, 0], images[0, 0, 1, 1] = np.nan, np.inf
    assert all(np.isfinite(picture).all() for picture in drawn(visual.show_images(images)))


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: visual.show_images(np.ones((2, 9, 9, 3))), r"np.moveaxis\(images, -1, 1\)"),
        (lambda: visual.show_images(np.ones((2, 8, 9, 9))), r"show_activations\(model, x\)"),
        (lambda: visual.show_images(np.ones(9)), r"expected pictures \(N, H, W\).*shape \(9,\)"),
        (lambda: visual.show_images(np.ones((0, 9, 9))), "images: expected at least one"),
        (lambda: visual.show_images(GREYS, ["a"]), "captions: expected one for each of the 12"),
        (lambda: visual.show_images(GREYS, "abc"), "captions: expected a list of names"),
        (lambda: visual.show_images(GREYS, most=0), "most: expected a whole number of at least 1"),
        (lambda: visual.show_images(["a.png"]), "images: expected real numbers"),
    ],
)
def test_bad_arguments(call: Any, match: str) -> None:
    with pytest.raises(nn.NeuralNetworkError, match=f"show_images: .*{match}|show_images: {match}"):
        call()


def test_the_words_of_others_lead_here() -> None:
    for word in ("show_pictures", "imshow", "make_grid", "show_batch"):
        with pytest.raises(AttributeError, match=r"show_images"):
            getattr(visual, word)


def test_captions_have_lines() -> None:
    texts = ["true 5, predicted 6", "5\n6\n99%", "ruby-throated-hummingbird", "on " * 60]
    figure = visual.show_images(GREYS[:4], texts)
    first, second, word, long = captions(figure)
    assert first == "true 5,\npredicted 6"
    assert second == texts[1]
    assert word.endswith("…")
    assert "\n" not in word
    assert long.count("\n") == 3
    assert "…" in long
    assert overlaps(figure) == []
    for size in ((8, 4.5), (16, 8), (3, 3)):
        own = plt.figure(figsize=size)
        axes = own.subplots()
        visual.show_images(GREYS[:8], [f"true {n}, predicted {n + 1}" for n in range(8)], ax=axes)
        assert all("predicted" in text.get_text() for text in axes.texts if text.get_text())
        assert overlaps(own) == []
    plt.close("all")


def test_long_names_that_begin_alike_stay_different() -> None:
    names = ["ruby-throated-hummingbird-north", "ruby-throated-hummingbird-south"]
    assert len(set(captions(visual.show_images(GREYS[:2], names)))) == 2


@pytest.mark.parametrize(
    ("images", "given", "cure"),
    [
        (np.ones((20, 784)), None, r"images\.reshape\(-1, 28, 28\)"),
        (np.ones((900, 784)), range(900), r"images\.reshape\(-1, 28, 28\)"),
        (np.ones(784), None, r"images\.reshape\(28, 28\)"),
        (np.ones(100), None, r"images\.reshape\(10, 10\)"),
    ],
)
def test_flat_rows_get_the_line_that_makes_pictures(images: Any, given: Any, cure: str) -> None:
    with pytest.raises(nn.ShapeError, match=f"a height and a width, received shape .*{cure}"):
        visual.show_images(images, given)


def test_a_wide_picture_is_one() -> None:
    for shape in ((28, 28), (600, 784), (64, 100), (7, 9), (20, 783)):
        assert len(drawn(visual.show_images(np.random.default_rng(0).random(shape)))) == 1


@pytest.mark.parametrize("columns", [1, 5, 6, 30])
def test_columns(columns: int) -> None:
    own = plt.figure(figsize=(8, 4.5))
    for figure in (
        visual.show_images(GREYS, columns=columns),
        visual.show_images(GREYS, columns=columns, ax=own.subplots()),
    ):
        lines: dict[float, int] = {}
        for image in figure.axes[0].images:
            lines[image.get_extent()[3]] = lines.get(image.get_extent()[3], 0) + 1
        if figure is not own or columns > 1:  # in a small place fewer are drawn
            assert max(lines.values()) == min(columns, 12)
            assert sum(lines.values()) == 12
    plt.close("all")
    for wrong in (0, -1, 2.5, "3"):
        with pytest.raises(nn.NeuralNetworkError, match="show_images: columns: expected a whole"):
            visual.show_images(GREYS, columns=wrong)  # type: ignore[arg-type]


def test_captions_that_are_no_list() -> None:
    for wrong in (np.array("a"), np.timedelta64(1, "s"), 3):
        with pytest.raises(nn.NeuralNetworkError, match="show_images: captions: expected"):
            visual.show_images(GREYS, wrong)  # type: ignore[arg-type]
