"""Empty maps, pixels of files, filters of layers, and other things that users brought."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import visual
from tests.visual.pictures_models import GREY, GREYS, LABELS, grey_model, texts_in

RNG = np.random.default_rng(0)


@pytest.fixture
def against() -> nn.Sequential:
    """A model whose maps speak against every class."""
    model = nn.Sequential(nn.Conv2D(4, 3, activation="relu"), nn.GlobalAvgPool2D(), nn.Dense(3))
    model.initialize((1, 28, 28), rng=0)
    model[2].weight = -np.abs(model[2].weight.data)
    return model


def test_an_empty_map_is_told_in_the_title(against: nn.Sequential) -> None:
    image = RNG.random((28, 28))
    figure = visual.show_grad_cam(against, image, class_names=["cat", "dog", "cow"], target=1)
    assert "no map of this layer speaks for dog" in figure.get_suptitle()
    assert "no map" not in visual.show_grad_cam(against, image, title="mine").get_suptitle()
    against[2].weight = np.zeros((4, 3))
    title = visual.show_occlusion(against, image, size=9, stride=9).get_suptitle()
    assert "no hidden square changes it" in title
    title = visual.show_saliency(against, image).get_suptitle()
    assert "no pixel changes the score" in title


def test_small_drops_are_told_and_visible(against: nn.Sequential) -> None:
    figure = visual.show_occlusion(against, RNG.random((28, 28)), size=9, stride=9)
    assert "no square changes it by more than 0.0" in figure.get_suptitle()
    drawn = figure.axes[1].images[0]
    low, high = drawn.get_clim()
    assert high == -low == np.abs(drawn.get_array()).max() > 0


HINTED: dict[str, Any] = {
    "explain": lambda m, X, y: nn.explain(m, X[0]),
    "show_activations": lambda m, X, y: visual.show_activations(m, X[0]),
    "saliency": lambda m, X, y: visual.saliency(m, X[0]),
    "show_saliency": lambda m, X, y: visual.show_saliency(m, X[0]),
    "grad_cam": lambda m, X, y: visual.grad_cam(m, X[0]),
    "show_grad_cam": lambda m, X, y: visual.show_grad_cam(m, X[0]),
    "occlusion": lambda m, X, y: visual.occlusion(m, X[0]),
    "show_occlusion": lambda m, X, y: visual.show_occlusion(m, X[0]),
    "show_mistakes": visual.show_mistakes,
    "show_histograms": lambda m, X, y: visual.show_histograms(m, "gradients", images=X, labels=y),
}


@pytest.mark.parametrize("name", HINTED)
def test_pixels_of_files_are_hinted_at_once(name: str) -> None:
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        HINTED[name](grey_model(), np.round(GREYS * 255), LABELS)
    (hint,) = [one for one in given if issubclass(one.category, nn.TrainingHint)]
    assert "as pixels are in files" in str(hint.message)
    assert hint.filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        HINTED[name](grey_model(), GREYS, LABELS)


def test_class_names_stand_above_the_scores() -> None:
    names = ["cat", "dog", "a very long name of a class"]
    answer = nn.explain(grey_model(), GREY, class_names=names)
    scores = texts_in(answer.draw().axes[-1])
    assert {"cat", "dog"} <= set(scores)
    assert "0" not in scores
    figure = visual.show_activations(grey_model(), GREY, class_names=names)
    assert {"cat", "dog"} <= set(texts_in(figure.axes[-1]))
    with pytest.raises(nn.ShapeError, match="show_activations: class_names: expected 3 names"):
        visual.show_activations(grey_model(), GREY, class_names=["cat"])
    one = nn.Sequential(nn.Flatten(), nn.Dense(1)).initialize((1, 9, 9), rng=0)
    nn.explain(one, GREY, class_names=["no", "yes"]).draw()  # a single score of two classes


@pytest.mark.parametrize(
    ("image", "kernel", "match"),
    [
        (
            (3, 9, 9),
            (4, 3, 3),
            r"expected 3 channels, as the image has: one filter \(3, fh, fw\)",
        ),
        ((9, 9), (4, 3, 3), r"expected one filter \(fh, fw\), such as filter\[0\]"),
        ((9, 9), (4, 1, 3, 3), r"filters of a layer; filter\[0\] is the first"),
        ((3, 9, 9), (4, 3, 3, 3), r"filters of a layer; filter\[0\] is the first"),
    ],
)
def test_several_filters_are_refused_with_the_first(image: Any, kernel: Any, match: str) -> None:
    with pytest.raises(nn.ShapeError, match=match):
        nn.explain_conv2d(np.ones(image), np.ones(kernel), 0, 0)


def test_products_in_colour_have_two_digits() -> None:
    figure = nn.explain_conv2d(RNG.random((3, 9, 9)), "edges", 2, 3).draw()
    texts = [text for text in texts_in(figure.axes[3]) if text not in ("0", "red")]
    assert all(len(text.partition(".")[2]) == 2 for text in texts)


def test_functions_get_as_many_values_as_they_take() -> None:
    product: Any = lambda w, b: w * b  # noqa: E731  # the name is that of the argument
    with pytest.raises(TypeError, match=r"values for w, b, received 1 argument; here: explain_g"):
        nn.explain_gradient(product, 2.0)
    with pytest.raises(
        nn.ArgumentError, match=r"received 3 arguments; here: explain_gradient\(f, w"
    ):
        nn.explain_gradient(product, 2.0, 3.0, 4.0)
    with pytest.raises(TypeError, match="expected the function that computes it, .*a tensor"):
        nn.explain_gradient(nn.Tensor(2.0, requires_grad=True), 2.0)  # type: ignore[arg-type]
    assert nn.explain_gradient(np.sum, np.ones(2)).value == 2


def rows_model() -> nn.Sequential:
    return nn.Sequential(nn.Dense(6, "relu"), nn.Dense(3)).initialize((784,), rng=0)


def test_a_model_that_begins_with_flatten_takes_pictures_however_it_was_built() -> None:
    pictures = RNG.random((len(LABELS), 28, 28))
    inserted = rows_model().insert(0, nn.Flatten())
    inserted.predict(pictures)
    of_planes = nn.Sequential(nn.Flatten(), *rows_model())
    of_planes.predict(pictures)
    nested = nn.Sequential(nn.Sequential(nn.Flatten(), *rows_model())).initialize((784,))
    right = nn.Sequential(nn.Flatten(), rows_model()).initialize((1, 28, 28))
    expected = visual.show_mistakes(right, pictures, LABELS).get_suptitle()
    for model in (inserted, of_planes, nested):
        for images in (pictures, pictures[:, None]):
            found = visual.saliency(model, images[0])
            assert np.allclose(found.reshape(28, 28), visual.saliency(right, images[0])[0])
            squares = [
                visual.occlusion(one, images[0], size=14, stride=14) for one in (model, right)
            ]
            assert np.allclose(*squares)
            assert visual.show_mistakes(model, images, LABELS).get_suptitle() == expected
        with pytest.raises(nn.ShapeError, match="784|28"):
            visual.show_mistakes(model, pictures[:, :-1], LABELS)


def test_weights_that_are_there_are_said_to_be_kept() -> None:
    kept = "; the 4 parameters that there are keep their numbers"
    made = [nn.Sequential(nn.Flatten(), *rows_model()), rows_model().insert(0, nn.Flatten())]
    for model in made:
        before = [parameter.data.copy() for parameter in model.parameters()]
        with pytest.raises(nn.ArgumentError, match=f"one without an input shape{kept}"):
            visual.show_mistakes(model, GREYS, LABELS)
        with pytest.raises(nn.ArgumentError, match=f"without sizes{kept}"):
            nn.save(model, "never-written")
        model.initialize((1, 28, 28))
        for parameter, numbers in zip(model.parameters(), before, strict=True):
            assert np.array_equal(parameter.data, numbers)


def test_predictions_of_pictures_as_a_model_takes_them() -> None:
    X = np.random.default_rng(0).random((2, 1, 8, 8), np.float32)
    shares = np.full((2, 3), 1 / 3)
    figure = visual.show_predictions(X, X, shares)
    drawn = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    for given, seen, picture in zip(drawn[::2], drawn[1::2], X[:, 0], strict=True):
        np.testing.assert_array_equal(given, picture)
        np.testing.assert_array_equal(seen, picture)
    colour = np.random.default_rng(0).random((2, 3, 8, 8), np.float32)
    figure = visual.show_predictions(255 * colour, colour, shares)
    np.testing.assert_allclose(
        figure.axes[0].images[0].get_array(), colour[0].transpose(1, 2, 0), rtol=1e-6
    )


def test_flat_pixels_are_drawn_as_the_picture_that_they_are() -> None:
    model = nn.Sequential(nn.Dense(16, "relu"), nn.Dense(10)).initialize((784,), rng=0)
    digit = nn.load_mnist()[0][0] / 255
    for given in (digit, digit.reshape(784)):
        figure = visual.show_activations(model, given)
        np.testing.assert_allclose(figure.axes[1].images[0].get_array(), digit, atol=1e-6)
