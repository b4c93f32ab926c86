"""What the tests rely on: the same numbers in any order, threads of workers, Ctrl-C."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys

import numpy as np
import pytest

import neural_network as nn
from tests.processes import THREAD_LIMITS, output_of
from tests.threads import on_one_and_two_threads

RNG = np.random.default_rng(0)
FIRST = np.random.default_rng(0).random()


@pytest.mark.parametrize("time", [1, 2])
def test_a_generator_of_a_test_file_starts_each_test_alike(time: int) -> None:
    assert RNG.random() == FIRST


def test_a_generator_without_a_seed_takes_one_from_random() -> None:
    random.seed(3)
    first = [np.random.default_rng().random() for _ in range(2)]
    random.seed(3)
    assert [np.random.default_rng(None).random() for _ in range(2)] == first
    assert first[0] != first[1]
    random.seed(3)
    model = nn.Sequential(nn.Dense(2)).initialize((3,))
    random.seed(3)
    again = nn.Sequential(nn.Dense(2)).initialize((3,))
    np.testing.assert_array_equal(model.flat_parameters(), again.flat_parameters())


@pytest.mark.usefixtures("fast")
def test_each_of_several_workers_has_one_thread() -> None:
    if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) == 1:
        pytest.skip("one worker alone")
    assert {os.environ[name] for name in THREAD_LIMITS} == {"1"}
    # A process with this worker's environment, because tests before may have set other numbers.
    code = (
        "import numpy, neural_network as nn; from threadpoolctl import threadpool_info;"
        "blas = [found for found in threadpool_info() if found['user_api'] == 'blas'];"
        "print({found['num_threads'] for found in blas}, nn.get_num_threads())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "{1} 1\n"


@pytest.mark.usefixtures("fast")
def test_one_thread_and_two_whatever_a_worker_has() -> None:
    before = nn.get_num_threads()
    assert on_one_and_two_threads(nn.get_num_threads) == (1, 2)
    assert nn.get_num_threads() == before


def test_ctrl_c_reaches_processes_where_it_was_ignored(request: pytest.FixtureRequest) -> None:
    code = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert output_of(code) == "False\n"
        request.getfixturevalue("ctrl_c")
        assert output_of(code) == "True\n"
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
