"""Differentiation inside differentiation, beside PyTorch's ``create_graph=True``.

A dense network and a convolutional one with batch norm, with the same weights on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import neural_network as nn
from neural_network import functional_call, grad, hvp

Arrays = Mapping[str, Any]


def dense_network() -> nn.Sequential:
    model = nn.Sequential(nn.Dense(6, "tanh"), nn.Dense(3))
    return model.initialize((4,), rng=0).astype(np.float64)


def conv_network() -> nn.Sequential:
    model = nn.Sequential(
        nn.Conv2D(4, 3), nn.BatchNorm(), nn.Activation("tanh"), nn.Flatten(), nn.Dense(3)
    )
    return model.initialize((2, 5, 5), rng=0).astype(np.float64)


def torch_dense(p: Arrays, X: torch.Tensor) -> torch.Tensor:
    hidden = torch.tanh(X @ p["0.weight"] + p["0.bias"])
    return hidden @ p["1.weight"] + p["1.bias"]


def torch_conv(p: Arrays, X: torch.Tensor) -> torch.Tensor:
    out = F.conv2d(X, p["0.weight"], p.get("0.bias"))
    out = F.batch_norm(out, None, None, p["1.gamma"], p["1.beta"], training=True, eps=1e-5)
    return torch.tanh(out).flatten(1) @ p["4.weight"] + p["4.bias"]


NETWORKS: dict[str, tuple[Callable[[], Any], Callable[..., Any], tuple[int, ...]]] = {
    "dense": (dense_network, torch_dense, (4,)),
    "conv": (conv_network, torch_conv, (2, 5, 5)),
}


@pytest.fixture(params=NETWORKS)
def both(request: Any) -> tuple[Any, Any, dict[str, Any], dict[str, Any], Any]:
    """Our network, PyTorch's function, the weights for each, and the shape of a row."""
    make, theirs, shape = NETWORKS[request.param]
    model = make()
    rng = np.random.default_rng(3)
    ours = {
        name: p.data + 0.1 * rng.standard_normal(p.shape) for name, p in model.named_parameters()
    }
    tensors = {name: torch.tensor(p, requires_grad=True) for name, p in ours.items()}
    return model, theirs, ours, tensors, shape


def batches(shape: tuple[int, ...], count: int = 2) -> list[Any]:
    return list(np.random.default_rng(5).standard_normal((count, 7, *shape)))


LABELS = np.array([0, 1, 2, 0, 1, 2, 1])


def compare(ours: Arrays, theirs: Any) -> None:
    for (name, found), expected in zip(ours.items(), theirs, strict=True):
        np.testing.assert_allclose(
            found, expected.detach().numpy(), rtol=1e-9, atol=1e-10, err_msg=name
        )


def test_a_gradient_penalty(both: Any) -> None:
    model, theirs, parameters, tensors, shape = both
    (X,) = batches(shape, 1)

    def loss(p: Any) -> Any:
        slopes = grad(lambda x: np.sum(functional_call(model, p, x) ** 2))(X)
        return np.mean((np.sqrt(np.sum(slopes.reshape(7, -1) ** 2, axis=1)) - 1) ** 2)

    x = torch.tensor(X, requires_grad=True)
    (slopes,) = torch.autograd.grad((theirs(tensors, x) ** 2).sum(), x, create_graph=True)
    value = ((slopes.flatten(1).pow(2).sum(1).sqrt() - 1) ** 2).mean()
    compare(grad(loss)(parameters), torch.autograd.grad(value, tensors.values()))


def test_a_gradient_penalty_by_backward(both: Any) -> None:
    model, theirs, parameters, tensors, shape = both
    for name, parameter in model.named_parameters():
        parameter.data = parameters[name]
    (X,) = batches(shape, 1)
    labels = torch.tensor(LABELS)
    slopes = grad(lambda x: nn.softmax_cross_entropy(model(x), LABELS))(X)
    loss = nn.softmax_cross_entropy(model(X), LABELS) + 100 * np.sum(slopes**2)
    loss.backward()
    x = torch.tensor(X, requires_grad=True)
    (inner,) = torch.autograd.grad(
        F.cross_entropy(theirs(tensors, x), labels), x, create_graph=True
    )
    value = F.cross_entropy(theirs(tensors, torch.tensor(X)), labels) + 100 * (inner**2).sum()
    found = {name: parameter.grad for name, parameter in model.named_parameters()}
    compare(found, torch.autograd.grad(value, tensors.values()))


def test_a_product_with_the_second_derivatives(both: Any) -> None:
    model, theirs, parameters, tensors, shape = both
    (X,) = batches(shape, 1)
    rng = np.random.default_rng(7)
    vector = {name: rng.standard_normal(p.shape) for name, p in parameters.items()}

    def loss(p: Any) -> Any:
        return nn.softmax_cross_entropy(functional_call(model, p, X), LABELS)

    value = F.cross_entropy(theirs(tensors, torch.tensor(X)), torch.tensor(LABELS))
    slopes = torch.autograd.grad(value, tensors.values(), create_graph=True)
    along = sum(
        (slope * torch.tensor(v)).sum() for slope, v in zip(slopes, vector.values(), strict=True)
    )
    expected = torch.autograd.grad(along, tensors.values())
    compare(hvp(loss, parameters, vector), expected)


