"""A program of a user with type annotations: mypy in strict mode has nothing to report."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import neural_network as nn
from neural_network.functional.op import Call

Array = NDArray[np.floating[Any]]


class Scaled(nn.Layer):
    """A dense layer whose inputs are multiplied by learned factors."""

    def __init__(self, units: int, start: float = 1.0) -> None:
        self.units, self.start = units, start
        self.inner = nn.Dense(units, "relu")
        self.calls = 0

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.factor = nn.Parameter(rng.uniform(0.9, 1.1, shape[-1]) * self.start)
        self.largest = nn.Buffer(np.zeros(1))

    def forward(self, X: nn.Tensor) -> Any:
        self.calls += 1
        return self.inner(X * self.factor)


@nn.op
def cube(x: Array) -> Array:
    return x**3


@nn.gradient(cube, "x")
def _(g: nn.Tensor, x: nn.Tensor) -> nn.Tensor:
    return g * 3 * x**2


@nn.samples(cube)
def _(rng: np.random.Generator) -> Iterator[Call]:
    yield nn.call(rng.normal(size=3))


class Thaw(nn.Callback):
    """Trains only the last layer in the first epoch."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def on_epoch_begin(self, trainer: nn.Trainer) -> None:
        assert isinstance(trainer.model, nn.Sequential)
        if trainer.epoch == 0:
            trainer.model[0].freeze()
        else:
            trainer.model[0].unfreeze()

    def on_epoch_end(self, trainer: nn.Trainer, measures: Mapping[str, float]) -> None:
        self.losses.append(measures["loss"])
        print(f"epoch {trainer.epoch}")


class HeavyBall(nn.Optimizer):
    """Gradient descent with momentum."""

    slots = ("velocity",)

    def apply(
        self, parameters: Array, gradients: Array, state: dict[str, Array], rate: float
    ) -> None:
        state["velocity"] *= 0.9
        state["velocity"] -= rate * gradients
        parameters += state["velocity"]


def functions() -> None:
    images, _ = nn.load_mnist()
    edges = nn.conv2d(images[0], nn.named_filter("edges"), stride=1, padding="same")
    print(edges.shape, nn.max_pool(edges).mean(), nn.functional.softmax(edges, axis=-1).sum())
    slope = nn.grad(lambda w: np.sum(np.maximum(0, w) ** 2))
    print(slope(np.array([-1.0, 3.0])), nn.grad(nn.grad(cube))(2.0))
    value, gradient = nn.value_and_grad(cube)(2.0)
    print(value, gradient)
    nn.check_gradients(cube, [np.array([0.5, -2.0])])
    t = nn.Tensor([1.0, 2.0], requires_grad=True)
    (t * 2 + 1).sum().backward()
    if t.grad is not None:
        print(t.grad.shape)


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2D(4, 3, activation="relu", padding="same"),
        nn.BatchNorm(),
        nn.MaxPool2D(2),
        nn.Residual(nn.Conv2D(4, (3, 3), padding=1)),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Dense(16, activation=nn.tanh, initializer="he", l2=1e-4),
        Scaled(12),
        nn.Dense(10),
    )


def train(folder: Path) -> None:
    images, labels = nn.load_mnist()
    X, y = images[:100, None].astype("float32") / 255, labels[:100]
    model, thaw = network(), Thaw()
    trainer = nn.Trainer(
        model,
        optimizer=nn.Adam(nn.Cosine(0.01), betas=(0.9, 0.99)),
        loss="softmax_cross_entropy",
        metrics=["accuracy"],
        callbacks=[thaw, nn.EarlyStopping(patience=3), nn.Checkpoint(folder / "a.checkpoint")],
        augment=nn.Augment(nn.Shift(1)),
        rng=0,
        progress=False,
    )
    history = trainer.fit(X, y, epochs=2, batch_size=50, validation=(X[:20], y[:20]))
    losses: list[float] = history["loss"]
    assert losses == thaw.losses
    print(trainer.evaluate(X, y)["accuracy"], model.summary())
    print(nn.accuracy(model.predict(X), y), nn.confusion_matrix(model.predict(X), y).shape)
    nn.save(model, folder / "a.safetensors")
    again = nn.load(folder / "a.safetensors", layers={"Scaled": Scaled})
    assert isinstance(again, nn.Sequential)
    assert np.array_equal(again.predict(X), model.predict(X))
    print(len(again), again[0])
    model[-1] = nn.Dense(10, bias=False)
    model.append(nn.Dropout(0.5)).remove(-1)
    model[6] = nn.Dense(3).clone(units=16)
    for name, parameter in model.named_parameters():
        print(name, parameter.shape, parameter.data.dtype)


def own_loop() -> None:
    images, labels = nn.load_mnist()
    X, y = images[:100].reshape(100, 784).astype("float32") / 255, labels[:100]
    model = nn.models.mlp([20], 10).initialize((784,), rng=0)
    bound: list[nn.Optimizer] = [
        nn.SGD(0.1, momentum=0.9, parameters=model),
        HeavyBall(0.1, parameters=[*model]),
        nn.Adam(nn.Cosine(0.01), parameters=model.parameters()),
        nn.OPTIMIZERS["adamw"](0.01, parameters=model.layers[-1]),
    ]
    for optimizer in bound:
        for done, (x, t) in enumerate(nn.batches(X, y, 50, rng=0)):
            optimizer.zero_grad()
            nn.softmax_cross_entropy(model(x), t).backward()
            norm: float = nn.clip_by_norm(model, 1.0)
            nn.clip_by_value(model.layers, 0.5 * norm)
            optimizer.step(optimizer.rate(done, 2))
    parameters = model.flat_parameters()
    ball = HeavyBall(0.1)
    ball.start(parameters)
    ball.update(parameters, np.ones_like(parameters))
    with nn.no_grad(), nn.use_kernels("numpy"):
        print(model(X[:2]).shape)


def by_hand() -> None:
    images, labels = nn.load_mnist()
    X, y = images[:100].reshape(100, 784) / 255, nn.one_hot(labels[:100], 10)
    p = nn.initial_parameters([784, 16, 10], rng=0)
    A1, A2 = nn.forward_mlp(X, **p)
    Z1 = X @ p["W1"] + p["b1"]
    gradients = nn.backward_mlp(X, A1, A2, y, p["W1"], p["W2"], Z1)
    print(nn.cross_entropy(A2, y), [gradient.shape for gradient in gradients])


if __name__ == "__main__":
    functions()
    train(Path(sys.argv[1]))
    own_loop()
    by_hand()
