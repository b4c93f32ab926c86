"""BLAS has one thread while products are small, and the process is as before afterwards."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import neural_network as nn
from neural_network import blas, by_hand
from tests.needs import need_module

need_module("threadpoolctl")


def counts() -> set[int]:
    from threadpoolctl import threadpool_info

    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def two_threads():
    before = counts()
    blas.set_blas_threads(2)
    if counts() != {2}:
        pytest.skip("this BLAS has no second thread")
    yield
    assert counts() == {2}
    blas.set_blas_threads(min(before))


def rows(n=64, width=20, classes=3):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, width)).astype("f"), rng.integers(0, classes, n)


class Seen(nn.Callback):
    def __init__(self):
        self.counts = []

    def on_step_end(self, trainer, loss):  # noqa: ARG002  # a callback's parameters
        self.counts.append(counts())


@pytest.mark.parametrize("mode", ["numpy", "auto"])
def test_a_training_of_small_products_has_one_thread(mode):
    seen = Seen()
    with nn.use_kernels(mode):
        trainer = nn.Trainer(
            [nn.Dense(8, "relu"), nn.Dense(3)], callbacks=[seen], rng=0, progress=False
        )
        trainer.fit(*rows(), epochs=1)
    assert seen.counts == [{1}, {1}]


def test_a_training_of_large_products_keeps_its_threads():
    seen = Seen()
    model = [nn.Dense(2**11), nn.Dense(3)]
    trainer = nn.Trainer(model, "sgd", callbacks=[seen], rng=0, progress=False)
    trainer.fit(*rows(32, 2**10), epochs=1)
    assert trainer.model._look().products.largest(32) == blas.SMALL
    trainer.fit(*rows(33, 2**10), epochs=1, batch_size=33)
    assert seen.counts == [{1}, {2}]


def test_an_iterable_is_measured_by_its_first_batch():
    seen = Seen()
    X, y = rows()
    trainer = nn.Trainer([nn.Dense(3)], callbacks=[seen], rng=0, progress=False)
    trainer.fit([(X, y), (X, y)])
    assert seen.counts == [{1}, {1}]


def test_training_by_hand_has_one_thread():
    X, y = rows()
    during = []
    by_hand.train_mlp(
        X, nn.one_hot(y, 3), num_epochs=1, after_epoch=lambda *_: during.append(counts())
    )
    assert during == [{2}]  # the user's function is not inside

    def loss(p, y):
        during.append(counts())
        return 0.0

    by_hand.gradient_descent(
        X, y[:, None], np.zeros((20, 1)), np.zeros(1), 0.1, 1, 32, loss, verbose=False
    )
    assert during[1:] == [{1}]


@pytest.mark.parametrize("name", ["forward_mlp", "backward_mlp"])
def test_one_pass_by_hand_has_one_thread(name, monkeypatch):
    from neural_network.by_hand import networks

    during = []
    inner = getattr(networks, name.removesuffix("_mlp"))
    monkeypatch.setattr(
        networks, name.removesuffix("_mlp"), lambda *args: during.append(counts()) or inner(*args)
    )
    X, W1, W2 = np.ones((600, 50)), np.ones((50, 20)), np.ones((20, 4))
    A1, A2 = nn.forward_mlp(X, W1, np.zeros(20), W2, np.zeros(4))
    if name == "backward_mlp":
        nn.backward_mlp(X, A1, A2, np.zeros((600, 4)), W1, W2, X @ W1)
    assert during == [{1}]


@pytest.mark.parametrize(
    ("n", "width", "found"),
    [(600, 100, 1), (4, 100, 2), (600, 2**14, 2)],
    ids=["small", "tiny", "large"],
)
def test_a_prediction_has_one_thread_where_products_are_small(n, width, found):
    during = []

    class Look(nn.Layer):
        def forward(self, X):
            during.append(counts())
            return X

    model = nn.Sequential(nn.Dense(20), Look()).initialize((width,), rng=0)
    during.clear()
    model.predict(np.zeros((n, width), "f"))
    assert during
    assert set.union(*during) == {found}


def test_products_of_convolutions_and_sequences_count_each_position():
    model = nn.Sequential(nn.Conv2D(8, 3, padding="same")).initialize((2, 10, 12), rng=0)
    assert model._look().products.largest(5) == 5 * 120 * 8 * 2 * 9
    sequences = nn.Sequential(nn.Dense(4)).initialize((7, 3), rng=0)
    assert sequences._look().products.largest(2) == 2 * 7 * 12
    words = nn.Sequential(nn.Embedding(1000, 8), nn.Dense(4)).initialize((6,), rng=0, dtype=int)
    assert words._look().products.largest(1) == 6 * 32
    model.append(nn.Flatten())
    model.append(nn.Dense(10))
    assert model._look().products.largest(1) == 120 * 8 * 2 * 9
    model.initialize((2, 10, 12), rng=0)
    assert model._look().products.largest(1) == max(120 * 8 * 2 * 9, 960 * 10)


def test_a_convolution_of_many_pictures_is_small_products():
    class Look(nn.Layer):
        def forward(self, X):
            during.append(counts())
            return X

    during = []
    model = nn.Sequential(nn.Conv2D(24, 3, padding="same"), Look())
    model.initialize((16, 26, 26), rng=0)
    per_row = 24 * 16 * 9 * 26 * 26
    assert 256 * per_row > blas.SMALL > model._look().products.largest(256)
    during.clear()
    with nn.use_kernels("numpy"):
        model.predict(np.zeros((256, 16, 26, 26), "f"))
    assert during == [{1}]
    many = nn.Sequential(nn.Conv2D(256, 3, padding="same")).initialize((16, 26, 26), rng=0)
    assert many._look().products.largest(256) == 256 * 2**19 > blas.SMALL


def test_no_product_of_a_convolution_is_larger_than_is_told():
    from neural_network.functional.convolution import direct
    from neural_network.functional.window import Window

    largest = []

    class Noting(np.ndarray):
        def __matmul__(self, other):
            largest.append(self.shape[-2] * self.shape[-1] * other.shape[-1])
            return np.asarray(self) @ np.asarray(other)

    W = np.ones((1, 24, 16, 3, 3), "f").view(Noting)
    window = Window.of("conv2d", (28, 28), (3, 3))
    for rows in (1, 3, 64):
        largest.clear()
        direct.by_columns(np.ones((rows, 1, 16, 28, 28), "f"), W, None, window)
        model = nn.Sequential(nn.Conv2D(24, 3)).initialize((16, 28, 28), rng=0)
        assert 0.5 < max(largest) / model._look().products.largest(rows) <= 1


def test_the_trial_of_a_training_has_one_thread():
    during = []

    class Look(nn.Layer):
        def forward(self, X):
            during.append(counts())
            return X

    model = nn.Sequential(nn.Dense(2**11), Look(), nn.Dense(3))  # of products that are not small
    trainer = nn.Trainer(model, "sgd", rng=0, progress=False)
    trainer.fit(*rows(64, 2**11), batch_size=64)
    assert during[0] == {1}
    assert {2} in during  # in its steps


def test_a_lower_limit_is_never_raised():
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        with blas.threads_for_products(1):
            assert counts() == {1}
        assert counts() == {1}


def test_blocks_may_be_nested():
    with blas.threads_for_products(1):
        with blas.threads_for_products(1):
            assert counts() == {1}
        assert counts() == {1}
    assert counts() == {2}


def test_blocks_of_several_threads_may_overlap():
    first_in, second_in, first_out = (threading.Event() for _ in range(3))
    seen = []

    def first():
        with blas.threads_for_products(1):
            first_in.set()
            assert second_in.wait(60)
        seen.append(counts())
        first_out.set()

    def second():
        assert first_in.wait(60)
        with blas.threads_for_products(1):
            second_in.set()
            assert first_out.wait(60)
            seen.append(counts())
        seen.append(counts())

    threads = [threading.Thread(target=run) for run in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert seen == [{1}, {1}, {2}]


def test_an_error_ends_the_block():
    with pytest.raises(ValueError, match="mine"), blas.threads_for_products(1):
        raise ValueError("mine")
    assert counts() == {2}


def test_a_block_that_an_interrupt_kept_from_its_exit_ends_when_it_is_collected():
    block = blas.threads_for_products(1)
    block.__enter__()
    assert counts() == {1}
    del block
    assert counts() == {2}


def test_a_number_set_inside_holds_from_the_end_on():
    blas.set_blas_threads(1)
    with blas.threads_for_products(1):
        blas.set_blas_threads(2)
        assert counts() == {1}
    assert counts() == {2}


def test_a_number_that_others_set_inside_is_kept():
    blas.set_blas_threads(2)
    with blas.threads_for_products(1):
        for library in blas._libraries():
            library.set(2)
    assert counts() == {2}


def test_a_thread_that_was_the_first_to_set_does_not_keep_others_from_it():
    from threadpoolctl import threadpool_limits

    with threadpool_limits(2, user_api="blas"):  # this thread is the one that sets
        seen = []

        def other():
            with blas.threads_for_products(1):
                seen.append(counts())

        thread = threading.Thread(target=other)
        thread.start()
        thread.join(60)
        assert seen == [{1}]
        assert counts() == {2}


FORKED = """
import os, threading
from neural_network import blas
from threadpoolctl import threadpool_info
blas.set_blas_threads(2)
inside, done = threading.Event(), threading.Event()
def other():
    with blas.threads_for_products(1):
        inside.set(); done.wait(60)
thread = threading.Thread(target=other); thread.start(); inside.wait(60)
child = os.fork()
if child == 0:
    found = {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}
    os._exit(0 if found == {2} and not blas._state.blocks else 1)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]); done.set(); thread.join()
raise SystemExit(code)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_ends_the_blocks_of_threads_that_it_does_not_have():
    command = [sys.executable, "-W", "ignore", "-c", FORKED]
    assert subprocess.run(command, timeout=120, check=False).returncode == 0


def test_another_blas_is_found_when_it_is_loaded(monkeypatch):
    made = []
    import threadpoolctl

    class Controller(threadpoolctl.ThreadpoolController):
        def __init__(self):
            made.append(1)
            super().__init__()

    monkeypatch.setattr(threadpoolctl, "ThreadpoolController", Controller)
    monkeypatch.setitem(sys.modules, "one_more_module", sys)
    for _ in range(3):
        with blas.threads_for_products(1):
            pass
    assert len(made) <= 1
    monkeypatch.setitem(sys.modules, "and_another", sys)
    with blas.threads_for_products(1):
        pass
    assert made
    blas._libraries_among.cache_clear()