def test_learning_to_learn(both: Any) -> None:
    """MAML with two steps (Finn, Abbeel and Levine, 2017)."""
    model, theirs, parameters, tensors, shape = both
    first, second = batches(shape)
    labels = torch.tensor(LABELS)

    def loss(p: Any, X: Any) -> Any:
        return nn.softmax_cross_entropy(functional_call(model, p, X), LABELS)

    def adapted(p: Any) -> Any:
        for _ in range(2):
            slopes = grad(loss)(p, first)
            p = {name: p[name] - 0.3 * slopes[name] for name in p}
        return loss(p, second)

    p = dict(tensors)
    for _ in range(2):
        value = F.cross_entropy(theirs(p, torch.tensor(first)), labels)
        slopes = torch.autograd.grad(value, p.values(), create_graph=True)
        p = {name: p[name] - 0.3 * g for name, g in zip(p, slopes, strict=True)}
    value = F.cross_entropy(theirs(p, torch.tensor(second)), labels)
    compare(grad(adapted)(parameters), torch.autograd.grad(value, tensors.values()))


def torch_slopes(u: Any, x: torch.Tensor, order: int) -> torch.Tensor:
    """The derivatives of each row's result by its own input."""
    for _ in range(order):
        (u,) = torch.autograd.grad(u.sum(), x, create_graph=True)
    return u


@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_physics_informed_network(order: int) -> None:
    """The residual of −u″ = f, and of a third derivative, differentiated by the weights."""
    model = nn.Sequential(nn.Dense(8, "tanh"), nn.Dense(8, "tanh"), nn.Dense(1))
    model.initialize((1,), rng=0).astype(np.float64)
    parameters = {name: p.data.copy() for name, p in model.named_parameters()}
    x = np.linspace(-1, 1, 9)[:, None]

    def residual(p: Any) -> Any:
        def slope(x: Any) -> Any:
            return np.sum(functional_call(model, p, x))

        for _ in range(order):
            slope = grad(lambda x, f=slope: np.sum(f(x)))
        return np.mean((slope(x) + np.sin(np.pi * x)) ** 2)

    tensors = {name: torch.tensor(p, requires_grad=True) for name, p in parameters.items()}
    z = torch.tensor(x, requires_grad=True)
    u = torch.tanh(z @ tensors["0.weight"] + tensors["0.bias"])
    u = torch.tanh(u @ tensors["1.weight"] + tensors["1.bias"])
    u = u @ tensors["2.weight"] + tensors["2.bias"]
    slopes = torch_slopes(u, z, order)
    value = ((slopes + torch.sin(torch.pi * z)) ** 2).mean()
    expected = torch.autograd.grad(
        value, tensors.values(), allow_unused=True, materialize_grads=True
    )
    compare(grad(residual)(parameters), expected)


@pytest.mark.parametrize("mode", ["numpy", "auto"])
def test_float32_loses_no_more_than_in_pytorch(both: Any, mode: str) -> None:
    """Penalty, product with the second derivatives and two steps of MAML, beside float64."""
    model, theirs, ours, _, shape = both
    first, second = batches(shape)
    vector = {n: np.random.default_rng(7).standard_normal(p.shape) for n, p in ours.items()}

    def by_torch(dtype: torch.dtype) -> list[Any]:
        p = {n: torch.tensor(a, dtype=dtype, requires_grad=True) for n, a in ours.items()}
        labels, X = torch.tensor(LABELS), torch.tensor(first, dtype=dtype)

        def loss(p: Any, X: torch.Tensor) -> torch.Tensor:
            return F.cross_entropy(theirs(p, X), labels)

        x = X.clone().requires_grad_()
        (slopes,) = torch.autograd.grad(loss(p, x), x, create_graph=True)
        found = list(torch.autograd.grad((slopes**2).sum(), p.values(), materialize_grads=True))
        slopes = torch.autograd.grad(loss(p, X), p.values(), create_graph=True)
        along = sum(
            (g * torch.tensor(v, dtype=dtype)).sum()
            for g, v in zip(slopes, vector.values(), strict=True)
        )
        found += torch.autograd.grad(along, p.values())
        q = p
        for _ in range(2):
            slopes = torch.autograd.grad(loss(q, X), q.values(), create_graph=True)
            q = {n: q[n] - 0.3 * g for n, g in zip(q, slopes, strict=True)}
        end = loss(q, torch.tensor(second, dtype=dtype))
        return [g.numpy() for g in (*found, *torch.autograd.grad(end, p.values()))]

    model.astype(np.float32)
    single = {n: a.astype(np.float32) for n, a in ours.items()}
    X = first.astype(np.float32)

    def loss(p: Any, X: Any = X) -> Any:
        return nn.softmax_cross_entropy(functional_call(model, p, X), LABELS)

    def adapted(p: Any) -> Any:
        for _ in range(2):
            slopes = grad(loss)(p)
            p = {n: p[n] - 0.3 * slopes[n] for n in p}
        return loss(p, second.astype(np.float32))

    with nn.use_kernels(mode):
        found = [
            *grad(lambda p: np.sum(grad(lambda x: loss(p, x))(X) ** 2))(single).values(),
            *hvp(loss, single, vector).values(),
            *grad(adapted)(single).values(),
        ]
    assert {array.dtype for array in found} == {np.dtype(np.float32)}
    exact, rounded = by_torch(torch.float64), by_torch(torch.float32)
    scale = max(np.abs(array).max() for array in exact)

    def error(results: list[Any]) -> float:
        pairs = zip(results, exact, strict=True)
        return float(max(np.abs(result - array).max() for result, array in pairs) / scale)

    assert error(found) <= 2 * error(rounded) + 2e-7, (error(found), error(rounded))
