"""Descent and hand-made gradients: against the article, against differences, on digits."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from tests import oracles


def parameters(sizes: list[int], seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    p = nn.initial_parameters(sizes, rng=rng, dtype=float)
    return {name: a + 0.1 * rng.standard_normal(a.shape) for name, a in p.items()}


def test_gradient_descent_gives_the_articles_numbers(capsys: Any) -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((23, 3))
    y = X @ [[1.0], [-2.0], [0.5]] + 3
    W, b = np.zeros((3, 1)), np.zeros((1, 1))
    expected = oracles.descent(X, y, W, b, 0.05, 4, 5, seed=7)
    np.random.seed(7)
    result = nn.gradient_descent(X, y, W, b, 0.05, 4, 5, nn.mse_loss)
    for actual, desired in zip(result, expected, strict=True):
        np.testing.assert_allclose(actual, desired, rtol=1e-13)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"Epoch {i}/4, Loss: {loss:.4f}" for i, loss in enumerate(expected[2], 1)]
    assert not W.any()
    assert not b.any()


def test_one_step_by_hand(capsys: Any) -> None:
    # prediction 0.5, error 0.5 − 1 = −0.5: W = 0 + 0.1 · 2 · 0.5, b = 0 + 0.1 · 0.5
    W, b, losses = nn.gradient_descent(
        [[2.0]], [[1]], [[0.0]], [0.0], 0.1, 1, 99, nn.binary_cross_entropy, nn.sigmoid,
        verbose=False,
    )  # fmt: skip
    assert (W.item(), b.tolist()) == (pytest.approx(0.1), [pytest.approx(0.05)])
    assert losses == [pytest.approx(-np.log(1 / (1 + np.exp(-0.25))))]
    assert capsys.readouterr().out == ""


def test_seeds_of_gradient_descent() -> None:
    X = np.random.default_rng(0).standard_normal((9, 2))
    call: Any = (X, X[:, :1], np.zeros((2, 1)), np.zeros(1), 0.1, 3, 2, nn.mse_loss)
    runs = [nn.gradient_descent(*call, verbose=False, rng=seed)[2] for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]
    assert nn.gradient_descent(*call[:5], 0, *call[6:], verbose=False)[2] == []


def test_float32_stays_float32() -> None:
    X = np.random.default_rng(0).standard_normal((9, 2)).astype("float32")
    W, b, _ = nn.gradient_descent(
        X, X[:, :1], X[:2, :1], X[0, :1], 0.1, 1, 2, nn.mse_loss, verbose=False
    )
    assert (W.dtype, b.dtype) == (np.float32, np.float32)


def test_forward_perceptron_numbers() -> None:
    out = nn.forward_perceptron([[1, 2], [0, 0]], [[1.0], [-0.5]], [[np.log(3)]])
    np.testing.assert_allclose(out, [[0.75], [0.75]], rtol=1e-14)


def test_forward_mlp_numbers() -> None:
    A1, A2 = nn.forward_mlp(
        [[1.0, -1.0]], np.eye(2), [[0.5, 0.5]], [[np.log(3) / 1.5, 0], [9, 9]], [0, 0]
    )
    assert A1.tolist() == [[1.5, 0]]
    np.testing.assert_allclose(A2, [[0.75, 0.25]], rtol=1e-14)


@pytest.mark.parametrize("depth", [2, 3])
def test_backward_agrees_with_differences(depth: int) -> None:
    rng = np.random.default_rng(depth)
    X = rng.standard_normal((11, 5))
    y = nn.one_hot(rng.integers(0, 4, 11), 4).astype(float)
    p = parameters([5, 7, 6, 4] if depth == 3 else [5, 7, 4])
    forward: Any = nn.forward_mlp if depth == 2 else nn.forward_mlp_3layer
    A = forward(X, **p)
    Z1 = X @ p["W1"] + p["b1"]
    if depth == 2:
        hand: Any = nn.backward_mlp(X, *A, y, p["W1"], p["W2"], Z1)
    else:
        Z2 = A[0] @ p["W2"] + p["b2"]
        hand = nn.backward_mlp_3layer(X, *A, y, p["W1"], p["W2"], p["W3"], Z1, Z2)
    # 1e-5 keeps every sum on its side of the relu's corner.
    differences = nn.numerical_gradient(
        X, y, p, nn.cross_entropy, lambda X, p: forward(X, **p)[-1], h=1e-5
    )
    assert list(differences) == list(p)
    for gradient, (name, difference) in zip(hand, differences.items(), strict=True):
        assert gradient.shape == p[name].shape
        np.testing.assert_allclose(gradient, difference, atol=1e-6, err_msg=name)


def test_the_relu_has_no_slope_at_0() -> None:
    one, zero = np.ones((1, 1)), np.zeros((1, 1))
    gradients = nn.backward_mlp(one, zero, 0.75 * one, one, one, one, Z1=zero)
    assert gradients[0].item() == 0


def test_grad_b_is_one_mean_over_rows_and_outputs() -> None:
    # Prediction 0, error −y: the mean over all four is −2.5, not one for each column.
    y = np.array([[1.0, 2.0], [3.0, 4.0]])
    _, b, _ = nn.gradient_descent(
        np.zeros((2, 1)), y, np.zeros((1, 2)), np.zeros(2), 0.1, 1, 2, nn.mse_loss, verbose=False
    )
    np.testing.assert_allclose(b, [0.25, 0.25])


def test_train_mlp_is_the_loop_one_would_write() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((7, 3)), np.eye(2)[rng.integers(0, 2, 7)]
    p, losses = nn.train_mlp(X, y, hidden=(4,), lr=0.5, num_epochs=2, batch_size=3, rng=5)
    generator = np.random.default_rng(5)
    q = nn.initial_parameters([3, 4, 2], rng=generator, dtype=float)
    assert abs(nn.initial_parameters([500, 400])["W1"].std() - np.sqrt(2 / 500)) < 1e-3
    assert q["b1"].dtype == float
    expected = []
    for _ in range(2):
        total = 0.0
        order = generator.permutation(7)
        for rows in (order[:3], order[3:5], order[5:]):  # nearly equal
            A1, A2 = nn.forward_mlp(X[rows], **q)
            Z1 = X[rows] @ q["W1"] + q["b1"]
            total += nn.cross_entropy(A2, y[rows]) * len(rows)
            grads = nn.backward_mlp(X[rows], A1, A2, y[rows], q["W1"], q["W2"], Z1)
            for name, g in zip(q, grads, strict=True):
                q[name] = q[name] - 0.5 * g
        expected.append(total / 7)
    np.testing.assert_allclose(losses, expected, rtol=1e-12)
    for name in q:
        np.testing.assert_allclose(p[name], q[name], rtol=1e-12)


def test_no_epoch_gives_copies() -> None:
    W, b = np.zeros((1, 1)), np.zeros(1)
    out = nn.gradient_descent([[1.0]], [[1.0]], W, b, 0.1, 0, 1, nn.mse_loss)
    assert not np.shares_memory(out[0], W)
    assert not np.shares_memory(out[1], b)


def test_numerical_gradient_at_infinity_is_nan() -> None:
    p = {"W": np.array([np.inf])}
    with np.errstate(invalid="ignore"):
        out = nn.numerical_gradient(0, 0, p, lambda v, y: v, lambda X, p: p["W"].sum())
    assert np.isnan(out["W"]).all()


def test_a_planted_mistake_is_seen() -> None:
    # The comparison above must be able to fail: forget the relu's derivative.
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((11, 5)), np.eye(4)[rng.integers(0, 4, 11)]
    p = parameters([5, 7, 4])
    A1, A2 = nn.forward_mlp(X, **p)
    wrong = nn.backward_mlp(X, A1, A2, y, p["W1"], p["W2"], Z1=np.ones_like(A1))[0]
    right = nn.backward_mlp(X, A1, A2, y, p["W1"], p["W2"], X @ p["W1"] + p["b1"])[0]
    assert np.abs(wrong - right).max() > 1e-3


def test_numerical_gradient_numbers() -> None:
    p = {"a": np.array([[1.0, 2.0]]), "b": np.array(3.0)}
    out = nn.numerical_gradient(
        None, None, p, lambda v, y: v, lambda X, p: float((p["a"] ** 2).sum() * p["b"])
    )
    np.testing.assert_allclose(out["a"], [[6, 12]], rtol=1e-8)
    np.testing.assert_allclose(out["b"], 5, rtol=1e-8)


def test_numerical_gradient_puts_everything_back() -> None:
    p = {"W": np.array([0.1, 0.2, 0.3]), "b": np.array([-0.0, np.nan])}
    before = {name: a.tobytes() for name, a in p.items()}
    calls = 0

    def fails_late(X: Any, p: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise RuntimeError("halfway")
        return p["W"].sum()

    with pytest.raises(RuntimeError, match="halfway"):
        nn.numerical_gradient(0, 0, p, lambda v, y: v, fails_late)
    assert {name: a.tobytes() for name, a in p.items()} == before
    nn.numerical_gradient(0, 0, p, lambda v, y: v, lambda X, p: p["W"].sum())
    assert {name: a.tobytes() for name, a in p.items()} == before


def test_numerical_gradient_undoes_what_forward_fn_writes() -> None:
    p = {"W": np.array([0.1, 0.2]), "b": np.array([0.3])}
    before = {name: a.tobytes() for name, a in p.items()}

    def careless(X: Any, p: Any) -> Any:
        p["cache"] = p["W"] * 2
        total = (p["W"] ** 2).sum()
        p["W"] *= 0.5
        return total

    out = nn.numerical_gradient(0, 0, p, lambda v, y: v, careless)
    assert {name: a.tobytes() for name, a in p.items()} == before
    assert list(out) == ["W", "b"]


def test_numerical_gradient_divides_by_the_step_that_was_made() -> None:
    # In float32 near 900 a step of 1e-4 becomes 1.2e-4.
    p = {"W": np.array([900.0], "float32")}
    out = nn.numerical_gradient(0, 0, p, lambda v, y: v, lambda X, p: float(p["W"][0]) * 3)
    np.testing.assert_allclose(out["W"], [3], rtol=1e-3)


def test_numerical_gradient_of_read_only_and_of_captured_parameters() -> None:
    frozen = np.array([1.0, 2.0])
    frozen.flags.writeable = False
    out = nn.numerical_gradient(
        0, 0, {"W": frozen}, lambda v, y: v, lambda X, p: (p["W"] ** 2).sum()
    )
    np.testing.assert_allclose(out["W"], [2, 4])
    # As in the article, the arrays themselves move: a closure over them sees it.
    W = np.array([1.0, 2.0])
    out = nn.numerical_gradient(0, 0, {"W": W}, lambda v, y: v, lambda X, p: (W**2).sum())
    np.testing.assert_allclose(out["W"], [2, 4])


def digits(count: int = 1000) -> tuple[Any, Any, Any, Any]:
    images, labels = nn.load_mnist()
    test_images, test_labels = nn.load_mnist("test")

    def flat(pictures: Any) -> Any:
        return (pictures.reshape(len(pictures), -1) / 255).astype("float32")

    return flat(images[:count]), labels[:count], flat(test_images), test_labels


def test_descent_learns_to_tell_zeros_from_ones_on_digits() -> None:
    X, labels, X_test, test_labels = digits(5000)
    some, test_some = labels < 2, test_labels < 2
    y = labels[some, None].astype("float32")
    W, b, losses = nn.gradient_descent(
        X[some], y, np.zeros((784, 1), "float32"), np.zeros(1, "float32"), 0.1, 5, 32,
        nn.binary_cross_entropy, nn.sigmoid, verbose=False, rng=0,
    )  # fmt: skip
    predicted = nn.forward_perceptron(X_test[test_some], W, b)[:, 0] > 0.5
    assert losses[-1] < losses[0]
    assert np.mean(predicted == test_labels[test_some]) > 0.99


@pytest.mark.parametrize("hidden", [(64,), (64, 32)])
def test_networks_learn_the_shipped_digits(hidden: Any) -> None:
    X, labels, X_test, test_labels = digits(5000)
    seen = []
    p, losses = nn.train_mlp(
        X,
        nn.one_hot(labels, 10),
        hidden=hidden,
        num_epochs=15,
        batch_size=50,
        after_epoch=lambda epoch, loss, p: seen.append((epoch, loss)),
    )
    forward: Any = nn.forward_mlp if len(hidden) == 1 else nn.forward_mlp_3layer
    assert nn.accuracy(forward(X_test, **p)[-1], test_labels) >= 0.9
    assert seen == list(enumerate(losses, 1))
    assert losses[-1] < losses[0] / 3
    assert {a.dtype.name for a in p.values()} == {"float32"}


def test_no_epoch_of_train_mlp_ends_with_a_few_rows() -> None:
    # 2000 rows in batches of 64 leave 16, whose step alone would lose what an epoch has won.
    X, labels, X_test, test_labels = digits(2000)
    shares: list[float] = []

    def measure(epoch: int, loss: float, p: dict[str, Any]) -> None:
        shares.append(nn.accuracy(nn.forward_mlp_3layer(X_test, **p)[-1], test_labels))

    nn.train_mlp(X, nn.one_hot(labels), hidden=(64, 32), num_epochs=6, after_epoch=measure)
    assert min(np.diff(shares)) > -0.05
    six, y = X[:6], nn.one_hot(labels[:6], 10)
    one, other = (nn.train_mlp(six, y, hidden=(4,), batch_size=size)[0]["W1"] for size in (5, 3))
    np.testing.assert_array_equal(one, other)


def test_one_seed_one_network() -> None:
    X, labels, *_ = digits(200)
    runs = [
        nn.train_mlp(X, nn.one_hot(labels, 10), num_epochs=2, rng=seed)[0]["W1"].tobytes()
        for seed in (5, 5, 6)
    ]
    assert runs[0] == runs[1] != runs[2]


LINE = np.arange(8.0).reshape(-1, 1)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_gradient_descent_that_diverges_is_an_error(dtype: Any) -> None:
    X = LINE.astype(dtype)
    start = np.zeros((1, 1), dtype), np.zeros(1, dtype)
    with pytest.raises(
        nn.DivergenceError, match=r"^gradient_descent: (W, b|loss): .*lr=5.* smaller lr"
    ):
        nn.gradient_descent(X, 2 * X, *start, 5.0, 2000, 4, nn.mse_loss, verbose=False, rng=0)


def test_a_loss_that_is_not_finite_ends_gradient_descent_after_that_epoch() -> None:
    losses = iter([1.0, float("nan")])
    with pytest.raises(
        nn.DivergenceError, match=r"^gradient_descent: loss: .* after epoch 2 with lr"
    ):
        nn.gradient_descent(
            LINE, LINE, np.zeros((1, 1)), np.zeros(1), 1e-3, 3, 4, lambda p, y: next(losses),
            verbose=False, rng=0,
        )  # fmt: skip


def test_train_mlp_that_diverges_is_an_error() -> None:
    y = nn.one_hot(np.arange(8) % 2)
    with pytest.raises(
        nn.DivergenceError, match=r"^train_mlp: .*W1.*: expected finite .*lr=1e\+200"
    ):
        nn.train_mlp(LINE, y, hidden=(4,), lr=1e200, num_epochs=20, batch_size=4)


@pytest.mark.parametrize("name", ["X", "y", "W", "b"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_data_that_are_not_finite_are_named(name: str, value: float) -> None:
    arrays = {"X": LINE.copy(), "y": LINE / 8, "W": np.zeros((1, 1)), "b": np.zeros(1)}
    arrays[name][-1] = value
    with pytest.raises(nn.ArgumentError, match=f"^gradient_descent: {name}: expected finite"):
        nn.gradient_descent(**arrays, lr=0.1, num_epochs=1, batch_size=4, loss_fn=nn.mse_loss)
    if name in "Xy":
        with pytest.raises(nn.ArgumentError, match=f"^train_mlp: {name}: expected finite"):
            nn.train_mlp(arrays["X"], arrays["y"], hidden=(2,))


def test_a_softmax_over_one_column_gets_a_hint() -> None:
    y, W, b = LINE.mean() < LINE, np.ones((1, 1)), np.zeros(1)
    with pytest.warns(nn.TrainingHint, match=r"^train_mlp: y has one column.*hstack\(\[1 - y, y\]"):
        assert nn.train_mlp(LINE, y * 1.0, hidden=(4,), num_epochs=2)[1] == [0, 0]
    for softmax in (nn.softmax, lambda Z: np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)):
        with pytest.warns(nn.TrainingHint, match="^gradient_descent: W has one .*=sigmoid"):
            nn.gradient_descent(LINE, y, W, b, 0.1, 2, 4, nn.cross_entropy, softmax, verbose=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        both = np.hstack([1 - y, y])
        nn.train_mlp(LINE, both, hidden=(4,), num_epochs=2)
        for right in (nn.sigmoid, nn.relu):
            nn.gradient_descent(LINE, y, W, b, 0.1, 1, 4, nn.mse_loss, right, verbose=False)
        ones = np.ones_like(LINE)  # which a layer has learned
        nn.gradient_descent(LINE, ones, 0 * W, b + 1, 0.1, 1, 4, nn.mse_loss, verbose=False)


def test_weights_that_are_turned_around_are_told_their_shape() -> None:
    X, y = np.ones((5, 4)), np.ones((5, 3))
    rest = (np.zeros(3), 0.1, 1, 4, nn.mse_loss)
    with pytest.raises(nn.ShapeError, match=r"W: expected \(4, outputs\).*\(3, 4\); W.T has it"):
        nn.gradient_descent(X, y, np.zeros((3, 4)), *rest)
    with pytest.raises(nn.ShapeError, match=r"W: expected shape \(4, 3\), received shape \(7, 3\)"):
        nn.gradient_descent(X, y, np.zeros((7, 3)), *rest)
