"""Dropout, and the counter-based random numbers beneath it."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from neural_network import (
    ArgumentError,
    Checkpoint,
    Dense,
    Dropout,
    Dropout2D,
    DTypeError,
    Layer,
    Sequential,
    ShapeError,
    Tensor,
    Trainer,
)
from neural_network.layers.randomness import Draws, as_seed, current_draws, drawing, generator

ONES = np.ones((20, 30), np.float32)


@given(
    seed=st.integers(0, 2**64 - 1),
    step=st.integers(0, 2**64 - 1),
    width=st.integers(1, 40),
    start=st.integers(0, 60),
    rows=st.integers(1, 40),
)
def test_rows_drawn_alone_are_those_of_the_whole(
    seed: int, step: int, width: int, start: int, rows: int
) -> None:
    whole = Draws(seed, step).integers(100, width)
    assert whole.shape == (100, width)
    assert whole.dtype == np.uint32
    alone = Draws(seed, step, position=start).integers(rows, width)
    np.testing.assert_array_equal(alone, whole[start : start + rows])


def test_every_place_has_numbers_of_its_own() -> None:
    draws = Draws(1, 2)
    pieces = [
        draws.integers(40, 24),
        draws.integers(40, 24),  # the next layer of the same step
        Draws(1, 3).integers(40, 24),
        Draws(2, 2).integers(40, 24),
        Draws(1, 2, position=40).integers(40, 24),
    ]
    everything = np.concatenate(pieces).ravel()
    # 4800 numbers of 2³²: two of them are equal once in 400 times.
    assert len(np.unique(everything)) == len(everything)


def test_numbers_are_uniform() -> None:
    drawn = Draws(0, 0).integers(1000, 64) / 2**32
    assert abs(drawn.mean() - 0.5) < 0.005
    assert abs(drawn.var() - 1 / 12) < 0.002
    # Neighbours are independent.
    assert abs(np.corrcoef(drawn[:, 0], drawn[:, 1])[0, 1]) < 0.1
    assert abs(np.corrcoef(drawn[:-1, 0], drawn[1:, 0])[0, 1]) < 0.1


def test_generators_differ_by_seed_purpose_and_step() -> None:
    def first(*args: Any) -> float:
        return float(generator(*args).random())

    assert first(0, "order", 1) == first(0, "order", 1)
    assert len({first(0, "order", 1), first(1, "order", 1), first(0, "weights", 1)}) == 3
    assert first(0, "order", 1) != first(0, "order", 2)


def test_seeds() -> None:
    assert as_seed(7) == as_seed(np.int64(7)) == 7
    assert as_seed(np.random.default_rng(0)) == as_seed(np.random.default_rng(0))
    assert as_seed(None) != as_seed(None)
    for wrong in ("7", 1.0, True):
        with pytest.raises(DTypeError, match="Dropout: rng: expected a whole number"):
            Dropout(0.5, rng=wrong)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="Trainer: rng: expected a whole number of at least 0"):
        as_seed(-1)


def test_the_draws_of_a_block_end_with_it() -> None:
    assert current_draws() is None
    with pytest.raises(RuntimeError), drawing(Draws(0, 0)):
        raise RuntimeError
    assert current_draws() is None


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.5, 0.9])
def test_dropout_drops_its_share_and_keeps_the_mean(rate: float) -> None:
    out = Dropout(rate, rng=0)(np.ones((1000, 100)))
    assert set(np.unique(out)) == {np.float32(0), np.float32(1 / (1 - rate))}
    # Three standard deviations of a mean of 100,000 draws.
    assert abs(np.mean(out == 0) - rate) < 3 * np.sqrt(rate * (1 - rate) / 1e5)
    assert abs(out.mean() - 1) < 3 * np.sqrt(rate / (1 - rate) / 1e5)


def test_the_share_is_exact() -> None:
    """Of the 2³² numbers that may be drawn, rate · 2³² drop: the first kept one is known."""

    class Edge(Draws):
        def integers(self, rows: int, width: int) -> Any:  # noqa: ARG002
            return np.array([[0, 2**30 - 1, 2**30, 2**32 - 1]], np.uint32)

    with drawing(Edge(0, 0)):
        out = Dropout(0.25)(np.ones((1, 4)))
    np.testing.assert_allclose(out, [[0, 0, 4 / 3, 4 / 3]], rtol=1e-6)


def test_same_seed_same_draws() -> None:
    def twice(layer: Dropout) -> list[Any]:
        return [layer(ONES), layer(ONES)]

    for one, other in zip(twice(Dropout(0.5, rng=3)), twice(Dropout(0.5, rng=3)), strict=True):
        np.testing.assert_array_equal(one, other)
    first, second = twice(Dropout(0.5, rng=3))
    assert (first != second).any()
    assert (first != Dropout(0.5, rng=4)(ONES)).any()
    assert (Dropout(0.5)(ONES) != Dropout(0.5)(ONES)).any()
    layer = Dropout(0.5, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(deepcopy(layer)(ONES), layer(ONES))


def test_in_a_training_step_the_step_decides() -> None:
    model = Sequential(Dropout(0.5, rng=1), Dropout(0.5, rng=1))

    def run(*place: int) -> Any:
        with drawing(Draws(*place)):
            return model(ONES)

    np.testing.assert_array_equal(run(0, 5), run(0, 5))
    assert (run(0, 5) != run(0, 6)).any()
    assert (run(0, 5) != run(1, 5)).any()
    # Layers of the same seed and rate still draw differently: a quarter is left, not a half.
    assert abs(np.mean(run(0, 5) != 0) - 0.25) < 0.06
    # A batch cut into pieces draws what the whole does.
    with drawing(Draws(0, 5, position=10)):
        piece = model(ONES[10:])
    np.testing.assert_array_equal(piece, run(0, 5)[10:])


def test_gradients_flow_where_numbers_were_kept() -> None:
    X = Tensor(np.full((4, 50), 3.0), requires_grad=True)
    out = Dropout(0.2, rng=0)(X)
    out.sum().backward()
    assert X.grad is not None
    np.testing.assert_allclose(X.grad, np.where(out.data == 0, 0, 1 / 0.8))
    assert 0 < np.mean(X.grad == 0) < 1


def test_whole_channels_drop() -> None:
    out = Dropout2D(0.5, rng=0)(np.ones((50, 20, 3, 4)))
    channels = out.reshape(50, 20, 12)
    np.testing.assert_array_equal(channels, np.repeat(channels[..., :1], 12, axis=2))
    assert set(np.unique(out)) == {0, 2}
    assert abs(np.mean(out == 0) - 0.5) < 0.05
    with pytest.raises(ShapeError, match=r"Dropout2D: X: expected \(N, C, …\)"):
        Dropout2D(0.5)(np.ones(3))


@pytest.mark.parametrize("layer", [Dropout(0.5, rng=0), Dropout2D(0.5, rng=0)])
def test_nothing_is_random_in_evaluation(layer: Dropout) -> None:
    layer.eval()
    np.testing.assert_array_equal(layer(ONES), ONES)
    layer.train()
    assert (layer(ONES) != ONES).any()
    np.testing.assert_array_equal(layer.predict(ONES), ONES)
    assert layer.training
    np.testing.assert_array_equal(Dropout(0)(ONES), ONES)


def test_integers_become_floats() -> None:
    assert Dropout(0.5, rng=0)(np.ones((2, 3), np.uint8)).dtype == np.float32


@pytest.mark.parametrize(
    ("rate", "error", "message"),
    [
        (1, ArgumentError, "Dropout: rate: expected a number below 1, received 1"),
        (-0.1, ArgumentError, "Dropout: rate: expected a finite number from 0 to 1"),
        (np.nan, ArgumentError, "Dropout: rate: expected a finite number"),
        ("0.5", DTypeError, "Dropout: rate: expected a finite number"),
    ],
)
def test_rates_that_are_none(rate: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Dropout(rate)


def test_dropout_of_a_single_number() -> None:
    with pytest.raises(ShapeError, match=r"Dropout: X: expected \(N, …\), received a single"):
        Dropout(0.5)(np.float64(1))


class Jitter(Layer):
    """A layer of one's own that draws."""

    def forward(self, X: Any) -> Any:
        return X + self.draw(len(X), X.shape[1]) if self.training else X


