"""A model computed with other numbers in the place of its parameters."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import functional_call, grad, hvp, value_and_grad
from neural_network.errors import DTypeError, GradientError, ShapeError
from tests.autograd.test_nesting import V, X, central, network


def parameters_of(model: nn.Layer) -> dict[str, Any]:
    return {name: parameter.data.copy() for name, parameter in model.named_parameters()}


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        ((nn.Dense(5, "tanh"), nn.Dense(2)), (3,)),
        (
            (nn.Conv2D(3, 3), nn.BatchNorm(), nn.Activation("tanh"), nn.Flatten(), nn.Dense(2)),
            (1, 5, 5),
        ),
        ((nn.Residual(nn.Dense(3, "tanh")), nn.Dense(2)), (3,)),
    ],
)
def test_through_a_training_step(layers: Any, shape: tuple[int, ...]) -> None:
    model = network(*[layer.clone() for layer in layers], shape=shape)
    rng = np.random.default_rng(1)
    first, second = rng.standard_normal((2, 4, *shape))
    labels = np.array([0, 1, 1, 0])
    start = parameters_of(model)

    def loss(p: Any, batch: Any) -> Any:
        return nn.softmax_cross_entropy(functional_call(model, p, batch), labels)

    def after_a_step(p: Any) -> Any:
        slopes = grad(loss)(p, first)
        return loss({name: p[name] - 0.5 * slopes[name] for name in p}, second)

    value, slopes = value_and_grad(after_a_step)(start)
    assert np.isfinite(value)
    for name, array in start.items():
        place = np.unravel_index(array.size // 2, array.shape)

        def at(number: Any, name: str = name, place: Any = place) -> Any:
            moved = {key: other.copy() for key, other in start.items()}
            moved[name][place] = number
            return value_and_grad(after_a_step)(moved)[0]

        expected = central(at, array[place])
        np.testing.assert_allclose(slopes[name][place], expected, rtol=1e-6, atol=1e-8)
    for name, parameter in model.named_parameters():  # the model's own have stayed
        np.testing.assert_array_equal(parameter.data, start[name])
        assert parameter.grad is None


class Own(nn.Layer):
    """Parameters in a list, a dict and a tuple, one of them twice, and state of its own."""

    def __init__(self) -> None:
        self.calls = 0

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.list = [nn.Parameter(rng.standard_normal(shape[-1])) for _ in range(2)]
        self.dict = {"a": nn.Parameter(rng.standard_normal(shape[-1]))}
        self.same = self.list[0]

    def forward(self, X: Any, *, factor: float = 1.0) -> Any:
        self.calls += 1
        return (X * self.list[0] + self.list[1] * self.dict["a"] + self.same) * factor


def test_parameters_wherever_a_layer_holds_them() -> None:
    model = Own().initialize((3,), rng=0).astype(np.float64)
    names = [name for name, _ in model.named_parameters()]
    assert names == ["list.0", "list.1", "dict.a"]
    before, calls = dict(vars(model)), model.calls
    numbers = {name: X + i for i, name in enumerate(names)}
    out = functional_call(model, numbers, V[None], factor=2.0)
    a, b, c = numbers.values()
    np.testing.assert_allclose(
        out.data if isinstance(out, nn.Tensor) else out, [(V * a + b * c + a) * 2]
    )
    assert model.calls == calls + 1
    assert {k: v for k, v in vars(model).items() if k != "calls"} == {
        k: v for k, v in before.items() if k != "calls"
    }
    # Those left out are the model's own.
    partly = functional_call(model, {"dict.a": X}, V[None])
    np.testing.assert_allclose(
        np.asarray(partly.data), [V * model.list[0].data + model.list[1].data * X + model.same.data]
    )


class Reaching(nn.Layer):
    """It reaches its parameter by every way that is not an attribute without an underscore."""

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.weight = nn.Parameter(rng.standard_normal(shape[-1]))
        weight = self.weight
        self._ways = {
            "attribute": lambda: self.weight,
            "parameters": lambda: self.parameters()[0],
            "named_parameters": lambda: dict(self.named_parameters())["weight"],
            "closure": lambda: weight,
            "list": lambda: np.stack([weight, weight])[0],
        }

    def forward(self, X: Any, *, way: str) -> Any:
        return np.sum(X * self._ways[way]() ** 2)


@pytest.mark.parametrize("way", ["attribute", "parameters", "named_parameters", "closure", "list"])
def test_a_parameter_is_exchanged_however_it_is_reached(way: str) -> None:
    model = Reaching()
    model(V[None], way="attribute")
    slopes = grad(lambda p: functional_call(model, p, np.ones((1, 3)), way=way))({"weight": X})
    np.testing.assert_allclose(slopes["weight"], 2 * X, rtol=1e-6)
    model(V[None], way=way).backward()  # afterwards it is the parameter again
    np.testing.assert_allclose(model.weight.grad, 2 * V * model.weight.data, rtol=1e-6)


def test_a_parameter_that_is_returned() -> None:
    class Returning(nn.Layer):
        def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
            self.weight = nn.Parameter(rng.standard_normal(shape[-1]))

        def forward(self, X: Any) -> Any:
            return {"weight": self.parameters()[0], "X": X}

    model = Returning()
    model(V[None])
    assert grad(lambda p: np.sum(functional_call(model, p, V[None])["weight"] ** 2))({"weight": X})[
        "weight"
    ] == pytest.approx(2 * X)


def test_parameters_may_change_places() -> None:
    model = nn.Sequential(nn.Dense(3), nn.Dense(3)).initialize((3,), rng=0).astype(np.float64)
    p = dict(model.named_parameters())
    swapped = {
        "0.weight": p["1.weight"], "0.bias": p["1.bias"],
        "1.weight": p["0.weight"], "1.bias": p["0.bias"],
    }  # fmt: skip
    expected = nn.Sequential(*reversed(model.layers))(V[None])
    out = functional_call(model, swapped, V[None])
    np.testing.assert_allclose(out.data, expected.data)
    inner = grad(lambda x: np.sum(functional_call(model, swapped, x)))(V[None])
    np.testing.assert_allclose(inner.data, (p["1.weight"].data @ p["0.weight"].data).sum(1)[None])


def test_parameters_of_the_model_itself_are_arguments() -> None:
    model = network()

    def loss(p: Any) -> Any:
        return np.sum(functional_call(model, p, V[None]) ** 2)

    own = dict(model.named_parameters())
    expected = grad(loss)(parameters_of(model))
    products = hvp(loss, parameters_of(model), expected)
    for name, slope in grad(loss)(own).items():
        np.testing.assert_allclose(slope.data, expected[name], rtol=1e-12)
    for name, product in hvp(loss, own, expected).items():
        np.testing.assert_allclose(product.data, products[name], rtol=1e-12)
    np.sum(grad(loss)(own)["0.weight"] ** 2).backward()  # and it reaches them
    assert own["0.weight"].grad is not None


class Adapting(nn.Layer):
    """It calls a layer inside it with parameters after a step of training (MAML)."""

    def __init__(self) -> None:
        self.net = nn.Sequential(nn.Dense(4, "tanh"), nn.Dense(1))

    def forward(self, X: Any) -> Any:
        if not self.net.built:
            self.net(X)
        p = dict(self.net.named_parameters())
        slopes = grad(lambda p: np.sum(functional_call(self.net, p, X) ** 2))(p)
        return functional_call(self.net, {name: p[name] - 0.1 * slopes[name] for name in p}, X)


def test_a_call_inside_a_call() -> None:
    model = Adapting().initialize((3,), rng=0).astype(np.float64)
    net, batch = model.net, np.stack([X, V])
    rng = np.random.default_rng(2)
    numbers = {name: rng.standard_normal(p.shape) for name, p in model.named_parameters()}

    def directly(p: Any) -> Any:
        p = {name.removeprefix("net."): value for name, value in p.items()}
        slopes = grad(lambda p: np.sum(functional_call(net, p, batch) ** 2))(p)
        return np.sum(
            functional_call(net, {name: p[name] - 0.1 * slopes[name] for name in p}, batch)
        )

    value, found = value_and_grad(lambda p: np.sum(functional_call(model, p, batch)))(numbers)
    expected_value, expected = value_and_grad(directly)(numbers)
    np.testing.assert_allclose(value, expected_value, rtol=1e-12)
    for name in numbers:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-10, atol=1e-12)
    assert all(type(layer.weight) is nn.Parameter for layer in net)
    np.sum(model(batch)).backward()  # without a call around it
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_a_layer_that_gets_attributes_inside_keeps_its_parameters() -> None:
    class Noting(nn.Layer):
        def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
            self.weight = nn.Parameter(rng.standard_normal(shape[-1]))
            self._calls = 0

        def forward(self, X: Any) -> Any:
            self._calls += 1
            setattr(self, f"seen_{self._calls}", X.shape)
            assert self.parameters()
            return X * self.weight

    model = nn.Sequential(Noting())
    model(V[None])
    functional_call(model, {"0.weight": X}, V[None])
    assert [name for name, _ in model[0].named_parameters()] == ["weight"]
    assert [name for name, _ in model.named_parameters()] == ["0.weight"]


@pytest.fixture
def switching_often() -> Iterator[None]:
    """Threads take turns often."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("switching_often")
