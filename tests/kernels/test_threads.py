"""Threads of kernels: their number, BLAS inside kernels, other threads, interrupts."""

from __future__ import annotations

import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.kernels.runtime.threads import _state, parallel_region
from tests.processes import HANGS, output_of
from tests.threads import need_two_threads, on_one_and_two_threads

pytestmark = pytest.mark.usefixtures("fast")


def run(code: str, **environment: str) -> str:
    """Run code in a fresh process without limits on threads, and return what it prints."""
    start = "import sys, neural_network as nn\n"
    return output_of(start + code, one_thread=False, **environment)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(None):  # which restores the threads of BLAS
        yield
    _state.chosen = _state.default = None
    assert _state.regions == {}
    assert not _state.queue


@pytest.fixture
def two() -> None:
    """Two threads of Numba's, which are started in the first region."""
    need_two_threads()
    with parallel_region():
        pass


def blas() -> dict[str, int]:
    from threadpoolctl import threadpool_info

    found = [info for info in threadpool_info() if info["user_api"] == "blas"]
    return {info["filepath"]: info["num_threads"] for info in found}


def enter() -> bool:
    with parallel_region():
        return True


def test_the_number_of_threads_is_what_was_said() -> None:
    nn.set_num_threads(1)
    assert nn.get_num_threads() == 1
    assert set(blas().values()) == {1}
    nn.set_num_threads(np.int64(1))  # type: ignore[arg-type]
    assert nn.get_num_threads() == 1


def test_numpys_products_are_governed_before_numpy_is_imported() -> None:
    code = (
        "nn.set_num_threads(1); from threadpoolctl import threadpool_info\n"
        "print({one['num_threads'] for one in threadpool_info()})"
    )
    assert run(code) == "{1}\n"


@pytest.mark.parametrize("n", [0, -1, 10_000])
def test_numbers_of_threads_that_there_are_not(n: int) -> None:
    before = nn.get_num_threads()
    text = r"set_num_threads: n: expected 1 to \d+, the threads that there are, received "
    with pytest.raises(nn.ArgumentError, match=f"{text}{n}"):
        nn.set_num_threads(n)
    assert nn.get_num_threads() == before


@pytest.mark.parametrize("n", [1.0, True, "2", None, np.float64(1)])
def test_what_is_no_number_of_threads(n: Any) -> None:
    with pytest.raises(nn.DTypeError, match="set_num_threads: n: expected an integer"):
        nn.set_num_threads(n)


@pytest.mark.parametrize("variable", ["NUMBA_NUM_THREADS", "OMP_NUM_THREADS"])
def test_the_environment_limits_a_worker(variable: str) -> None:
    # As joblib's loky starts its processes.
    code = "import numba\nprint(nn.get_num_threads()); nn.kernels.runtime.threads._prepare(); print(nn.get_num_threads())"
    assert (
        run("import neural_network.kernels.runtime.threads\n" + code, **{variable: "1"}) == "1\n1\n"
    )


@pytest.mark.usefixtures("two")
def test_the_same_bits_on_one_thread_and_on_two() -> None:
    from tests.kernels.toy_kernels import X, row_sums, sums

    found, expected = on_one_and_two_threads(sums)
    assert np.array_equal(found, expected)
    plain = np.empty(2)
    row_sums.body(X[:2], plain)
    np.testing.assert_allclose(plain, expected[:2], rtol=1e-9)


@pytest.mark.usefixtures("two")
def test_a_region_sets_numbas_number_and_brings_the_users_back() -> None:
    import numba

    numba.set_num_threads(2)
    nn.set_num_threads(1)
    with parallel_region():
        assert numba.get_num_threads() == 1
        with parallel_region():
            assert numba.get_num_threads() == 1
    assert numba.get_num_threads() == 2
    # A thread has its own number.
    with ThreadPoolExecutor(1) as pool, parallel_region():

        def inside() -> int:
            with parallel_region():
                return numba.get_num_threads()

        assert _state.layer == "workqueue" or pool.submit(inside).result() == 1


