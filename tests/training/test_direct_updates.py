"""Steps of optimizers behind batches that were computed directly: the bits of ``update``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.training.optimizers.direct import DirectKernelSteps, DirectSteps
from tests.needs import kernels
from tests.training.test_direct_step import Change, X, Y, trained, two

optimizers = kernels("optimizers")

MAKES: list[Callable[[], Any]] = [
    lambda: nn.SGD(0.1),
    lambda: nn.SGD(0.1, weight_decay=0.2),
    lambda: nn.SGD(0.1, 0.9),
    lambda: nn.SGD(0.1, 0.9, True, weight_decay=0.2),
    lambda: nn.RMSprop(0.01, centered=True, momentum=0.5),
    lambda: nn.Adagrad(0.1),
    lambda: nn.Adam(0.01),
    lambda: nn.Adam(nn.StepDecay(0.01, 1)),
    lambda: nn.Adam(0.01, (0.5, 0.9), 1e-3, weight_decay=0.1),
    lambda: nn.AdamW(0.01, weight_decay=0.1),
    lambda: nn.Lion(0.01, weight_decay=0.5),
]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return whether each of these steps left finite parameters."""
    found: list[bool] = []
    step = DirectSteps.step

    def noted(self: Any, *arguments: Any) -> bool:
        found.append(step(self, *arguments))
        return found[-1]

    monkeypatch.setattr(DirectSteps, "step", noted)
    return found


@pytest.fixture(autouse=True, params=["numpy", "numba"])
def mode(request: pytest.FixtureRequest) -> Any:
    with nn.use_kernels(request.param):
        yield request.param


