"""What kernels compute for several layers together equals what the layers compute."""

from __future__ import annotations

import gc
import threading
from typing import Any
from weakref import ref

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd import grad
from neural_network.plan.matching import matched
from tests.needs import need_fast
from tests.processes import output_of
from tests.threads import on_one_and_two_threads

need_fast()

L = nn
NETWORKS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "article": (
        lambda: [L.Conv2D(8, 3, activation="relu"), L.Conv2D(20, 3, activation="relu"), L.MaxPool2D(2),
                 L.Flatten(), L.Dense(12, "relu"), L.Dense(10)], (1, 12, 12)),
    "pooled at once": (
        lambda: [L.Conv2D(6, 3, activation="relu"), L.MaxPool2D(2), L.Flatten(), L.Dense(3)], (1, 9, 9)),
    "relu behind the pool": (
        lambda: [L.Conv2D(5, 3, padding=1), L.MaxPool2D((2, 3)), L.Activation("relu"), L.Conv2D(18, 2, padding="same")],
        (3, 7, 9)),
    "no bias, steps of two": (
        lambda: [L.Conv2D(17, 3, stride=2, padding=((1, 0), (2, 1)), bias=False), L.Activation("relu"),
                 L.Conv2D(4, 1, stride=(1, 2)), L.Flatten()], (2, 9, 8)),
    "pool without relu": (lambda: [L.Conv2D(24, 3, bias=False), L.MaxPool2D(2), L.Flatten(), L.Dense(4)], (24, 6, 6)),
    "vectors": (lambda: [L.Flatten(), L.Dense(33, "relu"), L.Dense(16), L.Activation("relu"), L.Dense(1)], (70,)),
    "a stop in between": (
        lambda: [L.Conv2D(8, 3, activation="relu"), L.BatchNorm(), L.Conv2D(8, 3, activation="softplus"),
                 L.MaxPool2D(2), L.Flatten(), L.Dense(5)], (2, 10, 10)),
    "residual": (lambda: [L.Residual(L.Conv2D(4, 3, padding=1, activation="relu"), L.Conv2D(4, 3, padding=1)),
                          L.Flatten(), L.Dense(2)], (4, 5, 5)),
}  # fmt: skip


def network(name: str) -> tuple[nn.Sequential, Any]:
    make, shape = NETWORKS[name]
    model = nn.Sequential(make()).initialize(shape, rng=1)
    X = np.random.default_rng(2).standard_normal((5, *shape)).astype("float32")
    return model, X


def forward_and_backward(model: Any, X: Any, recorded: bool = True) -> list[Any]:
    """The result, the gradient for the input, and for all parameters."""
    model.zero_grad()
    x = nn.Tensor(X, requires_grad=True) if recorded else X
    out = model(x)
    g = np.random.default_rng(3).standard_normal(out.shape).astype("float32")
    out.backward(g)
    return [out.data, *([x.grad] if recorded else []), *(p.grad for p in model.parameters())]


def compare_both(model: Any, X: Any, *, rtol: float = 1e-3, atol: float = 2e-4) -> None:
    """Results and gradients by kernels equal those by NumPy."""
    with nn.use_kernels("numpy"):
        expected = forward_and_backward(model, X)
    with nn.use_kernels("numba"):
        found = forward_and_backward(model, X)
    for actual, desired in zip(found, expected, strict=True):
        np.testing.assert_allclose(actual, desired, rtol=rtol, atol=atol)


@pytest.mark.parametrize("recorded", [True, False], ids=["input too", "parameters"])
@pytest.mark.parametrize("name", NETWORKS)
def test_together_as_one_by_one(name: str, recorded: bool) -> None:
    model, X = network(name)
    with nn.use_kernels("numpy"):
        expected = forward_and_backward(model, X, recorded)
    with nn.use_kernels("numba"):
        found = forward_and_backward(model, X, recorded)
        again = forward_and_backward(model, X[:3], recorded)  # a smaller batch in the same memory
        predicted = model.predict(X)
    with nn.use_kernels("numpy"):  # batch norm has moved on
        np.testing.assert_allclose(predicted, model.predict(X), rtol=1e-4, atol=1e-5)
    assert len(found) == len(expected)
    for actual, desired in zip(found, expected, strict=True):
        assert actual.dtype == np.float32
        np.testing.assert_allclose(actual, desired, rtol=1e-3, atol=2e-4)
    with nn.use_kernels("numpy"):
        expected = forward_and_backward(model, X[:3], recorded)
    for actual, desired in zip(again, expected, strict=True):
        np.testing.assert_allclose(actual, desired, rtol=1e-3, atol=2e-4)


def test_of_equal_maxima_the_first_has_the_gradient() -> None:
    model, X = network("article")
    X[:] = 0.5  # every window ties, to the last bit: no product is rounded
    for parameter in model.parameters():
        parameter.data[...] = np.round(parameter.data * 16) / 16
    model[1].bias.data[:] = 1  # type: ignore[union-attr]  # and relu lets all through
    compare_both(model, X)