def test_layers_of_ones_own_draw() -> None:
    class Edge(Draws):
        def integers(self, rows: int, width: int) -> Any:  # noqa: ARG002
            return np.array([[0, 255, 256, 2**31, 2**32 - 1]], np.uint32)

    layer = Jitter()
    with drawing(Edge(0, 0)):
        np.testing.assert_array_equal(
            layer.draw(1, 5), np.array([[0, 0, 2**-24, 0.5, 1 - 2**-24]], np.float32)
        )
    drawn = layer.draw(1000, 64)
    assert drawn.dtype == np.float32
    assert drawn.shape == (1000, 64)
    assert abs(drawn.mean() - 0.5) < 0.005
    assert (drawn != layer.draw(1000, 64)).mean() > 0.99
    assert (drawn != Jitter().draw(1000, 64)).mean() > 0.99
    # In a training step the step decides, and each row has its own numbers.
    with drawing(Draws(1, 2)):
        whole = [layer(ONES), layer(ONES)]
    with drawing(Draws(1, 2, position=5)):
        piece = [layer(ONES[5:]), layer(ONES[5:])]
    np.testing.assert_array_equal([part[5:] for part in whole], piece)
    assert (whole[0] != whole[1]).any()
    for wrong, error in ((0, ArgumentError), (2.5, DTypeError), (True, DTypeError)):
        with pytest.raises(error, match="draw: rows: expected a whole number"):
            layer.draw(wrong, 1)  # type: ignore[arg-type]
        with pytest.raises(error, match="draw: width: expected a whole number"):
            layer.draw(1, wrong)  # type: ignore[arg-type]


def test_a_training_that_is_resumed_draws_what_the_whole_one_would(tmp_path: Path) -> None:
    path, y = tmp_path / "c.safetensors", np.arange(20) % 3

    def trained(epochs: int, resume: Path | None) -> Any:
        model = Sequential(Jitter(), Dense(3))
        trainer = Trainer(model, rng=0, callbacks=[Checkpoint(path)])
        trainer.fit(ONES, y, epochs=epochs, batch_size=5, resume=resume)
        return model.flat_parameters()

    whole = trained(4, None)
    trained(2, None)
    np.testing.assert_array_equal(trained(4, path), whole)


def test_one_seed_gives_one_network() -> None:
    def weights(rng: Any) -> Any:
        model = Sequential(Dense(4), Dropout(0.5), Dense(3)).initialize((5,), rng=rng)
        return model.flat_parameters()

    np.testing.assert_array_equal(weights(1), weights(1))
    np.testing.assert_array_equal(weights(1), weights(np.random.default_rng(1)))
    assert (weights(1)[:20] != weights(2)[:20]).all()
    assert (weights(None)[:20] != weights(None)[:20]).all()
