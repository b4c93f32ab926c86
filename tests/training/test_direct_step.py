"""Steps that are computed without a tape: the numbers of the tape, and who is left to it."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.training.data import Batch
from tests.direct_steps import noting_steps
from tests.needs import need_fast

RNG = np.random.default_rng(0)
X = RNG.standard_normal((70, 5)).astype("f")
Y = RNG.integers(0, 3, 70)
Made = Callable[[], list[Any]]


class Taped(nn.Trainer):
    """A trainer whose loss is its own, so that each step has a tape."""

    def compute_loss(self, outputs: Any, batch: Any) -> Any:
        return super().compute_loss(outputs, batch)


@pytest.fixture(autouse=True)
def by_numpy() -> Iterator[None]:
    with nn.use_kernels("numpy"):
        yield


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return whether each step of the trainings of a test had no tape."""
    return noting_steps(monkeypatch)


def two() -> list[Any]:
    return [nn.Dense(7, "relu"), nn.Dense(3)]


def trained(
    kind: Any, made: Made, X: Any = X, y: Any = Y, epochs: int = 3, **options: Any
) -> tuple[Any, ...]:
    model = nn.Sequential(*made())
    if options.pop("wide", False):
        model.initialize(X.shape[1:], rng=3).astype(np.float64)
    rows = options.pop("rows", None)
    trainer = kind(model, options.pop("optimizer", nn.Adam(0.01)), rng=3, progress=False, **options)
    history = trainer.fit(X, y, epochs=epochs, batch_size=16, sample_weights=rows)
    gradients = [p.grad.copy() for p in model.parameters()]
    return model.flat_parameters().copy(), {n: [*v] for n, v in history.items()}, gradients


SERVED: dict[str, tuple[Made, Any, Any, dict[str, Any]]] = {
    "two layers": (two, X, Y, {}),
    "functions": (
        lambda: [nn.Dense(7, "tanh"), nn.Dense(6, "sigmoid"), nn.Dense(5, "gelu"), nn.Dense(3)],
        X, Y, {},
    ),
    "an option": (lambda: [nn.Dense(7, partial(nn.leaky_relu, slope=0.2)), nn.Dense(3)], X, Y, {}),
    "no bias": (lambda: [nn.Dense(7, "relu", bias=False), nn.Dense(3, bias=False)], X, Y, {}),
    "a container inside": (
        lambda: [nn.Sequential(nn.Dense(7), nn.Activation("relu")), nn.Dense(3)], X, Y, {},
    ),
    "float64 model": (two, X, Y, {"wide": True}),
    "float64 inputs": (two, X.astype(float), Y, {}),
    "integer inputs": (two, (4 * X).astype(int), Y, {}),
    "labels of bytes": (two, X, Y.astype("u1"), {}),
    "one-hot labels": (two, X, np.eye(3, dtype="f")[Y], {}),
    "dropout": (lambda: [nn.Dense(7, "relu"), nn.Dropout(0.3), nn.Dense(3)], X, Y, {}),
    "batch norm": (lambda: [nn.Dense(7, bias=False), nn.BatchNorm(), nn.Dense(3)], X, Y, {}),
    "flatten": (lambda: [nn.Flatten(), *two()], X.reshape(70, 1, 5, 1), Y, {}),
    "smoothed": (
        two, X, Y,
        {"loss": partial(nn.softmax_cross_entropy, label_smoothing=0.1, ignore_index=1)},
    ),
    "squares": (lambda: [nn.Dense(7, "relu"), nn.Dense(2)], X, X[:, :2], {"loss": "mse_loss"}),
    "wide targets": (
        lambda: [nn.Dense(2)], X, X[:, :2].astype(float), {"loss": "mse_loss"},
    ),
    "two classes": (
        lambda: [nn.Dense(7, "relu"), nn.Dense(1)], X, (Y[:, None] > 0).astype("f"),
        {"loss": "binary_cross_entropy_with_logits"},
    ),
    "metrics": (two, X, Y, {"metrics": ["accuracy", "f1"]}),
    "clipped and averaged": (two, X, Y, {"clip_norm": 0.1, "clip_value": 0.05, "average": 0.9}),
    "groups": (two, X, Y, {"optimizer": "pairs"}),
    "augmented": (two, X, Y, {"augment": lambda X, rng: X + rng.normal(size=X.shape)}),
    "momentum": (two, X, Y, {"optimizer": nn.SGD(0.1, momentum=0.9, weight_decay=0.1)}),
}  # fmt: skip
LEFT: dict[str, tuple[Made, dict[str, Any]]] = {
    "a loss of one's own": (two, {"loss": lambda out, y: nn.softmax_cross_entropy(out, y) * 2}),
    "weights of classes": (two, {"class_weights": [1, 2, 3]}),
    "weights of rows": (two, {"rows": np.arange(70.0)}),
    "a penalty": (lambda: [nn.Dense(7, "relu", l2=0.1), nn.Dense(3)], {}),
    "several batches a step": (two, {"accumulate": 2}),
    "layer norm": (lambda: [nn.Dense(7), nn.LayerNorm(), nn.Dense(3)], {}),
    "a residual block": (lambda: [nn.Residual(nn.Dense(5, "relu")), nn.Dense(3)], {}),
    "a function of one's own": (lambda: [nn.Dense(7, lambda Z: Z * 2), nn.Dense(3)], {}),
}


