"""Cases in which the plan once computed something else than the layers do."""

from __future__ import annotations

import gc
import pickle
from functools import cached_property
from typing import Any
from weakref import ref

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd import grad
from tests.needs import need_fast
from tests.processes import output_of

need_fast()

RNG = np.random.default_rng(0)


def by(mode: str, compute: Any) -> Any:
    with nn.use_kernels(mode):
        return compute()


def gradients(model: Any, X: Any) -> list[Any]:
    model.zero_grad()
    x = nn.Tensor(X, requires_grad=True)
    model(x).sum().backward()
    return [x.grad, *(p.grad for p in model.parameters())]


@pytest.mark.parametrize("size", [(15, 17), (16, 16), (24, 24), (5, 24)])
def test_pooling_windows_of_many_places(size: Any) -> None:
    model = nn.Sequential(nn.Conv2D(3, 5), nn.MaxPool2D(size), nn.Flatten(), nn.Dense(2))
    model.initialize((1, 28, 28), rng=0)
    X = RNG.standard_normal((3, 1, 28, 28)).astype("float32")
    found, expected = (by(mode, lambda: gradients(model, X)) for mode in ("numba", "numpy"))
    for actual, desired in zip(found, expected, strict=True):
        np.testing.assert_allclose(actual, desired, rtol=1e-3, atol=1e-3)


def test_the_last_place_of_a_window_has_its_gradient() -> None:
    model = nn.Sequential(nn.Conv2D(1, 1), nn.MaxPool2D(16)).initialize((1, 16, 16), rng=0)
    model[0].weight.data[...] = 1
    X = np.zeros((1, 1, 16, 16), np.float32)
    X[0, 0, 15, 15] = 1
    dX, dW, db = by("numba", lambda: gradients(model, X))
    assert (dX[0, 0, 15, 15], dW.item(), db.item()) == (1, 1, 1)


def test_labels_that_change_before_the_backward_pass() -> None:
    code = """
import numpy as np, neural_network as nn
nn.use_kernels("numba")
m = nn.Sequential(nn.Dense(16), nn.Dense(8)).initialize((16,), rng=0)
y = np.zeros(4, int)
loss = nn.softmax_cross_entropy(m(np.ones((4, 16), "float32")), y)
y[3] = 10
try:
    loss.backward()
except IndexError as error:
    print(error)
"""
    assert "index 10 is out of bounds" in output_of(code)


LAYERS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "dense": (lambda activation: nn.Dense(8, activation), (4, 16)),
    "conv": (lambda activation: nn.Conv2D(8, 3, activation=activation), (2, 3, 6, 6)),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_a_result_that_the_backward_pass_needs_cannot_change_in_place(kind: str) -> None:
    layer, shape = LAYERS[kind]
    X = RNG.standard_normal(shape).astype("float32")
    with nn.use_kernels("numba"):
        out = layer("relu")(X)
        with nn.no_grad(), pytest.raises(nn.GradientError, match="in-place"):
            out[...] = 0
        plain = layer(None)(X)
        with nn.no_grad():
            plain[...] = 0  # no gradient needs it


def test_a_second_backward_pass_computes_anew() -> None:
    model = nn.Sequential(nn.Dense(4, "relu"), nn.Dense(3)).initialize((5,), rng=0)
    x = nn.Tensor(RNG.standard_normal((6, 5)).astype("float32"), requires_grad=True)
    G = RNG.standard_normal((6, 3)).astype("float32")
    with nn.use_kernels("numba"):
        out = model(x)
        out.backward(G, retain_graph=True)
        first = [x.grad.copy(), *(p.grad.copy() for p in model.parameters())]
        for array in (x.grad, *(p.grad for p in model.parameters())):
            array[...] = 7  # they are the caller's own
        model.zero_grad()
        x.grad = None
        G *= 2
        out.backward(G)
    for now, before in zip([x.grad, *(p.grad for p in model.parameters())], first, strict=True):
        np.testing.assert_allclose(now, 2 * before, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("units", "channels"), [(8, 1), (1, 8), (9, 4)])
def test_batch_norm_of_another_size_is_refused(units: int, channels: int) -> None:
    norm = nn.BatchNorm()
    norm.initialize((channels,), rng=0)
    model = nn.Sequential(nn.Dense(units).initialize((5,), rng=0), norm)
    for mode in ("numpy", "numba"):
        with nn.use_kernels(mode), pytest.raises(nn.ShapeError, match="BatchNorm: X: expected"):
            model.predict(np.ones((3, 5), np.float32))


def test_statistics_of_another_size_are_refused() -> None:
    model = nn.Sequential(nn.Dense(4), nn.BatchNorm()).initialize((5,), rng=0)
    with pytest.raises(nn.ShapeError, match=r"Buffer: data: expected the shape \(4,\) that it has"):
        model[1].running_mean.data = np.ones(1, np.float32)


