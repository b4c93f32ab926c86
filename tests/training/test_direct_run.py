"""Steps of whole networks by the kernels of each stage, without a tape: the numbers of the tape."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.training.data import Batch
from tests.direct_steps import noting_steps
from tests.needs import need_fast
from tests.training.test_direct_step import Change, Taped

RNG = np.random.default_rng(0)
IMAGES = RNG.random((40, 3, 12, 12), np.float32)
SERIES = RNG.random((40, 4, 30), np.float32)
ROWS = RNG.standard_normal((300, 200)).astype("f")
LABELS = RNG.integers(0, 5, 300)
Made = Callable[[], list[Any]]


def normed() -> list[Any]:
    return [
        nn.Conv2D(8, 3, padding="same", bias=False), nn.BatchNorm(), nn.Activation("relu"),
        nn.MaxPool2D(2), nn.Dropout(0.3), nn.Flatten(), nn.Dense(5),
    ]  # fmt: skip


NETWORKS: dict[str, tuple[Made, Any, Any, dict[str, Any]]] = {
    "dense": (lambda: [nn.Dense(300, "relu"), nn.Dense(200, "tanh"), nn.Dense(5)], ROWS, LABELS, {}),
    "dense with batch norm and dropout": (
        lambda: [nn.Dense(300), nn.BatchNorm(), nn.Activation("relu"), nn.Dropout(0.5), nn.Dense(5)],
        ROWS, LABELS, {},
    ),
    "convolutions": (
        lambda: [
            nn.Conv2D(8, 3, activation="relu"), nn.MaxPool2D(2), nn.Conv2D(9, 3, stride=2),
            nn.Activation("gelu"), nn.Flatten(), nn.Dense(5),
        ],
        IMAGES, LABELS[:40], {},
    ),
    "batch norm and dropout": (normed, IMAGES, LABELS[:40], {}),
    "a residual block": (
        lambda: [
            nn.Conv2D(8, 3, padding="same"),
            nn.Residual(
                nn.Conv2D(12, 3, stride=2, padding=1), nn.BatchNorm(), nn.Activation("relu"),
                nn.Conv2D(12, 3, padding="same"), shortcut=nn.Conv2D(12, 1, stride=2),
            ),
            nn.GlobalAvgPool2D(), nn.Dense(5),
        ],
        IMAGES, LABELS[:40], {},
    ),
    "depthwise": (
        lambda: [nn.DepthwiseConv2D(3), nn.Conv2D(16, 1), nn.AvgPool2D(2), nn.Flatten(), nn.Dense(5)],
        IMAGES, LABELS[:40], {},
    ),
    "a series": (
        lambda: [nn.Conv1D(16, 3, activation="relu"), nn.Flatten(), nn.Dense(5)],
        SERIES, LABELS[:40], {},
    ),
    "images as results": (
        lambda: [
            nn.Conv2D(8, 3, stride=3, activation="relu"), nn.ConvTranspose2D(3, 3, stride=3),
        ],
        IMAGES, IMAGES, {"loss": "mse_loss"},
    ),
    "other metrics": (normed, IMAGES, LABELS[:40], {"metrics": ["accuracy", "f1"]}),
    "momentum and decay": (
        normed, IMAGES, LABELS[:40], {"optimizer": nn.SGD(0.1, momentum=0.9, weight_decay=0.01)},
    ),
    "clipped and averaged": (
        normed, IMAGES, LABELS[:40], {"clip_norm": 0.1, "average": 0.9},
    ),
    "doubles as inputs": (normed, IMAGES.astype(float), LABELS[:40].astype("u1"), {}),
}  # fmt: skip


@pytest.fixture(autouse=True)
def by_kernels() -> Iterator[None]:
    need_fast()
    with nn.use_kernels("numba"):
        yield


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return whether each step of the trainings of a test had no tape."""
    return noting_steps(monkeypatch)


