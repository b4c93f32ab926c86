"""Mistakes of the first hours get an answer: the argument that is wrong, and the line to type."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import Dense, Layer, Sequential, Trainer, gradient, op
from neural_network.functional.products import matmul
from tests.training.hints.misfits import hints_of, normal

Z, LABELS = normal(8, 5), np.arange(8) % 5
ONE_HOT, P = nn.one_hot(LABELS, 5), nn.softmax(Z)
X = np.abs(normal(8, 20))
TWO, THREE = nn.initial_parameters([20, 16, 5]), nn.initial_parameters([20, 16, 7, 5])
A1, A2 = nn.forward_mlp(X, **TWO)
PIXELS = np.random.default_rng(0).integers(0, 256, (5, 1, 28, 28))


class NoReturn(Layer):
    def forward(self, X: Any) -> Any:
        X * 2  # the mistake

    def own_penalty(self) -> Any:
        return 0.0


class NoPenalty(Layer):
    def forward(self, X: Any) -> Any:
        return X

    def own_penalty(self) -> Any: ...


class Misses(Layer):
    def forward(self, X: Any) -> Any:
        return X @ self.w


class Two(Layer):
    def __init__(self) -> None:
        self.a, self.b = Dense(3), Dense(3)

    def forward(self, x: Any, y: Any) -> Any:
        return self.a(x) + self.b(y)


class NoMeasure(Trainer):
    def measure(self, outputs: Any, y: Any) -> Any: ...


class NoEvaluate(Trainer):
    def evaluate(self, *args: Any, **kwargs: Any) -> Any: ...


@op
def no_return(x: Any) -> Any:
    x * 2  # the mistake


@gradient(no_return, "x")
def _(g: Any) -> Any:
    return g


def cube(x: Any) -> Any:
    return x**3


def trained(*layers: Layer, trainer: type[Trainer] = Trainer, **options: Any) -> Any:
    model = Sequential(*layers, Dense(5))
    return trainer(model, progress=False, **options).fit(X, LABELS, validation=(X, LABELS))


def nothing(*_: Any, **__: Any) -> Any: ...


BUILT = Sequential(nn.Conv2D(2, 3), nn.MaxPool2D(2), nn.Flatten(), Dense(3))
BUILT.initialize((1, 28, 28), rng=0)
FLAT = Sequential(Dense(3)).initialize((784,), rng=0)
MISSING = "is its return missing?"
ANSWERS: dict[str, tuple[Callable[[], Any], str]] = {
    # transposed
    "X": (lambda: nn.forward_mlp(X.T, **TWO), "forward_mlp: X: expected (n, 20), a row per sample, as W1 of shape (20, 16) takes, received shape (20, 8); X.T has it"),
    "X, three layers": (lambda: nn.forward_mlp_3layer(X.T, **THREE), "forward_mlp_3layer: X: expected (n, 20)"),
    "X, perceptron": (lambda: nn.forward_perceptron(X.T, np.ones((20, 1)), [0.0]), "forward_perceptron: X: expected (n, 20)"),
    "X, backward": (lambda: nn.backward_mlp(X.T, A1, A2, ONE_HOT, TWO["W1"], TWO["W2"], A1), "backward_mlp: X: expected (n, 20)"),
    "X, descent": (lambda: nn.gradient_descent(X.T, ONE_HOT, np.ones((20, 5)), np.zeros(5), 0.1, 1, 4, nn.mse_loss), "gradient_descent: X: expected (n, 20)"),
    "X, training": (lambda: nn.train_mlp(X.T, ONE_HOT), "train_mlp: X: expected a row for each sample in both X and y, received X of shape (20, 8), y (8, 5); X.T has it"),
    "X, training, labels": (lambda: nn.train_mlp(X.T, LABELS), "train_mlp: X: expected 8 rows, one per sample, as y has labels, received shape (20, 8); X.T has them"),
    "y, training": (lambda: nn.train_mlp(X, ONE_HOT.T), "y (5, 8); y.T has it"),
    "both, training": (lambda: nn.train_mlp(X.T, ONE_HOT.T), "X.T, y.T have it"),
    "weights": (lambda: nn.forward_mlp(X, TWO["W1"].T, *list(TWO.values())[1:]), "forward_mlp: W1: expected (20, outputs), a row for each input, received shape (16, 20); W1.T has it"),
    "matmul": (lambda: nn.Tensor(np.ones((8, 20)), requires_grad=True) @ np.ones((16, 20)), "(size 16 is different from 20)); b.T fits"),
    "matmul, first": (lambda: nn.Tensor(np.ones((20, 8))) @ np.ones((20, 3)), "; a.T fits"),
    "matmul, both": (lambda: nn.Tensor(np.ones((3, 2))) @ np.ones((4, 3)), "; a.T and b.T fit each other"),
    "sum": (lambda: nn.Tensor(np.ones((3, 2))) + np.ones((2, 3)), "; a.T has the shape of b"),
    "dense": (lambda: FLAT(np.ones((784, 9))), "X.T has them"),
    # one line
    "pictures": (lambda: nn.train_mlp(np.ones((8, 4, 4)), ONE_HOT), "X.reshape(len(X), -1) has a row for each picture"),
    "hidden": (lambda: nn.train_mlp(X, ONE_HOT, hidden=16), "train_mlp: hidden: expected a list of sizes, received 16; hidden=(16,) is one"),  # type: ignore[arg-type]  # wrong on purpose
    "one row": (lambda: nn.cross_entropy(P[0], ONE_HOT[0]), "received shape (5,); A[None] is one row"),
    "one row of scores": (lambda: nn.softmax_cross_entropy(Z[0], LABELS[:1]), "received shape (5,); logits[None] is one row"),
    # another size
    "size": (lambda: BUILT.predict(np.ones((2, 1, 32, 32))), "received shape (2, 450) [model[3] Dense(3)]; the model was built for inputs of shape (n, 1, 28, 28)"),
    "flat pictures": (lambda: BUILT.predict(np.ones((2, 784))), "(n, 1, 28, 28): X.reshape(-1, 1, 28, 28)"),
    "one picture": (lambda: BUILT.predict(np.ones((1, 28, 28))), "(n, 1, 28, 28): X[None] is one of them"),
    "pictures for rows": (lambda: FLAT.predict(np.ones((2, 28, 28))), "(n, 784): X.reshape(-1, 784)"),
    # without return
    "layer": (lambda: NoReturn()(X), f"NoReturn: forward: expected an array or a tensor, received None; {MISSING}"),
    "layer alone": (lambda: Sequential(NoReturn())(X), f"None; {MISSING} [model[0] NoReturn()]"),
    "layer in a model": (lambda: Sequential(NoReturn(), Dense(2))(X), f"{MISSING} [model[0] NoReturn()]"),
    "layer, predict": (lambda: Sequential(Dense(2), NoReturn()).predict(X), f"{MISSING} [model[1] NoReturn()]"),
    "layer, fit": (lambda: trained(NoReturn()), f"{MISSING} [model[0] NoReturn()]"),
    "penalty": (lambda: trained(NoPenalty()), f"NoPenalty: own_penalty: expected a number, received None; {MISSING}"),
    "activation": (lambda: Dense(2, activation=nothing)(X), f"Dense: activation: expected an array or a tensor, received None; {MISSING}"),
    "initializer": (lambda: Dense(2, initializer=nothing)(X), f"initializer: expected weights of shape (20, 2), received None; {MISSING}"),
    "loss": (lambda: trained(loss=nothing), f"Trainer: loss: expected a result of one number, received None; {MISSING}"),
    "metric": (lambda: trained(metrics=[nothing]), f"expected a result of one number, received None; {MISSING}"),
    "augment": (lambda: trained(augment=nothing), "(a NoneType); does the function that computes it lack its return?"),
    "measure": (lambda: trained(trainer=NoMeasure), f"Trainer: measure: expected a dict of numbers, received None; {MISSING}"),
    "evaluate": (lambda: trained(trainer=NoEvaluate), f"Trainer: evaluate: expected a dict of numbers, received None; {MISSING}"),
    "op": (lambda: no_return(X), f"no_return: the result: expected an array, received None; {MISSING}"),
    "op of a tensor": (lambda: no_return(nn.Tensor(X, requires_grad=True)), f"no_return: the result: expected an array, received None; {MISSING}"),
    "grad": (lambda: nn.grad(nothing)(2.0), f"received None; {MISSING}"),
    "check": (lambda: nn.check_gradients(nothing, [2.0]), f"received None; {MISSING}"),
    "descent": (lambda: nn.gradient_descent(X, ONE_HOT, np.ones((20, 5)), np.zeros(5), 0.1, 1, 4, nn.mse_loss, nothing), "activation_fn: expected real numbers"),
    "argument": (lambda: nn.relu(None), "does the function that computes it lack its return?"),  # type: ignore[arg-type]  # wrong on purpose
    # gradients
    "list": (lambda: nn.grad(lambda w: np.sum(w**2))([1.0, 2.0]), "grad: the argument: expected an array, such as np.array([1.0, 2.0])"),
    "list, check": (lambda: nn.check_gradients(lambda w: w * w, [[1.0, 2.0]]), "check_gradients: the argument: expected an array"),
    "too few": (lambda: nn.grad(lambda a, b: a * b)(2.0), "grad: the call: expected the arguments of the function: a, b, received 1 by position"),
    "too few, a list": (lambda: nn.grad(lambda a, b: a * b)([2.0, 3.0]), "a list: each number is to be passed by itself"),
    "by name": (lambda: nn.grad(lambda a, b: a * b)(a=2.0, b=3.0), "0 arguments passed by position, received 0; pass a, b by position: grad(f)(2.0, 3.0)"),
    "by name, hessian": (lambda: nn.hessian(lambda a: a * a)(a=2.0), "pass a by position: hessian(f)(2.0)"),
    "whole": (lambda: nn.check_gradients(cube, [1]), "received int; .astype(float)"),
    "float32": (lambda: nn.check_gradients(cube, [np.ones(2, "f")]), "received float32; .astype(float)"),
    "no list": (lambda: nn.check_gradients(cube, 2.0), "received float; check_gradients(f, [inputs]) is of one argument"),  # type: ignore[arg-type]  # wrong on purpose
    "no op": (lambda: gradient(cube, "x"), "gradient: function: expected an op, received cube; write @op above def cube"),
    "no name": (lambda: gradient(nn.relu), "gradient: missing a required argument: 'name'; here: nn.grad(f)(x)"),  # type: ignore[call-arg]  # wrong on purpose
    # layouts, names
    "filters of Keras": (lambda: nn.conv2d(np.ones((2, 1, 9, 9)), np.ones((3, 3, 1, 8))), "received shape (3, 3, 1, 8); filters are (F, C, fh, fw): filter_kernel.transpose(3, 2, 0, 1) turns those of Keras"),
    "swapped": (lambda: nn.confusion_matrix(np.array([0, 1, 2]), normal(3, 3)), "confusion_matrix: y_true: expected labels: class indices (n,), or rows of probabilities, received numbers from"),
    "build": (lambda: Sequential(Dense(3)).build((4,)), "Sequential.build: missing a required argument: 'rng'"),  # type: ignore[call-arg]  # wrong on purpose
    "summary": (lambda: Two().summary((4,)), "a Two of x, y; a list of 2 shapes is of several: summary([(3,), (4,)])"),
    "metric's name": (lambda: Trainer(BUILT, metrics="acuracy"), "received 'acuracy'; here: 'accuracy'"),
    # attributes
    "attribute": (lambda: Misses()(X), "'Misses' object has no attribute 'w'; here: w → an attribute that __init__ or build sets, as in self.w = nn.Parameter(np.zeros(3))"),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_a_mistake_is_answered(name: str) -> None:
    program, text = ANSWERS[name]
    kinds = (nn.NeuralNetworkError, AttributeError)
    with pytest.raises(kinds, match=re.escape(text)) as caught:
        program()
    assert len(str(caught.value)) <= 500


def manual(loss: Callable[[Any, Any], Any]) -> None:
    """Train by hand, with tensors and without an optimizer."""
    W = nn.Tensor(np.zeros((20, 5)) + 0.01, requires_grad=True)
    for _ in range(4):
        value = loss(X @ W + Z, ONE_HOT)
        value.backward()
        W = nn.Tensor(W.data - 0.1 * W.grad, requires_grad=True)  # type: ignore[operator]  # it has one


def by_hand(loss: Callable[[Any, Any], Any]) -> None:
    """Train by hand, with arrays."""
    W = TWO["W1"][:, :5].copy()
    for _ in range(4):
        loss(X @ W, ONE_HOT)
        W -= 0.1 * X.T @ (nn.softmax(X @ W) - ONE_HOT) / 8


WRONG_SUMS = r"^cross_entropy: A has rows that sum to [\d.]+ to [\d.]+, and not to 1: "
TWICE = "^softmax_cross_entropy takes scores, of which it computes the softmax itself, and each of "
HINTS: dict[str, tuple[Callable[[], Any], str]] = {
    "axis": (lambda: nn.cross_entropy(nn.softmax(Z, axis=0), ONE_HOT), WRONG_SUMS + r"the columns do, so softmax was taken over the rows: softmax\(Z, axis=1\)$"),
    "sigmoid": (lambda: nn.cross_entropy(nn.sigmoid(Z), ONE_HOT), WRONG_SUMS + r"softmax\(Z\) makes probabilities of the scores of each row$"),
    "one row": (lambda: nn.cross_entropy(nn.softmax(Z[:1], axis=0), ONE_HOT[:1]), "rows that sum to 5, and not to 1"),
    "logs": (lambda: nn.nll(nn.log_softmax(Z, axis=0), LABELS), r"^nll: log_probabilities holds the logarithms of rows that sum to .*: log_softmax\(Z, axis=1\)$"),
    "divergence": (lambda: nn.kl(nn.log_softmax(Z, axis=0), P), "^kl: log_q holds the logarithms of rows"),
    "backward": (lambda: nn.backward_mlp(X, A1, nn.softmax(A1 @ TWO["W2"], axis=0), ONE_HOT, TWO["W1"], TWO["W2"], A1), "^backward_mlp: A2 has rows that sum to"),
    "twice": (lambda: nn.softmax_cross_entropy(P, ONE_HOT), TWICE + "the 8 rows sums to 1"),
    "twice, indices": (lambda: nn.softmax_cross_entropy(P, LABELS), TWICE),
    "twice, float32": (lambda: nn.softmax_cross_entropy(P.astype("float32"), LABELS), TWICE),
    "twice, by hand": (lambda: by_hand(lambda o, y: nn.softmax_cross_entropy(nn.softmax(o), y)), TWICE),
    "axis, by hand": (lambda: by_hand(lambda o, y: nn.cross_entropy(nn.softmax(o, axis=0), y)), WRONG_SUMS),
    "twice, tensors": (lambda: manual(lambda o, y: nn.softmax_cross_entropy(nn.softmax(o), y)), TWICE),
    "axis, tensors": (lambda: manual(lambda o, y: nn.cross_entropy(nn.softmax(o, axis=0), y)), r"^cross_entropy: A has rows that sum to [\d.]+ to [\d.]+, and not to 1: "),
    "one column": (lambda: nn.cross_entropy(nn.sigmoid(Z[:, :1]), ONE_HOT[:, :1]), r"^cross_entropy: A has rows of one number: binary_cross_entropy takes"),
    "softmax of one column": (lambda: nn.cross_entropy(nn.softmax(Z[:, :1]), ONE_HOT[:, :1]), "rows of one number: binary_cross_entropy takes"),
    "pixels by hand": (lambda: nn.forward_mlp(PIXELS.reshape(5, 784), **nn.initial_parameters([784, 9, 5])), r"^forward_mlp: X holds numbers from 0 to 255, .*; scale them: X / 255$"),
    "three layers of pixels": (lambda: nn.forward_mlp_3layer(PIXELS.reshape(5, 784), **nn.initial_parameters([784, 9, 9, 5])), "^forward_mlp_3layer: X holds numbers from 0 to 255"),
    "paper of a drawing": (lambda: of_dark_paper().predict(1 - DIGITS[0][:1].reshape(1, 1, 28, 28)), "^predict: the picture is of dark ink on bright paper, .*nn.prepare_digit"),
    "axis, fit": (lambda: trained(loss=lambda o, y: nn.cross_entropy(nn.softmax(o, axis=0), nn.one_hot(y, 5))), "^fit: cross_entropy receives rows that sum to"),
    "bytes": (lambda: BUILT.predict(PIXELS.astype("u1")), r"^predict: model\[0\] Conv2D\(2, 3\) receives whole numbers from 0 to 255, as pixels are in files; .* X.astype\('float32'\) / 255$"),
    "pixels": (lambda: BUILT.predict(PIXELS.astype("f")), "receives whole numbers from 0 to 255"),
    "flat pixels": (lambda: FLAT.predict(PIXELS.reshape(5, 784)), r"model\[0\] Dense\(3\) receives whole numbers"),
    "evaluate": (lambda: Trainer(BUILT, progress=False).evaluate(PIXELS, [0, 1, 2, 1, 0]), "receives whole numbers"),
    "filters of Keras": (lambda: nn.conv2d(np.ones((2, 3, 9, 9)), np.ones((3, 3, 3, 8))), r"^conv2d: filter_kernel of shape \(3, 3, 3, 8\) is taken as 3 filters of 3×8, .*transpose\(3, 2, 0, 1\)$"),
    "channels of a filter": (lambda: nn.conv2d(np.ones((3, 9, 9)), np.ones((5, 5, 3))), r"one filter of 5×5 and 3 channels, which come first: filter_kernel.transpose\(2, 0, 1\)"),
    "shape": (lambda: nn.Parameter((3, 2)), r"^Parameter: the tuple \(3, 2\) is taken as 2 numbers; an array of that shape is np.zeros\(\(3, 2\)\)"),
    "channels last": (lambda: Sequential(nn.Conv2D(2, 3, padding="same")).predict(np.ones((2, 28, 28, 3))), r"^predict: X of shape \(28, 28, 3\) seems to have its channels last, .*X.transpose\(0, 3, 1, 2\)$"),
    "rate of 5": (lambda: nn.train_mlp(*DIGITS, lr=5, num_epochs=3), r"in the last epoch \(it has been .*\), and guessing has 2.3: the steps are too large; try lr=0.5"),
    "rate of 3": (lambda: nn.train_mlp(*DIGITS, lr=3, hidden=(64, 32), num_epochs=3), "try lr=0.3"),
}  # fmt: skip
IMAGES, DIGIT_LABELS = nn.load_mnist()
DIGITS = IMAGES[:1000].reshape(1000, 784) / 255, nn.one_hot(DIGIT_LABELS[:1000], 10)


@pytest.mark.parametrize("name", HINTS)
def test_a_silent_mistake_gets_one_hint(name: str) -> None:
    program, match = HINTS[name]
    texts = hints_of(program)
    assert len(texts) == 1, texts
    assert re.search(match, texts[0]), texts[0]


class Scaled(Layer):
    def __init__(self) -> None:
        self.body = Sequential(nn.Flatten(), Dense(3))

    def forward(self, X: Any) -> Any:
        return self.body(X / 255)


def on_pixels() -> None:
    model = Sequential(nn.Flatten(), Dense(3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the author knows
        Trainer(model, progress=False).fit(PIXELS, [0, 1, 2, 1, 0])
    model.predict(PIXELS)


def of_dark_paper() -> Any:
    X = DIGITS[0][:100].reshape(100, 1, 28, 28).astype("f")
    model = Sequential(nn.Flatten(), Dense(10))
    Trainer(model, progress=False).fit(X, DIGIT_LABELS[:100])
    model.predict(X)
    return model


RIGHT: dict[str, Callable[[], Any]] = {
    "filters": lambda: nn.conv2d(np.ones((2, 3, 9, 9)), np.ones((3, 3, 3, 3))),
    "wide filters": lambda: nn.conv2d(np.ones((2, 3, 9, 9)), np.ones((8, 3, 1, 9))),
    "values": lambda: nn.Parameter([3, 2]),
    "probabilities": lambda: nn.cross_entropy(P, ONE_HOT),
    "half": lambda: nn.cross_entropy(P.astype("float16"), ONE_HOT),
    "limited": lambda: nn.cross_entropy(np.clip(P, 1e-3, 1 - 1e-3), ONE_HOT),
    "rows that do not count": lambda: nn.cross_entropy(
        np.where(np.arange(8)[:, None] < 3, 0, P), ONE_HOT
    ),
    "scores": lambda: nn.softmax_cross_entropy(Z, LABELS),
    "equal scores": lambda: nn.softmax_cross_entropy(np.zeros((8, 5)), LABELS),
    "made up": lambda: nn.softmax_cross_entropy([[0.25, 0.75]], [1]),
    "ones": lambda: nn.softmax_cross_entropy(np.eye(5), np.arange(5)),
    "logs": lambda: nn.softmax_cross_entropy(nn.log_softmax(Z), LABELS),
    "nll": lambda: nn.nll(nn.log_softmax(Z), LABELS),
    "ignored": lambda: nn.nll(
        np.where(np.arange(8)[:, None] < 5, -1e9, nn.log_softmax(Z)),
        np.where(np.arange(8) < 5, -1, LABELS),
        ignore_index=-1,
    ),
    "scaled pixels": lambda: BUILT.predict(PIXELS / 255),
    "a model that scales": lambda: Scaled().initialize((1, 28, 28), rng=0).predict(PIXELS),
    "features": lambda: Sequential(Dense(2)).initialize((4,)).predict(np.full((3, 4), 200)),
    "tokens": lambda: (
        Sequential(nn.Embedding(300, 4), nn.Flatten(), Dense(2))
        .initialize((70,), dtype=np.int64)
        .predict(np.arange(140).reshape(2, 70))
    ),
    "trained on pixels": on_pixels,
    "rate of 0.5": lambda: nn.train_mlp(*DIGITS, lr=0.5, num_epochs=3),
    "rate of 0.01": lambda: nn.train_mlp(*DIGITS, lr=0.01, num_epochs=2),
    "few rows": lambda: nn.train_mlp(X, ONE_HOT, lr=0.5, num_epochs=20),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_gets_no_hint(name: str) -> None:
    assert hints_of(RIGHT[name]) == []


def test_floats_alone_are_differentiated_and_beside_arrays_are_options() -> None:
    nn.check_gradients(lambda x: x * x, [0.0])
    nn.check_gradients(lambda x, y: x * x * y, [0.5, 2.0])
    nn.check_gradients(lambda p: p["a"] * p["b"][0], [{"a": 1.0, "b": [2.0]}])
    nn.check_gradients(lambda x, rate: x * int(rate), [np.ones(2), 2.0])


def test_a_hint_of_a_line_is_given_once() -> None:
    def twice() -> None:
        for _ in range(3):
            nn.softmax_cross_entropy(P, LABELS)
        nn.softmax_cross_entropy(P, LABELS)

    assert len(hints_of(twice)) == 2
    assert len(hints_of(twice)) == 2


def test_a_layer_that_was_not_built_says_that_build_makes_its_attributes() -> None:
    class Made(Layer):
        def build(self, shape: tuple[int, ...], rng: Any) -> None:  # noqa: ARG002  # nothing is random
            self.gain = nn.Parameter(np.ones(shape[-1]))

    with pytest.raises(AttributeError, match="gain → build has not run; initialize"):
        _ = Made().gain  # type: ignore[attr-defined]  # wrong on purpose


def test_a_metric_may_be_given_by_its_name_alone() -> None:
    assert list(Trainer(Sequential(Dense(3)), metrics="accuracy").metrics or ()) == ["accuracy"]


def test_a_summary_of_several_inputs() -> None:
    assert Two().summary([(4,), (5,)]).parameters == 4 * 3 + 3 + 5 * 3 + 3
    assert Two().initialize((4,), (5,), rng=0).summary([(4,), (5,)]).multiply_adds == 27


def test_a_folder_in_place_of_a_file_names_the_files_in_it(tmp_path: Path) -> None:
    nn.save(BUILT, tmp_path / "model.safetensors")
    with pytest.raises(nn.FileFormatError, match=r"a folder; in it there is .*model.safetensors$"):
        nn.load(tmp_path)


def test_early_stopping_that_keeps_the_first_epoch_of_a_rising_rate() -> None:
    class Rising(Trainer):
        def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
            return {"loss": 1.0 + self.epoch, "accuracy": 0.2}

    def run(rate: Any) -> None:
        stopping = nn.EarlyStopping(patience=2)
        model = Sequential(Dense(16, "relu"), Dense(5))
        trainer = Rising(model, nn.Adam(rate), callbacks=[stopping], rng=0, progress=False)
        trainer.fit(X, LABELS, epochs=20, validation=(X, LABELS))

    (text,) = hints_of(lambda: run(nn.OneCycle(0.05)))
    assert re.search(r"^fit: the training stopped in epoch 3 of 20, and epoch 1 was the best", text)
    assert hints_of(lambda: run(0.01)) == []


def test_an_iterator_at_its_end_has_no_shape() -> None:
    ended = np.nditer(np.arange(3.0))
    for _ in ended:
        pass
    with pytest.raises(nn.DTypeError, match=r"matmul: a, b: expected"):
        matmul("text", ended)


def test_what_is_said_of_text_in_an_array_of_many_axes() -> None:
    for value in ("text", None):
        array = np.array([value], None if value else object).reshape((1,) * 64)
        with pytest.raises(nn.DTypeError, match="relu: Z: expected real numbers, received dtype"):
            nn.relu(array)
