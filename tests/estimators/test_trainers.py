"""TrainerClassifier and TrainerRegressor: models, functions that make them, their arguments."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from neural_network import (
    ArgumentError,
    BatchNorm,
    Dense,
    Embedding,
    Flatten,
    Layer,
    Sequential,
    ShapeError,
    estimators,
    hinge,
    models,
)
from tests.estimators.data import CONVERGES_NOT, QUICK, pictures, points

pytestmark = pytest.mark.filterwarnings(CONVERGES_NOT)
X, Y = points()
TrainerClassifier, TrainerRegressor = estimators.TrainerClassifier, estimators.TrainerRegressor


def network(classes: int, units: int = 5, activation: str = "relu") -> Sequential:
    return Sequential(Dense(units, activation), Dense(classes))


class Network(Layer):
    def __init__(self, outputs: int, units: int = 4) -> None:
        self.hidden, self.last = Dense(units, "tanh"), Dense(outputs)

    def forward(self, X: Any) -> Any:
        return self.last(self.hidden(X))


MODELS = {
    "none": None,
    "function": network,
    "class": Network,
    "model": Sequential(Dense(4, "relu"), Dense(3)),
    "layer": Dense(3),
    "list": [Dense(4, "relu"), Dense(3)],
    "function of a list": lambda classes: [Dense(4, "relu"), Dense(classes)],
    "name": "perceptron",
    "function that builds": models.perceptron,
    "with batch norm": Sequential(Dense(4), BatchNorm(), Dense(3)),
}


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_models(kind: str, dtype: str) -> None:
    rows = X.astype(dtype)
    fitted = TrainerClassifier(MODELS[kind], **QUICK).fit(rows, Y)
    assert fitted.predict_proba(rows).shape == (120, 3)
    assert fitted.model_.dtype == dtype
    again = TrainerClassifier(MODELS[kind], **QUICK).fit(rows, Y)
    assert again.loss_curve_ == fitted.loss_curve_


def test_the_given_model_stays_as_it_is() -> None:
    given = Sequential(Dense(4, "relu"), Dense(3)).initialize((2,), rng=0)
    before = given.flat_parameters().copy()
    fitted = TrainerClassifier(given, **QUICK).fit(X, Y)
    np.testing.assert_array_equal(given.flat_parameters(), before)
    np.testing.assert_allclose(fitted.model_.flat_parameters(), before, atol=0.01)  # it began there


def test_none_is_the_perceptron() -> None:
    fitted = TrainerClassifier(**QUICK).fit(X, Y)
    expected = estimators.MLPClassifier(alpha=0.0, **QUICK).fit(X, Y)
    np.testing.assert_array_equal(fitted.predict_proba(X), expected.predict_proba(X))


def test_pictures_and_words() -> None:
    images, labels = pictures(shape=(1, 8, 8))
    fitted = TrainerClassifier(models.tiny_cnn, **QUICK).fit(images, labels)
    assert fitted.predict(images).shape == (40,)
    digits = np.zeros((20, 784), np.float32)
    fitted = TrainerClassifier("lenet5", image_shape=(28, 28), **QUICK | {"max_iter": 1})
    assert fitted.fit(digits, np.arange(20) % 2).input_shape_ == (1, 28, 28)
    words = np.random.default_rng(0).integers(0, 9, (60, 4))
    reader = TrainerClassifier([Embedding(9, 3), Flatten(), Dense(2)], **QUICK)
    assert reader.fit(words, words[:, 0] > 4).predict(words).shape == (60,)


def test_rows_of_any_shape() -> None:
    fitted = TrainerClassifier([Flatten(), Dense(2)], **QUICK)
    rows = np.random.default_rng(0).normal(size=(20, 3, 2, 2, 2))
    assert fitted.fit(rows, np.arange(20) % 2).input_shape_ == (3, 2, 2, 2)


def test_arguments_of_the_model() -> None:
    estimator = TrainerClassifier(network, model__units=7, **QUICK)
    assert estimator.get_params()["model__units"] == 7
    assert "model__units=7" in repr(estimator)
    other = clone(estimator).set_params(model__activation="tanh", max_iter=2)
    assert (other.get_params()["model__units"], other.max_iter) == (7, 2)
    assert repr(other.fit(X, Y).model_[0]) == "Dense(units=7, activation='tanh')"
    assert "model__activation" not in estimator.get_params()
    loaded = pickle.loads(pickle.dumps(other))
    assert loaded.get_params() == other.get_params()


INSIDE = {
    "model__units": (Dense(3), {"model__activation": "tanh"}, "activation='tanh'"),
    "of a layer": (Sequential(Dense(4), Dense(3)), {"model__0__units": 9}, "units=9"),
    "of a layer inside": (
        Sequential(Sequential(Dense(4), Dense(4)), Dense(3)), {"model__0__1__units": 9}, "units=9"),
    "of an attribute": (Network(3), {"model__hidden__units": 9}, ""),
}  # fmt: skip


@pytest.mark.parametrize("case", INSIDE)
def test_arguments_of_layers(case: str) -> None:
    model, options, shown = INSIDE[case]
    fitted = TrainerClassifier(model, **options, **QUICK).fit(X, Y)
    assert shown in repr(fitted.model_)
    if case == "of an attribute":
        assert fitted.model_.hidden.units == 9


def test_layers_are_arguments_too() -> None:
    fitted = TrainerClassifier([Dense(4), Dense(3)], model__0=Dense(6, "tanh"), **QUICK).fit(X, Y)
    assert repr(fitted.model_[0]) == "Dense(units=6, activation='tanh')"
    search = GridSearchCV(fitted, {"model__0": [Dense(5), Dense(7)]}, cv=2).fit(X, Y)
    assert search.best_estimator_.model_[0].units in (5, 7)


@pytest.mark.parametrize("name", ["classes", "outputs", "n_classes", "num_classes", "n_outputs"])
def test_a_function_gets_the_number_of_classes_by_any_usual_name(name: str) -> None:
    make = eval(f"lambda {name}: [Dense({name})]", {"Dense": Dense})
    assert TrainerClassifier(make, **QUICK).fit(X, Y).n_outputs_ == 3


def test_a_search_over_them() -> None:
    search = GridSearchCV(
        TrainerClassifier(network, **QUICK), {"model__units": [2, 3], "learning_rate": [0.1]}, cv=2
    ).fit(X, Y)
    assert search.best_estimator_.model_[0].units in (2, 3)


def test_one_score_for_two_classes() -> None:
    fitted = TrainerClassifier([Dense(6, "tanh"), Dense(1)], learning_rate=0.05, tol=1e-3,
                               random_state=0).fit(X, Y == 0)  # fmt: skip
    assert fitted.score(X, Y == 0) > 0.9
    scores = fitted.decision_function(X)
    assert scores.shape == (120,)
    np.testing.assert_allclose(fitted.predict_proba(X)[:, 1], 1 / (1 + np.exp(-scores)))


def test_other_losses() -> None:
    by_name = TrainerRegressor(Dense(1), loss="huber", **QUICK).fit(X, Y)
    assert by_name.loss_curve_ != TrainerRegressor(Dense(1), **QUICK).fit(X, Y).loss_curve_
    by_function = TrainerClassifier(Dense(3), loss=hinge, **QUICK).fit(X, Y)
    assert by_function.predict(X).shape == (120,)


def test_options_of_the_trainer() -> None:
    plain = TrainerClassifier(network, **QUICK).fit(X, Y).loss_curve_
    for option in ({"clip_norm": 1e-3}, {"accumulate": 2}, {"average": 0.5}):
        fitted = TrainerClassifier(network, batch_size=40, **option, **QUICK).fit(X, Y)
        assert fitted.loss_curve_ != plain


def test_outputs_of_regressors() -> None:
    class Squeezed(Layer):
        def __init__(self) -> None:
            self.dense = Dense(1)

        def forward(self, X: Any) -> Any:
            return self.dense(X)[:, 0]

    assert TrainerRegressor(Squeezed(), **QUICK).fit(X, Y).predict(X).shape == (120,)


REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no model": (3, {}, "model: expected a model, a function that makes one, a name"),
    "no name": ("resnet50", {}, "model: expected one of"),
    "a function of something else": (lambda: 3, {}, "model: expected a function that returns"),
    "outputs": (Dense(4), {}, r"model: expected outputs \(3,\) for a row, received \(4,\)"),
    "an argument of the function": (
        network, {"model__size": 3}, "expected arguments of network: classes, units"),
    "an argument without a value": (
        lambda width, classes: [Dense(width), Dense(classes)], {}, "model: expected a function of cla.*received model__width without one"),
    "a network of PyTorch": (
        type("Module", (), {"state_dict": dict, "__call__": len})(), {}, "expected a model, a func"),
    "an argument of the model": (Dense(3), {"model__size": 3}, "model__size"),
    "a layer": (Sequential(Dense(3)), {"model__5__units": 3}, "expected a layer among 0"),
    "a model that does not fit": ("tiny_cnn", {}, r"Conv2D: X: expected \(N, C, H, W\)"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused_models(case: str) -> None:
    model, options, message = REFUSED[case]
    estimator = TrainerClassifier(model, **options, **QUICK)
    before = dict(vars(estimator))
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        estimator.fit(X, Y)
    assert len(str(caught.value)) <= 500
    assert vars(estimator) == before


def test_arguments_of_the_model_have_a_prefix() -> None:
    for make in (TrainerClassifier, TrainerRegressor):
        with pytest.raises(TypeError, match="unexpected .* 'units'; here: units → model__ before"):
            make(network, units=3)
        with pytest.raises(TypeError, match="unexpected keyword argument 'unts'; it takes model"):
            make(network, unts=3)
        with pytest.raises(TypeError, match="fit: got an unexpected keyword argument 'model_argum"):
            make(network, model_arguments=3).fit(X, Y)  # the parameter's own name
        with pytest.raises(ValueError, match="set_params: .* 'units'; here: units → model__ bef"):
            make(network).set_params(units=3)


def test_one_output_for_three_classes() -> None:
    with pytest.raises(ShapeError, match=r"model: expected outputs \(3,\) for a row"):
        TrainerClassifier(Dense(1), **QUICK).fit(X, Y)
    with pytest.raises(ShapeError, match=r"model: expected outputs \(2,\) for a row"):
        TrainerRegressor(Dense(1), **QUICK).fit(X, np.stack([Y, Y], axis=1))
    with pytest.raises(ArgumentError, match="set_params|Invalid parameter|expected"):
        TrainerClassifier(network, model__units=0, **QUICK).fit(X, Y)