def trained(kind: Any, made: Made, X: Any, y: Any, **options: Any) -> tuple[Any, ...]:
    model = nn.Sequential(*made())
    trainer = kind(model, options.pop("optimizer", nn.Adam(0.01)), rng=3, progress=False, **options)
    history = trainer.fit(X, y, epochs=3, batch_size=16)
    buffers = [np.asarray(buffer).copy() for _, buffer in model.named_buffers()]
    gradients = [parameter.grad.copy() for parameter in model.parameters()]
    flat = model.flat_parameters().copy()
    return flat, gradients, buffers, {name: [*values] for name, values in history.items()}


def check_equal(found: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    for arrays, others in zip(found[:3], expected[:3], strict=True):
        for array, other in zip(arrays, others, strict=True):
            np.testing.assert_array_equal(array, other, strict=True)
    assert found[3] == expected[3]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_numbers_of_the_tape(served: list[bool], name: str) -> None:
    found = [
        trained(kind, *NETWORKS[name][:3], **NETWORKS[name][3]) for kind in (nn.Trainer, Taped)
    ]
    steps = len(served) // 2
    assert served == [True] * steps + [False] * steps
    check_equal(*found)


def test_modes_that_a_callback_changes(served: list[bool]) -> None:
    def still(trainer: Any) -> None:
        trainer.model[4].eval()

    def again(trainer: Any) -> None:
        trainer.model[4].train()

    def run(kind: Any, made: Made) -> tuple[Any, ...]:
        callbacks = [Change(2, still), Change(6, again)]
        return trained(kind, made, IMAGES, LABELS[:40], callbacks=callbacks)

    check_equal(run(nn.Trainer, normed), run(Taped, normed))
    assert served == [True] * 9 + [False] * 9


def test_a_model_that_was_in_evaluation_before(served: list[bool]) -> None:
    models = []
    for kind in (nn.Trainer, Taped):
        model = nn.Sequential(*normed()).initialize((3, 12, 12), rng=0).eval()
        trainer = kind(model, rng=0, progress=False)
        trainer.fit(IMAGES, LABELS[:40], epochs=2, batch_size=16)
        assert not model.training
        model[4].rate = 0.1
        trainer.fit(IMAGES, LABELS[:40], epochs=2, batch_size=16)
        models.append(model.flat_parameters())
    assert served == [True] * 12 + [False] * 12
    np.testing.assert_array_equal(*models)


def test_a_refused_batch_leaves_the_statistics() -> None:
    def batches(epoch: int) -> Iterator[Any]:
        yield IMAGES, LABELS[:40]
        yield IMAGES, LABELS[:40] + 5 * epoch

    model = nn.Sequential(*normed())
    kept: list[Any] = []

    def note(trainer: Any) -> None:
        kept[:] = [np.asarray(buffer).copy() for _, buffer in trainer.model.named_buffers()]

    trainer = nn.Trainer(model, rng=0, progress=False, callbacks=[Change(3, note)])
    with pytest.raises(nn.ArgumentError, match="labels: expected class indices from 0 to 4"):
        trainer.fit(batches, epochs=2)
    assert trainer.step == 3
    for (_, buffer), before in zip(model.named_buffers(), kept, strict=True):
        np.testing.assert_array_equal(np.asarray(buffer), before)


@pytest.mark.parametrize("scale", [1e30, 1e38])
def test_what_diverges_gets_the_sentence_of_the_tape(scale: float) -> None:
    texts = []
    for kind in (nn.Trainer, Taped):
        model = nn.Sequential(*normed()).initialize((3, 12, 12), rng=0)

        def spoil(trainer: Any) -> None:
            trainer.model[-1].weight.data[...] *= scale

        trainer = kind(model, rng=0, progress=False, callbacks=[Change(2, spoil)])
        with pytest.raises(nn.DivergenceError) as caught:
            trainer.fit(IMAGES, LABELS[:40], epochs=3, batch_size=16)
        texts.append(str(caught.value))
        assert trainer.step == 2
    assert texts[0] == texts[1]


def test_a_single_row_is_refused_by_batch_norm() -> None:
    trainer = nn.Trainer(nn.Sequential(nn.Dense(300), nn.BatchNorm(), nn.Dense(5)), progress=False)
    trainer.fit(ROWS, LABELS)
    trainer.memory.begin_step()
    with pytest.raises(nn.ShapeError, match="BatchNorm"):
        trainer.train_step(Batch(ROWS[:1], LABELS[:1]))


def test_one_row_of_a_padded_batch(served: list[bool]) -> None:
    made, X, y, options = NETWORKS["convolutions"]
    found = [trained(kind, made, X[:33], y[:33], **options) for kind in (nn.Trainer, Taped)]
    check_equal(*found)
    assert served[:9] == [True] * 9


@pytest.mark.parametrize("name", ["compute_loss", "measure", "update"])
def test_a_wrapped_method_is_called_in_each_step(name: str, served: list[bool]) -> None:
    calls: list[str] = []
    method = getattr(nn.Trainer, name)

    @functools.wraps(method)
    def noted(*arguments: Any) -> Any:
        calls.append(name)
        return method(*arguments)

    own = type("Own", (nn.Trainer,), {name: noted})
    check_equal(*(trained(kind, normed, IMAGES, LABELS[:40]) for kind in (own, Taped)))
    assert len(calls) >= 9
    assert served == [name != "compute_loss"] * 9 + [False] * 9


@pytest.mark.parametrize("name", ["compute_loss", "measure", "update"])
def test_a_method_that_a_callback_replaces(name: str) -> None:
    def replace(trainer: Any) -> None:
        method = getattr(trainer, name)

        def other(*arguments: Any) -> Any:
            if name == "update":
                trainer.memory.gradients *= 0.5
                return method()
            found = method(*arguments)
            return {**found, "loss": 1.0} if name == "measure" else found * 3.0

        setattr(trainer, name, other)

    def run(kind: Any) -> tuple[Any, ...]:
        return trained(kind, normed, IMAGES, LABELS[:40], callbacks=[Change(3, replace)])

    check_equal(run(nn.Trainer), run(Taped))


@pytest.mark.parametrize("made", [normed, lambda: [nn.Flatten(), nn.Dense(5)]])
def test_a_penalty_that_is_set_between_two_fits(made: Made) -> None:
    losses = []
    for kind in (nn.Trainer, Taped):
        model: Any = nn.Sequential(*made()).initialize((3, 12, 12), rng=0)
        trainer = kind(model, rng=0, progress=False)
        trainer.fit(IMAGES, LABELS[:40], batch_size=16)
        model.penalty = lambda model=model: (model[-1].weight * model[-1].weight).sum()
        losses.append([*trainer.fit(IMAGES, LABELS[:40], batch_size=16)["loss"]])
    assert losses[0] == losses[1]


def test_gradients_may_be_kept() -> None:
    kept: list[Any] = []

    class Keep(nn.Callback):
        def on_step_end(self, trainer: Any, *_: Any) -> None:
            gradient = trainer.model[-1].weight.grad
            kept.append((gradient, gradient.copy()))

    trained(nn.Trainer, normed, IMAGES, LABELS[:40], callbacks=[Keep()])
    for gradient, before in kept:
        np.testing.assert_array_equal(gradient, before)


@pytest.mark.parametrize("dtype", ["u1", "i4", "?"])
def test_images_of_integers(dtype: str) -> None:
    images = (IMAGES * 2).astype(dtype)
    check_equal(*(trained(kind, normed, images, LABELS[:40]) for kind in (nn.Trainer, Taped)))


def test_a_refused_batch_of_a_step_by_hand_is_computed_once() -> None:
    means = []
    for kind in (nn.Trainer, Taped):
        model = nn.Sequential(*normed())
        trainer = kind(model, rng=0, progress=False)
        trainer.fit(IMAGES, LABELS[:40], batch_size=16)
        with pytest.raises(nn.ArgumentError, match="labels: expected class indices"):
            trainer.train_step(Batch(IMAGES[:16], LABELS[:16] + 90))
        means.append(np.asarray(model[1].running_mean).copy())
    np.testing.assert_array_equal(*means)