@pytest.mark.parametrize("make", MAKES, ids=lambda make: repr(make()))
def test_the_bits_of_update(make: Any, made: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    flat, history, _ = trained(nn.Trainer, two, optimizer=(one := make()))
    assert made == [True] * 15
    for kind in (DirectSteps, DirectKernelSteps):
        monkeypatch.setattr(kind, "serves", lambda _: False)
    plain, as_told, _ = trained(nn.Trainer, two, optimizer=(other := make()))
    assert len(made) == 15
    np.testing.assert_array_equal(flat, plain, strict=True)
    assert history == as_told
    for array, known in zip(one.state().values(), other.state().values(), strict=True):
        np.testing.assert_array_equal(array, known, strict=True)


def test_who_makes_its_own_steps(made: list[bool]) -> None:
    class Own(nn.Adam):
        def update(self, *arguments: Any, **options: Any) -> None:
            super().update(*arguments, **options)

    class Updating(nn.Trainer):
        def update(self) -> None:
            super().update()

    for kind, options in (
        (Updating, {}),
        (nn.Trainer, {"optimizer": Own()}),
        (nn.Trainer, {"clip_norm": 0.1}),
        (nn.Trainer, {"clip_value": 0.1}),
        (nn.Trainer, {"average": 0.9}),
    ):
        trained(kind, two, **options)
    assert made == []


def test_a_formula_of_ones_own(made: list[bool], mode: str) -> None:
    class Rule(nn.Adam):
        def apply(self, parameters: Any, *_others: Any) -> None:
            parameters -= 0.5

    flat, _, _ = trained(nn.Trainer, two, optimizer=Rule())
    expected = nn.Sequential(*two()).initialize((5,), rng=3)
    assert len(made) == (15 if mode == "numpy" else 0)
    assert flat.shape == expected.flat_parameters().shape
    assert np.all(flat < -5)


def test_large_gradients_are_left_to_update(made: list[bool]) -> None:
    class Large(nn.Trainer):
        def train_step(self, batch: Any) -> float:
            value = super().train_step(batch)
            if self.step == 3:
                self.memory.gradients[0] = 1e25
            return value

    with pytest.raises(nn.DivergenceError, match=r"gradients: .*1e\+25"):
        trained(Large, two)
    assert made == [True] * 3


def test_large_parameters_that_decay_are_left_to_update(made: list[bool]) -> None:
    model = nn.Sequential(*two()).initialize((5,), rng=0)
    model[0].weight.data[0, 0] = 1e22
    still = X * np.array([0, 1, 1, 1, 1], "f")
    trainer = nn.Trainer(model, nn.Adam(0.01, weight_decay=0.1), rng=0, progress=False)
    with pytest.raises(nn.DivergenceError, match="squares stay below"):
        trainer.fit(still, Y)
    assert made == []


def test_gradients_that_are_not_finite(made: list[bool]) -> None:
    class Spoilt(nn.Trainer):
        def train_step(self, batch: Any) -> float:
            value = super().train_step(batch)
            if self.step == 3:
                self.memory.gradients[0] = np.nan
            return value

    with pytest.raises(nn.DivergenceError, match="the gradient of .* is not finite"):
        trained(Spoilt, two)
    assert made == [True] * 3


def test_a_rate_that_is_too_large_leaves_the_weights_before(made: list[bool]) -> None:
    found: list[Any] = []

    class Notes(nn.Callback):
        def on_step_end(self, trainer: Any, loss: float) -> None:  # noqa: ARG002
            found[:] = [trainer.memory.flat.copy()]

    class Steep(nn.Trainer):
        def train_step(self, batch: Any) -> float:
            value = super().train_step(batch)
            self.memory.gradients *= 1e3
            return value

    def hasten(trainer: Any) -> None:
        trainer.rate = 3e38

    model = nn.Sequential(*two())
    callbacks = [Change(4, hasten), Notes()]
    trainer = Steep(model, nn.SGD(1e-5), rng=0, progress=False, callbacks=callbacks)
    with pytest.raises(nn.DivergenceError, match="would not be finite after step 5"):
        trainer.fit(X, Y, batch_size=16, epochs=2)
    assert made == [True] * 4 + [False]
    np.testing.assert_array_equal(model.flat_parameters(), found[0])


def test_an_error_in_a_step_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def serial(self, p: Any, *_: Any) -> None:
            p[:] = 7
            raise KeyboardInterrupt

        apply = serial

    model = nn.Sequential(*two()).initialize((5,), rng=0)
    before, adam = model.flat_parameters().copy(), nn.Adam()
    monkeypatch.setattr(optimizers, "adam", Broken())
    monkeypatch.setattr(adam, "_change_by_kernel", lambda *_: False)
    monkeypatch.setattr(nn.Adam, "apply", Broken.apply)
    with pytest.raises(KeyboardInterrupt):
        nn.Trainer(model, adam, rng=0, progress=False).fit(X, Y, batch_size=16)
    np.testing.assert_array_equal(model.flat_parameters(), before)
    assert adam.steps == 0


def test_a_state_that_was_restored_goes_on(tmp_path: Any, made: list[bool]) -> None:
    def trainer(*callbacks: Any) -> Any:
        rule = nn.Adam(nn.StepDecay(0.01, 1), weight_decay=0.1)
        model = nn.Sequential(*two())
        return nn.Trainer(model, rule, rng=1, progress=False, callbacks=[*callbacks])

    whole, path = trainer(), tmp_path / "kept"
    whole.fit(X, Y, epochs=4, batch_size=16)
    trainer(nn.Checkpoint(path)).fit(X, Y, epochs=2, batch_size=16)
    resumed = trainer()
    resumed.fit(X, Y, epochs=4, batch_size=16, resume=path)
    assert made == [True] * 40
    np.testing.assert_array_equal(whole.model.flat_parameters(), resumed.model.flat_parameters())
    for array, other in zip(
        whole.optimizer.state().values(), resumed.optimizer.state().values(), strict=True
    ):
        np.testing.assert_array_equal(array, other)


def test_a_decay_whose_square_is_zero() -> None:
    X, y = np.random.default_rng(0).random((8, 3), np.float32), np.arange(8) % 2
    for kind in (nn.Adagrad, nn.SGD):
        models = []
        for decay in (0.0, 1e-320):
            model = nn.Sequential(nn.Dense(2))
            nn.Trainer(model, kind(0.01, weight_decay=decay), rng=0, progress=False).fit(X, y)
            models.append(model.flat_parameters().copy())
        np.testing.assert_array_equal(*models)


@pytest.mark.parametrize("kind", [nn.SGD, nn.Adagrad, nn.Adam])
def test_a_decay_whose_square_is_infinite(kind: Any) -> None:
    X, y = np.random.default_rng(0).random((8, 3), np.float32), np.arange(8) % 2
    model = nn.Sequential(nn.Dense(2)).initialize((3,), rng=0)
    before = model.flat_parameters().copy()
    trainer = nn.Trainer(model, kind(0.01, weight_decay=1e300), rng=0, progress=False)
    with pytest.raises(nn.DivergenceError, match="weight_decay|gradient|step|finite"):
        trainer.fit(X, y)
    np.testing.assert_array_equal(model.flat_parameters(), before)
