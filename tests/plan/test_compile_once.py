"""It is decided once for each key what is computed together; each part of the key counts."""

from __future__ import annotations

import copy
import threading
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd import grad
from neural_network.layers import planning
from neural_network.plan import run
from tests.needs import need_fast
from tests.processes import HANGS

need_fast()

RNG = np.random.default_rng(0)


def network() -> Any:
    """Layers that the plan computes by kernels, by ops and by themselves."""
    model = nn.Sequential(
        nn.Conv2D(4, 3, padding=1), nn.MaxPool2D(2), nn.Activation("softplus"), nn.BatchNorm(),
        nn.Conv2D(6, 3, bias=False), nn.BatchNorm(), nn.Activation("relu"), nn.Dropout(0.5),
        nn.Conv2D(5, 1, activation="tanh"), nn.GlobalAvgPool2D(), nn.Dense(3),
    ).initialize((2, 12, 12), rng=1)  # fmt: skip
    for place in (3, 5):
        model[place].gamma.data[...] = RNG.standard_normal(model[place].gamma.shape)
        model[place].running_mean.data[...] = RNG.standard_normal(model[place].gamma.shape)
    return model.eval()


def images(*shape: int) -> Any:
    return RNG.standard_normal(shape).astype("float32")


def by_layers(model: Any, X: Any) -> Any:
    """The oracle: every layer's own forward, by NumPy; with a forward hook nothing is planned."""
    with nn.use_kernels("numpy"), nn.watching(lambda _layer, _X, _out: None):
        return model.predict(X)


def check(model: Any, X: Any) -> None:
    np.testing.assert_allclose(model.predict(X), by_layers(model, X), rtol=1e-4, atol=1e-5)


def gradients(model: Any, X: Any) -> list[Any]:
    """Of the input and the parameters; and of the parameters, where the input has none."""
    model.zero_grad()
    x = nn.Tensor(X, requires_grad=True)
    (model(x) ** 2).sum().backward()
    found = [x.grad, *(p.grad for p in model.parameters())]
    model.zero_grad()
    (model(X) ** 2).sum().backward()
    return found + [p.grad for p in model.parameters()]


def check_gradients(model: Any, X: Any) -> None:
    for _ in range(2):
        found = gradients(model, X)
        with nn.use_kernels("numpy"), nn.watching(lambda _layer, _X, _out: None):
            expected = gradients(model, X)
        for actual, desired in zip(found, expected, strict=True):
            assert (actual is None) == (desired is None)
            if desired is not None:
                np.testing.assert_allclose(actual, desired, rtol=1e-3, atol=1e-3)


MODES = ["auto", "numba", "numpy"]


@pytest.mark.parametrize("mode", MODES)
def test_the_shape_changes(mode: str) -> None:
    model = network()
    with nn.use_kernels(mode):
        for shape in ((3, 2, 12, 12), (3, 2, 9, 14), (3, 2, 12, 12), (3, 2, 14, 9)):
            check(model, images(*shape))
            check(model, images(*shape))


@pytest.mark.parametrize("mode", MODES)
def test_the_number_of_rows_changes(mode: str) -> None:
    model = network()
    with nn.use_kernels(mode):
        for rows in (1, 4, 1, 2000, 3):
            check(model, images(rows, 2, 12, 12))


@pytest.mark.parametrize("mode", MODES)
def test_the_type_changes(mode: str) -> None:
    model, X = network(), RNG.integers(0, 9, (3, 2, 12, 12))
    with nn.use_kernels(mode):
        for dtype in ("float32", "uint8", "float64", "uint8", ">f4", "float32", "bool"):
            for _ in range(2):
                check(model, X.astype(dtype))
        model.astype("float64")
        assert model.predict(X).dtype == np.float64
        check(model, X)


