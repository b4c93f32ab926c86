"""Loops that change tensors themselves: gradients that add up, and steps that change nothing."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import no_grad

X = np.random.default_rng(0).standard_normal((20, 3))
Y = X @ np.array([[1.0], [2.0], [3.0]]) + 1
ADDED = r"^backward: the gradients are added to those of the step before, with which a tensor"
SAME = r"^backward: the same gradient is added for the 3rd time, .*with nn.no_grad\(\): w -= 0.1"


def loop(
    step: Callable[[list[Any]], Any], made: type = nn.Tensor, *, steps: int = 4, rows: int = 20
) -> list[warnings.WarningMessage]:
    """Return the hints of a loop whose steps are made by a function of the tensors."""
    options = {"requires_grad": True} if made is nn.Tensor else {}
    ps = [made(np.zeros((3, 1)), **options), made(np.zeros(1), **options)]
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        for number in range(steps):
            some = slice(0, 20) if rows == 20 else slice(number * rows, (number + 1) * rows)
            ((X[some] @ ps[0] + ps[1] - Y[some]) ** 2).mean().backward()
            with no_grad():
                step(ps)
    return list(found)


def in_place(ps: list[Any]) -> None:
    for w in ps:
        w -= 0.1 * w.grad  # noqa: PLW2901  # in place


def by_data(ps: list[Any]) -> None:
    for w in ps:
        w.data -= 0.1 * w.grad


def by_slice(ps: list[Any]) -> None:
    for w in ps:
        w[...] = w.data - 0.1 * w.grad


def by_new_data(ps: list[Any]) -> None:
    for w in ps:
        w.data = w.data - 0.1 * w.grad


def new_names(*, made: type = nn.Tensor, mistake: bool = True, steps: int = 4) -> None:
    options = {"requires_grad": True} if made is nn.Tensor else {}
    ps: Any = [made(np.zeros((3, 1)), **options), made(np.zeros(1), **options)]
    other = nn.Tensor(np.ones((3, 1)))
    for _ in range(steps):
        ((X @ ps[0] + ps[1] - Y) ** 2 + 0 * other.sum()).mean().backward()
        with no_grad():
            for w in ps:
                if mistake:
                    w = w - 0.1 * w.grad  # noqa: PLW2901
                else:  # a look at what there is
                    np.linalg.norm(w.grad)


def regression(
    loss: Callable[[Any], Any], *, scalar: bool = False
) -> list[warnings.WarningMessage]:
    """Return the hints of a loop of tensors whose loss is a function of scores (20, 1)."""
    w = nn.Tensor(np.zeros((3, 1)), requires_grad=True)
    b = nn.Tensor(0.0 if scalar else np.zeros(1), requires_grad=True)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        for _ in range(3):
            loss(X @ w + b).backward()
            with no_grad():
                for p in (w, b):
                    p -= 0.1 * p.grad  # noqa: PLW2901  # in place
                    p.grad = None
    return list(found)


def entropy(z: Any, t: Any) -> Any:
    p = nn.sigmoid(z)
    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))


FLAT = Y.ravel()


@pytest.mark.parametrize(
    "loss",
    [
        lambda z: entropy(z, FLAT > 0),
        lambda z: entropy(z, (FLAT > 0) * 1.0),
        lambda z: np.mean((z - FLAT) ** 2),
        lambda z: ((FLAT - z) ** 2).sum() / 400,
        lambda z: np.abs(z[:, 0] - Y).mean(),
    ],
)
@pytest.mark.parametrize("scalar", [False, True])
def test_targets_that_broadcast_are_seen_without_an_optimizer(loss: Any, scalar: bool) -> None:
    found = regression(loss, scalar=scalar)
    assert len(found) == 1
    assert found[0].filename == __file__
    with pytest.raises(nn.TrainingHint, match=r"^backward: the loss combines .*y.reshape\(-1"):
        raise found[0].message  # type: ignore[misc]  # a warning is an exception


def test_right_shapes_and_pairs_on_purpose_get_no_hint() -> None:
    assert regression(lambda z: entropy(z, Y > 0)) == []
    assert regression(lambda z: np.mean((z[:, 0] - FLAT) ** 2)) == []
    assert regression(lambda z: np.mean((z - z.T) ** 2) - (z**2).mean()) == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        column = nn.Tensor(np.ones((3, 1)), requires_grad=True)  # how shapes broadcast
        (2 * column * np.ones(3)).sum().backward()


def test_a_line_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from neural_network.autograd import broadcasting

    looked = []
    monkeypatch.setattr(broadcasting, "compared_with_every_target", looked.append)
    for _ in range(5):
        w = nn.Tensor(np.zeros(3), requires_grad=True)
        (w * 2).sum().backward()
    assert len(looked) == 1


def test_a_step_that_makes_another_tensor_is_named_where_its_history_is_empty() -> None:
    w = nn.Tensor(np.zeros((3, 1)), requires_grad=True)
    np.mean((X @ w - Y) ** 2).backward()
    with no_grad():
        w = w - 0.1 * w.grad
    match = (
        r"history is empty\); .*change w in place, with nn.no_grad\(\): w -= 0.1 \* w.grad; .*pred"
    )
    with pytest.raises(nn.GradientError, match=match):
        np.mean((X @ w - Y) ** 2).backward()


def test_a_loss_outside_of_the_loop_is_named_first() -> None:
    w = nn.Tensor(np.zeros((3, 1)), requires_grad=True)
    loss = np.mean((X @ w - Y) ** 2)
    loss.backward()
    with pytest.raises(
        nn.GradientError, match=r"compute the loss inside it, before .*retain_graph"
    ):
        loss.backward()


def test_the_number_of_a_loss_is_the_first_cure() -> None:
    loss = np.mean((X @ nn.Tensor(np.zeros((3, 1)), requires_grad=True) - Y) ** 2)
    losses: Any = [lambda: float(loss), lambda: int(loss), lambda: np.array([loss])]
    for convert in (*losses, lambda: np.asarray(loss)):
        with pytest.raises(
            nn.DroppedGradientError, match=r"requires one; t\.item\(\) is its number"
        ):
            convert()


def forgetting(step: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
    def both(ps: list[Any]) -> None:
        step(ps)
        for w in ps:
            w.grad = None

    return both


def with_zeros(ps: list[Any]) -> None:
    in_place(ps)
    for w in ps:
        w.grad[...] = 0


def with_momentum(ps: list[Any]) -> None:
    in_place(ps)
    for w in ps:
        w.grad *= 0.9


@pytest.mark.parametrize(
    ("step", "made"),
    [
        (in_place, nn.Tensor),
        (by_data, nn.Tensor),
        (by_slice, nn.Tensor),
        (by_new_data, nn.Tensor),
        (in_place, nn.Parameter),
        (by_data, nn.Parameter),
        (by_slice, nn.Parameter),
        (by_new_data, nn.Parameter),
    ],
)
def test_gradients_that_pile_up_are_hinted_at_once(step: Any, made: Any) -> None:
    found = loop(step, made)
    assert len(found) == 1
    assert found[0].filename == __file__
    with pytest.raises(nn.TrainingHint, match=ADDED):
        raise found[0].message  # type: ignore[misc]  # a warning is an exception


def test_steps_that_change_nothing_are_hinted_at() -> None:
    with pytest.warns(nn.TrainingHint, match=SAME) as found:
        new_names()
    assert len(found) == 1


@pytest.mark.parametrize("made", [nn.Tensor, nn.Parameter])
def test_backward_for_its_time_or_a_look_gets_no_hint(made: Any) -> None:
    assert loop(lambda _: None, made, steps=9) == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        new_names(made=made, mistake=False, steps=9)
        model = nn.Sequential(nn.Dense(2)).initialize((3,), rng=0)
        for _ in range(9):
            nn.mse_loss(model(X), np.ones((20, 2))).backward()


@pytest.mark.parametrize("made", [nn.Tensor, nn.Parameter])
@pytest.mark.parametrize(
    "step", [forgetting(in_place), forgetting(by_data), with_zeros, with_momentum]
)
def test_right_steps_get_no_hint(step: Any, made: Any) -> None:
    assert loop(step, made) == []


def test_gradients_that_are_meant_to_add_up_get_no_hint() -> None:
    assert loop(lambda _: None, rows=5) == []  # of parts of the data
    assert loop(lambda _: None, steps=2) == []  # an example of how they add up

    def every_second(ps: list[Any]) -> None:
        count[0] += 1
        if count[0] % 2 == 0:
            forgetting(in_place)(ps)

    count = [0]
    assert loop(every_second, rows=2, steps=8) == []


def test_a_tensor_with_nan_that_nothing_changed_gets_no_hint() -> None:
    x = nn.Tensor([1.0, np.nan], requires_grad=True)
    out = x * 2
    out.backward(np.ones(2), retain_graph=True)
    out.backward(np.ones(2))
    np.testing.assert_array_equal(x.grad, [4, 4])
