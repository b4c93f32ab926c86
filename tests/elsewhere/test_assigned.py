"""Attributes that are set, names of classes, modules that are imported."""

from __future__ import annotations

import copy
import importlib.util
import inspect
import pickle
import pydoc
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.elsewhere.assigned import ASSIGNED

X, y = np.ones((6, 4), np.float32), np.arange(6) % 3


def trainer(**options: Any) -> nn.Trainer:
    return nn.Trainer([nn.Dense(3)], nn.SGD(0.1), rng=0, progress=False, **options)


MODULES = [
    ("optim", "nn.Adam"), ("optim.lr_scheduler", "nn.Adam"), ("optimizers", "nn.Adam"),
    ("losses", "nn.softmax_cross_entropy"), ("metrics", "accuracy"),
    ("callbacks", "nn.EarlyStopping"), ("nn", "import neural_network as nn"),
    ("nn.functional", "import neural_network as nn"), ("utils.data", "batches"),
    ("data", "nn.batches"), ("transforms", "nn.Augment"), ("preprocessing.image", "X.std()"),
    ("activations", "activation="), ("initializers", "initializer="), ("regularizers", "l2="),
    ("applications", "small_resnet"), ("keras.layers", "the package itself"),
    ("torch", "the package itself"), ("cuda", "processor"), ("random", "rng="),
    ("linalg", "np.linalg"), ("backend", "NumPy"), ("model_selection", "nn.split"),
    ("layers.core", "from neural_network.layers import …"), ("layers.Dense", "nn.Dense"),
    ("layers.convolutional", "from neural_network.layers import …"),
    ("training.losses", "nn.softmax_cross_entropy"), ("layrs", "neural_network.layers"),
    ("layer", "neural_network.layers"), ("model", "neural_network.models"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "answer"), MODULES)
@pytest.mark.parametrize("form", ["import {}", "import {} as other", "from {} import Adam"])
def test_a_module_that_there_is_not(module: str, answer: str, form: str) -> None:
    line = form.format(f"neural_network.{module}")
    with pytest.raises(
        ModuleNotFoundError, match="^No module named 'neural_network.*; here: "
    ) as w:
        exec(line, {})
    assert answer in str(w.value)
    assert isinstance(w.value, nn.NeuralNetworkError)
    assert len(str(w.value)) <= 500
    assert w.value.name is not None
    assert w.value.name.startswith("neural_network.")


def test_questions_about_modules_are_answered_as_before() -> None:
    assert importlib.util.find_spec("neural_network.optim") is None
    assert importlib.util.find_spec("neural_network.layers") is not None
    assert not hasattr(nn, "optim")
    with pytest.raises(ModuleNotFoundError, match="^No module named 'no_package'$"):
        importlib.import_module("no_package")
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'neural_network.xyzzy'$"):
        importlib.import_module("neural_network.xyzzy")
    code = "import neural_network.optim"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.count('File "') == 2  # that line, and the one that raises


def test_objects_do_not_have_what_they_refuse() -> None:
    for made in (nn.Adam(0.1), trainer(), nn.Cosine(0.1), nn.EarlyStopping()):
        bases = [base.__name__ for base in type(made).__mro__]
        words = [
            w for base in bases for theirs, *_ in ASSIGNED.get(base, ()) for w in theirs.split()
        ]
        assert len(words) >= 3
        for word in words:
            assert not hasattr(made, word)
            assert not hasattr(type(made), word)
            assert word not in dir(made)
            assert word not in dir(type(made))
            assert word not in vars(made)
    assert "param_groups" not in pydoc.render_doc(nn.Adam)
    assert "learning_rate" in dir(nn.Adam(0.1))


def test_objects_are_copied_as_before() -> None:
    optimizer = nn.Adam(nn.Cosine(0.5))
    for made in (
        copy.copy(optimizer),
        copy.deepcopy(optimizer),
        pickle.loads(pickle.dumps(optimizer)),
    ):
        assert made.settings() == optimizer.settings()


