"""Losses: numbers made by hand, their reductions, their options."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import neural_network as nn
from neural_network.autograd import Tensor, grad

LOG2 = np.log(2)
# Scores whose softmax is (1/4, 3/4) and (1/2, 1/2).
Z = np.array([[0.0, np.log(3)], [5.0, 5.0]])
L = nn.log_softmax(Z)


# --- numbers by hand ------------------------------------------------------------


def test_l1_and_huber() -> None:
    assert nn.l1([1, 2], [0, 4]) == 1.5
    # 1 is inside of 2: 1² / 2. 5 is beyond: 2 · (5 − 1).
    assert nn.huber([1.0, -5.0], [0.0, 0.0], delta=2) == (0.5 + 8) / 2
    assert nn.huber([3.0], [0.0]) == 2.5
    far = np.array([3e38], "float32")  # its square would overflow
    assert nn.huber(far, [0]) == pytest.approx(3e38)
    assert grad(lambda y: nn.huber(y, [0.0, 0.0], delta=2))(np.array([1.0, -5.0])).tolist() == [
        0.5, -1.0,
    ]  # fmt: skip


def test_softmax_cross_entropy_of_indices_and_rows() -> None:
    expected = (np.log(4 / 3) + LOG2) / 2
    for labels in ([1, 0], [1.0, 0.0], np.array([True, False]), [[0, 1], [1, 0]]):
        assert nn.softmax_cross_entropy(Z, labels) == pytest.approx(expected, rel=1e-14)
    soft = -(0.5 * np.log(1 / 4) + 0.5 * np.log(3 / 4))
    rows = nn.softmax_cross_entropy(Z, [[0.5, 0.5], [0.5, 0.5]], reduction="none")
    np.testing.assert_allclose(rows, [soft, LOG2], rtol=1e-14)


def test_its_gradient_is_what_the_article_derives() -> None:
    slopes = grad(lambda z: nn.softmax_cross_entropy(z, [1, 0]))(Z)
    np.testing.assert_allclose(slopes, (nn.softmax(Z) - [[0, 1], [1, 0]]) / 2, rtol=1e-14)


def test_class_weights_weigh_rows_and_their_mean() -> None:
    # −log ¾ counts 3, −log ½ counts 1.
    rows = np.array([3 * np.log(4 / 3), LOG2])
    call: Any = (Z, [1, 0])
    options: dict[str, Any] = {"class_weights": [1, 3]}
    for function, first in ((nn.softmax_cross_entropy, Z), (nn.nll, L)):
        call = (first, [1, 0])
        assert function(*call, **options) == pytest.approx(rows.sum() / 4)
        assert function(*call, **options, reduction="sum") == pytest.approx(rows.sum())
        np.testing.assert_allclose(function(*call, **options, reduction="none"), rows)
        # Rows of probabilities have no class of their own: the mean is over their number.
        assert function(first, np.eye(2)[[1, 0]], **options) == pytest.approx(rows.sum() / 2)


def test_label_smoothing_spreads_the_label() -> None:
    # s = 0.4 over two classes: the label keeps 0.6 + 0.2.
    expected = -(0.2 * np.log(1 / 4) + 0.8 * np.log(3 / 4))
    for labels in ([1], [[0, 1]]):
        assert nn.softmax_cross_entropy(Z[:1], labels, label_smoothing=0.4) == pytest.approx(
            expected, rel=1e-14
        )


def test_all_options_together() -> None:
    # t = w · ((1 − s) · [j = y] + s / k) = 3 · 0.8 for the label, 1 · 0.2 for the other.
    counted = -(0.2 * np.log(1 / 4) + 2.4 * np.log(3 / 4))
    loss = nn.softmax_cross_entropy(
        np.vstack([Z[0], [np.nan, np.inf]]), [1, -100],
        class_weights=[1, 3], label_smoothing=0.4, ignore_index=-100,
    )  # fmt: skip
    assert loss == pytest.approx(counted / 3, rel=1e-14)


def test_ignored_rows_count_nothing() -> None:
    padded = np.vstack([Z, [[np.nan, np.inf]]])
    for dtype in ("int64", "int8", "float32"):
        labels = np.array([1, 0, -1], dtype)
        options: dict[str, Any] = {"ignore_index": -1}
        assert nn.softmax_cross_entropy(padded, labels, **options) == pytest.approx(
            nn.softmax_cross_entropy(Z, [1, 0]), rel=1e-14
        )
        assert nn.nll(nn.log_softmax(padded), labels, **options) == pytest.approx(
            nn.nll(L, [1, 0]), rel=1e-14
        )
    t = Tensor(padded, requires_grad=True)
    loss: Any = nn.softmax_cross_entropy(t, [1, 0, -1], ignore_index=-1)
    loss.backward()
    assert t.grad is not None
    assert t.grad[2].tolist() == [0, 0]
    assert np.all(t.grad[:2] != 0)
    assert nn.softmax_cross_entropy(Z, [7, 7], ignore_index=7, reduction="sum") == 0
    assert nn.nll(L, np.array([7, 7], "uint8"), ignore_index=7, reduction="none").tolist() == [0, 0]
    # Nothing is ignored that does not carry the index, also where no label could.
    labels = np.array([1, 0], "uint8")
    assert nn.nll(L, labels, ignore_index=-100) == nn.nll(L, [1, 0])


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 5),
    k=st.integers(1, 4),
    soft=st.booleans(),
    weighted=st.booleans(),
    reduction=st.sampled_from(["mean", "sum", "none"]),
)
def test_softmax_cross_entropy_is_nll_of_log_softmax(
    seed: int, n: int, k: int, soft: bool, weighted: bool, reduction: Any
) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.standard_normal((n, k)) * 10
    labels = nn.softmax(rng.standard_normal((n, k))) if soft else rng.integers(0, k, n)
    options: dict[str, Any] = {"class_weights": rng.uniform(0.1, 2, k) if weighted else None}
    options["reduction"] = reduction
    np.testing.assert_allclose(
        nn.softmax_cross_entropy(scores, labels, **options),
        nn.nll(nn.log_softmax(scores), labels, **options),
        rtol=1e-12,
        atol=1e-12,
    )
    entropy = nn.binary_cross_entropy(nn.sigmoid(scores), scores > 0, reduction=reduction)
    np.testing.assert_allclose(
        nn.binary_cross_entropy_with_logits(scores, scores > 0, reduction=reduction),
        entropy,
        atol=1e-12,
    )


def test_a_class_ruled_out_by_minus_infinity() -> None:
    scores = np.array([[0.0, 0.0, -np.inf]])
    for labels in ([0], [[1, 0, 0]]):
        t = Tensor(scores, requires_grad=True)
        loss: Any = nn.softmax_cross_entropy(t, labels)
        assert loss.item() == pytest.approx(LOG2)
        loss.backward()
        np.testing.assert_allclose(t.grad, [[-0.5, 0.5, 0]])
    assert nn.softmax_cross_entropy(scores, [2]) == np.inf
    assert nn.nll(nn.log_softmax(scores), [[1, 0, 0]]) == pytest.approx(LOG2)


def test_binary_cross_entropy_with_logits_numbers() -> None:
    loss = nn.binary_cross_entropy_with_logits
    assert loss([np.log(3)], [1]) == pytest.approx(np.log(4 / 3), rel=1e-14)
    assert loss([np.log(3)], [0]) == pytest.approx(np.log(4), rel=1e-14)
    assert loss([np.log(3)], [1], positive_weight=5) == pytest.approx(5 * np.log(4 / 3))
    assert loss([np.log(3)], [0], positive_weight=5) == pytest.approx(np.log(4))
    rows = loss(np.zeros((2, 2)), [[1, 1], [0, 1]], positive_weight=[1, 3], reduction="none")
    np.testing.assert_allclose(rows, [2 * LOG2, 2 * LOG2])
    assert loss(0.0, 1) == pytest.approx(LOG2)
    # Far on the right side, exp(−20) is what is left; 1 − sigmoid would have lost it.
    assert loss(np.array([20], "float32"), [1]) == pytest.approx(np.exp(-20), rel=1e-6)
    assert loss(np.array([-20], "float32"), [0]) == pytest.approx(np.exp(-20), rel=1e-6)


def test_kl_numbers() -> None:
    assert nn.kl(np.log([[0.25, 0.75]]), [[0.5, 0.5]]) == pytest.approx(0.5 * np.log(4 / 3))
    two = nn.kl(np.log([[0.25, 0.75]] * 2), [[0.5, 0.5]] * 2)  # of two rows the mean, not of four
    assert two == pytest.approx(0.5 * np.log(4 / 3))
    with np.errstate(divide="ignore"):
        log_q = np.log([[0.5, 0.5, 0.0]])
    assert nn.kl(log_q, [[1, 0, 0]]) == pytest.approx(LOG2)
    assert nn.kl(log_q, [[0, 0, 1]]) == np.inf
    p = np.array([[1.0, 0.0]])
    slopes = grad(lambda p: nn.kl(np.log([[0.25, 0.75]]), p))(p)
    np.testing.assert_allclose(slopes, [[1 + np.log(4), 0]])


def test_hinge_numbers() -> None:
    assert nn.hinge([2.0, -1.0, 0.25], [1, 1, -1], reduction="none").tolist() == [0, 2, 1.25]
    # Label 1 with 2: class 0 lacks 1 + 1.5 − 2, class 2 lacks 1 + 3 − 2; both count.
    scores = np.array([[1.5, 2.0, 3.0], [9.0, 0.0, 0.0]])
    assert nn.hinge(scores, [1, 0], reduction="none").tolist() == [2.5, 0]
    assert nn.hinge(scores, [1, 0]) == 1.25
    slopes = grad(lambda s: nn.hinge(s, [1, 0], reduction="sum"))(scores)
    assert slopes.tolist() == [[1, -2, 1], [0, 0, 0]]
    assert grad(lambda s: nn.hinge(s, [1, 1]))(np.array([0.0, 2.0])).tolist() == [-0.5, 0]


# --- reductions -------------------------------------------------------------------

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((4, 3)), RNG.standard_normal((4, 3))
P, Q = nn.softmax(X), nn.softmax(Y)
LABELS = np.array([0, 2, 1, 2])
LOSSES: dict[str, Any] = {
    "mse_loss": (nn.mse_loss, X, Y),
    "mse_loss of 3 axes": (nn.mse_loss, X.reshape(2, 2, 3), Y.reshape(2, 2, 3)),
    "l1": (nn.l1, X, Y),
    "huber": (nn.huber, X, Y),
    "huber of 1 axis": (nn.huber, X[0], Y[0]),
    "binary_cross_entropy": (nn.binary_cross_entropy, P, Q),
    "binary_cross_entropy_with_logits": (nn.binary_cross_entropy_with_logits, X, Q),
    "cross_entropy": (nn.cross_entropy, P, Q),
    "kl": (nn.kl, np.log(P), Q),
    "nll": (nn.nll, np.log(P), LABELS),
    "softmax_cross_entropy": (nn.softmax_cross_entropy, X, LABELS),
    "softmax_cross_entropy of rows": (nn.softmax_cross_entropy, X, Q),
    "hinge of two": (nn.hinge, X, np.sign(Y)),
    "hinge of more": (nn.hinge, X, LABELS),
}


@pytest.mark.parametrize("name", LOSSES)
def test_rows_their_sum_and_their_mean(name: str) -> None:
    function, prediction, y = LOSSES[name]
    rows = function(prediction, y, reduction="none")
    assert rows.shape == (len(prediction),)
    one_by_one = [function(prediction[i : i + 1], y[i : i + 1]) for i in range(len(y))]
    np.testing.assert_allclose(rows, one_by_one, rtol=1e-12)
    total, mean = (function(prediction, y, reduction=word) for word in ("sum", "mean"))
    assert type(total) is type(mean) is float
    assert total == pytest.approx(rows.sum(), rel=1e-12)
    assert mean == pytest.approx(rows.mean(), rel=1e-12)
    assert function(prediction, y) == mean


@pytest.mark.parametrize("name", LOSSES)
def test_types_and_tensors(name: str) -> None:
    function, prediction, y = LOSSES[name]
    for dtype in ("float16", "float32", "float64"):
        small = y.astype(dtype) if y.dtype.kind == "f" else y
        out = function(prediction.astype(dtype), small, reduction="none")
        assert out.dtype == dtype
        t = Tensor(prediction.astype(dtype), requires_grad=True)
        for reduction, shape in (("mean", ()), ("sum", ()), ("none", out.shape)):
            value = function(t, small, reduction=reduction)
            assert isinstance(value, Tensor)
            assert (value.shape, value.dtype) == (shape, dtype)
        value.sum().backward()
        assert t.grad is not None
        assert t.grad.dtype == dtype
    arguments = [prediction.tolist(), y.tolist()]
    np.testing.assert_allclose(function(*arguments), function(prediction, y), rtol=1e-12)
    # Targets may be a plain list also where the gradient is computed.
    value = function(Tensor(prediction, requires_grad=True), y.tolist())
    value.backward()


def test_labels_and_weights_do_not_widen() -> None:
    scores = X.astype("float32")
    options: dict[str, Any] = {"class_weights": np.ones(3), "reduction": "none"}
    for labels in (LABELS, LABELS.astype("float64"), Q):
        for smoothing in (0.0, np.float64(0.1)):
            out = nn.softmax_cross_entropy(scores, labels, label_smoothing=smoothing, **options)
            assert out.dtype == np.float32
        assert nn.nll(nn.log_softmax(scores), labels, **options).dtype == np.float32
    assert nn.hinge(scores, LABELS.astype("float64"), reduction="none").dtype == np.float32
    assert nn.hinge(scores, np.sign(Y), reduction="none").dtype == np.float32


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_scores_of_ten_thousand_stay_finite(smoothing: float) -> None:
    t = Tensor(np.array([[1e4, -1e4], [-1e4, 1e4]], "float32"), requires_grad=True)
    loss: Any = nn.softmax_cross_entropy(t, [0, 0], label_smoothing=smoothing, reduction="none")
    # 20 000 apart; the label keeps 1 − s / 2, and what it does not have is paid.
    np.testing.assert_allclose(loss.data, [1e4 * smoothing, 1e4 * (2 - smoothing)], rtol=1e-6)
    loss.sum().backward()
    s = smoothing / 2
    np.testing.assert_allclose(t.grad, [[s, -s], [s - 1, 1 - s]], atol=1e-6)

    t = Tensor(np.array([1e4, -1e4, 1e4, -1e4], "float32"), requires_grad=True)
    loss = nn.binary_cross_entropy_with_logits(t, [1, 1, 0, 0], reduction="none")
    assert loss.data.tolist() == [0, 1e4, 1e4, 0]
    loss.sum().backward()
    assert np.asarray(t.grad).tolist() == [0, -1, 1, 0]


def test_a_large_offset_does_not_cost_digits() -> None:
    scores = np.array([[1e4, 1e4 + 1]], "float32")
    assert nn.softmax_cross_entropy(scores, [0]) == pytest.approx(np.log1p(np.e), rel=1e-6)


def test_nan_scores_give_a_nan_loss() -> None:
    assert np.isnan(nn.softmax_cross_entropy([[np.nan, 0.0]], [0]))
    assert np.isnan(nn.softmax_cross_entropy([[np.nan, 0.0]], [[0.5, 0.5]]))
    assert np.isnan(nn.nll([[np.nan, -1.0]], [0]))
    assert np.isnan(nn.binary_cross_entropy_with_logits([np.nan], [0]))
    assert np.isnan(nn.hinge([[np.nan, 0.0]], [0]))
    assert np.isnan(nn.l1([np.nan], [0]))
    assert np.isnan(nn.huber([np.nan], [0]))


def test_a_tensor_of_labels_must_not_want_a_gradient() -> None:
    soft = Tensor(Q, requires_grad=True)
    with pytest.raises(
        nn.DroppedGradientError,
        match="softmax_cross_entropy: labels: expected an argument that a gradient is defined for",
    ):
        nn.softmax_cross_entropy(X, soft)
    expected = grad(lambda x: nn.softmax_cross_entropy(x, Q))(X)
    found = grad(lambda x: nn.softmax_cross_entropy(x, Tensor(Q)))(X)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}])
def test_tiny_class_weights_underflow_in_silence(reduction: Any, options: Any) -> None:
    scores = np.log([[0.25, 0.75], [0.5, 0.5]])
    for weights in ([1e-310, 1e-310], [1e-310, 1e300]):
        with np.errstate(all="raise"):
            nn.softmax_cross_entropy(
                scores, [1, 0], class_weights=weights, reduction=reduction, **options
            )
            nn.nll(scores, [1, 0], class_weights=weights, reduction=reduction)
