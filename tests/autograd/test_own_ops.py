"""Ops of one's own whose gradients are missing, unfinished or wrong: what is said of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.errors import DroppedGradientError, DTypeError, GradientError, ShapeError

X = np.arange(20.0).reshape(5, 4) / 20
W = np.arange(12.0).reshape(4, 3) / 12
b = np.ones(3)


def own_dense(**formulas: Any) -> Callable[..., Any]:
    """Return an op of a user, with these gradients."""

    def own(X: Any, W: Any, b: Any) -> Any:
        return X @ W + b

    made = nn.op(own)
    for name, formula in formulas.items():
        nn.gradient(made, name)(formula)
    return made


def ways(op: Callable[..., Any]) -> list[Callable[[], Any]]:
    """Return the calls that differentiate an op by W."""
    tensor = nn.Tensor(W, requires_grad=True)
    return [
        lambda: nn.check_gradients(lambda W: 2 * op(X, W, b), [W]),
        lambda: op(X, tensor, b).sum().backward(),
        lambda: nn.grad(lambda W: np.sum(op(X, W, b)))(W),
        lambda: nn.jacobian(lambda W: 2 * op(X, W, b))(W),
        lambda: nn.visual.explain_gradient(lambda W: np.sum(op(X, W, b)), W),
    ]


@pytest.mark.parametrize("way", range(5))
@pytest.mark.parametrize(
    ("formula", "said"),
    [
        (lambda g, X: None, r"own: gradient for W: expected an array, received None; is its retu"),
        (lambda g, X: "X", r"own: gradient for W: expected an array, received 'X'"),
        (lambda g, X: [[1.0]], r"own: gradient for W: expected an array, received \[\[1.0\]\]"),
        (lambda g, X: 1, r"own: gradient for W: expected shape \(4, 3\), received shape \(\)"),
        (lambda g, X: g @ X, r"own: gradient for W: .*received g float64 \(5, 3\), X float64 \(5"),
        (lambda g, X: g.nothing, r"own: gradient for W: .* has no attribute 'nothing'"),
    ],
)
def test_a_formula_that_fails_is_named(formula: Any, said: str, way: int) -> None:
    with pytest.raises(GradientError, match=said):
        ways(own_dense(W=formula))[way]()


def test_a_failing_formula_answers_numpys_class_and_notes_where_it_stood() -> None:
    with pytest.raises(ValueError, match="gradient for W"):
        ways(own_dense(W=lambda g, X: g @ X))[1]()
    with pytest.raises(ShapeError, match="matrix_multiply: W: expected 3 rows") as caught:
        ways(own_dense(W=lambda g, X: 2 * nn.matrix_multiply(g, X)))[1]()
    assert caught.value.__notes__ == ["in the gradient of own for W"]


def test_a_number_is_a_gradient_for_a_number() -> None:
    @nn.op
    def twice(x: Any) -> Any:
        return 2 * x

    nn.gradient(twice, "x")(lambda g: 2.0 * float(g))
    assert nn.grad(twice)(3.0) == 2


def test_lists_need_a_list_of_gradients() -> None:
    @nn.op
    def joined(parts: list[Any]) -> Any:
        return np.concatenate(parts)

    parts = [nn.Tensor(b, requires_grad=True), nn.Tensor(b, requires_grad=True)]
    wrong: list[Callable[..., Any]] = [lambda g: None, lambda g: [b], lambda g: {"a": b}]
    for formula in wrong:
        nn.gradient(joined, "parts")(formula)
        with pytest.raises(GradientError, match="joined: gradient for parts: expected a list of"):
            joined(parts).sum().backward()


@pytest.mark.parametrize("way", range(5))
def test_a_missing_gradient_names_the_line_to_write(way: int) -> None:
    with pytest.raises(
        DroppedGradientError, match=r'own: W: .* @gradient\(own, "W"\) above a func'
    ):
        ways(own_dense(X=lambda g, W: g @ W.T))[way]()
    model = nn.Sequential(nn.Dense(3, activation=nn.op(lambda Z: Z * 2)))
    with pytest.raises(DroppedGradientError, match=r'@gradient\(<lambda>, "Z"\) above'):
        model.initialize((4,), rng=0)(X)


def test_a_missing_gradient_of_the_library_names_the_arguments_that_have_one() -> None:
    labels = nn.Tensor(np.eye(5, 4), requires_grad=True)
    with pytest.raises(DroppedGradientError, match=r"predictions come first: cross_entropy\(A, y"):
        nn.cross_entropy(nn.softmax(X), labels)
    scores = nn.Tensor(X, requires_grad=True)
    with pytest.raises(DroppedGradientError, match="cross_entropy has gradients for A, or pass y"):
        nn.cross_entropy(nn.softmax(scores), labels)


def test_a_gradient_for_no_argument_is_refused_at_once() -> None:
    op = own_dense()
    with pytest.raises(DTypeError, match="name: expected one of the arguments of own: X, W, b, re"):
        nn.gradient(op, "V")
    for formula in (lambda g, Q: g, lambda X: X, lambda: 0):
        with pytest.raises(DTypeError, match="gradient for W: expected a function of g, then any "):
            nn.gradient(op, "W")(formula)


def by_loops(x: Any, k: Any) -> Any:
    """Convolve as a beginner does, into an array of zeros."""
    out = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            out[i, j] = np.sum(x[i : i + 2, j : j + 2] * k)
    return out


class Loops(nn.Layer):
    def forward(self, x: Any) -> Any:
        return by_loops(x, nn.Tensor(np.ones((2, 2)), requires_grad=True))


@pytest.mark.parametrize(
    "way",
    [
        lambda x, k: nn.check_gradients(by_loops, [x, k]),
        lambda x, k: nn.grad(lambda k: np.sum(by_loops(x, k)))(k),
        nn.jacobian(by_loops, 1),
        lambda x, k: nn.vjp(by_loops, x, k),
        lambda x, k: nn.visual.explain_gradient(lambda k: by_loops(x, k), k),
        lambda x, k: Loops()(x),
    ],
)
def test_numbers_put_into_an_array_end_with_the_library_s_sentence(way: Any) -> None:
    with pytest.raises(DroppedGradientError, match=r"array\[i\] = t.* np.stack") as caught:
        way(np.ones((4, 4)), np.ones((2, 2)))
    entries = caught.traceback
    assert "out[i, j] =" in str(entries[-1].statement)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_value_error_of_the_user_passes() -> None:
    def wrong(x: Any) -> Any:
        raise ValueError("mine")

    for way in (nn.grad(wrong), lambda x: nn.check_gradients(wrong, [x])):
        with pytest.raises(ValueError, match="^mine$"):
            way(np.ones(2))


def test_the_checker_names_arguments_and_their_places() -> None:
    op = own_dense(
        X=lambda g, W: g @ W.T, W=lambda g, X: 2 * X.T @ g, b=lambda g: 2 * g.sum(axis=0)
    )
    with pytest.raises(GradientError, match=r"check_gradients: W at \[\d, \d\]: .* Σ g · f"):
        nn.check_gradients(op, [X, W, b])
    with pytest.raises(GradientError, match=r"check_gradients: p\['W'\] at \[\d, \d\]: "):
        nn.check_gradients(lambda x, p: op(x, p["W"], b), [X, {"W": W}])
    with pytest.raises(GradientError, match=r"check_gradients: p\[1\] at \[\d\]: "):
        nn.check_gradients(lambda p: op(X, W, p[1]), [[0, b]])
    with pytest.raises(GradientError, match=r"check_gradients: argument 1 at \[\d\]: "):
        nn.check_gradients(lambda *p: op(X, p[0].data, p[1]), [W.astype("float32"), b])


def test_the_checker_tells_a_kink_from_a_mistake() -> None:
    with pytest.raises(GradientError, match=r"check_gradients: Z at \[\d\]: .* has a kink there"):
        nn.check_gradients(nn.relu, [np.zeros(3)])
    wrong = own_dense(X=lambda g, W: 1.1 * g @ W.T)
    with pytest.raises(GradientError) as caught:
        nn.check_gradients(lambda X: np.exp(wrong(X, W, b)), [X])
    assert "kink" not in str(caught.value)


def test_a_formula_that_writes_into_its_arguments_is_refused() -> None:
    @nn.op
    def clipped(x: Any) -> Any:
        return np.maximum(x, 0)

    @nn.gradient(clipped, "x")
    def _(g: Any, x: Any) -> Any:
        g[x <= 0] = 0
        return g

    x = np.array([0.5, -1.0])
    for f in (lambda x: np.sum((clipped(x) + x) * 2), lambda x: np.sum(clipped(x))):
        with pytest.raises(
            GradientError, match="gradient for x: expected a formula that leaves its"
        ):
            nn.grad(f)(x)

    @nn.op
    def kept(x: Any) -> Any:
        return x * 1.0

    @nn.gradient(kept, "x")
    def _(g: Any, x: Any) -> Any:
        x *= 0
        return g

    with pytest.raises(GradientError, match="received one that writes into them"):
        nn.grad(lambda x: np.sum(kept(x)))(x)
    np.testing.assert_array_equal(x, [0.5, -1.0])


def test_a_formula_may_return_its_argument() -> None:
    @nn.op
    def same(x: Any) -> Any:
        return x + 0.0

    @nn.gradient(same, "x")
    def _(g: Any) -> Any:
        return g

    x = nn.Tensor([1.0, 2.0], requires_grad=True)
    np.sum(same(x) * x).backward()
    x.grad += 1  # it is the leaf's own
    np.testing.assert_array_equal(x.grad, [3.0, 5.0])


RESULTS: dict[str, tuple[Any, str]] = {
    "tuple of two shapes": (lambda W: (W, W.sum()), r"expected one array .* received a tuple of 2"),
    "tuple of one shape": (lambda W: (W, W), r"expected one array .* received a tuple of 2"),
    "list": (lambda W: [W.sum()], "expected one array .* received a list of 1"),
    "nothing": (lambda W: None, "expected an array, received None"),
    "text": (lambda W: "W", "expected an array, received 'W'"),
    "dict": (lambda W: {"W": W}, "expected an array, received {'W'"),
}


@pytest.mark.parametrize("name", RESULTS)
def test_an_op_has_one_array_as_its_result(name: str) -> None:
    def several(X: Any, W: Any, b: Any) -> Any:
        return RESULTS[name][0](W)

    made = nn.op(several)
    nn.gradient(made, "W")(lambda g: g)
    for call in ways(made):
        with pytest.raises(DTypeError, match=f"^several: the result: {RESULTS[name][1]}"):
            call()