def test_threads_call_one_model_with_their_own_parameters() -> None:
    model, start = network(), parameters_of(network())

    def adapted(number: float) -> Any:
        p = {name: number * array for name, array in start.items()}

        def loss(p: Any) -> Any:
            return np.sum(functional_call(model, p, V[None]) ** 2)

        def after(p: Any) -> Any:
            slopes = grad(loss)(p)
            return loss({name: p[name] - 0.1 * slopes[name] for name in p})

        return grad(after)(p)["0.weight"]

    numbers = np.linspace(0.5, 2, 20)
    expected = [adapted(number) for number in numbers]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(adapted, numbers))
    np.testing.assert_array_equal(found, expected)


class Meeting(nn.Layer):
    """In one thread it waits inside ``forward`` until another one has called it, too."""

    def __init__(self) -> None:
        self._inside, self._other = Event(), Event()

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.weight = nn.Parameter(rng.standard_normal(shape[-1]))

    def forward(self, X: Any, *, meet: bool = False) -> Any:
        if meet:
            self._inside.set()
            assert self._other.wait(10)
        return X * self.weight


def test_a_call_waits_for_that_of_another_thread() -> None:
    model = Meeting()
    model(V[None])
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(functional_call, model, {"weight": X}, V[None], meet=True)
        assert model._inside.wait(10)
        second = pool.submit(functional_call, model, {"weight": 2 * X}, V[None])
        waited = not wait([second], timeout=0.2).done
        model._other.set()
        np.testing.assert_allclose(first.result().data, [V * X])
        np.testing.assert_allclose(second.result().data, [V * 2 * X])
    assert waited


