"""Compiled steps of optimizers: the same bits as NumPy's bodies, whatever the threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neural_network.kernels.runtime.gate import THRESHOLDS, use_kernels
from neural_network.training import SGD, Adagrad, Adam, AdamW, Lion, RMSprop
from tests import needs
from tests.threads import on_one_and_two_threads

kernels = needs.kernels("optimizers")

MAKES: list[Any] = [
    lambda: SGD(0.1),
    lambda: SGD(0.1, weight_decay=0.2),
    lambda: SGD(0.1, 0.9),
    lambda: SGD(0.1, 0.9, True, weight_decay=0.2),
    lambda: RMSprop(0.01),
    lambda: RMSprop(0.01, momentum=0.9, weight_decay=0.1),
    lambda: RMSprop(0.01, centered=True),
    lambda: RMSprop(0.01, centered=True, momentum=0.5),
    lambda: Adagrad(0.1),
    lambda: Adagrad(0.1, weight_decay=0.3),
    lambda: Adam(0.01),
    lambda: Adam(0.01, (0.5, 0.9), 1e-3, weight_decay=0.1),
    lambda: AdamW(0.01, weight_decay=0.1),
    lambda: Lion(0.01),
    lambda: Lion(0.01, weight_decay=0.5),
]


def trained(make: Any, mode: str, dtype: str, size: int = 9001, where: Any = None) -> Any:
    """Parameters and state after four steps."""
    rng = np.random.default_rng(3)
    p = rng.standard_normal(size).astype(dtype)
    optimizer = make()
    optimizer.start(p)
    with use_kernels(mode):
        for step in range(4):
            g = rng.standard_normal(size).astype(dtype)
            g[step::5] = 0
            optimizer.update(p, g, 0.1 / (step + 1), where=where)
    return [p, *optimizer.slots_state.values()]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make", MAKES, ids=lambda make: repr(make()))
def test_the_same_bits_as_numpys(make: Any, dtype: str) -> None:
    for where in (None, [slice(0, 10), slice(17, 5000), slice(8999, 9001)]):
        expected = trained(make, "numpy", dtype, where=where)
        for actual, desired in zip(
            trained(make, "numba", dtype, where=where), expected, strict=True
        ):
            assert actual.dtype == dtype
            np.testing.assert_array_equal(actual, desired)


@pytest.mark.parametrize("make", MAKES, ids=lambda make: repr(make()))
def test_the_same_bits_on_several_threads(make: Any) -> None:
    size = kernels.SERIAL + 11
    found = [trained(make, mode, "float32", size) for mode in ("numba", "numpy")]
    for actual, desired in zip(*found, strict=True):
        np.testing.assert_array_equal(actual, desired)


@pytest.mark.parametrize("make", MAKES, ids=lambda make: repr(make()))
def test_uncompiled(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = trained(make, "numpy", "float32", 40)
    for name, found in list(vars(kernels).items()):
        body = getattr(found, "body", None) or getattr(found, "py_func", None)
        if body is not None:
            monkeypatch.setattr(kernels, name, body)
    for actual, desired in zip(trained(make, "numba", "float32", 40), expected, strict=True):
        np.testing.assert_array_equal(actual, desired)


@pytest.mark.parametrize("make", MAKES, ids=lambda make: repr(make()))
def test_threads_change_no_bit(make: Any) -> None:
    found = on_one_and_two_threads(lambda: trained(make, "numba", "float32", 50_001))
    for actual, desired in zip(*found, strict=True):
        np.testing.assert_array_equal(actual, desired)


@pytest.mark.parametrize("make", MAKES, ids=lambda make: repr(make()))
def test_what_is_not_finite(make: Any) -> None:
    found = []
    for mode in ("numpy", "numba"):
        optimizer, p = make(), np.linspace(-3, 3, 64).astype("float32")
        p[10] = np.inf
        optimizer.start(p)
        g = np.ones(64, "float32")
        g[[3, 20, 33, 47]] = np.nan, np.inf, -np.inf, 1e30
        # ``update`` refuses them where they would stay in the state.
        with use_kernels(mode), np.errstate(all="ignore"):
            optimizer._change(p, g, [(0, 64, 1)], 0.1)
            optimizer._change(p, g, [(0, 64, 2)], 0.1)
        found.append([p, *optimizer.slots_state.values()])
    for actual, desired in zip(*found, strict=True):
        assert np.isnan(desired).any()
        np.testing.assert_array_equal(actual, desired)


def test_a_formula_of_ones_own_is_used() -> None:
    class Still(Adam):
        def apply(self, parameters: Any, *_others: Any) -> None:
            parameters -= 1

    class Mixin:
        def apply(self, parameters: Any, *_others: Any) -> None:
            parameters -= 1

    class Mixed(Mixin, Adam):
        pass

    class Inherited(Still):
        pass

    class Named(Adam):
        pass

    for optimizer in (Still(), Mixed(), Inherited()):
        p = np.zeros(1 << 17)
        optimizer.start(p)
        with use_kernels("numba"):
            optimizer.update(p, np.ones_like(p))
        assert set(p) == {-1.0}
        assert optimizer._kernel(0.1) == ()
    named = Named()
    named.steps = 1
    assert named._kernel(0.1)[0] == "adam"


@pytest.mark.parametrize("layout", ["gaps", "read-only"])
def test_other_memory_gives_the_same(layout: str) -> None:
    found = []
    for mode in ("numpy", "numba"):
        p = np.linspace(-3, 3, 200).astype("float32")
        g = np.cos(p)
        if layout == "gaps":
            p, g = p[::2], g[::2]
        g.flags.writeable = layout == "gaps"
        optimizer = Adam()
        optimizer.start(p)
        with use_kernels(mode):
            optimizer.update(p, g)
        found.append(p)
    np.testing.assert_array_equal(*found)


def test_small_buffers_stay_with_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[Any] = []
    monkeypatch.setattr(kernels, "sgd", lambda *arguments: used.append(arguments))
    for size in (1000, THRESHOLDS["optimizer"]):
        sgd, p = SGD(), np.zeros(size)
        sgd.start(p)
        with use_kernels("auto"):
            sgd.update(p, p)
    assert [len(arguments[0]) for arguments in used] == [THRESHOLDS["optimizer"]]