def stages(model: nn.Sequential, shape: tuple[int, ...]) -> tuple[int, list[str]]:
    match = matched([layer._steps() for layer in model], shape)
    return match.layers, [type(stage).__name__ for stage in match.stages]


def test_which_layers_become_one_stage() -> None:
    model, _ = network("article")
    assert stages(model, (12, 12, 1)) == (6, ["ConvStage", "ConvStage", "DenseStage", "DenseStage"])
    model, _ = network("a stop in between")
    assert stages(model, (10, 10, 2)) == (2, ["ConvStage", "NormStage"])
    model, _ = network("vectors")
    assert stages(model, (70,)) == (5, ["DenseStage", "DenseStage", "DenseStage"])
    # What does not fit is left to the layer, which says so.
    assert stages(model, (71,)) == (0, [])
    model, _ = network("pooled at once")
    assert stages(model, (2, 2, 1)) == (0, [])


def test_a_class_of_ones_own_is_called() -> None:
    class Loud(nn.Dense):
        def forward(self, X: Any) -> Any:
            return super().forward(X) * 2

    plain = nn.Sequential(nn.Dense(4, "relu"), nn.Dense(3)).initialize((6,), rng=0)
    loud = nn.Sequential(nn.Dense(4, "relu"), Loud(3)).initialize((6,), rng=0)
    X = np.ones((2, 6), np.float32)
    with nn.use_kernels("numba"):
        np.testing.assert_allclose(loud.predict(X), 2 * plain.predict(X), rtol=1e-6)
        plain[0].forward = lambda X: np.zeros((len(X), 4), np.float32)  # type: ignore[method-assign]
        np.testing.assert_array_equal(plain.predict(X), np.broadcast_to(plain[1].bias.data, (2, 3)))  # type: ignore[union-attr]


def test_forward_hooks_get_every_layer() -> None:
    model, X = network("article")
    seen: list[str] = []
    with (
        nn.use_kernels("numba"),
        nn.watching(lambda layer, X, out: seen.append(type(layer).__name__)),
    ):
        model.predict(X)
    assert seen == ["Conv2D", "Conv2D", "MaxPool2D", "Flatten", "Dense", "Dense", "Sequential"]


def test_second_derivatives_are_those_of_the_plain_layers() -> None:
    model, X = network("article")

    def penalty(x: Any) -> Any:
        return np.sum(np.square(grad(lambda z: np.sum(np.square(model(z))))(x)))

    with nn.use_kernels("numpy"):
        expected = grad(penalty)(X).data  # a tensor: the parameters may be differentiated, too
    with nn.use_kernels("numba"):
        found = grad(penalty)(X).data
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
    assert np.abs(expected).max() > 0.1


def test_a_layer_that_stands_twice() -> None:
    shared = nn.Dense(6, "relu")
    model = nn.Sequential(shared, nn.Activation("tanh"), shared, nn.Dense(2)).initialize(
        (6,), rng=0
    )
    X = np.random.default_rng(0).standard_normal((3, 6)).astype("float32")
    compare_both(model, X, rtol=1e-4, atol=1e-5)


