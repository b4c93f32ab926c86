"""Batches: each row once in an epoch, in an order of the seed, and no more read than needed."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import Dense, Trainer
from neural_network.training.data import ArrayFeed, IterableFeed, as_feed

X = np.arange(24.0).reshape(12, 2)
Y = np.arange(12) % 2


def test_each_row_comes_once_in_an_epoch() -> None:
    feed = as_feed(X, Y, 5, np.arange(12) + 1)
    assert isinstance(feed, ArrayFeed)
    assert feed.count == 3
    orders = []
    for epoch in range(3):
        batches = list(feed.epoch(seed=7, epoch=epoch))
        assert [batch.rows for batch in batches] == [5, 5, 2]
        rows = np.concatenate([batch.X[:, 0] for batch in batches]) / 2
        np.testing.assert_array_equal(np.concatenate([batch.y for batch in batches]), rows % 2)
        np.testing.assert_array_equal(
            np.concatenate([batch.weights for batch in batches]), rows + 1
        )
        np.testing.assert_array_equal(np.sort(rows), np.arange(12))
        orders.append(rows.tolist())
        # After a checkpoint only the rest comes.
        (rest,) = feed.epoch(seed=7, epoch=epoch, skip=2)
        np.testing.assert_array_equal(rest.X, batches[2].X)
    assert len({tuple(order) for order in orders}) == 3
    assert [b.X.tolist() for b in feed.epoch(8, 0)] != [b.X.tolist() for b in feed.epoch(7, 0)]


def test_a_batch_larger_than_the_data_is_one_batch() -> None:
    feed = as_feed(X, Y, 100)
    assert feed.count == 1
    assert [batch.rows for batch in feed.epoch(0, 0)] == [12]


@pytest.fixture
def large(tmp_path: Path) -> np.memmap:
    """8000 rows of 2000 numbers: 64 MB."""
    data = np.lib.format.open_memmap(tmp_path / "large.npy", "w+", np.float32, (8000, 2000))
    data[:] = np.random.default_rng(0).standard_normal((1, 2000), np.float32)
    data.flush()
    return np.load(tmp_path / "large.npy", mmap_mode="r")


def test_of_a_memory_mapped_array_only_the_batches_are_read(large: np.memmap) -> None:
    trainer = Trainer([Dense(2)], rng=0, progress=False)
    labels = np.arange(len(large)) % 2
    with nn.use_kernels("numpy"):  # what is imported for kernels does not count
        tracemalloc.start()
        trainer.fit(large, labels, batch_size=100, validation=(large[:500], labels[:500]))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        in_memory = Trainer([Dense(2)], rng=0, progress=False)
        history = in_memory.fit(np.array(large), labels, batch_size=100)
    assert trainer.step == 80
    assert peak < large.nbytes / 8
    assert history.items() <= trainer.history.items()


def test_nan_in_a_file_is_found_when_it_is_read(tmp_path: Path) -> None:
    data = np.random.default_rng(0).standard_normal((200, 3)).astype(np.float32)
    data[150, 1] = np.nan
    np.save(tmp_path / "x.npy", data)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    with pytest.raises(
        nn.errors.ArgumentError,
        match="fit: X: expected finite numbers, .* in 1 rows, first in row 150",
    ):
        Trainer([Dense(2)], rng=0, progress=False).fit(mapped, np.arange(200) % 2)


def test_rows_that_are_not_reached_are_not_read(tmp_path: Path) -> None:
    class Stop(nn.Callback):
        def on_step_end(self, trainer: Trainer, loss: float) -> None:  # noqa: ARG002
            trainer.stop = True

    data = np.random.default_rng(0).standard_normal((200, 3)).astype(np.float32)
    data[150] = np.nan
    np.save(tmp_path / "x.npy", data)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for array in (mapped, mapped[:], np.asarray(mapped)):  # views of the file, all of them
        trainer = Trainer([Dense(2)], callbacks=[Stop()], rng=0, progress=False)
        trainer.fit(array, np.arange(200) % 2, batch_size=8)
        assert trainer.step == 1


class Anew:
    """Starts again with each ``iter``, and counts how often."""

    def __init__(self) -> None:
        self.begun = 0

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        self.begun += 1
        return ((X[i : i + 5], Y[i : i + 5]) for i in (0, 5, 10))


class Sized(Anew):
    def __len__(self) -> int:
        return 3


@pytest.mark.parametrize(
    "source", [list(Anew()), tuple(Anew()), Anew(), Sized(), lambda epoch: iter(list(Anew()))]
)
def test_batches_come_from_any_iterable(source: Any) -> None:
    seen: list[np.ndarray] = []

    class See(Trainer):
        def train_step(self, batch: Any) -> float:
            seen.append(batch.X)
            return super().train_step(batch)

    trainer = See([Dense(2)], rng=0, progress=False)
    history = trainer.fit(source, epochs=2)
    assert history.epochs == 2
    assert trainer.step == 6
    np.testing.assert_array_equal(np.concatenate(seen), np.concatenate([X, X]))


def test_a_function_is_told_the_epoch() -> None:
    epochs = []

    def batches(epoch: int) -> Any:
        epochs.append(epoch)
        return [(X, Y)] * (epoch + 1)

    trainer = Trainer([Dense(2)], rng=0, progress=False, accumulate=2)
    trainer.fit(batches, epochs=3)
    assert epochs == [0, 0, 1, 2]  # once more for the trial
    assert trainer.step == 1 + 1 + 2


def test_a_source_that_starts_again_is_called_once_after_the_trial() -> None:
    """Each ``iter`` sets all its iterators back: two of them at a time would lose a batch."""

    class Cursor:
        def __iter__(self) -> Any:
            self.place = 0
            return iter(self.following, None)

        def following(self) -> Any:
            self.place += 1
            return [*Anew(), None][self.place - 1]

    trainer = Trainer([Dense(2)], rng=0, progress=False)
    trainer.fit(Cursor(), epochs=2)
    assert trainer.step == 6
    trainer.fit(Cursor(), epochs=1)
    assert trainer.step == 3


def test_a_schedule_moves_inside_an_epoch_whose_length_is_known() -> None:
    rates: list[float] = []

    class Look(nn.Callback):
        def on_step_end(self, trainer: Trainer, loss: float) -> None:  # noqa: ARG002
            rates.append(trainer.rate)

    for source, times in (
        (Sized(), (0, 1 / 3, 2 / 3, 1, 4 / 3, 5 / 3)),
        (Anew(), (0, 0, 0, 1, 1, 1)),
    ):
        rates.clear()
        optimizer = nn.SGD(nn.Cosine(0.1))
        Trainer([Dense(2)], optimizer, rng=0, progress=False, callbacks=[Look()]).fit(
            source, epochs=2
        )
        np.testing.assert_allclose(rates, [nn.Cosine(0.1)(time, 2) for time in times])


def test_batches_may_bring_weights_some_of_them_only_zeros() -> None:
    weights = [np.ones(12), np.zeros(12), None]
    trainer = Trainer([Dense(2)], nn.SGD(0.1), rng=0, progress=False)
    trainer.fit([(X, Y, w) for w in weights])
    assert trainer.step == 3
    feed = as_feed([(X, Y, weights[0]), (X, Y)], None, 1)
    assert isinstance(feed, IterableFeed)
    assert [batch.weights is None for batch in feed.epoch(0, 0)] == [False, True]


def test_large_numbers_are_no_infinity() -> None:
    huge = np.full((3, 2), 1.7e308)
    assert as_feed(huge, [0, 1, 0], 3, dtype=np.float64).count == 1
    with pytest.raises(
        nn.errors.ArgumentError, match="float32 can hold, .* received 1.7e\\+308 in 3"
    ):
        as_feed(huge, [0, 1, 0], 3)
    huge[1, 1], huge[2, 0] = np.inf, -np.inf
    with pytest.raises(nn.errors.ArgumentError, match="in 2 rows, first in row 1"):
        as_feed(huge, [0, 1, 0], 3)
