"""Places where people who knew the first pages were misled."""

from __future__ import annotations

import copy
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.array_files import read_arrays, write_arrays
from tests.needs import need_module

RNG = np.random.default_rng(0)


# --- arrays in a file keep their order -------------------------------------------------------


def test_a_network_by_hand_goes_on_after_it_was_saved(tmp_path: Path) -> None:
    X, y = RNG.random((20, 6)), np.eye(3)[np.arange(20) % 3]
    parameters = nn.initial_parameters([6, 5, 3])
    path = tmp_path / "hand.safetensors"
    nn.save_arrays(path, parameters)
    loaded = nn.load_arrays(path)
    assert list(loaded) == list(parameters) == ["W1", "b1", "W2", "b2"]
    for some in (parameters, loaded):
        A1, A2 = nn.forward_mlp(X, **some)
        Z1 = X @ some["W1"] + some["b1"]
        gradients = nn.backward_mlp(X, A1, A2, y, some["W1"], some["W2"], Z1)
        for name, gradient in zip(some, gradients, strict=True):
            some[name] = some[name] - 0.1 * gradient
    for name in parameters:
        np.testing.assert_array_equal(loaded[name], parameters[name])


def test_arrays_of_all_types_keep_their_order(tmp_path: Path) -> None:
    arrays = {
        name: np.ones(2, kind)
        for name, kind in zip("zbyac", ["f4", "i8", "?", "f8", "f2"], strict=True)
    }
    nn.save_arrays(tmp_path / "a.safetensors", arrays)
    assert list(nn.load_arrays(tmp_path / "a.safetensors")) == list("zbyac")


@pytest.mark.parametrize(
    ("order", "found"),
    [('["b"]', "ba"), ('["c", "b", "b"]', "ba"), ("[1, {}]", "ab"), ('"b"', "ab"), ("{}", "ab")],
)
def test_an_order_of_another_program_loses_no_array(tmp_path: Path, order: str, found: str) -> None:
    path = tmp_path / "a.safetensors"
    write_arrays(path, {"a": np.ones(1), "b": np.ones(2)}, {"order": order})
    assert "".join(nn.load_arrays(path)) == found
    assert json.loads(read_arrays(path)[1]["order"]) == json.loads(order)