LAYOUTS = {
    "columns": np.asfortranarray,
    "backwards": lambda X: X[::-1].copy()[::-1],
    "every other": lambda X: np.repeat(X, 2, axis=-1)[..., ::2],
    "of another machine": lambda X: X.astype(">f4"),
    "one for all": lambda X: np.broadcast_to(X[:1], X.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["article", "vectors", "pool without relu"])
def test_memory_of_any_kind(name: str, layout: str) -> None:
    model, X = network(name)
    X = LAYOUTS[layout](X)
    with nn.use_kernels("numpy"):
        expected = [model.predict(X), *gradients(model, X, LAYOUTS[layout])]
    with nn.use_kernels("numba"):
        found = [model.predict(X), *gradients(model, X, LAYOUTS[layout])]
    for actual, desired in zip(found, expected, strict=True):
        np.testing.assert_allclose(actual, desired, rtol=1e-3, atol=2e-4)


def gradients(model: Any, X: Any, lay_out: Any) -> list[Any]:
    """For the input and all parameters, for a gradient that lies in memory in that way."""
    model.zero_grad()
    x = nn.Tensor(X, requires_grad=True)
    out = model(x)
    g = np.random.default_rng(3).standard_normal(out.shape).astype("float32")
    out.backward(lay_out(g))
    return [x.grad, *(p.grad for p in model.parameters())]


def test_results_are_the_callers_own() -> None:
    model, X = network("article")
    with nn.use_kernels("numba"):
        first = model.predict(X)
        kept = first.copy()
        outs = [model(X), model(X + 1)]  # two under way at once
        model.predict(X + 2)
        np.testing.assert_array_equal(first, kept)
        np.testing.assert_array_equal(outs[0].data, kept)
        model.zero_grad()
        outs[0].backward(np.ones_like(kept))
        once = [p.grad.copy() for p in model.parameters()]
        forward_and_backward(model, X + 3)
        model.zero_grad()
        model(X).backward(np.ones_like(kept))
    for parameter, before in zip(model.parameters(), once, strict=True):
        np.testing.assert_array_equal(parameter.grad, before)


def test_memory_is_used_again() -> None:
    model, X = network("article")
    with nn.use_kernels("numba"):
        forward_and_backward(model, X)
        (workspace,) = model._plan.workspaces
        before = {key: id(buffer) for key, buffer in workspace._buffers.items()}
        for rows in (5, 2, 5):
            forward_and_backward(model, X[:rows])
        (again,) = model._plan.workspaces
    assert again is workspace
    assert {key: id(buffer) for key, buffer in again._buffers.items()} == before


def test_memory_goes_with_the_model_and_needs_no_hash() -> None:
    class Equal(nn.Sequential):
        def __eq__(self, other: object) -> bool:
            return isinstance(other, Equal)

        __hash__ = None  # as Python itself sets it

    model = Equal(nn.Dense(8, "relu"), nn.Dense(2)).initialize((6,), rng=0)
    with nn.use_kernels("numba"):
        model(np.ones((3, 6), np.float32)).sum().backward()
    (workspace,) = map(ref, model._plan.workspaces)
    del model
    gc.collect()
    assert workspace() is None


def test_threads_predict_at_once() -> None:
    model, X = network("article")
    with nn.use_kernels("numba"):
        expected = model.predict(X)
        wrong: list[int] = []

        def work() -> None:
            with nn.use_kernels("numba"):  # a block holds for its own thread
                wrong.extend(i for i in range(20) if not np.array_equal(model.predict(X), expected))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_frozen_parameters_and_a_float64_model() -> None:
    model, X = network("article")
    model[0].freeze()
    with nn.use_kernels("numba"):
        forward_and_backward(model, X)
        assert [p.grad is None for p in model.parameters()] == [True, True] + [False] * 6
        wide = model.astype("float64")(X.astype("float64"))
    assert wide.dtype == np.float64


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_comes_through(value: float) -> None:
    model, X = network("pooled at once")
    X[2, 0, 4, 4] = value
    with nn.use_kernels("numpy"), np.errstate(all="ignore"):
        expected = model.predict(X)
    with nn.use_kernels("numba"), np.errstate(all="ignore"):
        found = model.predict(X)
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))
    assert not np.isfinite(found[2]).any()
    assert np.isfinite(found[[0, 1, 3, 4]]).all()


def test_training_gives_the_same_bits_on_any_number_of_threads() -> None:
    images, labels = nn.load_mnist()
    X = images[:400, None].astype("float32") / 255

    def trained() -> Any:
        model = nn.Sequential(
            nn.Conv2D(8, 3, activation="relu"), nn.Conv2D(16, 3, activation="relu"), nn.MaxPool2D(2),
            nn.Flatten(), nn.Dense(32, "relu"), nn.Dense(10),
        )  # fmt: skip
        nn.Trainer(model, rng=0, progress=False).fit(X, labels[:400], epochs=1, batch_size=100)
        return model.flat_parameters().copy()

    with nn.use_kernels("numba"):
        np.testing.assert_array_equal(*on_one_and_two_threads(trained))


def test_stages_run_uncompiled() -> None:
    code = """
import numpy as np, neural_network as nn
from tests.plan.test_plan import network, forward_and_backward
for name in ("article", "pool without relu", "pooled at once"):
    model, X = network(name)
    with nn.use_kernels("numba"):
        found = forward_and_backward(model, X[:2])
    with nn.use_kernels("numpy"):
        expected = forward_and_backward(model, X[:2])
    for a, b in zip(found, expected):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=2e-4)
"""
    output_of(code, NUMBA_DISABLE_JIT="1")


def test_one_digit_in_a_small_network_waits_for_no_compiler() -> None:
    code = """
import sys, numpy as np, neural_network as nn
layers = nn.Conv2D(8, 3, activation="relu"), nn.MaxPool2D(2), nn.Flatten(), nn.Dense(10)
model = nn.Sequential(*layers).initialize((1, 28, 28), rng=0)
model.predict(np.zeros((1, 1, 28, 28), np.float32))
print("numba" in sys.modules)
"""
    assert output_of(code) == "False\n"


@pytest.mark.parametrize("frozen", [True, False])
def test_what_the_backward_pass_needs_cannot_change_in_place(frozen: bool) -> None:
    model, X = network("article")
    if frozen:
        model[0].freeze()
    x = nn.Tensor(X)
    with nn.use_kernels("numba"), nn.no_grad():
        model(x)
        x += 1  # nothing is recorded
    with nn.use_kernels("numba"):
        out = model(x)
        for tensor in (x, *model.parameters()):
            with nn.no_grad(), pytest.raises(nn.GradientError, match=r"in-place.*of run still"):
                tensor[...] = 1
        out.backward(np.ones_like(out.data))
        with nn.no_grad():
            x += 1
            model[0].weight += 1