def test_another_thread_that_calls_the_model_meanwhile_gets_an_error() -> None:
    model = Meeting()
    model(V[None])
    with ThreadPoolExecutor(2) as pool:
        called = pool.submit(functional_call, model, {"weight": X}, V[None], meet=True)
        assert model._inside.wait(10)
        try:
            with pytest.raises(GradientError, match="Meeting: expected a layer that no other"):
                model(V[None])
            assert [name for name, _ in model.named_parameters()] == ["weight"]
            assert type(copy.copy(model).weight) is nn.Parameter
        finally:
            model._other.set()
        np.testing.assert_allclose(called.result().data, [V * X])
        # The same for a call that has begun before.
        model._inside.clear()
        model._other.clear()
        begun = pool.submit(model, V[None], meet=True)
        assert model._inside.wait(10)
        functional_call(model, {"weight": X}, V[None])
        model._other.set()
        with pytest.raises(GradientError, match="Meeting: expected a layer that no other"):
            begun.result()
    model(V[None])


def test_an_error_inside_puts_the_parameters_back() -> None:
    model = network()
    with pytest.raises(ShapeError):
        functional_call(model, parameters_of(model), np.ones((2, 7)))
    assert all(isinstance(layer.weight, nn.Parameter) for layer in model.layers)
    model(V[None])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda m: functional_call(m, {"a": X}, X),
            ValueError,
            "names of its parameters: 0.weight",
        ),
        (
            lambda m: functional_call(
                network(*[nn.Dense(3) for _ in range(90)]), {"a" * 900: X}, X
            ),
            ValueError,
            r"^.{,300}$",
        ),
        (
            lambda m: functional_call(m, {"0.bias": X}, X),
            ShapeError,
            r"0.bias: expected shape \(5,\)",
        ),
        (lambda m: functional_call(m, {"0.bias": "a"}, X), DTypeError, "0.bias: expected real"),
        (lambda m: functional_call(m, [X], X), DTypeError, "parameters: expected a dict"),
        (lambda m: functional_call(np.sum, {}, X), DTypeError, "model: expected a layer"),
        (lambda m: functional_call(nn.Dense(3), {}, X), ValueError, "a model that is built"),
    ],
)
def test_functional_call_refuses(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call(network())
