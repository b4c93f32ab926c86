"""Clipping of gradients and averaging of parameters, on flat buffers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.training import buffers


@pytest.mark.parametrize("block", [1, 3, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clip_by_norm(dtype: Any, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "BLOCK", block)
    g = np.array([2.0, -4.0, 4.0, 0.0], dtype=dtype)
    norm = nn.clip_by_norm(g, 3.0)
    assert (type(norm), norm) == (float, 6.0)
    np.testing.assert_allclose(g, [1.0, -2.0, 2.0, 0.0], rtol=1e-7)
    assert g.dtype == dtype
    untouched = g.copy()
    assert nn.clip_by_norm(g, 3.0) == pytest.approx(3.0)
    assert nn.clip_by_norm(g, 100) == pytest.approx(3.0)
    np.testing.assert_allclose(g, untouched, rtol=1e-7)


def test_a_norm_beyond_float32() -> None:
    g = np.full(4, 3e38, dtype=np.float32)
    assert nn.clip_by_norm(g, 2.0) == pytest.approx(6e38)
    np.testing.assert_allclose(g, np.ones(4), rtol=1e-6)
    g = np.full(4, 3e38, dtype=np.float32)
    nn.clip_by_norm(g, 2e-9)  # a factor of 3e-48, which is 0 in float32
    np.testing.assert_allclose(g, np.full(4, 1e-9), rtol=1e-6)
    tiny = np.full(4, 1e-30, dtype=np.float32)
    assert nn.clip_by_norm(tiny, 1.0) == pytest.approx(2e-30)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_norm_that_is_not_finite_changes_nothing(bad: float) -> None:
    g = np.array([1.0, bad, 5.0], dtype=np.float32)
    before = g.copy()
    assert not np.isfinite(nn.clip_by_norm(g, 1.0))
    np.testing.assert_array_equal(g, before)


def test_an_empty_gradient_has_no_length() -> None:
    assert nn.clip_by_norm(np.zeros(0), 1.0) == 0.0


def test_clip_by_value() -> None:
    g = np.array([-3.0, -0.5, 0.0, 2.0, np.inf, np.nan], dtype=np.float32)
    assert nn.clip_by_value(g, 0.75) is None  # type: ignore[func-returns-value]
    np.testing.assert_array_equal(g, np.float32([-0.75, -0.5, 0, 0.75, 0.75, np.nan]))
    assert g.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_average_of_three(dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "BLOCK", 1)
    average = nn.ExponentialAverage(0.5)
    average.start(np.zeros(2, dtype=dtype))
    for row in ([4.0, 1.0], [8.0, 1.0], [2.0, 1.0]):
        parameters = np.array(row, dtype=dtype)
        average.update(parameters)
        np.testing.assert_array_equal(parameters, row)
    # (4 · ⅛ + 8 · ¼ + 2 · ½) / ⅞
    np.testing.assert_allclose(average.value, [4.0, 1.0], rtol=1e-6)
    assert average.value.dtype == dtype
    assert average.value is not average.value
    assert average.steps == 3
    assert repr(nn.ExponentialAverage()) == "ExponentialAverage(decay=0.999)"


def test_a_slow_average_arrives() -> None:
    """In float32 the last part in a thousand would be lost, addition by addition."""
    average = nn.ExponentialAverage(0.9999)
    p = np.array([1.0], dtype=np.float32)
    average.start(p)
    average.update(p)
    for _ in range(100_000):
        average.update(p * 2)
    assert average.value[0] == pytest.approx(2 - 0.9999**100_000 * 1e-4, rel=1e-6)


def test_the_average_of_equals_is_themselves() -> None:
    p = np.random.default_rng(1).standard_normal(1000).astype(np.float32)
    average = nn.ExponentialAverage(0.999)
    average.start(p)
    for _ in range(10):
        average.update(p)
    np.testing.assert_array_equal(average.value, p)


def test_an_average_continues_bit_for_bit(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    first, second = nn.ExponentialAverage(0.9), nn.ExponentialAverage(0.9)
    for average in (first, second):
        average.start(np.zeros(5, dtype=np.float32))
    for _ in range(3):
        first.update(rng.standard_normal(5).astype(np.float32))
    nn.save_arrays(tmp_path / "average.safetensors", first.state())
    second.load_state(nn.load_arrays(tmp_path / "average.safetensors"))
    np.testing.assert_array_equal(second.value, first.value)
    p = rng.standard_normal(5).astype(np.float32)
    first.update(p)
    second.update(p)
    np.testing.assert_array_equal(second.value, first.value)
    first.start(p)
    assert (first.steps, first.state()["average"].any()) == (0, False)


def started() -> nn.ExponentialAverage:
    average = nn.ExponentialAverage()
    average.start(np.zeros(3))
    return average


def frozen() -> Any:
    array = np.zeros(3)
    array.flags.writeable = False
    return array


G = np.zeros(3)
MISTAKES = [
    (lambda: nn.clip_by_norm([1.0], 1), "clip_by_norm: gradients: expected a NumPy array"),
    (lambda: nn.clip_by_norm(np.ones(3, int), 1), "clip_by_norm: gradients: expected float32 or"),
    (lambda: nn.clip_by_norm(np.ones((1, 3)), 1), "clip_by_norm: gradients: expected 1 dimension"),
    (lambda: nn.clip_by_norm(frozen(), 1), "clip_by_norm: gradients: expected an array to write to"),
    (lambda: nn.clip_by_norm(G, 0), "clip_by_norm: maximum: expected a finite number above 0"),
    (lambda: nn.clip_by_norm(G, "1"), "clip_by_norm: maximum: expected a finite number above 0"),
    (lambda: nn.clip_by_value([1.0], 1), "clip_by_value: gradients: expected a NumPy array"),
    (lambda: nn.clip_by_value(np.ones((1, 3)), 1), "clip_by_value: gradients: expected 1 dim"),
    (lambda: nn.clip_by_value(frozen(), 1), "clip_by_value: gradients: expected an array to write"),
    (lambda: nn.clip_by_value(G, -1), "clip_by_value: limit: expected a finite number above 0"),
    (lambda: nn.ExponentialAverage(1), "ExponentialAverage: decay: expected a number below 1"),
    (lambda: nn.ExponentialAverage("1"), "ExponentialAverage: decay: expected a finite number"),
    (lambda: started().start([1.0]), "ExponentialAverage.start: parameters: expected a NumPy"),
    (lambda: started().update(np.zeros(2)), "ExponentialAverage.update: parameters: expected the shape (3,)"),
    (lambda: started().update(np.zeros(3, "f")), "ExponentialAverage.update: parameters: expected the dtype"),
    (lambda: nn.ExponentialAverage().update(G), "ExponentialAverage.update: state: expected a call of start()"),
    (lambda: nn.ExponentialAverage().state(), "ExponentialAverage.state: state: expected a call"),
    (lambda: nn.ExponentialAverage().value, "ExponentialAverage.value: state: expected a call"),
    (lambda: started().value, "ExponentialAverage.value: steps: expected an update before"),
    (lambda: started().load_state({}), "ExponentialAverage.load_state: state: expected the names average steps"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), MISTAKES)
def test_mistakes(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(nn.ArgumentError, match=re.escape(message)):
        make()