def test_an_order_that_is_no_json_is_damage(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.safetensors", {"a": np.ones(1)}, {"order": "a, b"})
    with pytest.raises(nn.FileFormatError, match="damaged metadata: order"):
        nn.load_arrays(tmp_path / "a.safetensors")


# --- hints ------------------------------------------------------------------------------------


def hints_of(call: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", nn.TrainingHint)
        call()
    return [str(one.message) for one in caught if one.category is nn.TrainingHint]


def test_a_line_gets_a_hint_of_each_kind_once() -> None:
    images, labels = nn.load_mnist()
    X, labels = images[:100, None] / np.float32(255), labels[:100]
    model = nn.Sequential(nn.Flatten(), nn.Dense(10))
    nn.Trainer(model, rng=0, progress=False).fit(X, labels)

    def answers() -> None:
        for some in (1 - X, 0.9 - X * 0.9, X / 255, X / 250, X, X * 255, X * 254.0):
            model.predict(some)

    kinds = ["dark ink", "is it divided by 255 twice", "whole numbers from 0 to"]
    texts = hints_of(answers)
    assert [kind for text in texts for kind in kinds if kind in text] == kinds
    assert len(texts) == 3


@pytest.mark.parametrize("hidden", [4, 8])
@pytest.mark.parametrize("rate", [0.01, 0.03])
def test_a_network_that_begins_to_learn_later_is_left_alone(hidden: int, rate: float) -> None:
    points = np.random.default_rng(0).normal(0, 1, (200, 2))
    classes = (points[:, 0] * points[:, 1] > 0).astype(int)
    model = nn.Sequential(nn.Dense(hidden, "tanh"), nn.Dense(2))
    trainer = nn.Trainer(model, nn.Adam(rate), rng=0, progress=False)
    assert hints_of(lambda: trainer.fit(points, classes, epochs=40)) == []


def test_photographs_on_grey_paper_get_the_hint() -> None:
    images, labels = nn.load_mnist()
    X = images[:100, None] / np.float32(255)
    model = nn.Sequential(nn.Flatten(), nn.Dense(10))
    nn.Trainer(model, rng=0, progress=False).fit(X, labels[:100])
    noise = np.random.default_rng(0).normal(0, 0.02, (100, 1, 28, 28))
    for paper, ink in ((0.62, 0.3), (0.75, 0.4), (0.45, 0.1)):
        photograph = paper - (paper - ink) * X + noise
        (text,) = hints_of(lambda some=photograph[:1]: model.predict(some))
        assert "dark ink on bright paper" in text
    right = (X, np.clip(X + noise, 0, 1), np.ones_like(X), np.full_like(X, 0.5), 0.5 * X)
    uniform = np.random.default_rng(1).random((20, 1, 28, 28))
    for some in (*right, uniform):
        assert hints_of(lambda some=some: [model.predict(one[None]) for one in some[:20]]) == []


def test_the_second_fit_looks_again_where_something_else_comes() -> None:
    X, y = RNG.normal(size=(40, 5)), np.arange(40) % 2
    softmaxed = nn.Sequential(nn.Dense(2, "softmax"))
    trainer = nn.Trainer(nn.Sequential(nn.Dense(4, "relu"), nn.Dense(2)), rng=0, progress=False)
    for rows in (40, 40, 20):
        assert hints_of(lambda n=rows: trainer.fit(X[:n], y[:n])) == []
    trainer.model = copy.deepcopy(softmaxed)
    (hint,) = hints_of(lambda: trainer.fit(X, y))
    assert "takes the softmax itself" in hint


# --- answers ----------------------------------------------------------------------------------

W = np.array(1.5)
ANSWERS = {
    "a pair without parameters": (
        lambda: nn.OptimizerGroups([(nn.MaxPool2D(2).initialize((1, 4, 4)), nn.Adam())]),
        r"pairs\[0\]: expected parameters to train, received none in MaxPool2D; leave this pair",
    ),
    "filters of one channel": (
        lambda: nn.conv2d(np.ones((4, 1, 8, 8)), np.ones((2, 3, 3))),
        r"shape \(2, 3, 3\); filter_kernel\[:, None\] are filters of one channel",
    ),
    "causal": (lambda: nn.Conv1D(8, 5, padding="causal", dilation=2), r"padding=\(\(8, 0\),\) is"),
    "full": (lambda: nn.Conv2D(8, (5, 3), padding="full"), r"padding=\(4, 2\) is that"),
    "every epoch": (lambda: nn.Checkpoint("a", every=1), "nothing: it is written after each epoch"),
    "a number": (
        lambda: nn.numerical_gradient(0, 0, {"w": 1.0}, lambda out, y: out, lambda X, p: p["w"]),
        r"received <class 'float'>; np\.array\(w, float\) is one",
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_told(name: str) -> None:
    call, match = ANSWERS[name]
    with pytest.raises(nn.NeuralNetworkError, match=match):
        call()


def test_the_differences_of_a_function_by_the_line_of_its_answer() -> None:
    with pytest.raises(nn.ArgumentError, match="numerical_gradient") as caught:
        nn.numerical_gradient(np.exp, W)  # type: ignore[call-arg]
    line = str(caught.value).partition("here: ")[2].partition(", the gradient")[0]
    found = eval(line, {"nn": nn, "f": np.exp, "w": W})
    np.testing.assert_allclose(found, np.exp(1.5), rtol=1e-6)


def test_a_single_picture_for_a_network_by_hand() -> None:
    p = nn.initial_parameters([784, 8, 10])
    for picture in (np.ones((28, 28)), np.ones((14, 56))):
        with pytest.raises(nn.ShapeError, match=r"X: expected \(n, 784\).*X\.reshape\(1, -1\) is"):
            nn.forward_mlp(picture, **p)
    q = nn.initial_parameters([784, 8, 8, 10])
    with pytest.raises(nn.ShapeError, match=r"X\.reshape\(1, -1\) is the row of one picture"):
        nn.forward_mlp_3layer(np.ones((28, 28)), **q)
    assert nn.forward_mlp(np.ones((28, 28)).reshape(1, -1), **p)[1].shape == (1, 10)


def test_a_sum_of_losses_names_item() -> None:
    w, total = nn.Tensor([2.0], requires_grad=True), 0
    with pytest.raises(nn.DroppedGradientError, match=r"total \+= loss\.item\(\); else write t"):
        for _ in range(2):
            total += (w * w).sum()


def test_parameters_of_a_model_that_is_not_built() -> None:
    model = nn.Sequential(nn.Dense(3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", nn.TrainingHint)
        none = model.parameters()
    with pytest.raises(nn.ArgumentError, match="before it is built: parameters=model waits for"):
        nn.SGD(0.1, parameters=none)


@pytest.mark.parametrize(
    ("classes", "shape", "given", "match"),
    [
        (10, (1, 28, 28), (300, 400), r"load_picture\(path, size=28\) reads .*prepare_digit\(pict"),
        (
            10,
            (1, 28, 28),
            (64, 64, 3),
            r"load_picture\(path, size=28\) reads a picture so, nn\.pre",
        ),
        (10, (1, 28, 28), (28, 28), r"X\[None, None\] is one image"),
        (
            3,
            (3, 32, 32),
            (1, 1, 64, 64),
            r"\(n, 3, 32, 32\); nn\.load_picture\(path, size=32, grey",
        ),
        (3, (3, 32, 32), (3, 64, 48), r"size=32, grey=False\) reads a picture so, x\[None\] makes"),
        (3, (3, 32, 24), (64, 64), r"size=\(32, 24\), grey=False\) reads a picture so"),
        (3, (3, 32, 32), (32, 32, 3), r"X\.transpose"),
    ],
)
def test_a_picture_of_another_size(classes: int, shape: Any, given: Any, match: str) -> None:
    model = nn.models.tiny_cnn(classes=classes, input_shape=shape).initialize(shape)
    with pytest.raises(nn.ShapeError, match=match) as caught:
        model.predict(np.ones(given))
    assert "reshape" not in str(caught.value)


# --- targets that broadcast -------------------------------------------------------------------


def line_by_grad(transform: Any, y: Any) -> Any:
    X = np.linspace(0, 1, 30)[:, None]

    def f(q: Any) -> Any:
        return np.mean((X @ q["w"] + q["b"] - y) ** 2)

    q = {"w": np.zeros((1, 1)), "b": np.zeros(1)}
    return lambda: [transform(f)(q) for _ in range(3)]


@pytest.mark.parametrize("transform", [nn.grad, nn.value_and_grad])
def test_targets_that_broadcast_get_the_hint_of_grad(transform: Any) -> None:
    y = np.linspace(1, 3, 30)
    (hint,) = hints_of(line_by_grad(transform, y))
    assert hint.startswith(f"{transform.__name__}: the loss combines predictions of shape (n, 1)")
    assert "y.reshape(-1, 1) has the shape of the predictions" in hint
    assert hints_of(line_by_grad(transform, y[:, None])) == []


def test_each_loop_of_tensors_gets_it() -> None:
    X, y = np.linspace(0, 1, 30)[:, None], np.linspace(1, 3, 30)

    def train(targets: Any) -> None:
        w = nn.Tensor(np.zeros((1, 1)), requires_grad=True)
        for _ in range(3):
            w.grad = None
            np.mean((X @ w - targets) ** 2).backward()

    def again(targets: Any) -> None:
        w = nn.Tensor(np.zeros((1, 1)), requires_grad=True)
        for _ in range(3):
            w.grad = None
            np.mean((X @ w - targets) ** 2).backward()

    texts = hints_of(lambda: [train(y), again(y), train(y), again(y)])
    assert len(texts) == 2
    assert hints_of(lambda: [train(y[:, None]), again(y[:, None])]) == []


def test_a_layer_by_its_place_in_show_filters() -> None:
    need_module("matplotlib")
    with pytest.raises(nn.ArgumentError, match=r"nn\.visual\.show_filters\(model\[2\]\), of a la"):
        nn.visual.show_filters(nn.models.tiny_cnn(), layer=2)  # type: ignore[call-arg]


def test_lists_with_a_title_of_their_own_are_not_called_losses() -> None:
    need_module("matplotlib")
    runs = {"2 layers": [0.1, 0.9], "3 layers": [0.2, 0.95]}
    for history, title, label in (
        (runs, "test accuracy", ""),
        (runs, None, "loss"),
        (runs, "the losses", "loss"),
        ([0.9, 0.4], "of a line", "loss"),
        ({"loss": [0.9, 0.4]}, "a run", "loss"),
    ):
        figure = nn.visual.show_history(history, title=title)
        assert figure.axes[0].get_ylabel() == label


# --- pictures of another size -----------------------------------------------------------------


def test_a_picture_ten_times_as_large_gets_a_word() -> None:
    digits, colour = (
        nn.models.tiny_cnn(rng=0),
        nn.models.tiny_cnn(3, input_shape=(3, 48, 48), rng=0),
    )
    digits.initialize((1, 28, 28))
    colour.initialize((3, 48, 48))
    for model, shape, match in (
        (
            digits,
            (1, 480, 640),
            "480×640 pixels.* 28×28.*size=28\\) reads a picture so, nn.prepare",
        ),
        (
            colour,
            (3, 480, 480),
            "480×480 pixels.* 48×48.*size=48, grey=False\\) reads a picture so",
        ),
        (colour, (3, 16, 16), "16×16 pixels"),
    ):
        with pytest.warns(nn.TrainingHint, match=match) as told:
            [model.predict(np.zeros((1, *shape))) for _ in range(2)]
        assert len(told) == 1
    right = [(digits, (1, 28, 28)), (digits, (1, 32, 32)), (colour, (3, 96, 96)),
             (colour, (3, 480, 60))]  # fmt: skip
    whole = nn.Sequential(nn.Conv2D(2, 3, padding="same")).initialize((1, 8, 8))  # no classes
    for model, shape in [*right, (whole, (1, 64, 64))]:
        assert hints_of(lambda m=model, s=shape: m.predict(np.zeros((1, *s)))) == []


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ((48, 48), r"load_picture\(path, size=48, grey=False\) reads a picture so"),
        ((60, 48, 48), r"load_image_folder\(path, size=48, grey=False\) keeps the colours"),
    ],
)
def test_grey_pictures_for_a_model_of_colours(given: Any, match: str) -> None:
    model = nn.models.tiny_cnn(3, input_shape=(3, 48, 48)).initialize((3, 48, 48))
    with pytest.raises(nn.ShapeError, match=match):
        model.predict(np.ones(given))


def test_one_colour_picture_whose_channels_are_last() -> None:
    need_module("matplotlib")
    with pytest.raises(nn.ShapeError, match=r"np\.moveaxis\(image, -1, 0\)\[None\] is one picture"):
        nn.visual.show_images(np.ones((48, 40, 3)))


def test_an_augmentation_that_leaves_its_targets() -> None:
    X = np.random.default_rng(0).random((16, 1, 8, 8)).astype(np.float32)
    layers = nn.Conv2D(2, 3, padding="same", activation="relu"), nn.Conv2D(1, 3, padding="same")

    def train(augment: Any, y: Any, loss: str, *more: Any) -> Any:
        model = nn.Sequential(*(layer.clone() for layer in layers), *more)
        trainer = nn.Trainer(model, loss=loss, augment=augment, rng=0, progress=False)
        return lambda: trainer.fit(X, y)

    moving, still = nn.Augment(nn.Shift(1), nn.Cutout(2)), nn.Cutout(2)
    for augment in (moving, nn.Flip()):
        (hint,) = hints_of(train(augment, X, "mse_loss"))
        assert hint.startswith("fit: augment: ")
        assert "moves the pixels of X, and y, which has the same height" in hint
    labels = np.arange(16) % 3
    for right in (
        train(still, X, "mse_loss"),
        train(None, X, "mse_loss"),
        train(moving, labels, "softmax_cross_entropy", nn.Flatten(), nn.Dense(3)),
        train(moving, X[:, :, :4, :4], "mse_loss", nn.AvgPool2D(2)),
        train(lambda X, rng: X, X, "mse_loss"),
    ):
        assert not any("augment" in text for text in hints_of(right))
