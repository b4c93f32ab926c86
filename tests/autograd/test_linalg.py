"""Linear algebra: slopes by hand, and where there are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neural_network import GradientError, grad, hessian, jacobian
from neural_network.autograd import Tensor, check_gradients

A = np.array([[2.0, 1.0], [0.5, 3.0]])
RNG = np.random.default_rng(0)


def total(f: Any) -> Any:
    return lambda x: np.sum(f(x))


def test_slopes_by_hand() -> None:
    np.testing.assert_allclose(grad(np.linalg.det)(A), [[3.0, -0.5], [-1.0, 2.0]])
    # d(1/x) = −1/x²; of log |x|: 1/x
    np.testing.assert_allclose(grad(total(np.linalg.inv))(np.array([[4.0]])), [[-1 / 16]])
    logarithm = grad(lambda a: np.linalg.slogdet(a).logabsdet)
    np.testing.assert_allclose(logarithm(np.diag([2.0, -4.0])), np.diag([0.5, -0.25]))
    np.testing.assert_allclose(grad(total(np.linalg.cholesky))(np.array([[16.0]])), [[1 / 8]])
    # The trace is the sum of the eigenvalues; one triangle is read.
    values = grad(total(np.linalg.eigvalsh))(np.array([[1.0, 9.0], [2.0, 5.0]]))
    np.testing.assert_allclose(values, np.eye(2), atol=1e-15)
    slopes = grad(lambda a, b: np.sum(np.linalg.solve(a, b)), (0, 1))(np.diag([2.0, 4.0]), A[0])
    np.testing.assert_allclose(slopes[1], [0.5, 0.25])
    np.testing.assert_allclose(slopes[0], [[-0.5, -0.125], [-0.25, -0.0625]])


@pytest.mark.parametrize("order", [None, "fro", "nuc", 1, 2, np.inf, -1, -2, -np.inf])
def test_norms_of_matrices(order: Any) -> None:
    X = RNG.standard_normal((3, 2, 4))
    for axis in ((0, 2), (-1, 1)):
        for keepdims in (False, True):
            check_gradients(lambda x: np.linalg.norm(x, order, axis, keepdims), [X])  # noqa: B023


@pytest.mark.parametrize("order", [None, "fro", "nuc", 1, 2, np.inf])
def test_the_slope_of_a_norm_at_0_is_0(order: Any) -> None:
    zero = np.zeros((2, 3))
    np.testing.assert_array_equal(grad(lambda x: np.linalg.norm(x, order))(zero), zero)
    if order not in ("fro", "nuc"):
        for p in (order, 3, 0.5):
            np.testing.assert_array_equal(
                grad(lambda x, p=p: np.linalg.norm(x, p))(zero[0]), [0, 0, 0]
            )
    second = hessian(np.linalg.norm)(np.zeros(2))
    np.testing.assert_array_equal(second, np.zeros((2, 2)))


def test_a_singular_matrix_has_the_slopes_of_its_determinant() -> None:
    for matrix in (np.ones((3, 3)), np.zeros((3, 3)), np.diag([1.0, 0.0, 2.0])):
        # By cofactors of 2 × 2, written out.
        def by_hand(a: Any) -> Any:
            first, second, third = a
            return np.sum(first * np.cross(second, third))

        np.testing.assert_allclose(grad(np.linalg.det)(matrix), grad(by_hand)(matrix), atol=1e-13)
        np.testing.assert_allclose(
            hessian(np.linalg.det)(matrix), hessian(by_hand)(matrix), atol=1e-13
        )
    assert hessian(np.linalg.det)(np.zeros((1, 1))) == 0
    np.testing.assert_allclose(jacobian(np.linalg.det)(np.zeros((2, 1, 1)))[1, 1], [[1.0]])


def test_repeated_values() -> None:
    """What is a function of the values alone has its gradient; a vector has none."""
    same = np.eye(3) * 2
    np.testing.assert_allclose(grad(lambda a: np.sum(np.linalg.eigvalsh(a) ** 2))(same), 2 * same)
    np.testing.assert_allclose(grad(lambda a: np.linalg.norm(a, "nuc"))(same), np.eye(3))
    np.testing.assert_allclose(
        grad(lambda a: np.sum(np.linalg.svdvals(a) ** 3))(same), 12 * np.eye(3)
    )
    vector = grad(lambda a: np.linalg.eigh(a).eigenvectors[0, 0])
    with pytest.raises(GradientError, match="eigh: a: expected distinct values"):
        vector(same)
    with pytest.raises(GradientError, match="svd: a: expected distinct values"):
        grad(lambda a: np.linalg.svd(a).U[0, 0])(same)
    # The second derivative needs the vectors, even of such a function.
    with pytest.raises(GradientError, match="distinct"):
        hessian(lambda a: np.sum(np.linalg.eigvalsh(a) ** 2))(same)
    assert np.isfinite(vector(np.diag([1.0, 1.0 + 1e-9, 3.0]))).all()


def test_where_there_is_no_gradient() -> None:
    flat = np.array([[1.0, 2.0], [2.0, 4.0], [0.0, 0.0]])
    with pytest.raises(GradientError, match="pinv: a: expected matrices of rank 2"):
        grad(total(np.linalg.pinv))(flat)
    with pytest.raises(GradientError, match="slogdet: a: expected matrices that have an inverse"):
        grad(lambda a: np.linalg.slogdet(a)[1])(np.zeros((2, 2)))
    with pytest.raises(GradientError, match="full_matrices=False"):
        grad(lambda a: np.linalg.svd(a).U[0, 2])(flat + np.eye(3, 2))
    with pytest.raises(GradientError, match="full rank"):
        grad(lambda a: np.linalg.svd(a, full_matrices=False).U[2, 1])(flat)
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.cholesky(Tensor(-np.eye(2), requires_grad=True))
    # What needs no vectors beyond the first two has its gradient.
    X = RNG.standard_normal((3, 2))
    check_gradients(lambda a: np.linalg.svd(a).S, [X])
    check_gradients(lambda a: np.linalg.svd(a).U[:, :2] @ np.diag([2.0, 1]), [X])


@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3)])
def test_products_of_the_parts_are_the_matrix(shape: Any) -> None:
    X = RNG.standard_normal(shape)
    W = RNG.standard_normal(shape)

    def by_svd(x: Any) -> Any:
        left, values, right = np.linalg.svd(x)
        return np.sum(W * ((left * values[..., None, :]) @ right))

    def by_eigh(x: Any) -> Any:
        values, vectors = np.linalg.eigh(x + x.mT)
        return np.sum(W * ((vectors * values[..., None, :]) @ vectors.mT))

    def by_cholesky(x: Any) -> Any:
        lower = np.linalg.cholesky(x @ x.mT + np.eye(3))
        return np.sum(W * (lower @ lower.mT))

    np.testing.assert_allclose(grad(by_svd)(X), W, atol=1e-10)
    np.testing.assert_allclose(grad(by_eigh)(X), W + W.mT, atol=1e-10)
    np.testing.assert_allclose(grad(by_cholesky)(X), (W + W.mT) @ X, atol=1e-10)


def test_float32_stays_float32() -> None:
    t = Tensor(A.astype("float32"), requires_grad=True)
    parts = [*np.linalg.svd(t), *np.linalg.eigh(t @ t.mT), np.linalg.pinv(t), np.linalg.det(t)]
    assert all(part.dtype == np.float32 for part in parts)
    loss: Any = sum(np.sum(part) for part in parts)
    loss.backward()
    assert t.grad.dtype == np.float32
