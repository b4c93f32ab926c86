"""Optimizers against the formulas of their papers, worked one number at a time."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.training import as_optimizer, buffers
from tests.training.formulas import adagrad, adam, lion, rmsprop, sgd

START = [1.0, -2.0, 0.5]
GRADIENTS = [[0.5, -3.0, 0.0], [-1.0, 2.0, 4.0], [0.25, 1.0, -0.125]]

Formula = Callable[[float, Any, float, float], float]
Make = Callable[[float, float], nn.Optimizer]
WAYS: dict[str, tuple[Make, Formula]] = {
    "plain": (
        lambda r, d: nn.SGD(r, weight_decay=d),
        lambda *args: sgd(*args, momentum=0, ahead=False),
    ),
    "momentum": (
        lambda r, d: nn.SGD(r, 0.9, weight_decay=d),
        lambda *args: sgd(*args, momentum=0.9, ahead=False),
    ),
    "nesterov": (
        lambda r, d: nn.SGD(r, 0.9, True, weight_decay=d),
        lambda *args: sgd(*args, momentum=0.9, ahead=True),
    ),
    "adagrad": (
        lambda r, d: nn.Adagrad(r, epsilon=0.01, weight_decay=d),
        lambda *args: adagrad(*args, eps=0.01),
    ),
    "rmsprop": (
        lambda r, d: nn.RMSprop(r, 0.9, 1e-2, weight_decay=d),
        lambda *args: rmsprop(*args, alpha=0.9, momentum=0, centered=False),
    ),
    "rmsprop with momentum": (
        lambda r, d: nn.RMSprop(r, 0.9, 1e-2, 0.5, weight_decay=d),
        lambda *args: rmsprop(*args, alpha=0.9, momentum=0.5, centered=False),
    ),
    "rmsprop, centered": (
        lambda r, d: nn.RMSprop(r, 0.9, 1e-2, 0.5, True, weight_decay=d),
        lambda *args: rmsprop(*args, alpha=0.9, momentum=0.5, centered=True),
    ),
    "adam": (
        lambda r, d: nn.Adam(r, (0.8, 0.9), 1e-2, weight_decay=d),
        lambda *args: adam(*args, b1=0.8, b2=0.9, apart=False),
    ),
    "adamw": (
        lambda r, d: nn.AdamW(r, (0.8, 0.9), 1e-2, weight_decay=d),
        lambda *args: adam(*args, b1=0.8, b2=0.9, apart=True),
    ),
    "lion": (
        lambda r, d: nn.Lion(r, (0.8, 0.6), weight_decay=d),
        lambda *args: lion(*args, b1=0.8, b2=0.6),
    ),
}
every_way = pytest.mark.parametrize("way", WAYS)


def made(way: str, rate: float = 0.1, decay: float = 0.0) -> nn.Optimizer:
    return WAYS[way][0](rate, decay)


def steps(count: int, seed: int, dtype: Any = np.float32, size: int = 11) -> Iterator[Any]:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield rng.standard_normal(size).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("decay", [0.0, 0.3])
@every_way
def test_three_steps_are_the_papers(way: str, decay: float, dtype: Any) -> None:
    optimizer = made(way, 0.1, decay)
    parameters = np.array(START, dtype=dtype)
    optimizer.start(parameters)
    for row in GRADIENTS:
        gradients = np.array(row, dtype=dtype)
        assert optimizer.update(parameters, gradients) is None
        np.testing.assert_array_equal(gradients, np.array(row, dtype=dtype))
    numbers = zip(START, zip(*GRADIENTS, strict=True), strict=True)
    expected = [WAYS[way][1](p, gs, 0.1, decay) for p, gs in numbers]
    tolerance = 1e-13 if dtype == np.float64 else 2e-6
    np.testing.assert_allclose(parameters, expected, rtol=tolerance)
    assert parameters.dtype == dtype
    assert optimizer.steps == 3
    assert {array.dtype for array in optimizer.slots_state.values()} <= {np.dtype(dtype)}


def test_numbers_made_by_hand() -> None:
    def last(optimizer: nn.Optimizer, *gradients: float) -> float:
        p = np.array([1.0])
        optimizer.start(p)
        for g in gradients:
            optimizer.update(p, np.array([float(g)]))
        return round(float(p[0]), 9)

    # b: 1, 2.9, 1.61; steps 0.1, 0.29, 0.161
    assert last(nn.SGD(0.1, 0.9), 1, 2, -1) == 0.449
    # 0.1 · (1 + 0.9), 0.1 · (2 + 2.61), 0.1 · (−1 + 1.449)
    assert last(nn.SGD(0.1, 0.9, nesterov=True), 1, 2, -1) == 0.3041
    # g: 1 + 0.5 · 1, then 1 + 0.5 · 0.85
    assert last(nn.SGD(0.1, weight_decay=0.5), 1, 1) == 0.7075
    # m 1 and v 1, corrected 2 and 4: a step of 1; then m −1.5 and v 4.75, corrected −2 and 76/7
    expected = round(1 - 0.1 + 0.1 * 2 / sqrt(76 / 7), 9)
    assert last(nn.Adam(0.1, (0.5, 0.75), 1e-12), 2, -4) == expected
    # 1 · (1 − 0.1 · 0.5) − 0.1
    assert last(nn.AdamW(0.1, weight_decay=0.5), 7) == 0.85
    # m after the first: 0.25 · 4; then the sign of 0.5 · 1 − 0.5 · 1.5, below 0
    assert last(nn.Lion(0.25, (0.5, 0.75)), 4, -1.5) == 1.0
    # and of 0.5 · 1 − 0.5 · 0.5, above 0
    assert last(nn.Lion(0.25, (0.5, 0.75)), 4, -0.5) == 0.5


@every_way
def test_every_way_leads_downhill(way: str) -> None:
    p = np.array(START, dtype=np.float32)
    optimizer = made(way, 0.01)
    optimizer.start(p)
    for _ in range(1000):
        optimizer.update(p, p)  # the gradient of ½ · Σ p²
    assert np.all(np.abs(p) < 0.05) or way == "adagrad"
    assert np.all(np.abs(p) < np.abs(START))


@every_way
def test_what_is_frozen_stays(way: str) -> None:
    where = [slice(6, 8), slice(None, 2), slice(8, 9)]
    moving = np.zeros(11, dtype=bool)
    moving[[0, 1, 6, 7, 8]] = True
    (p,) = steps(1, seed=1)
    whole, part, before = p.copy(), p.copy(), p.copy()
    free, held = made(way, decay=0.1), made(way, decay=0.1)
    free.start(whole)
    held.start(part)
    for g in steps(3, seed=2):
        free.update(whole, g)
        held.update(part, g, where=where)
    np.testing.assert_array_equal(part[moving], whole[moving])
    np.testing.assert_array_equal(part[~moving], before[~moving])
    for slot, array in held.slots_state.items():
        np.testing.assert_array_equal(array[moving], free.slots_state[slot][moving])
        assert not array[~moving].any()
    held.update(part, g, where=[])
    np.testing.assert_array_equal(part[moving], whole[moving])


@every_way
def test_blocks_change_nothing(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    results = []
    for block in (3, 1000):
        monkeypatch.setattr(buffers, "BLOCK", block)
        (p,) = steps(1, seed=3)
        optimizer = made(way, decay=0.1)
        optimizer.start(p)
        for g in steps(4, seed=4):
            optimizer.update(p, g)
        results.append(p)
    np.testing.assert_array_equal(*results)


@every_way
def test_a_step_needs_no_memory_of_the_models_size(way: str) -> None:
    p = np.ones(2_000_000, dtype=np.float32)
    optimizer = made(way, decay=0.1)
    optimizer.start(p)
    optimizer.update(p, p.view())  # the first call may import and compile
    tracemalloc.start()
    optimizer.update(p, p.view())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * 4 * buffers.BLOCK


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@every_way
def test_a_saved_state_continues_bit_for_bit(way: str, dtype: Any, tmp_path: Path) -> None:
    (p,) = steps(1, seed=5, dtype=dtype)
    optimizer = made(way, decay=0.1)
    optimizer.start(p)
    for g in steps(3, seed=6, dtype=dtype):
        optimizer.update(p, g)
    nn.save_arrays(tmp_path / "state.safetensors", optimizer.state())
    second_p, second = p.copy(), made(way, decay=0.1)
    second.start(second_p)
    second.load_state(nn.load_arrays(tmp_path / "state.safetensors"))
    for g in steps(3, seed=7, dtype=dtype):
        optimizer.update(p, g)
        second.update(second_p, g)
    np.testing.assert_array_equal(p, second_p)
    assert second.steps == 6
    assert second.state()["steps"].shape == ()
    assert second.state()["steps"].dtype == np.int64


def test_a_loaded_state_is_a_copy() -> None:
    p, first, second = np.zeros(2), nn.Adam(), nn.Adam()
    first.start(p)
    second.start(p)
    own = second.slots_state["mean"]
    first.update(p, np.ones(2))
    second.load_state(first.state())
    second.update(p, np.ones(2))
    np.testing.assert_allclose(first.slots_state["mean"], [0.1, 0.1])
    np.testing.assert_allclose(own, [0.19, 0.19])


def test_views_of_a_flat_buffer_move_with_it() -> None:
    flat = np.zeros(6, dtype=np.float32)
    W = flat[:4].reshape(2, 2)
    optimizer = nn.SGD(0.5)
    optimizer.start(flat)
    optimizer.update(flat, np.ones(6, dtype=np.float32))
    np.testing.assert_array_equal(W, np.full((2, 2), -0.5))


def test_starting_again_forgets() -> None:
    p, optimizer = np.zeros(2), nn.Adam()
    optimizer.start(p)
    optimizer.update(p, np.ones(2))
    optimizer.start(np.zeros(3, dtype=np.float32))
    assert optimizer.steps == 0
    assert optimizer.slots_state["mean"].dtype == np.float32
    np.testing.assert_array_equal(optimizer.slots_state["mean"], np.zeros(3))


def test_centered_spread_is_never_below_zero() -> None:
    p, g = np.zeros(1000, dtype=np.float32), np.linspace(1, 2, 1000, dtype=np.float32)
    optimizer = nn.RMSprop(alpha=0.5, centered=True)
    optimizer.start(p)
    for _ in range(100):
        optimizer.update(p, g)
    assert np.isfinite(p).all()


def test_rates() -> None:
    fixed, falling = nn.SGD(0.5), nn.SGD(nn.Cosine(0.5))
    assert fixed.rate(3, 4) == 0.5
    assert falling.rate(2, 4) == pytest.approx(0.25)
    p = np.zeros(1)
    for optimizer in (fixed, falling):
        optimizer.start(p)
        optimizer.update(p, np.ones(1), rate=0.125)
    assert p[0] == -0.25
    with pytest.raises(nn.ArgumentError, match="SGD.update: rate: expected a number, because"):
        falling.update(p, np.ones(1))
    assert falling.steps == 1


def test_settings_say_how_it_was_made() -> None:
    optimizer = nn.AdamW(nn.WarmUp(nn.Cosine(0.5), 2), betas=(0.8, 0.9))
    after = {"class": "Cosine", "start": 0.5, "final": 0.0}
    assert json.loads(json.dumps(optimizer.settings())) == {
        "class": "AdamW",
        "learning_rate": {"class": "WarmUp", "after": after, "duration": 2.0},
        "betas": [0.8, 0.9],
        "epsilon": 1e-8,
        "weight_decay": 0.01,
    }
    assert repr(nn.Adam()) == (
        "Adam(learning_rate=0.001, betas=(0.9, 0.999), epsilon=1e-08, weight_decay=0.0)"
    )
    assert repr(nn.SGD(nn.Cosine(1))) == (
        "SGD(learning_rate=Cosine(start=1.0, final=0.0), momentum=0.0, nesterov=False, "
        "weight_decay=0.0)"
    )

    class Strange(nn.Lion):
        betas: Any = np.zeros(2)

        def __init__(self, betas: Any) -> None:
            self.betas = betas

    with pytest.raises(nn.DTypeError, match="Strange.settings: betas: expected what JSON can"):
        Strange(np.zeros(2)).settings()


@pytest.mark.parametrize("kind", [nn.Adagrad, nn.RMSprop, nn.Adam, nn.AdamW])
def test_an_old_argument_name_works_and_warns(kind: Any) -> None:
    text = f"{kind.__name__}: the argument 'eps' is now called 'epsilon'"
    with pytest.warns(DeprecationWarning, match=text) as caught:
        optimizer = kind(eps=0.5)
    assert caught[0].filename == __file__
    assert optimizer.epsilon == 0.5

    class Own(kind):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(eps=0.25)

    with pytest.warns(DeprecationWarning, match="'eps' is now called 'epsilon'"):
        assert Own().epsilon == 0.25


def test_names() -> None:
    for name in ("sgd", "rmsprop", "adagrad", "adam", "adamw", "lion"):
        assert nn.OPTIMIZERS[name].__name__.lower() == name
    for name, cls in nn.OPTIMIZERS.items():
        assert type(as_optimizer(name)) is cls
    optimizer = nn.Adam()
    assert as_optimizer(optimizer) is optimizer
    with pytest.raises(nn.ArgumentError, match=r"expected one of .*'sgd'.*, received 'Adam'"):
        as_optimizer("Adam")
    with pytest.raises(
        nn.DTypeError,
        match=r"optimizer: expected an optimizer, such as Adam\(\), received the class Adam",
    ):
        as_optimizer(nn.Adam)  # type: ignore[arg-type]