def test_no_kernel_calls_blas() -> None:
    folder = Path(nn.kernels.__file__).parent
    files = sorted(folder.rglob("*.py"))
    assert len(files) > 10
    for file in files:
        text = file.read_text()
        assert not re.search(
            r"np\.(dot|matmul|linalg|vdot|inner|tensordot|einsum)\b| @ |xgemm", text
        ), file


@pytest.mark.usefixtures("two")
def test_a_region_leaves_blas_as_it_is() -> None:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(2, user_api="blas"):
        before = blas()
        with parallel_region(), parallel_region():
            assert blas() == before
        assert blas() == before


def test_threads_that_compute_at_once_get_the_same_bits() -> None:
    from tests.kernels.toy_kernels import sums

    expected = sums()
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: sums(), range(16)))
    assert all(np.array_equal(result, expected) for result in results)


@pytest.mark.slow
def test_threads_that_compute_at_once_on_the_work_queue() -> None:
    # Two threads that enter it at once would end the process.
    code = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from tests.kernels.toy_kernels import sums\n"
        "expected = sums()\n"
        "with ThreadPoolExecutor(4) as pool:\n"
        "    results = list(pool.map(lambda _: sums(), range(16)))\n"
        "print(nn.kernels.runtime.threads._state.layer, all((r == expected).all() for r in results))"
    )
    assert run(code, NUMBA_THREADING_LAYER="workqueue") == "workqueue True\n"


def test_a_thread_that_waits_gets_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    with parallel_region():
        pass
    monkeypatch.setattr(_state, "layer", "workqueue")
    order: list[str] = []

    def other(name: str) -> None:
        with parallel_region():
            order.append(name)

    waiting = [threading.Thread(target=other, args=(name,)) for name in "ab"]
    with parallel_region():
        for number, thread in enumerate(waiting, start=1):
            thread.start()
            while len(_state.queue) < number:
                time.sleep(0.001)
        with parallel_region():  # one's own does not wait behind them
            order.append("inside")
        order.append("own")
    for thread in waiting:
        thread.join()
    with parallel_region():
        order.append("late")
    assert order == ["inside", "own", "a", "b", "late"]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers")
@pytest.mark.parametrize("layer", ["tbb", "workqueue"])
def test_an_interrupt_at_any_moment_leaves_nothing_behind(
    layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with parallel_region():
        pass
    monkeypatch.setattr(_state, "layer", layer)
    caught = 0

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for turn in range(3000):
            try:
                try:
                    signal.setitimer(signal.ITIMER_REAL, 1e-6 * (20 + turn % 60))
                    for _ in range(100_000):  # until the timer ends it, however coarse it is
                        with parallel_region():
                            pass
                finally:  # the interrupt may come here, too
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                caught += 1
            assert _state.regions == {}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert caught > 2900
    with ThreadPoolExecutor(1) as pool:  # no lock is held
        assert pool.submit(enter).result(HANGS)


@pytest.mark.slow
def test_the_layer_is_tbb_where_it_is_installed(require: Any) -> None:
    from importlib.util import find_spec

    require((Path(sys.prefix) / "lib" / "libtbb.so.12").exists(), "tbb")
    assert find_spec("numba")
    code = "with nn.kernels.runtime.threads.parallel_region(): pass\nprint(nn.kernels.runtime.threads._state.layer)"
    start = "import numba, neural_network.kernels.runtime.threads\n"
    assert run(start + code) == "tbb\n"
    # Not there, it is the work queue, and never OpenMP.
    hidden = "sys.modules['numba.np.ufunc.tbbpool'] = None\n"
    assert run(start + hidden + code) == "workqueue\n"
    assert run(start + code, NUMBA_THREADING_LAYER="workqueue") == "workqueue\n"
