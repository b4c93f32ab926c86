"""Training or evaluation: of a model, of a block, of a thread."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from itertools import islice
from threading import Barrier, Thread
from types import FrameType
from typing import Any

import numpy as np
import pytest

from neural_network import Dense, Dropout, Flatten, Layer, Sequential, Trainer
from tests.processes import HANGS

ONES = np.ones((64, 8), np.float32)


def network() -> Sequential:
    return Sequential(Dense(8, "relu"), Dropout(0.5, rng=0), Dense(3)).initialize((8,), rng=0)


class Waits(Layer):
    """Lets another thread go on in the middle of a call."""

    def __init__(self, barrier: Barrier) -> None:
        self.barrier = barrier
        self.modes: list[bool] = []

    def forward(self, X: Any) -> Any:
        before = self.training
        self.barrier.wait(HANGS)
        self.barrier.wait(HANGS)
        self.modes += [before, self.training]
        return X


def test_predicting_switches_this_thread_alone() -> None:
    barrier = Barrier(2)
    waits = Waits(barrier)
    model = Sequential(waits, Dropout(0.5, rng=0))
    found: list[Any] = []
    for layer in (waits, model[1], model):
        layer._build((1, 8), "float32", np.random.default_rng(0))
    thread = Thread(target=lambda: found.append(model.predict(ONES)))
    thread.start()
    barrier.wait(HANGS)  # it is in the middle
    assert all(layer.training for _, layer in model.named_layers())
    assert (model[1](ONES) == 0).any()
    model.eval().train()
    barrier.wait(HANGS)
    thread.join(HANGS)
    assert waits.modes == [False, False]
    np.testing.assert_array_equal(found[0], ONES)


def test_many_threads_predict_with_one_model() -> None:
    model = network()
    expected = model.predict(ONES)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: model.predict(ONES, batch_size=4), range(40)))
    for out in found:
        np.testing.assert_allclose(out, expected, rtol=1e-5)
    assert all(layer.training for _, layer in model.named_layers())


def test_predicting_while_another_thread_trains() -> None:
    y = np.arange(64) % 3

    def train(watched: bool) -> Any:
        model, stop = network(), []

        def predict() -> None:
            while not stop:
                model.predict(ONES)

        thread = Thread(target=predict)
        if watched:
            thread.start()
        Trainer(model, rng=0).fit(ONES, y, epochs=5, batch_size=8)
        stop.append(True)
        if watched:
            thread.join()
        return model.flat_parameters()

    np.testing.assert_array_equal(train(watched=True), train(watched=False))


@contextmanager
def at_each_line(function: str, act: Callable[[], object]) -> Iterator[None]:
    """Let another thread do something before each line of the functions of a name."""

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_name != function:
            return None
        if event == "line":
            thread = Thread(target=act)
            thread.start()
            thread.join(HANGS)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


LOOKS: dict[str, Callable[[Any], object]] = {
    "_members": lambda model: (model.train(), model.freeze(), model.unfreeze()),
    "__getstate__": deepcopy,
}


@pytest.mark.parametrize("function", LOOKS)
def test_another_thread_may_add_attributes_at_any_time(function: str) -> None:
    model, added = network(), iter(range(30))
    layers = model.all_layers()

    def add() -> None:
        for number in islice(added, 1):
            for layer in layers:
                setattr(layer, f"_note{number}", None)

    with at_each_line(function, add):
        LOOKS[function](model)
    assert hasattr(model, "_note0")


def test_other_threads_predict_while_layers_are_tried() -> None:
    model, found = network(), list[Any]()
    expected = model.predict(ONES)
    for function in ("all_or_nothing", "_put", "_switch", "_set_learning"):
        with at_each_line(function, lambda: found.append(model.predict(ONES))):
            model.append(Flatten()).remove(-1)
            model.eval().train().freeze().unfreeze()
    assert len(found) > 20
    for out in found:
        np.testing.assert_allclose(out, expected, rtol=1e-5)


def test_blocks_inside_blocks() -> None:
    model = network()
    teacher = network().eval()
    drop = model[1]
    with model.in_mode(training=False):
        assert not drop.training
        with model.in_mode(training=True):
            assert drop.training
            assert not teacher[1].training
            drop.training = False  # as a trainer does with what is frozen
            assert not drop.training
            assert model.training
            np.testing.assert_array_equal(model.predict(ONES), model.predict(ONES))
            model.train()
            assert drop.training
            model.eval()
        assert not drop.training
        model.train()
        assert drop.training
    assert drop.training
    drop.eval()
    with model.in_mode(training=True):
        assert drop.training
    assert not drop.training
    with pytest.raises(RuntimeError), model.in_mode(training=False):
        raise RuntimeError
    assert model.training


def test_a_block_begins_where_it_is_entered() -> None:
    model = network()
    block = model.in_mode(training=False)
    model.append(Dropout(0.5))
    with block:
        assert not model.layers[-1].training
    assert model.layers[-1].training

    @model.in_mode(training=False)
    def inside() -> bool:
        return model.layers[-1].training

    assert not inside()
    assert not inside()


def test_generators_may_leave_their_blocks_in_any_order() -> None:
    model = network()

    def switched(training: bool) -> Iterator[bool]:
        with model.in_mode(training=training):
            yield model.training

    first, second = switched(False), switched(True)
    assert [next(first), next(second)] == [False, True]
    first.close()
    assert model.training
    second.close()
    model.eval()
    assert not model.training


def test_layers_made_inside_a_block_belong_to_it() -> None:
    class Late(Layer):
        def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:  # noqa: ARG002
            self.drop = Dropout(0.5)

        def forward(self, X: Any) -> Any:
            return self.drop(X)

    layer = Late()
    np.testing.assert_array_equal(layer.predict(ONES), ONES)
    assert layer.drop.training
    other = Late().eval()
    assert (Sequential(other).predict(ONES) == ONES).all()
    assert not other.drop.training
