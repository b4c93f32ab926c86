"""What the figures of mistakes, counts, curves, weights, planes, graphs and flips hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import visual
from neural_network.visual.model_graph import boxes_of
from tests.visual.pictures_models import (
    COLOURS,
    GREY,
    GREYS,
    LABELS,
    POINTS,
    colour_model,
    grey_model,
    images_in,
    plane_model,
    texts_in,
)


def facecolours(artists: Any) -> set[tuple[float, ...]]:
    return {tuple(artist.get_facecolor()) for artist in artists}


@pytest.mark.parametrize(("make", "images"), [(grey_model, GREYS), (colour_model, COLOURS)])
def test_the_most_certain_mistakes_come_first(make: Any, images: Any) -> None:
    labels = LABELS % make()[-1].units
    shares = nn.softmax(make().predict(images))
    wrong = [n for n in range(12) if shares[n].argmax() != labels[n]]
    wrong.sort(key=lambda n: -shares[n].max())
    names = ["cat", "dog", "$owl$"][: shares.shape[1]]
    figure = visual.show_mistakes(make(), images, labels, most=4, class_names=names)
    axes = figure.axes[0]
    assert axes.get_title().startswith(f"{len(wrong)} of 12 are wrong")
    shown = images[wrong[:4]]
    shown = shown[:, 0] if shown.shape[1] == 1 else np.moveaxis(shown, 1, -1)
    np.testing.assert_allclose(images_in(axes), shown, atol=1e-6)
    expected = [
        f"predicted {names[shares[n].argmax()]}\ntrue {names[labels[n]]}\n{shares[n].max():.0%} sure"
        for n in wrong[:4]
    ]
    assert texts_in(axes) == expected


def test_a_model_without_a_mistake_and_labels_as_a_column() -> None:
    answers = grey_model().predict(GREYS).argmax(axis=1)
    figure = visual.show_mistakes(grey_model(), GREYS[:, 0], answers[:, None].astype(float))
    assert texts_in(figure.axes[0]) == ["no mistake"]
    assert figure.axes[0].get_title() == "0 of 12 are wrong (0.0%)"


def test_a_single_score_is_that_of_class_1() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Dense(1)).initialize((1, 9, 9), rng=0)
    labels = (model.predict(GREYS)[:, 0] > 0).astype(int)
    labels[3] = 1 - labels[3]
    figure = visual.show_mistakes(model, GREYS, labels)
    share = nn.sigmoid(model.predict(GREYS)[3, 0])
    share = max(share, 1 - share)
    assert texts_in(figure.axes[0]) == [
        f"predicted {1 - labels[3]}\ntrue {labels[3]}\n{share:.0%} sure"
    ]
    assert visual.show_saliency(model, GREYS[0]).get_suptitle().startswith("predicted 1, ")


def test_confusion_matrix_with_a_colormap_of_the_callers() -> None:
    figure = visual.show_confusion_matrix([[9, 1], [0, 5]], ["cat", "dog"], cmap="Greens")
    axes = figure.axes[0]
    np.testing.assert_allclose(images_in(axes)[0], [[0.9, 0.1], [0, 1]])
    assert [text.get_color() for text in axes.texts] == ["white", "black", "0.45", "white"]


def test_many_measures_in_lines_and_a_title() -> None:
    history = {f"m{n}_loss": [n, n + 1.0] for n in range(5)}
    figure = visual.show_history(history, title="five", cmap="viridis")
    assert figure.get_suptitle() == "five"
    assert [axes.get_ylabel() for axes in figure.axes[:5]] == [f"m{n}_loss" for n in range(5)]
    assert figure.axes[0].lines[0].get_color() == pytest.approx(
        __import__("matplotlib").colormaps["viridis"](0.0)
    )


def test_histograms_count_every_weight() -> None:
    model = grey_model()
    figure = visual.show_histograms(model, bins=7)
    for axes, (name, parameter) in zip(figure.axes, model.named_parameters(), strict=False):
        label = "×".join(map(str, parameter.shape))
        alike = ", all 0" if name.endswith("bias") else ""
        assert axes.get_title() == f"{name}\n{label}{alike}"
        heights = [bar.get_height() for bar in axes.patches]
        low, high = parameter.data.min(), parameter.data.max()
        if low < high:
            expected = np.histogram(parameter.data, bins=7, range=(low, high))[0]
            assert heights == expected.tolist()
        assert sum(heights) == parameter.size
    assert len(facecolours(figure.axes[0].patches) | facecolours(figure.axes[1].patches)) == 1
    assert facecolours(figure.axes[0].patches) != facecolours(figure.axes[2].patches)


def test_histograms_of_gradients_that_are_there_or_are_computed() -> None:
    model = grey_model().clone().eval()
    figure = visual.show_histograms(model, "gradients", images=GREYS, labels=LABELS)
    assert all(parameter.grad is None for parameter in model.parameters())
    nn.softmax_cross_entropy(model(GREYS), LABELS).backward()
    other = visual.show_histograms(model, "gradients")
    for one, two in zip(figure.axes, other.axes, strict=True):
        assert [b.get_height() for b in one.patches] == [b.get_height() for b in two.patches]
        assert [b.get_x() for b in one.patches] == [b.get_x() for b in two.patches]


def test_a_histogram_of_numbers_that_are_not_finite_or_all_the_same() -> None:
    model = nn.Sequential(nn.Dense(2)).initialize((3,), rng=0)
    model[0].weight = [[1, np.nan], [2, np.inf], [3, 4]]
    figure = visual.show_histograms(model)
    assert figure.axes[0].get_title() == "0.weight\n3×2, 2 not finite"
    assert sum(bar.get_height() for bar in figure.axes[0].patches) == 4
    assert sum(bar.get_height() for bar in figure.axes[1].patches) == 2


def test_the_decision_surface_is_what_the_model_says() -> None:
    figure = visual.show_decision_surface(plane_model(), POINTS, LABELS, steps=30)
    axes = figure.axes[0]
    (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
    assert x0 < POINTS[:, 0].min() < POINTS[:, 0].max() < x1
    drawn = images_in(axes)[0]
    scatters = [s for s in axes.collections if s.get_label() in ("0", "1", "2")]
    colours = [s.get_facecolor()[0][:3] for s in scatters]
    for row, column in [(0, 0), (15, 20), (29, 29)]:
        point = [[np.linspace(x0, x1, 30)[column], np.linspace(y0, y1, 30)[row]]]
        shares = nn.softmax(plane_model().predict(np.array(point, np.float32)))[0]
        strength = (shares.max() - 1 / 3) / (2 / 3)
        expected = 1 - (1 - np.array(colours[shares.argmax()])) * (0.12 + 0.5 * strength)
        np.testing.assert_allclose(drawn[row, column], expected, atol=1e-5)
    points = [s.get_offsets() for s in scatters]
    for one in range(3):
        np.testing.assert_allclose(points[one], POINTS[one == LABELS])


def test_the_graph_of_a_sequence() -> None:
    boxes = boxes_of(grey_model(), (1, 9, 9))
    assert [(b.title, b.shape, b.parameters) for b in boxes] == [
        ("input", "1×9×9", 0), ("0 Conv2D", "4×7×7", 40), ("1 MaxPool2D", "4×3×3", 0),
        ("2 Conv2D", "5×2×2", 85), ("3 Flatten", "20", 0), ("4 Dropout", "20", 0),
        ("5 Dense", "3", 63),
    ]  # fmt: skip
    assert [b.before for b in boxes] == [[], [0], [1], [2], [3], [4], [5]]
    assert boxes[1].detail == "4 filters 3×3, tanh"
    figure = visual.show_graph(grey_model())
    texts = texts_in(figure.axes[0])
    assert texts[1] == "0 Conv2D\n4 filters 3×3, tanh\n4×7×7  ·  40 params"
    assert figure.axes[0].get_title() == "Sequential: 188 parameters"


def test_the_graph_of_a_residual_has_two_paths() -> None:
    model = nn.Sequential(
        nn.Residual(nn.Dense(4), nn.Activation("relu"), shortcut=nn.Dense(4)),
        nn.Residual(nn.Dense(4)),
        nn.Dense(2),
    )
    boxes = boxes_of(model.clone().initialize((3,), rng=0), (3,))
    titles = [box.title for box in boxes]
    assert titles == [
        "input", "0.body.0 Dense", "0.body.1 Activation", "0.shortcut Dense", "0 Residual: sum",
        "1.body.0 Dense", "identity", "1 Residual: sum", "2 Dense",
    ]  # fmt: skip
    assert [b.before for b in boxes] == [[], [0], [1], [0], [2, 3], [4], [4], [5, 6], [7]]
    assert [b.lane for b in boxes] == [0, 0, 0, 1, 0, 0, 1, 0, 0]
    before = model.built
    visual.show_graph(model, (3,))
    assert model.built is before is False


def test_the_graph_of_a_layer_of_ones_own() -> None:
    class Two(nn.Layer):
        def __init__(self) -> None:
            self.first, self.second = nn.Dense(3), nn.Dense(2)

        def build(self, shape: Any, rng: Any) -> None:  # noqa: ARG002  # the base class has them
            self.scale = nn.Parameter(np.ones(2))

        def forward(self, X: Any) -> Any:
            return self.second(self.first(X)) * self.scale

    boxes = boxes_of(nn.Sequential(Two(), nn.Dense(1)).initialize((4,), rng=0), (4,))
    assert [b.title for b in boxes] == [
        "input", "0.first Dense", "0.second Dense", "0 Two", "1 Dense",
    ]  # fmt: skip
    assert [b.parameters for b in boxes] == [0, 15, 8, 2, 3]


def test_the_library_does_not_turn_the_filter_unless_asked() -> None:
    kernel = np.array([[1.0, 2.0], [3.0, 5.0]])
    figure = visual.show_flip(GREY[0], kernel)
    top, bottom = figure.axes[:3], figure.axes[3:6]
    np.testing.assert_array_equal(images_in(top[1])[0], kernel)
    np.testing.assert_array_equal(images_in(bottom[1])[0], kernel[::-1, ::-1])
    np.testing.assert_allclose(images_in(top[2])[0], nn.conv2d(GREY[0], kernel))
    np.testing.assert_allclose(images_in(bottom[2])[0], nn.conv2d(GREY[0], kernel, flip=True))
    assert texts_in(top[1]) == ["1", "2", "3", "5"]
    assert "cross-correlation" in top[2].get_title()
    assert figure.get_suptitle() == "The two maps differ"
    same = visual.show_flip(COLOURS[0], "mean")
    assert "are the same" in same.get_suptitle()
    np.testing.assert_allclose(
        images_in(same.axes[2])[0], nn.conv2d(COLOURS[0].mean(axis=0), nn.named_filter("mean"))
    )


def test_long_names_and_numbers_that_are_not_finite() -> None:
    names = ["a very long name of a class that goes on and on", "b"]
    figure = visual.show_confusion_matrix(np.eye(2), names)
    figure.draw_without_rendering()
    assert figure.axes[0].get_yticklabels()[0].get_text() == "a very long name of a c…"
    for show in (visual.show_occlusion, visual.show_grad_cam, visual.show_activations):
        show(grey_model(), np.full((9, 9), np.nan)).draw_without_rendering()


class Two(nn.Layer):
    def __init__(self) -> None:
        self.one, self.other = nn.Dense(2), nn.Dense(2)

    def forward(self, X: Any, Z: Any) -> Any:
        return self.one(X) + self.other(Z)


TWO = Two().initialize((3,), (4,), rng=0)
UNBUILT = nn.Sequential(nn.Dense(2))


@pytest.mark.parametrize(
    ("call", "kind", "match"),
    [
        (lambda: visual.show_mistakes(UNBUILT, GREYS, LABELS), ValueError, "show_mistakes: model: expected a model that is built"),
        (lambda: visual.show_mistakes(grey_model(), GREYS, LABELS + 1), ValueError, "show_mistakes: labels: expected class numbers from 0 to 2, received 3 in place 2"),
        (lambda: visual.show_mistakes(grey_model(), GREYS, LABELS[:5]), ValueError, "show_mistakes: labels: expected a class number for each of 12"),
        (lambda: visual.show_mistakes(grey_model(), GREYS, np.eye(3)[LABELS]), ValueError, r"labels.argmax\(axis=1\)"),
        (lambda: visual.show_mistakes(grey_model(), GREYS, LABELS + 0.5), TypeError, "show_mistakes: labels: expected whole class numbers"),
        (lambda: visual.show_mistakes(grey_model(), GREYS, ["cat"] * 12), TypeError, "show_mistakes: labels: expected real numbers"),
        (lambda: visual.show_mistakes(colour_model(), np.moveaxis(COLOURS, 1, -1), LABELS), ValueError, r"show_mistakes: images: .*np.moveaxis\(images, -1, -3\)"),
        (lambda: visual.show_mistakes(grey_model(), GREYS, LABELS, most=0), ValueError, "show_mistakes: most: expected a whole number of at least 1"),
        (lambda: visual.show_histograms(grey_model(), "bias"), ValueError, "show_histograms: what: expected one of 'weights', 'gradients'"),
        (lambda: visual.show_histograms(grey_model(), "gradients"), ValueError, "show_histograms: model: expected a model on which backward"),
        (lambda: visual.show_histograms(grey_model(), "gradients", images=GREYS), ValueError, "show_histograms: labels: expected images and labels together"),
        (lambda: visual.show_histograms(grey_model(), images=GREYS, labels=LABELS), ValueError, "show_histograms: what: expected 'gradients' where"),
        (lambda: visual.show_histograms(grey_model(), "gradients", images=GREYS, labels=LABELS[:3]), ValueError, "show_histograms: labels: expected one for each of 12"),
        (lambda: visual.show_histograms(grey_model(), "gradients", images=GREYS, labels=LABELS, loss="mean"), ValueError, "show_histograms: loss: expected one of"),
        (lambda: visual.show_histograms(nn.Flatten().initialize((2,))), ValueError, "show_histograms: model: expected a model with parameters"),
        (lambda: visual.show_decision_surface(nn.Dense(2).initialize((3,)), POINTS, LABELS), ValueError, r"show_decision_surface: model: expected a model of two features, \(N, 2\), received one of \(3,\)"),
        (lambda: visual.show_decision_surface(plane_model(), np.ones((12, 3)), LABELS), ValueError, r"show_decision_surface: X: expected shape \(N, 2\)"),
        (lambda: visual.show_decision_surface(plane_model(), POINTS * np.nan, LABELS), ValueError, "show_decision_surface: X: expected finite numbers"),
        (lambda: visual.show_decision_surface(plane_model(), POINTS, LABELS + 3), ValueError, "show_decision_surface: labels: expected class numbers from 0 to 2"),
        (lambda: visual.show_decision_surface(plane_model(), POINTS, LABELS, steps=1), ValueError, "show_decision_surface: steps: expected a whole number"),
        (lambda: visual.show_graph(UNBUILT), ValueError, "show_graph: shape: expected the shape of one input"),
        (lambda: visual.show_graph(TWO), ValueError, "show_graph: model: expected a model of one input, received a Two of X, Z"),
        (lambda: nn.explain(TWO, np.ones(3)), ValueError, "explain: model: expected a model of one input"),
        (lambda: visual.show_graph("model"), TypeError, "show_graph: model: expected a model or layer"),
        (lambda: visual.show_flip(np.ones(4)), ValueError, "show_flip: image: expected 2 or 3 dimensions"),
        (lambda: visual.show_flip(GREY[0], "edge"), ValueError, "named_filter"),
        (lambda: visual.show_flip(np.ones((2, 2)), np.ones((3, 3))), ValueError, "conv2d"),
        (lambda: visual.show_confusion_matrix(np.eye(2), ["a"]), ValueError, "show_confusion_matrix: class_names: expected 2 names, received 1"),
    ],
)  # fmt: skip
def test_bad_input(call: Any, kind: Any, match: str) -> None:
    with pytest.raises(kind, match=match) as caught:
        call()
    assert isinstance(caught.value, nn.NeuralNetworkError)
    assert len(str(caught.value)) <= 500