def test_the_kernel_mode_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    model, X = network(), images(3, 2, 12, 12)
    runs: list[int] = []
    compute = run.Run.forward
    monkeypatch.setattr(run.Run, "forward", lambda self, X: (runs.append(1), compute(self, X))[1])
    for mode, expected in (("numpy", 0), ("numba", 2), ("auto", 0), ("numpy", 0), ("numba", 2)):
        for _ in range(2):
            runs.clear()
            with nn.use_kernels(mode):
                check(model, X)
            assert len(runs) == expected


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("place", [3, 5, 7])
def test_the_mode_of_one_layer_changes(mode: str, place: int) -> None:
    model, X = network(), images(4, 2, 12, 12)

    def outputs(changed: Any) -> Any:
        """In evaluation, with one layer in training, and in evaluation again."""
        results = []
        for training in (False, False, True, False):
            changed[place].train() if training else changed[place].eval()
            changed[7]._own_draws = nn.Dropout(0.5, rng=0)._own_draws
            results.append(changed(X))
        return results

    with nn.no_grad():
        with nn.use_kernels("numpy"), nn.watching(lambda _layer, _X, _out: None):
            expected = outputs(copy.deepcopy(model))
        with nn.use_kernels(mode):
            found = outputs(model)
    for actual, desired in zip(found, expected, strict=True):
        np.testing.assert_allclose(actual, desired, rtol=1e-3, atol=1e-4)
    assert np.abs(expected[2] - expected[1]).max() > 1e-3


@pytest.mark.parametrize("mode", MODES)
def test_a_block_changes_the_mode_in_one_thread(mode: str) -> None:
    model, X = network().train(), images(4, 2, 12, 12)
    with nn.use_kernels(mode), nn.no_grad():
        check(model, X)
        with model.in_mode(training=False):
            inside = model(X)
            np.testing.assert_allclose(inside, by_layers(model, X), rtol=1e-4, atol=1e-5)
            assert np.abs(inside - threaded(lambda: model(X))).max() > 1e-3
        assert np.abs(inside - model(X)).max() > 1e-3


def threaded(compute: Any) -> Any:
    results: list[Any] = []

    def work() -> None:
        with nn.no_grad():
            results.append(compute())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return results[0]


@pytest.mark.parametrize("mode", MODES)
def test_what_is_frozen_changes(mode: str) -> None:
    model, X = network(), images(3, 2, 12, 12)
    with nn.use_kernels(mode):
        check_gradients(model, X)
        model[0].freeze()
        check_gradients(model, X)
        model[4].weight.requires_grad = False
        check_gradients(model, X)
        model.unfreeze()
        check_gradients(model, X)


@pytest.mark.parametrize("mode", MODES)
def test_whether_it_is_recorded_changes(mode: str) -> None:
    model, X = network(), images(3, 2, 12, 12)
    with nn.use_kernels(mode):
        for _ in range(2):
            check(model, X)
            check_gradients(model, X)
        with nn.no_grad():
            assert isinstance(model(X), np.ndarray)
        assert model(X).requires_grad
        assert not model(nn.Tensor(X)).detach().requires_grad


@pytest.mark.parametrize("mode", MODES)
def test_how_deep_it_is_recorded_changes(mode: str) -> None:
    model, X = network(), images(2, 2, 12, 12)

    def penalty(x: Any) -> Any:
        return np.sum(np.square(grad(lambda z: np.sum(np.square(model(z))))(x)))

    with nn.use_kernels("numpy"), nn.watching(lambda _layer, _X, _out: None):
        expected = grad(penalty)(X).data
    with nn.use_kernels(mode):
        check_gradients(model, X)
        np.testing.assert_allclose(grad(penalty)(X).data, expected, rtol=1e-3, atol=1e-3)
        check_gradients(model, X)


@pytest.mark.parametrize("mode", MODES)
def test_a_forward_hook_comes_and_goes(mode: str) -> None:
    model, X = network(), images(3, 2, 12, 12)
    seen: list[Any] = []
    with nn.use_kernels(mode):
        for _ in range(2):
            check(model, X)
            seen.clear()
            with nn.watching(lambda layer, _X, _out: seen.append(layer)):
                model.predict(X)
            assert seen == [*model, model]


@pytest.mark.parametrize("mode", MODES)
def test_debug_comes_and_goes(mode: str) -> None:
    model, X = network(), images(3, 2, 12, 12)
    with nn.use_kernels(mode):
        check_gradients(model, X)
        with nn.debug():
            out = model(X)
            model[10].weight.data[0] += 1
            with pytest.raises(nn.GradientError, match="was changed after the op had used it"):
                out.backward(np.ones(out.shape, np.float32))
        check_gradients(model, X)