def test_classes_of_ones_own_may_have_any_attribute() -> None:
    class Own(nn.training.Optimizer):
        def __init__(self, lr: float, decay: float = 0.5) -> None:
            super().__init__(lr)
            self.lr, self.decay = lr, decay

        def apply(self, parameters: Any, gradients: Any, _: Any, rate: float) -> None:
            parameters -= rate * gradients * self.decay

    class Net(nn.Layer):
        weights = 3

        def __init__(self) -> None:
            self.body, self.device = nn.Dense(3), "cpu"

        def forward(self, X: Any) -> Any:
            self.kernel = X.shape
            return self.body(X)

    class Watching(nn.Callback):
        monitor = "loss"

        def on_fit_begin(self, trainer: nn.Trainer) -> None:  # noqa: ARG002  # of the base
            self.min_delta = 3

    class Mine(nn.Trainer):
        batch_size = 3

    optimizer, net, watching = Own(0.1), Net(), Watching()
    assert (optimizer.lr, optimizer.decay) == (0.1, 0.5)
    mine = Mine(net, optimizer, callbacks=[watching], rng=0, progress=False)
    mine.lr = 7
    mine.batch_size = 8
    with pytest.warns(nn.TrainingHint, match="trainer.lr was set, which nothing reads"):
        mine.fit(X, y)
    optimizer.lr = 0.7
    net.b = net.weights = 5
    assert (mine.lr, mine.batch_size, optimizer.lr, net.b, watching.min_delta) == (7, 8, 0.7, 5, 3)
    assert not hasattr(nn.SGD(0.1), "decay")
    for name in ("trainable", "requires_grad"):
        with pytest.raises(AttributeError, match=rf"{name} → freeze\(\) and unfreeze\(\)"):
            setattr(net, name, False)

    class Keras(nn.Layer):
        trainable = True

    layer = Keras()
    layer.trainable = False
    assert not layer.trainable


def test_what_works_by_assignment() -> None:
    made = trainer()
    made.fit(X, y)
    weight = made.model[0].weight
    weight.requires_grad = False
    before = weight.data.copy()
    made.fit(X, y, epochs=2)
    np.testing.assert_array_equal(weight.data, before)
    weight.requires_grad = True
    made.optimizer.learning_rate = 0.0125
    made.fit(X, y)
    assert made.rate == 0.0125
    made.optimizer.learning_rate = nn.Cosine(0.5)
    made.fit(X, y)
    assert made.rate == 0.5
    assert not np.array_equal(weight.data, before)
    model = nn.Sequential(nn.Dense(4), nn.Dense(3))
    del model[0]
    assert len(model) == 1


SETTINGS: list[tuple[str, Any, str]] = [
    ("model", 3, "Trainer: model: expected a layer or model, received 3"),
    ("optimizer", "addam", "Trainer: optimizer|optimizer: expected .* here: 'adam'"),
    ("loss", "mse", "Trainer: loss: .* here: 'mse_loss'"),
    ("loss", 3, "Trainer: loss: expected a function"),
    ("metrics", ["acc"], "Trainer: metrics: .* here: 'accuracy'"),
    ("metrics", 3, "Trainer: metrics: expected a list"),
    ("callbacks", nn.EarlyStopping(), "Trainer: callbacks: expected a list of callbacks"),
    ("callbacks", [3], r"Trainer: callbacks\[0\]: expected a Callback"),
    ("seed", "x", "Trainer: rng: expected a whole number"),
    ("augment", 3, "Trainer: augment: expected a function"),
    ("class_weights", "even", "Trainer: class_weights: expected one of 'balanced'"),
    ("clip_norm", "x", "Trainer: clip_norm: expected a finite number above 0"),
    ("clip_value", -1, "Trainer: clip_value: expected a finite number above 0"),
    ("accumulate", 0, "Trainer: accumulate: expected a whole number of at least 1"),
    ("average", 2, "ExponentialAverage: decay: expected"),
    ("progress", "no", "Trainer: progress: expected True or False"),
]


@pytest.mark.parametrize(("name", "value", "match"), SETTINGS)
def test_settings_are_checked_where_they_are_assigned_later(
    name: str, value: Any, match: str
) -> None:
    made = trainer()
    made.fit(X, y)
    before = made.model[0].weight.data.copy()
    setattr(made, name, value)
    with pytest.raises(nn.ArgumentError, match=match):
        made.fit(X, y)
    if isinstance(made.model, nn.Layer):
        np.testing.assert_array_equal(made.model[0].weight.data, before)


def test_settings_are_turned_where_they_are_assigned_later() -> None:
    made = trainer()
    made.fit(X, y)
    plateau = nn.ReduceOnPlateau(0.1, patience=1)
    made.optimizer, made.metrics, made.average = nn.SGD(plateau), {"share": nn.accuracy}, 0.9
    made.loss, made.class_weights = "hinge", [1, 2, 3]
    assert set(made.evaluate(X, y)) == {"loss", "share"}
    history = made.fit(X, y, epochs=3)
    assert set(history) == {"loss", "share"}
    assert made.fit(X, y, epochs=3)["loss"] != history["loss"]  # on other weights
    made.callbacks.append(3)  # type: ignore[arg-type]  # the mistake
    with pytest.raises(nn.DTypeError, match=r"callbacks\[0\]: expected a Callback"):
        made.fit(X, y)


def test_a_size_is_a_number() -> None:
    size = nn.Tensor(X).size
    assert size == 24
    assert size + 1 == 25
    assert np.zeros(size).shape == (24,)
    assert str(size) == "24"
    assert inspect.signature(size) is not None
    assert type(pickle.loads(pickle.dumps(size))) is type(size)
