"""Kernels in forked children."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.kernels.test_threads import run
from tests.processes import HANGS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("fast"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork"),
]

START = (
    f"HANGS = {HANGS:.0f}\n"
    + """
import os, signal, threading, time, warnings
warnings.simplefilter("ignore")
from tests.kernels.toy_kernels import sums
expected = sums()
n = nn.get_num_threads()
state = nn.kernels.runtime.threads._state

def child():
    signal.alarm(HANGS)
    threads = [nn.get_num_threads()]
    assert (sums() == expected).all()
    nn.set_num_threads(n)
    assert (sums() == expected).all()
    return threads == [1] and state.regions == {}

def fork():
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if child() else 3)
        except BaseException as error:
            print("child:", repr(error), file=sys.stderr)
            os._exit(4)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""
)

BUSY = """
stop = False
def busy():
    while not stop:
        assert (sums() == expected).all()
threads = [threading.Thread(target=busy) for _ in range(2)]
for thread in threads: thread.start()
"""

JOIN = """
stop = True
for thread in threads: thread.join()
assert nn.get_num_threads() == n and (sums() == expected).all()
"""


@pytest.fixture(params=["tbb", "workqueue"])
def layer(request: pytest.FixtureRequest, require: Any) -> Any:
    if request.param == "tbb":
        require(run(LAYER) == "tbb\n", "tbb")
    return request.param


LAYER = "from tests.kernels.toy_kernels import sums; sums(); print(nn.kernels.runtime.threads._state.layer)"


def last(code: str, layer: str, **environment: str) -> str:
    """Return the last line that is printed: TBB itself may say something before."""
    return run(code, NUMBA_THREADING_LAYER=layer, **environment).splitlines()[-1]


def test_a_forked_child_computes_on_one_thread_until_told(layer: str) -> None:
    code = START + "print([fork() for _ in range(3)], nn.get_num_threads() == n)"
    assert last(code, layer) == "[0, 0, 0] True"


def test_a_child_of_a_thread(layer: str) -> None:
    code = START + (
        "codes = []\n"
        "thread = threading.Thread(target=lambda: codes.append(fork()))\n"
        "thread.start(); thread.join(); print(codes)"
    )
    assert last(code, layer) == "[0]"


def test_a_fork_while_other_threads_compute(layer: str) -> None:
    code = START + BUSY + "codes = [fork() for _ in range(5)]" + JOIN + "print(codes)"
    assert last(code, layer) == "[0, 0, 0, 0, 0]"


WAITING = """
order = []
inside = threading.Event()
def computes():
    with nn.kernels.runtime.threads.parallel_region():
        inside.set()
        while len(state.queue) < 2: time.sleep(0.001)  # the other thread waits, and so does the fork
        order.append("computed")
def comes_later():
    inside.wait()
    with nn.kernels.runtime.threads.parallel_region(): order.append("later")
threads = [threading.Thread(target=each) for each in (computes, comes_later)]
for thread in threads: thread.start()
while not state.queue: time.sleep(0.001)
def child():
    signal.alarm(HANGS)
    return order == ["computed"]
code = fork()
for thread in threads: thread.join()
print(code, *order)
"""


def test_a_fork_waits_for_who_is_inside_and_goes_before_who_is_not() -> None:
    # On the work queue, where the second thread already waits in line behind the first.
    assert last(START + WAITING, "workqueue") == "0 computed later"


COMPILES = """
import os, signal, threading, time
from tests.kernels.small_kernels import add_one
state = nn.kernels.runtime.threads._state
thread = threading.Thread(target=add_one, args=(2,))
thread.start()
while thread.is_alive() and not state.at_work: time.sleep(0.001)
at_work = bool(state.at_work) and "neural_network.kernels.finite" not in sys.modules
pid = os.fork()
if pid == 0:
    signal.alarm(60)  # it would wait forever for a lock of the other thread
    os._exit(0 if add_one(1.5) == 2.5 and not state.at_work and not state.queue else 3)
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
thread.join()
print(code, at_work, state.at_work, len(state.queue))
"""


def test_a_fork_while_another_thread_compiles(tmp_path: Path) -> None:
    # It does not end between Numba's locks, and does not begin the next import before the fork.
    assert last(COMPILES, "workqueue", NUMBA_CACHE_DIR=str(tmp_path)) == "0 True [] 0"


IMPORTS = COMPILES.replace(
    "from tests.kernels.small_kernels import add_one\n",
    "import numpy as np\n"
    "from neural_network.functional.finite import is_finite\n"
    "nn.use_kernels('numba')\n"
    "def add_one(x): return x + is_finite(np.ones(9, 'f4'))\n"
    "import neural_network.kernels.runtime.threads\n",
)


def test_a_fork_while_another_thread_imports_numba() -> None:
    assert last(IMPORTS, "workqueue") == "0 True [] 0"


def test_a_fork_inside_a_region(layer: str) -> None:
    code = START + (
        "def child():\n"
        "    signal.alarm(HANGS)\n"
        "    return (sums() == expected).all() and len(state.regions) == 1\n"
        "with nn.kernels.runtime.threads.parallel_region():\n"
        "    code = fork()\n"
        "print(code)"
    )
    assert last(code, layer) == "0"


def test_a_pool_of_forked_workers_while_a_thread_computes(layer: str) -> None:
    code = START + BUSY + (
        "import multiprocessing\n"
        "def work(_): return (sums() == expected).all() and nn.get_num_threads() == 1\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    results = pool.map_async(work, range(6)).get(HANGS)"
    ) + JOIN + "print(results)"  # fmt: skip
    assert last(code, layer) == str([True] * 6)


OPENMP = """
def child():
    try: sums()
    except nn.NeuralNetworkError as error:
        return 'NUMBA_THREADING_LAYER=workqueue' in str(error)
print(state.layer, fork())
"""


def test_openmp_is_refused_where_it_would_end_the_child(require: Any) -> None:
    found = run(f"try: {LAYER}\nexcept ValueError: print('none')", NUMBA_THREADING_LAYER="omp")
    require(found == "omp\n", "OpenMP")
    assert last(START + OPENMP, "omp") == "omp 0"