def pairs(made: Made) -> tuple[Made, Any]:
    layers = made()
    return lambda: layers, [(layers[0], nn.SGD(0.1)), (layers[1], nn.Adam(0.01))]


@pytest.mark.parametrize("name", SERVED)
def test_the_numbers_of_the_tape(served: list[bool], name: str) -> None:
    made, inputs, targets, options = SERVED[name]
    found = []
    for kind in (nn.Trainer, Taped):
        own, use = dict(options), made
        if own.get("optimizer") == "pairs":
            use, own["optimizer"] = pairs(made)
        found.append(trained(kind, use, inputs, targets, **own))
    assert served == [True] * 15 + [False] * 15
    (flat, history, gradients), (flat_taped, history_taped, gradients_taped) = found
    np.testing.assert_array_equal(flat, flat_taped, strict=True)
    assert history == history_taped
    for one, other in zip(gradients, gradients_taped, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


@pytest.mark.parametrize("name", LEFT)
def test_what_is_left_to_the_tape(served: list[bool], name: str) -> None:
    made, options = LEFT[name]
    trained(nn.Trainer, made, **options)
    assert served == [False] * len(served)
    assert served


def test_a_measure_and_measures_of_ones_own(served: list[bool]) -> None:
    kept = []

    class Own(nn.Trainer):
        def measure(self, outputs: Any, y: Any) -> dict[str, float]:
            kept.append(outputs)
            return super().measure(outputs, y)

        def add_measures(self, found: Any, y: Any, weight: float) -> None:
            super().add_measures({**found, "loss": found["loss"] + 1}, y, weight)

    _, own, _ = trained(Own, two)
    _, plain, _ = trained(nn.Trainer, two)
    assert served == [True] * 30
    assert own["loss"] == pytest.approx([loss + 1 for loss in plain["loss"]])
    assert own["accuracy"] == plain["accuracy"]
    assert not np.shares_memory(kept[-2], kept[-1])
    assert not np.array_equal(kept[-6], kept[-11])  # two full batches


def test_a_metric_may_keep_the_outputs(served: list[bool]) -> None:
    kept: list[Any] = []

    def keep(outputs: Any, y: Any) -> float:
        kept.append((outputs, outputs.copy()))
        return 0.0

    trained(nn.Trainer, two, metrics=[keep])
    assert all(served)
    for outputs, before in kept:
        np.testing.assert_array_equal(outputs, before)


class Change(nn.Callback):
    """Does something before a step."""

    def __init__(self, at: int, change: Callable[[Any], Any]) -> None:
        self.at, self.change = at, change

    def on_step_begin(self, trainer: Any) -> None:
        if trainer.step == self.at:
            self.change(trainer)


@pytest.mark.parametrize("parameter_alone", [True, False])
def test_what_is_frozen_in_the_middle(served: list[bool], parameter_alone: bool) -> None:
    def freeze(trainer: Any) -> None:
        if parameter_alone:
            trainer.model[0].weight.requires_grad = False
        else:
            trainer.model[0].freeze()

    def thaw(trainer: Any) -> None:
        trainer.model[0].unfreeze()

    def callbacks() -> list[Any]:
        return [Change(4, freeze), Change(9, thaw)]

    flat, history, _ = trained(nn.Trainer, two, callbacks=callbacks())
    assert served == [True] * 4 + [False] * 5 + [True] * 6
    taped, history_taped, _ = trained(Taped, two, callbacks=callbacks())
    np.testing.assert_array_equal(flat, taped)
    assert history == history_taped


def test_the_loss_may_be_exchanged_by_a_callback(served: list[bool]) -> None:
    def change(trainer: Any) -> None:
        trainer.loss = partial(nn.softmax_cross_entropy, label_smoothing=0.5)

    flat, _, _ = trained(nn.Trainer, two, callbacks=[Change(4, change)])
    assert served == [True] * 4 + [False] * 11
    taped, _, _ = trained(Taped, two, callbacks=[Change(4, change)])
    np.testing.assert_array_equal(flat, taped)


def test_each_layer_is_called_where_somebody_looks(served: list[bool]) -> None:
    seen: list[str] = []
    with nn.watching(lambda layer, _X, _out: seen.append(type(layer).__name__)):
        trained(nn.Trainer, two)
    assert not any(served)
    assert "Dense" in seen
    served.clear()
    with nn.debug():
        trained(nn.Trainer, two)
    assert served
    assert not any(served)


def test_batches_of_many_sizes(served: list[bool]) -> None:
    cuts = np.cumsum([5, 9, 1, 20, 4, 8, 5, 9])
    batches = list(zip(np.split(X, cuts), np.split(Y, cuts), strict=True))

    def run(kind: Any) -> Any:
        model = nn.Sequential(*two())
        kind(model, rng=0, progress=False).fit([b for b in batches if len(b[0])], epochs=3)
        return model.flat_parameters()

    flat = run(nn.Trainer)
    assert all(served)
    np.testing.assert_array_equal(flat, run(Taped))


@pytest.mark.parametrize("scale", [1e30, 1e38])
def test_what_diverges_gets_the_sentence_of_the_tape(scale: float) -> None:
    texts = []
    for kind in (nn.Trainer, Taped):
        model = nn.Sequential(*two()).initialize((5,), rng=0)

        def spoil(trainer: Any) -> None:
            trainer.memory.flat[:] *= scale

        trainer = kind(model, rng=0, progress=False, callbacks=[Change(3, spoil)])
        with pytest.raises(nn.DivergenceError) as caught:
            trainer.fit(X, Y, epochs=3, batch_size=16)
        texts.append(str(caught.value))
        assert trainer.step == 3
    assert texts[0] == texts[1]


def test_a_bad_label_of_a_later_batch_gets_its_sentence() -> None:
    def batches(epoch: int) -> Iterator[Any]:
        yield X, Y
        yield X, Y + epoch

    trainer = nn.Trainer(nn.Sequential(*two()), rng=0, progress=False)
    with pytest.raises(nn.ArgumentError, match="labels: expected class indices from 0 to 2"):
        trainer.fit(batches, epochs=2)
    assert trainer.step == 3


def test_a_large_batch_is_left_to_the_tape(
    served: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neural_network.training.direct_step.MOST_NUMBERS", 16 * 44 - 1)
    trained(nn.Trainer, two)  # 5 + 3 * 7, and 7 + 3 * 3 for each row
    assert served == [True] * 15
    monkeypatch.setattr("neural_network.training.direct_step.MOST_NUMBERS", 16 * 42 - 1)
    served.clear()
    trained(nn.Trainer, two)
    assert served == [False, False, False, False, True] * 3


def test_a_resumed_training_has_the_same_numbers(tmp_path: Any, served: list[bool]) -> None:
    def trainer(*callbacks: Any) -> Any:
        return nn.Trainer(nn.Sequential(*two()), rng=1, progress=False, callbacks=[*callbacks])

    whole = trainer()
    whole.fit(X, Y, epochs=4, batch_size=16)
    path = tmp_path / "kept"
    trainer(nn.Checkpoint(path)).fit(X, Y, epochs=2, batch_size=16)
    resumed = trainer()
    resumed.fit(X, Y, epochs=4, batch_size=16, resume=path)
    assert all(served)
    np.testing.assert_array_equal(
        whole.model.flat_parameters(), resumed.model.flat_parameters(), strict=True
    )


def test_a_step_by_hand_after_a_fit(served: list[bool]) -> None:
    trainer = nn.Trainer(nn.Sequential(*two()), rng=1, progress=False)
    trainer.fit(X, Y)
    trainer.memory.begin_step()
    loss = trainer.train_step(Batch(X, Y))
    assert served[-1]
    assert loss == pytest.approx(float(nn.softmax_cross_entropy(trainer.model.predict(X), Y)))
    again = trainer.train_step(Batch(X, Y))  # a second batch of one step
    assert not served[-1]
    assert math.isclose(loss, again, rel_tol=1e-5)


def test_layers_may_be_exchanged_after_a_fit(served: list[bool]) -> None:
    trainer = nn.Trainer(nn.Sequential(*two()), rng=1, progress=False)
    trainer.fit(X, Y)
    model: Any = trainer.model
    model.insert(1, nn.Activation("tanh"))
    model[-1].bias.data[:] = [0, 1, 2]
    model.predict(X)
    trainer.memory.begin_step()
    loss = trainer.train_step(Batch(X, Y))
    assert served[-1]
    assert loss == pytest.approx(float(nn.softmax_cross_entropy(model.predict(X), Y)))
    model.append(nn.Dense(3)).initialize((5,), rng=0)
    trainer.train_step(Batch(X, Y))  # its memory has no place for the new layer
    assert not served[-1]


@pytest.mark.parametrize("mode", ["numpy", "numba"])
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_of_a_trainer_has_steps_of_its_own(
    served: list[bool], copied: Any, mode: str
) -> None:
    if mode == "numba":
        need_fast()
    with nn.use_kernels(mode):
        trainer = nn.Trainer(nn.Sequential(*two()), rng=1, progress=False)
        trainer.fit(X, Y)
        other = copied(trainer)
        before = trainer.model.flat_parameters().copy()
        other.fit(X, Y)
        np.testing.assert_array_equal(trainer.model.flat_parameters(), before)
        trainer.fit(X, Y)
    assert all(served)
    np.testing.assert_array_equal(trainer.model.flat_parameters(), other.model.flat_parameters())
