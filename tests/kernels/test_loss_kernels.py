"""The cross-entropy behind a network that kernels computed: the op's numbers, and its sentences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd import Tensor, grad
from neural_network.functional.op import RULES
from tests.needs import need_fast
from tests.processes import output_of

need_fast()

RNG = np.random.default_rng(0)
RULE = RULES[nn.softmax_cross_entropy]


def model(classes: int = 5) -> Any:
    return nn.Sequential(nn.Dense(16, "relu"), nn.Dense(classes)).initialize((8,), rng=0)


def loss_and_gradients(mode: str, net: Any, X: Any, y: Any, **options: Any) -> list[Any]:
    net.zero_grad()
    with nn.use_kernels(mode):
        loss = nn.softmax_cross_entropy(net(X), y, **options)
        taken = loss.node.rule is RULE.after_kernels
        assert taken == (mode == "numba")
        g = RNG.standard_normal(loss.shape).astype(loss.dtype) if loss.ndim else None
        if g is None:
            (3 * loss).backward()
        else:
            loss.backward(np.ones_like(g))
    return [loss.data, *(p.grad for p in net.parameters())]


CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "int64": (np.array([0, 4, 2, 2, 1, 3]), {}),
    "uint8": (np.array([0, 4, 2, 2, 1, 3], np.uint8), {}),
    "floats": (np.array([0.0, 4.0, 2.0, 2.0, 1.0, 3.0]), {}),
    "a list": ([0, 4, 2, 2, 1, 3], {}),
    "one-hot": (np.eye(5)[[0, 4, 2, 2, 1, 3]], {}),
    "sum": (np.array([0, 4, 2, 2, 1, 3]), {"reduction": "sum"}),
    "none": (np.array([0, 4, 2, 2, 1, 3]), {"reduction": "none"}),
    "weights": (np.array([0, 4, 2, 2, 1, 3]), {"class_weights": np.arange(1.0, 6)}),
    "smoothing": (np.array([0, 4, 2, 2, 1, 3]), {"label_smoothing": 0.2}),
    "ignored": (np.array([0, 4, 2, -1, 1, 3]), {"ignore_index": -1}),
}


@pytest.mark.parametrize("case", CASES)
def test_as_the_op(case: str) -> None:
    y, options = CASES[case]
    X = (30 * RNG.standard_normal((6, 8))).astype("float32")
    expected = loss_and_gradients("numpy", model(), X, y, **options)
    found = loss_and_gradients("numba", model(), X, y, **options)
    for actual, desired in zip(found, expected, strict=True):
        assert actual.dtype == desired.dtype == np.float32
        np.testing.assert_allclose(actual, desired, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (np.array([0, 5, 1]), r"labels: expected class indices from 0 to 4, received 5 at index 1"),
        (np.array([0, 1, -1]), r"from 0 to 4, received -1 at index 2"),
        (np.array([0, 1]), r"labels: expected shape \(3,\) or \(3, 5\), received shape \(2,\)"),
        (np.array([[0], [1], [2]]), r"received shape \(3, 1\)"),
    ],
)
def test_errors_are_the_ops(y: Any, sentence: str) -> None:
    with nn.use_kernels("numba"), pytest.raises(nn.NeuralNetworkError, match=sentence):
        nn.softmax_cross_entropy(model()(np.ones((3, 8), np.float32)), y)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_said(bad: float) -> None:
    X = RNG.standard_normal((4, 8)).astype("float32")
    X[2] = bad
    y = np.array([0, 1, 2, 3])
    with np.errstate(all="ignore"):
        losses = [loss_and_gradients(mode, model(), X, y)[0] for mode in ("numpy", "numba")]
    assert np.isnan(losses[0])
    assert np.isnan(losses[1])


def test_extreme_scores_do_not_overflow() -> None:
    net = model(2)
    net[1].weight.data[...] = 0
    net[1].bias.data[...] = [3e38, -3e38]
    X = np.ones((2, 8), np.float32)
    with np.errstate(all="ignore"):
        found = loss_and_gradients("numba", net, X, np.array([0, 0]))
    assert found[0] == 0
    assert all(np.isfinite(one).all() for one in found)


def test_second_derivatives() -> None:
    net, y = model(), np.array([1, 0, 3])
    X = RNG.standard_normal((3, 8)).astype("float32")

    def penalty(x: Any) -> Any:
        return np.sum(np.square(grad(lambda z: nn.softmax_cross_entropy(net(z), y))(x)))

    with nn.use_kernels("numpy"):
        expected = grad(penalty)(X).data  # a tensor: the parameters may be differentiated, too
    with nn.use_kernels("numba"):
        found = grad(penalty)(X).data
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)
    assert np.abs(expected).max() > 1e-3


def test_scores_that_no_kernel_computed_stay_with_the_op() -> None:
    Z = Tensor(RNG.standard_normal((3, 5)).astype("float32"), requires_grad=True)
    with nn.use_kernels("numba"):
        assert nn.softmax_cross_entropy(Z, [0, 1, 2]).node.rule is RULE
        many = nn.softmax_cross_entropy(
            model()(np.ones((2000, 8), np.float32)), np.zeros(2000, int)
        )
    assert many.node.rule is RULE.after_kernels  # beyond LIMITS: the op's forward inside
    with nn.use_kernels("numba"):
        out = model()(np.ones((3, 8), np.float32))
    with nn.use_kernels("numpy"):
        loss = nn.softmax_cross_entropy(out, np.array([0, 1, 2]))
    expected = nn.softmax_cross_entropy(out.data, np.array([0, 1, 2]))
    np.testing.assert_allclose(loss.item(), expected, rtol=1e-6)


def test_uncompiled() -> None:
    code = """
import numpy as np
from tests.kernels.test_loss_kernels import CASES, RNG, test_as_the_op
for case in CASES:
    test_as_the_op(case)
"""
    output_of(code, NUMBA_DISABLE_JIT="1")
