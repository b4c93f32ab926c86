"""The training loop computes what it says: steps, means, averages, weights, frozen parts."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import SGD, Adam, BatchNorm, Dense, Dropout, Trainer
from neural_network.training.objectives import measured

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 5)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 1)


def model(*layers: nn.Layer) -> nn.Sequential:
    return nn.Sequential(*(layers or (Dense(6, "tanh"), Dense(3)))).initialize((5,), rng=1)


def weights(trained: nn.Layer) -> np.ndarray:
    return trained.flat_parameters().copy()


def run(
    trained: nn.Layer | None = None, *, fit: dict[str, Any] | None = None, **options: Any
) -> Trainer:
    chosen = {"optimizer": SGD(0.1), "rng": 2, "progress": False} | options
    trainer = Trainer(trained or model(), **chosen)
    trainer.fit(X, Y, **({"epochs": 2, "batch_size": 8} | (fit or {})))
    return trainer


def test_a_step_is_the_gradient_times_the_rate() -> None:
    trained, by_hand = model(), model()
    run(trained, fit={"epochs": 1, "batch_size": 100})  # more than there are: one batch
    loss = nn.softmax_cross_entropy(by_hand(X), Y)
    loss.backward()
    moved = by_hand.flat_parameters() - 0.1 * by_hand.flat_gradients()
    np.testing.assert_allclose(weights(trained), moved, rtol=2e-6, atol=1e-8)


def test_the_measures_are_means_over_rows() -> None:
    trained = model()
    trainer = run(
        trained, optimizer=SGD(1e-30), fit={"epochs": 1, "batch_size": 16, "validation": (X, Y)}
    )
    found = trainer.history
    assert list(found) == ["loss", "accuracy", "validation_loss", "validation_accuracy"]
    assert trainer.step == 3  # of 16, 16 and 8 rows
    np.testing.assert_allclose(
        found["loss"], nn.softmax_cross_entropy(trained.predict(X), Y), rtol=1e-6
    )
    np.testing.assert_allclose(found["loss"], found["validation_loss"], rtol=1e-6)
    assert found["accuracy"] == found["validation_accuracy"] == [nn.accuracy(trained.predict(X), Y)]
    assert trainer.evaluate(X, Y)["accuracy"] == found["accuracy"][0]


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_one_seed_one_result(optimizer: str, tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")

    def learn(data: np.ndarray, seed: int) -> tuple[bytes, dict[str, list[float]]]:
        fresh = nn.Sequential(Dense(6), BatchNorm(), Dropout(0.5), Dense(3))  # built by the seed
        trainer = Trainer(fresh, optimizer, rng=seed, progress=False, average=0.9,
                          augment=lambda X, rng: X + rng.normal(size=X.shape))  # fmt: skip
        history = trainer.fit(data, Y, epochs=2, batch_size=7)
        return b"".join(a.tobytes() for a in trainer.memory.arrays().values()), dict(history)

    assert learn(X, 0) == learn(X, 0) == learn(mapped, 0)
    assert learn(X, 0)[0] != learn(X, 1)[0]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("size", [4, 5, 7])
def test_small_batches_added_up_are_one_large_batch(size: int, weighted: bool) -> None:
    def learn(batch_size: int, accumulate: int) -> Trainer:
        trained = model(Dense(8, "tanh", l2=0.01), Dropout(0.4), Dense(3))
        options: dict[str, Any] = {"class_weights": {1: 3.0}} if weighted else {}
        fit = {
            "batch_size": batch_size,
            "sample_weights": np.linspace(0, 2, 40) if weighted else None,
        }
        return run(trained, accumulate=accumulate, optimizer=Adam(0.01), fit=fit, **options)

    # 40 rows in batches of 7, three to a step: 21 rows and 19, of which the last batch has 5.
    small, large = learn(size, 3), learn(3 * size, 1)
    assert small.step == large.step
    np.testing.assert_allclose(weights(small.model), weights(large.model), rtol=1e-4, atol=2e-6)
    assert small.history["accuracy"] == large.history["accuracy"]


class Rates(nn.Callback):
    def __init__(self) -> None:
        self.rates, self.events = [], []

    def on_step_begin(self, trainer: Trainer) -> None:
        self.events.append(f"begin {trainer.step}")

    def on_step_end(self, trainer: Trainer, loss: float) -> None:  # noqa: ARG002
        self.rates.append(trainer.rate)
        self.events.append(f"end {trainer.step}")


def test_schedules_count_epochs_and_callbacks_are_told_of_whole_steps() -> None:
    rates = Rates()
    run(optimizer=SGD(nn.Cosine(1.0)), callbacks=[rates], fit={"batch_size": 10})
    np.testing.assert_allclose(rates.rates, [nn.Cosine(1.0)(t / 4, 2) for t in range(8)])
    rates = Rates()
    run(optimizer=SGD(nn.Cosine(1.0)), accumulate=3, callbacks=[rates], fit={"batch_size": 10})
    np.testing.assert_allclose(rates.rates, [nn.Cosine(1.0)(t, 2) for t in (0, 0.75, 1, 1.75)])
    assert rates.events == [
        f"{word} {step + (word == 'end')}" for step in range(4) for word in ("begin", "end")
    ]


def test_the_plateau_sees_the_validation_loss_or_else_the_loss() -> None:
    seen: list[float] = []

    class Spy(nn.ReduceOnPlateau):
        def observe(self, value: float) -> None:
            seen.append(value)

    trainer = run(optimizer=SGD(Spy(0.1)), fit={"validation": (X[:9], Y[:9])})
    assert seen == trainer.history["validation_loss"]
    seen.clear()
    trainer = run(optimizer=SGD(Spy(0.1)))
    assert seen == trainer.history["loss"]


def test_validation_that_is_not_finite_stops_no_schedule() -> None:
    bad = np.full((3, 5), 1e38, np.float32)  # finite, but no sum of five is
    stop = nn.EarlyStopping(patience=2)
    trainer = run(model(Dense(6), Dense(3)), optimizer=SGD(nn.ReduceOnPlateau(0.1, patience=0)),
                  callbacks=[stop], fit={"validation": (bad * 3, [0, 1, 2]), "epochs": 5})  # fmt: skip
    assert np.isnan(trainer.history["validation_loss"]).all()
    assert np.isnan(measured({"accuracy": nn.accuracy}, np.full((3, 2), np.nan), Y)["accuracy"])
    assert trainer.history.epochs == 2
    assert trainer.rate == 0.1


def test_class_weights_and_sample_weights() -> None:
    one = {"batch_size": 40, "epochs": 1}
    by_rows = run(fit={**one, "sample_weights": np.array([1.0, 2.0, 5.0])[Y]})
    by_class = run(class_weights=[1, 2, 5], fit=one)
    by_dict = run(class_weights={2: 5, 1: 2}, fit=one)
    one_hot = Trainer(model(), SGD(0.1), class_weights=[1, 2, 5], rng=2, progress=False)
    one_hot.fit(X, np.eye(3)[Y], **one)
    whole = run(loss=partial(nn.softmax_cross_entropy, class_weights=[1.0, 2.0, 5.0]), fit=one)
    for other in (by_class, by_dict, one_hot, whole):
        np.testing.assert_allclose(weights(other.model), weights(by_rows.model), rtol=1e-5)
    assert not np.allclose(weights(run(fit=one).model), weights(by_rows.model))
    # A row that counts nothing is as good as not there.
    without = run(fit={**one, "sample_weights": (np.arange(40) < 30).astype(int)})
    fewer = Trainer(model(), SGD(0.1), rng=2, progress=False)
    fewer.fit(X[:30], Y[:30], **one)
    np.testing.assert_allclose(weights(without.model), weights(fewer.model), rtol=1e-5)


def test_the_average_is_validated_and_taken() -> None:
    steps: list[np.ndarray] = []

    class Follow(nn.Callback):
        def on_step_end(self, trainer: Trainer, loss: float) -> None:  # noqa: ARG002
            steps.append(weights(trainer.model))

    trainer = run(average=0.5, callbacks=[Follow()], fit={"validation": (X, Y)})
    expected, total = np.zeros(steps[0].size), 0.0
    for place, step in enumerate(reversed(steps)):
        expected, total = expected + 0.5**place * step, total + 0.5**place
    np.testing.assert_allclose(weights(trainer.model), expected / total, rtol=1e-5)
    assert trainer.evaluate(X, Y)["loss"] == trainer.history["validation_loss"][-1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_frozen_layers_do_not_move_at_all(dtype: str) -> None:
    trained = model(Dense(6), BatchNorm(), Dense(6, "tanh"), Dense(3)).astype(dtype)
    for layer in (trained[0], trained[1], trained[3]):
        layer.freeze()
    before = [
        {n: t.data.copy() for n, t in [*layer.named_parameters(), *layer.named_buffers()]}
        for layer in trained
    ]
    run(trained, optimizer=nn.AdamW(0.1, weight_decay=0.5), average=0.9, clip_norm=1.0)
    for place, layer in enumerate(trained):
        for name, tensor in [*layer.named_parameters(), *layer.named_buffers()]:
            assert np.array_equal(tensor.data, before[place][name]) == (place != 2), (place, name)
    assert trained.training


def test_a_callback_may_unfreeze() -> None:
    seen: list[np.ndarray] = []

    class Unfreeze(nn.Callback):
        def on_epoch_begin(self, trainer: Trainer) -> None:
            seen.append(trainer.model[0].weight.data.copy())
            if trainer.epoch == 1:
                trainer.model[0].unfreeze()

    trained = model()
    trained[0].freeze()
    run(trained, callbacks=[Unfreeze()])
    first, second = seen
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(trained[0].weight.data, second)


@pytest.mark.parametrize("place", ["on_fit_begin", "on_step_begin", "on_step_end", "on_epoch_end"])
def test_the_structure_is_fixed_everywhere_in_fit_and_free_after_an_error(place: str) -> None:
    refused: list[str] = []

    def change(trainer: Trainer, *_: Any) -> None:
        with pytest.raises(nn.ArgumentError, match="expected no change of the structure during f"):
            trainer.model.append(Dense(2))
        refused.append(place)

    callback = nn.Callback()
    setattr(callback, place, change)
    trained, calm = model(), model()
    run(trained, callbacks=[callback])
    run(calm)
    assert refused
    np.testing.assert_array_equal(weights(trained), weights(calm))

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    setattr(callback, place, fail)
    with pytest.raises(ZeroDivisionError):
        run(trained, callbacks=[callback])
    trained.append(Dense(2))


def test_clipping_shortens_the_step() -> None:
    def moved(**options: Any) -> np.ndarray:
        return weights(
            run(optimizer=SGD(1.0), fit={"epochs": 1, "batch_size": 40}, **options).model
        ) - weights(model())

    free = moved()
    np.testing.assert_allclose(np.linalg.norm(moved(clip_norm=0.01)), 0.01, rtol=1e-4)
    np.testing.assert_allclose(np.abs(moved(clip_value=0.001)).max(), 0.001, rtol=1e-3)
    np.testing.assert_array_equal(moved(clip_norm=1e3), free)


def test_regression_and_losses_of_ones_own() -> None:
    targets = X[:, :2] * 2
    trainer = Trainer([Dense(2)], "adam", "mse_loss", rng=0, progress=False)
    history = trainer.fit(X, targets, epochs=3, validation=(X, targets))
    assert list(history) == ["loss", "validation_loss"]
    assert history["loss"][-1] < history["loss"][0]

    class Cubed:  # no name, no reduction
        def __call__(self, outputs: Any, y: np.ndarray) -> Any:
            return np.mean(abs(outputs - y) ** 3)

    own = Trainer(
        [Dense(2)],
        "adam",
        Cubed(),
        metrics={"worst": lambda o, y: np.abs(o - y).max()},
        rng=0,
        progress=False,
    )
    history = own.fit(X, targets, epochs=3)
    assert list(history) == ["loss", "worst"]
    assert history["loss"][-1] < history["loss"][0]


def test_another_fit_is_a_new_run_on_the_weights_as_they_are() -> None:
    trainer = run(optimizer=Adam(0.01))
    weights_before = weights(trainer.model)
    fresh = model()
    fresh.flat_parameters()[:] = weights_before
    again = trainer.fit(X, Y, epochs=1, batch_size=8)
    other = run(fresh, optimizer=Adam(0.01), fit={"epochs": 1})
    assert again == other.history
    assert again.epochs == trainer.step / 5 == 1
    np.testing.assert_array_equal(weights(trainer.model), weights(fresh))


def test_the_methods_of_the_loop_can_be_overridden() -> None:
    class Signs(Trainer):
        def update(self) -> None:
            np.sign(self.memory.gradients, out=self.memory.gradients)
            super().update()

        def compute_loss(self, outputs: Any, batch: Any) -> Any:
            return super().compute_loss(outputs, batch) * 2

    trained, start = model(), weights(model())
    trainer = Signs(trained, SGD(0.5), rng=0, progress=False)
    trainer.fit(X, Y, batch_size=40)
    np.testing.assert_allclose(np.abs(weights(trained) - start), 0.5, rtol=1e-5)
    np.testing.assert_allclose(
        trainer.history["loss"][0], 2 * nn.softmax_cross_entropy(model()(X), Y).item(), rtol=1e-6
    )