def test_one_row_without_reduction() -> None:
    z = nn.Tensor(np.array([[1.0, 2.0, 3.0]]), requires_grad=True)
    nn.softmax_cross_entropy(z, np.array([1]), reduction="none").backward(np.ones(1))
    np.testing.assert_allclose(z.grad.sum(), 0, atol=1e-12)


def test_predictions_are_the_callers_own() -> None:
    class Constant(nn.Layer):
        def build(self, _shape: Any, _rng: Any) -> None:
            self.value = nn.Parameter(np.ones((2, 3)))

        def forward(self, _X: Any) -> Any:
            return self.value

    X = np.ones((2, 6), np.float32)
    for model in (nn.Flatten(), nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.5), nn.Flatten())):
        assert not np.shares_memory(model.predict(X), X)
    layer = Constant()
    out = layer.predict(X)
    assert not np.shares_memory(out, layer.value.data)


def test_layers_that_come_in_past_setattr_are_found() -> None:
    class Lazy(nn.Layer):
        @cached_property
        def drop(self) -> nn.Layer:
            return nn.Sequential(nn.Dropout(0.5))

        def forward(self, X: Any) -> Any:
            return self.drop(X) if len(X) > 2 else X

    layer = Lazy()
    for rows in (1, 1, 4, 4):
        assert (layer.predict(np.ones((rows, 3))) == 1).all() or rows == 4
    assert (layer.predict(np.ones((4, 3))) == 1).all()
    dense = nn.Dense(2)
    assert dense.all_layers() == [dense]
    vars(dense)["inner"] = inner = nn.Dropout(0.5)
    assert dense.all_layers() == [dense, inner]
    assert len(pickle.loads(pickle.dumps(dense)).all_layers()) == 2


def test_another_class_is_seen() -> None:
    class Zero(nn.Dense):
        def forward(self, X: Any) -> Any:
            return super().forward(X) * 0

    model = nn.Sequential(nn.Dense(4), nn.Dense(3)).initialize((5,), rng=0)
    X = np.ones((2, 5), np.float32)
    with nn.use_kernels("numba"):
        assert model.predict(X).any()
        model[1].__class__ = Zero
        assert not model.predict(X).any()


def test_a_change_while_layers_are_asked_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from neural_network.layers import planning

    model = nn.Sequential(nn.Dense(4), nn.Dense(3)).initialize((5,), rng=0)
    X = RNG.standard_normal((4, 5)).astype("float32")
    matched, other = planning.matched, model[1].clone(activation=nn.relu)

    def meanwhile(*args: Any) -> Any:
        if model[1] is not other:
            model[1] = other
        return matched(*args)

    with nn.use_kernels("numba"):
        monkeypatch.setattr(planning, "matched", meanwhile)
        model.predict(X)
        monkeypatch.undo()
        assert (model.predict(X) >= 0).all()


def test_what_is_frozen_before_a_recorded_backward_pass() -> None:
    model = nn.Sequential(nn.Dense(4, "relu"), nn.Dense(1)).initialize((3,), rng=0)
    X = RNG.standard_normal((5, 3)).astype("float32")

    def slope() -> Any:
        x = nn.Tensor(X, requires_grad=True)
        out = np.square(model(x)).sum()
        model.freeze()
        try:
            return grad(lambda z: np.square(grad(lambda v: np.square(model(v)).sum())(z)).sum())(
                X
            ), out.item()
        finally:
            model.unfreeze()

    for actual, desired in zip(by("numba", slope), by("numpy", slope), strict=True):
        np.testing.assert_allclose(actual, desired, rtol=1e-3, atol=1e-4)


def test_numbers_of_numpy_as_padding_and_an_empty_batch() -> None:
    layer = nn.Conv2D(2, 3, padding=np.int64(1)).initialize((1, 5, 5), rng=0)
    X = RNG.standard_normal((2, 1, 5, 5)).astype("float32")
    np.testing.assert_allclose(
        by("numba", lambda: layer.predict(X)), by("numpy", lambda: layer.predict(X)), atol=1e-5
    )
    with nn.use_kernels("numba"), pytest.raises(nn.NeuralNetworkError):
        layer(X[:0])


def test_references_to_input_and_result_are_dropped() -> None:
    model = nn.Sequential(nn.Conv2D(4, 3, activation="relu"), nn.Flatten(), nn.Dense(2, "relu"))
    model.initialize((1, 8, 8), rng=0)
    X = nn.Tensor(RNG.standard_normal((4, 1, 8, 8)).astype("float32"), requires_grad=True)
    with nn.use_kernels("numba"):
        out = model(X)
        out.sum().backward()
        held = [ref(X.data), ref(out.data), ref(X.grad)]
        del X, out
        gc.collect()
    assert [one() for one in held] == [None, None, None]
