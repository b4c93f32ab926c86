"""Programs that are right get no hint, however near they are to one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import (
    SGD,
    Adam,
    BatchNorm,
    Conv1D,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    GlobalAvgPool2D,
    LayerNorm,
    Sequential,
)
from tests.training.hints.misfits import (
    DIGITS,
    PIXELS,
    POINTS,
    SIGNS,
    SUMS,
    THREE,
    Y,
    fit,
    hints_of,
    network,
    normal,
)

X, T = DIGITS[:100], Y[:100]
BYTES = PIXELS[:100]
CLASSES = np.arange(12) % 3
CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "f")
XOR = np.array([[0], [1], [1], [0]], "f")
RNG = np.random.default_rng(3)
BACKBONE = Sequential(Dense(8, "relu")).initialize((4,), rng=0)
BINARY = "binary_cross_entropy_with_logits"


class Scaled(nn.Layer):
    """Scales its pixels itself."""

    def __init__(self) -> None:
        self.body = Sequential(*network())

    def forward(self, X: Any) -> Any:
        return self.body(X / 255)


class Head(nn.Layer):
    """Reads what a network from elsewhere computes, which is not trained."""

    def __init__(self) -> None:
        self.head = Dense(3)

    def forward(self, X: Any) -> Any:
        return self.head(BACKBONE.predict(X))


class Helpers(nn.Callback):
    """Calls methods of its own, under whatever name."""

    def on_epoch_end(self, trainer: Any, measures: Any) -> None:  # noqa: ARG002  # of the base
        self.on_improvement()
        self.plot()

    def on_step_end(self, trainer: Any, loss: float) -> None:  # noqa: ARG002  # of the base
        self.on_batch_end()
        self.on_train_begin()

    def on_improvement(self) -> None: ...

    def on_batch_end(self) -> None: ...

    def on_train_begin(self) -> None: ...

    def epoch_end(self) -> None: ...

    def plot(self) -> None: ...


def frozen(*layers: nn.Layer) -> Sequential:
    model = Sequential(*layers).initialize((4,), rng=0)
    model[-1].freeze()
    return model


def mse(y_true: Any, y_pred: Any) -> Any:
    return ((y_true - y_pred) ** 2).mean()


def pinball(y_pred: Any, y_true: Any) -> Any:
    error = y_true - y_pred
    return np.maximum(0.9 * error, -0.1 * error).mean()


def quantiles(outputs: Any, y: Any) -> Any:
    error, levels = y - outputs, np.linspace(0.1, 0.9, 7, dtype="f")
    return np.maximum(error * levels, error * (levels - 1)).mean()


def ranking(outputs: Any, y: Any) -> Any:
    return np.log1p(np.exp(-(outputs - outputs.T) * np.sign(y[:, None] - y[None]))).mean()


def energy(outputs: Any, y: Any) -> Any:
    return 2 * np.abs(outputs - y).mean() - np.abs(outputs - outputs[:, 0]).mean()


def kernel_distance(outputs: Any, y: Any) -> Any:
    def kernel(a: Any, b: Any) -> Any:
        return np.exp(-((a - b) ** 2))

    return kernel(outputs, outputs[:, 0]).mean() - 2 * kernel(outputs, y).mean()


def contrastive(outputs: Any, y: Any) -> Any:
    return nn.softmax_cross_entropy(outputs @ outputs.T, np.arange(len(y)))


def policy(outputs: Any, y: Any) -> Any:
    chosen = nn.log_softmax(outputs)[np.arange(len(y)), y[:, 0].astype(int)]
    return -(chosen * y[:, 1]).mean()


def area(scores: Any, y: Any) -> Any:
    return np.mean(scores[y == 1][:, None] > scores[y == 0][None])


# Three classes, sorted, whose features are not scaled; the network begins far off.
SORTED = np.repeat(
    [[50, 34, 15, 2], [59, 28, 43, 13], [66, 30, 56, 20]], 50, 0
) / 10 + 0.3 * normal(150, 4)
TRAININGS: dict[str, Callable[[], Any]] = {
    "digits": lambda: fit(network(), DIGITS, Y, epochs=3),
    "digits, convolved": lambda: fit([Conv2D(4), Flatten(), Dense(10)], X.reshape(100, 1, 28, 28), T),
    "from -1 to 1": lambda: fit(network(), X * 2 - 1, T),
    "standardised": lambda: fit(network(), (X - 0.13) / 0.31, T),
    "bytes of an embedding": lambda: fit([Embedding(256, 4), Flatten(), Dense(10)], BYTES, T),
    "integers of an embedding": lambda: fit([Embedding(256, 4), Flatten(), Dense(10)], BYTES.astype(int), T),
    "batch norm first": lambda: fit([BatchNorm(), *network()], BYTES.astype("f"), T),
    "layer norm first": lambda: fit([LayerNorm(), *network()], BYTES.astype("f"), T),
    "scaled by the model": lambda: fit(Scaled(), BYTES, T),
    "pixels from 0 to 16": lambda: fit(network(), RNG.integers(0, 17, (200, 64)), THREE),
    "counts": lambda: fit(network(3), RNG.poisson(3, (200, 50)), THREE),
    "bits": lambda: fit(network(3), RNG.integers(0, 2, (200, 50)), THREE),
    "from -10 to 10": lambda: fit([Dense(9, "tanh"), Dense(1)], np.linspace(-10, 10, 99)[:, None], normal(99, 1), "mse_loss"),
    "0 to 99": lambda: fit([Dense(1)], np.arange(100.0)[:, None], 3 * np.arange(100.0)[:, None], "mse_loss", SGD(1e-4)),
    "one batch": lambda: fit(network(), X[:8], T[:8], epochs=50),
    "a row in each": lambda: fit(network(3), POINTS[:3], THREE[:3], epochs=20, batch_size=1),
    "measured on the training data": lambda: fit(network(), X, T, validation=(X, T)),
    "validation": lambda: fit(network(), X[:60], T[:60], validation=(X[60:], T[60:])),
    "xor": lambda: fit([Dense(8, "tanh"), Dense(2)], CORNERS, XOR[:, 0].astype(int), optimizer=SGD(0.5), epochs=60),
    "xor by sigmoids": lambda: fit([Dense(2, "sigmoid"), Dense(1, "sigmoid")], CORNERS, XOR, "binary_cross_entropy", SGD(0.5), epochs=60),
    "xor row by row": lambda: fit([Dense(4, "tanh"), Dense(1)], CORNERS, XOR, BINARY, SGD(0.5), epochs=40, batch_size=1),
    "autoencoder": lambda: fit(network(784, "sigmoid"), X, X, "mse_loss", epochs=3),
    "autoencoder of scores": lambda: fit(network(784), X, X, BINARY, epochs=3),
    "linear autoencoder": lambda: fit([Dense(8), Dense(784)], X, X, "mse_loss"),
    "regression": lambda: fit(network(1), POINTS, SUMS, "mse_loss", epochs=3),
    "regression by l1": lambda: fit(network(1), POINTS, SUMS, "l1"),
    "noise": lambda: fit(network(1), POINTS, normal(200, 1), "mse_loss", epochs=3),
    "targets of 100": lambda: fit(network(1), POINTS, SUMS * 100, "huber"),
    "(n,) of (n, 1)": lambda: fit(network(1), POINTS, SUMS[:, 0], lambda o, y: nn.mse_loss(o[:, 0], y)),
    "(n, 1) of (n,)": lambda: fit(network(1), POINTS, SUMS[:, 0], lambda o, y: ((o - y.reshape(-1, 1)) ** 2).mean()),
    "(y_true, y_pred), the same": lambda: fit(network(1), POINTS, SUMS, mse, metrics=[mse]),
    "pinball": lambda: fit(network(1), POINTS, SUMS, pinball),
    "seven quantiles": lambda: fit(network(1), POINTS, SUMS, quantiles, batch_size=7),
    "ranking": lambda: fit(network(1), POINTS, SUMS[:, 0], ranking),
    "energy distance": lambda: fit(network(1), POINTS, SUMS[:, 0], energy),
    "kernel distance": lambda: fit(network(1), POINTS, SUMS[:, 0], kernel_distance),
    "contrastive": lambda: fit(network(8), POINTS, np.arange(200), contrastive),
    "two classes, one output": lambda: fit(network(1), POINTS, SIGNS, BINARY, metrics={"right": lambda o, y: np.mean((o > 0) == y)}),
    "two classes, sigmoid": lambda: fit(network(1, "sigmoid"), POINTS, SIGNS, "binary_cross_entropy"),
    "metrics of (n,)": lambda: fit(network(1), POINTS, SIGNS[:, 0], lambda o, y: nn.mse_loss(o[:, 0], y), metrics={"right": lambda o, y: np.mean((o.squeeze() > 0) == y), "mean": lambda o, _: float(np.mean(o)), "area": area}),
    "unbalanced": lambda: fit(network(2), POINTS, (POINTS[:, 0] > 2).astype(int), epochs=3, batch_size=10),
    "several labels": lambda: fit(network(3), POINTS, (POINTS[:, :3] > 1).astype("f"), BINARY),
    "margins": lambda: fit(network(1), POINTS, SIGNS * 2 - 1, "hinge"),
    "soft labels": lambda: fit(network(), X, nn.one_hot(T, 10) * 0.9 + 0.01),
    "distillation": lambda: fit(network(10, "log_softmax"), X, nn.softmax(normal(100, 10)), "kl"),
    "one cycle": lambda: fit(network(), X, T, optimizer=Adam(nn.OneCycle(0.01)), epochs=4, batch_size=10),
    "warming up": lambda: fit(network(), X, T, optimizer=SGD(nn.OneCycle(0.1)), epochs=9, batch_size=10),
    "a small rate": lambda: fit(network(), DIGITS, Y, optimizer=SGD(0.003)),
    "a high rate": lambda: fit(network(), DIGITS, Y, optimizer=SGD(0.5), epochs=2),
    "a high rate, Adam": lambda: fit(network(), DIGITS, Y, optimizer=Adam(0.05), epochs=2),
    "few rows without a rule": lambda: fit(network(3), normal(64, 5), RNG.integers(0, 3, 64), epochs=5),
    "dropout": lambda: fit([Dense(32, "relu"), nn.Dropout(0.5), Dense(10)], DIGITS, Y, epochs=3),
    "batch norm": lambda: fit([Dense(32), BatchNorm(), nn.Activation("relu"), Dense(10)], X, T, optimizer=SGD(0.1), epochs=3, batch_size=10),
    "penalties": lambda: fit([Dense(32, "relu", l2=0.1), Dense(10, l2=0.1)], DIGITS, Y, epochs=3),
    "policy gradient": lambda: fit(network(3), POINTS, np.stack([THREE, SUMS[:, 0]], axis=1), policy),
    "values of actions": lambda: fit(network(4), POINTS, RNG.random((200, 4)) * 10, "huber"),
    "relu at the end": lambda: fit(network(1, "relu"), POINTS, np.abs(SUMS) + 0.05 * normal(200, 1), "mse_loss"),
    "tanh at the end": lambda: fit(network(1, "tanh"), POINTS, np.tanh(SUMS), "mse_loss"),
    "scaled in the loss": lambda: fit(network(1, "sigmoid"), POINTS, SUMS**2 * 100, lambda o, y: nn.mse_loss(o * 1000, y)),
    "signals": lambda: fit([Conv1D(2), Flatten(), Dense(3)], normal(12, 3, 40), CLASSES),
    "signals of nine channels": lambda: fit([Conv1D(2), Flatten(), Dense(3)], normal(12, 9, 128), CLASSES),
    "features of a few steps": lambda: fit([Conv1D(2), Flatten(), Dense(3)], normal(12, 64, 10), CLASSES),
    "many channels": lambda: fit([Conv1D(2, padding="same"), Flatten(), Dense(3)], normal(12, 16, 4), CLASSES),
    "electrodes": lambda: fit([Conv2D(2, (5, 1)), Flatten(), Dense(3)], normal(12, 22, 24, 1), CLASSES),
    "colour": lambda: fit([Conv2D(2), GlobalAvgPool2D(), Dense(3)], normal(12, 3, 16, 16), CLASSES),
    "small maps": lambda: fit([Conv2D(2, padding="same"), Flatten(), Dense(3)], normal(12, 64, 4, 4), CLASSES),
    "no convolution": lambda: fit([Flatten(), Dense(3)], normal(12, 16, 16, 3), CLASSES),
    "methods of one's own": lambda: fit(network(3), POINTS, THREE, callbacks=[Helpers(), nn.EarlyStopping("loss")]),
    "rates are tried": lambda: fit(network(), DIGITS, Y, optimizer=SGD(0.1), epochs=9, callbacks=[nn.LearningRateFinder(1e-4, 10, steps=40)]),
    "a generator's training": lambda: fit(frozen(Dense(4), Dense(1)), POINTS, SIGNS * 0 + 1, BINARY),
    "a network from elsewhere": lambda: fit(Head(), POINTS, THREE),
    "batches": lambda: fit(network(3), [(POINTS[:9], THREE[:9])] * 3, None),
    "batches of one class each": lambda: fit(network(3), [(POINTS[:9], THREE[:9] * 0 + i) for i in range(3)], None),
    **{f"rows sorted by class, seed {n}": lambda n=n: fit(network(3), SORTED, np.arange(150) // 50, optimizer=Adam(1e-3), epochs=3, rng=n) for n in range(12)},  # type: ignore[misc]  # the default
    "another class weight": lambda: fit(network(3), POINTS, THREE, class_weights=[1, 1, 9]),
    "going on": lambda: fit(fit(network(), X, T, epochs=20).model, X, T, optimizer=SGD(nn.OneCycle(0.3)), epochs=3),
}  # fmt: skip


@pytest.mark.parametrize("name", TRAININGS)
def test_a_right_training_gets_no_hint(name: str) -> None:
    assert hints_of(TRAININGS[name]) == []


def loop(steps: Callable[..., Any]) -> Callable[[], Any]:
    def run() -> None:
        model = Sequential(*network()).initialize((784,), rng=0).train()
        steps(model, lambda: nn.softmax_cross_entropy(model(X), T).backward())

    return run


def usual(model: Any, backward: Any) -> None:
    optimizer = Adam(0.01, parameters=model)
    for _ in range(3):
        optimizer.zero_grad()
        backward()
        nn.clip_by_norm(model, 1.0)
        optimizer.step()


def at_the_end(model: Any, backward: Any) -> None:
    optimizer = Adam(0.01, parameters=model)
    for _ in range(3):
        backward()
        optimizer.step()
        optimizer.zero_grad()


def in_between(model: Any, _: Any) -> None:
    optimizer = Adam(0.01, parameters=model)
    for _ in range(3):
        loss = nn.softmax_cross_entropy(model(X), T)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def accumulating(model: Any, backward: Any) -> None:
    optimizer = Adam(0.01, parameters=model)
    for step in range(9):
        backward()
        if step % 3 == 2:
            optimizer.step()
            optimizer.zero_grad()


def two_losses(model: Any, backward: Any) -> None:
    optimizer = SGD(0.1, parameters=model)
    for _ in range(3):
        optimizer.zero_grad()
        backward()
        (model[0].weight ** 2).sum().backward()
        optimizer.step()


def forgetting(forget: Callable[[nn.Parameter], None]) -> Callable[..., None]:
    def steps(model: Any, backward: Any) -> None:
        optimizer = SGD(0.1, parameters=model)
        for _ in range(3):
            backward()
            optimizer.step()
            for parameter in model.parameters():
                forget(parameter)

    return steps


def by_none(parameter: nn.Parameter) -> None:
    parameter.grad = None


def by_zeros(parameter: nn.Parameter) -> None:
    parameter.grad = np.zeros(parameter.shape, "f")


def in_place(parameter: nn.Parameter) -> None:
    assert parameter.grad is not None
    parameter.grad.fill(0)


def two_networks(generator: Any, _: Any) -> None:
    critic = Sequential(Dense(8, "relu"), Dense(1)).initialize((10,), rng=1).train()
    of_critic, of_generator = Adam(0.01, parameters=critic), Adam(0.01, parameters=generator)
    real, fake = np.ones((100, 1), "f"), np.zeros((100, 1), "f")
    for step in range(6):
        of_critic.zero_grad()
        made = generator(X)
        right = nn.binary_cross_entropy_with_logits(critic(normal(100, 10)), real)
        (right + nn.binary_cross_entropy_with_logits(critic(made.detach()), fake)).backward()
        of_critic.step()
        if step % 2:
            of_generator.zero_grad()
            nn.binary_cross_entropy_with_logits(critic(made), real).backward()
            of_generator.step()


def two_optimizers(model: Any, backward: Any) -> None:
    both = [SGD(0.1, parameters=model[:1]), Adam(0.01, parameters=model[1:])]
    for _ in range(3):
        for optimizer in both:
            optimizer.zero_grad()
        backward()
        for optimizer in both:
            optimizer.step()


def centres(model: Any, _: Any) -> None:
    weight = nn.Parameter(normal(100, 1))
    optimizer = SGD(0.01, parameters=[weight, *model.parameters()])
    for _ in range(3):
        optimizer.zero_grad()
        near = np.exp(-((model(X)[:, :1] - np.linspace(-1, 1, 100, dtype="f")) ** 2))
        ((near @ weight - 1) ** 2).mean().backward()
        optimizer.step()


def soft_choice(model: Any, _: Any) -> None:
    optimizer = SGD(0.01, parameters=model)
    grid, values = np.linspace(-1, 1, 100, dtype="f"), normal(100)
    for _ in range(3):
        optimizer.zero_grad()
        chosen = nn.softmax(-((model(X)[:, :1] - grid) ** 2)) @ values
        ((chosen - 1) ** 2).mean().backward()
        optimizer.step()


def without_a_loss(model: Any, _: Any) -> None:
    SGD(0.1, parameters=model).step()


LOOPS: dict[str, Callable[..., Any]] = {
    "usual": usual, "at the end": at_the_end, "in between": in_between, "two losses": two_losses,
    "accumulating": accumulating, "by None": forgetting(by_none), "by zeros": forgetting(by_zeros),
    "in place": forgetting(in_place), "two networks": two_networks, "without a loss": without_a_loss,
    "two optimizers": two_optimizers, "centres": centres, "soft choice": soft_choice,
}  # fmt: skip


@pytest.mark.parametrize("name", LOOPS)
def test_a_right_loop_gets_no_hint(name: str) -> None:
    assert hints_of(loop(LOOPS[name])) == []


SOBEL, ONE_HOT = np.ones((3, 3)), nn.one_hot(T[:20], 10)
CALLS: dict[str, Callable[[], Any]] = {
    "pictures": lambda: nn.conv2d(normal(10, 28, 28), SOBEL),
    "channels first": lambda: nn.conv2d(normal(3, 32, 32), SOBEL),
    "one photograph": lambda: nn.conv2d(normal(3, 32, 32), normal(5, 3, 3, 3)),
    "small pictures": lambda: nn.conv2d(normal(40, 4, 4), SOBEL),
    "narrow pictures": lambda: nn.conv2d(normal(100, 8, 3), SOBEL),
    "few pictures": lambda: nn.conv2d(normal(2, 9, 4), SOBEL),
    "few small pictures": lambda: nn.conv2d(normal(6, 5, 3), SOBEL),
    "a column": lambda: nn.conv2d(normal(28, 28, 1), np.ones((3, 1))),
    "a picture of three columns": lambda: nn.conv2d(normal(32, 3), SOBEL),
    "right answers": lambda: nn.cross_entropy(ONE_HOT, ONE_HOT),
    "rounded answers": lambda: nn.binary_cross_entropy([1.0, 1.0, 1.0], [0.9, 0.9, 0.9]),
    "in doubt": lambda: nn.binary_cross_entropy([0, 1], [0.5, 0.5]),
    "no scores yet": lambda: nn.softmax_cross_entropy(np.zeros((9, 5)), nn.softmax(normal(9, 5))),
    "infinite scores": lambda: nn.softmax_cross_entropy([[np.inf, 0]], [[0.4, 0.6]]),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_a_right_call_gets_no_hint(name: str) -> None:
    assert hints_of(CALLS[name]) == []