@pytest.mark.parametrize("mode", MODES)
def test_without_a_change_nothing_is_decided(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, X = network(), images(3, 2, 12, 12)
    with nn.use_kernels(mode):
        model.predict(X)
        gradients(model, X)
        before = dict(model._plan.decisions)
        parts = [dict(decision.parts) for decision in before.values()]
        monkeypatch.setattr(planning, "matched", None)
        check(model, X)
        check_gradients(model, X)
    assert len(before) == 2
    for key, decision in model._plan.decisions.items():
        assert before[key] is decision
    assert [decision.parts for decision in before.values()] == parts


def test_at_most_eight_decisions_and_the_oldest_goes() -> None:
    model = network()
    rows = [(2, 10 + extra, 12) for extra in range(12)]
    with nn.use_kernels("numba"):
        for row in rows:
            check(model, images(2, *row))
        kept = [key[0] for key in model._plan.decisions]
        assert kept == rows[-planning.DECISIONS :]
        assert planning.DECISIONS == 8
        check(model, images(2, *rows[0]))
        assert [key[0] for key in model._plan.decisions] == [*kept[1:], rows[0]]


def test_a_change_ends_all_decisions() -> None:
    model = network()
    with nn.use_kernels("numba"):
        for size in (10, 11):
            model.predict(images(2, 2, size, size))
        model[2] = nn.Activation("tanh").initialize((4, 5, 5))
        check(model, images(2, 2, 10, 10))
    assert len(model._plan.decisions) == 1


def test_an_error_is_the_layers_own_each_time() -> None:
    model = network()
    for mode in MODES:
        with nn.use_kernels(mode):
            for _ in range(2):
                check(model, images(2, 2, 12, 12))
                with pytest.raises(
                    nn.ShapeError, match=r"Conv2D: X: expected 2 .*\[model\[0\] Conv2D"
                ):
                    model.predict(images(2, 3, 12, 12))
                with pytest.raises(nn.ShapeError, match=r"does not fit.*\[model\[4\] Conv2D"):
                    model.predict(images(2, 2, 4, 4))
                with nn.no_grad(), pytest.raises(nn.ShapeError, match="at least one element"):
                    model(images(0, 2, 12, 12))


@pytest.mark.parametrize("mode", MODES)
def test_a_mask_is_refused_each_time(mode: str) -> None:
    model, X = network(), images(2, 2, 12, 12)
    with nn.use_kernels(mode), nn.no_grad():
        for _ in range(2):
            check(model, X)
            with pytest.raises(nn.DTypeError, match="an array without a mask"):
                model(np.ma.masked_array(X, X > 1))


class Returns(nn.Layer):
    """A user's layer whose results differ for inputs of one shape and type."""

    size: int | None = None
    kind = "float32"

    def forward(self, X: Any) -> Any:
        return X[:, :, : self.size].astype(self.kind)


@pytest.mark.parametrize("mode", MODES)
def test_a_layer_that_returns_other_shapes_for_the_same_rows(mode: str) -> None:
    model = nn.Sequential(Returns(), nn.Conv2D(4, 3), nn.GlobalAvgPool2D(), nn.Dense(3))
    model.initialize((2, 8, 8), rng=0)
    X = images(3, 2, 8, 8)
    with nn.use_kernels(mode):
        for size in (8, 8, 5, 8, 4, 4):
            model[0].size = size
            check(model, X)
        model[0].size = 2
        with pytest.raises(nn.ShapeError, match=r"does not fit.*\[model\[1\] Conv2D"):
            model.predict(X)


@pytest.mark.parametrize("mode", MODES)
def test_a_layer_that_returns_other_types(mode: str) -> None:
    model = nn.Sequential(Returns(), nn.Flatten(), nn.Dense(8, "relu"), nn.Dense(3))
    model.initialize((2, 3), rng=0)
    X = 3 * images(4, 2, 3)
    with nn.use_kernels(mode):
        for model[0].kind in ("float32", "float32", "float64", "int64", "float32", "float16"):
            for _ in range(2):
                check(model, X)


@pytest.mark.parametrize("mode", MODES)
def test_eight_threads_predict_at_once(mode: str) -> None:
    model = network()
    inputs = [images(rows, 2, 12, 12) for rows in (1, 2, 3, 4)]
    with nn.use_kernels(mode):
        expected = [copy.deepcopy(model).predict(X) for X in inputs]
        start, wrong = threading.Barrier(8), list[Any]()

        def work() -> None:
            start.wait(HANGS)
            with nn.use_kernels(mode):  # a block holds for its own thread
                for _ in range(10):
                    for X, result in zip(inputs, expected, strict=True):
                        if not np.array_equal(model.predict(X), result):
                            wrong.append(len(X))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []
