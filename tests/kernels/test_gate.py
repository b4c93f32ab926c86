"""Which bodies compute: use_kernels, its variable, and what is imported when."""

from __future__ import annotations

import asyncio
import runpy
import sys
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache, partial
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.kernels.runtime import gate
from neural_network.kernels.runtime.gate import (
    LIMITS,
    THRESHOLDS,
    _blocks,
    _Process,
    current_mode,
    kernel_wanted,
    use_kernels,
)
from tests.processes import output_of

ROOT = Path(__file__).parents[2]
LITTLE, MUCH = THRESHOLDS["pooling"] - 1, THRESHOLDS["pooling"]


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv(gate.VARIABLE, raising=False)
    monkeypatch.setattr(_Process, "environment", None)
    monkeypatch.setattr(_Process, "calls", [])
    gate.available.cache_clear()
    gate._imports_numba.cache_clear()
    yield
    gate.available.cache_clear()
    gate._imports_numba.cache_clear()


def without(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setattr(gate, "find_spec", lambda name: None if name == missing else object())


def test_a_call_stays_and_a_block_ends() -> None:
    assert current_mode() == "auto"
    nn.use_kernels("numpy")
    assert current_mode() == "numpy"
    with use_kernels("auto"):
        assert current_mode() == "auto"
        with pytest.raises(KeyError), use_kernels("numpy"):
            assert current_mode() == "numpy"
            raise KeyError
        assert current_mode() == "auto"
    assert current_mode() == "numpy"
    use_kernels()
    assert current_mode() == "auto"


def test_one_choice_is_entered_again_and_inside_itself() -> None:
    numpy_alone = use_kernels("numpy")
    with numpy_alone:
        with numpy_alone:
            assert current_mode() == "numpy"
        assert current_mode() == "numpy"
    assert current_mode() == "auto"
    with numpy_alone:
        assert current_mode() == "numpy"
    assert current_mode() == "auto"


def test_a_wrong_mode_changes_nothing() -> None:
    with use_kernels("numpy"):
        expected = r"one of 'auto', 'numpy', 'numba', received 'torch'"
        with pytest.raises(nn.ArgumentError, match=f"use_kernels: mode: expected {expected}"):
            use_kernels("torch")
        with pytest.raises(nn.DTypeError, match="mode: expected .* received 3"):
            use_kernels(3)  # type: ignore[arg-type]  # that is what is tested
        assert current_mode() == "numpy"


def test_the_variable_says_how_a_process_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(gate.VARIABLE, "numpy")
    assert current_mode() == "numpy"
    use_kernels("auto")
    assert current_mode() == "auto"


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(gate.VARIABLE, "fast")
    text = "use_kernels: NEURAL_NETWORK_KERNELS: expected one of .* received 'fast'"
    with pytest.raises(nn.ArgumentError, match=text):
        kernel_wanted("pooling", LITTLE)
    with pytest.raises(nn.ArgumentError, match=text):
        use_kernels("numpy")


@pytest.mark.parametrize("missing", gate.NEEDED)
def test_what_is_missing_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, missing)
    assert not kernel_wanted("pooling", MUCH)
    text = r"mode='numba' needs packages .*numba.*neural-network-numpy\[fast\]"
    with pytest.raises(nn.MissingDependencyError, match=text):
        use_kernels("numba")
    assert current_mode() == "auto"
    monkeypatch.setattr(_Process, "environment", None)
    monkeypatch.setenv(gate.VARIABLE, "numba")
    with pytest.raises(nn.MissingDependencyError, match="NEURAL_NETWORK_KERNELS='numba' needs"):
        kernel_wanted("pooling", LITTLE)


@pytest.mark.parametrize("mode", ["auto", "numba"])
@pytest.mark.usefixtures("fast")
def test_kernels_take_numpy_arrays_of_one_floating_type(mode: str) -> None:
    class Own(np.ndarray):
        pass

    floats, doubles = np.ones(3, "float32"), np.ones(3)
    with use_kernels(mode):
        assert kernel_wanted("pooling", MUCH, floats, floats)
        assert kernel_wanted("pooling", MUCH, doubles)
        for arrays in (
            (floats, doubles), (floats.astype("float16"),), (floats.view(Own),),
            (floats, nn.Tensor(floats)), (np.arange(3),), (floats.astype(">f4"),),
        ):  # fmt: skip
            assert not kernel_wanted("pooling", MUCH, *arrays)


def test_types_are_checked_before_numba_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_imports_numba", cache(lambda mode: pytest.fail("loaded")))
    assert not kernel_wanted("pooling", MUCH, np.arange(3))
    assert not kernel_wanted("pooling", LITTLE, np.ones(3))


def test_every_threshold_is_measured() -> None:
    script = runpy.run_path(str(ROOT / "benchmarks" / "thresholds.py"))
    assert list(script["ROWS"]) == [*THRESHOLDS, *(f"limit: {name}" for name in LIMITS)]


@pytest.mark.usefixtures("fast")
def test_when_a_kernel_is_worth_it() -> None:
    assert kernel_wanted("pooling", MUCH)
    assert not kernel_wanted("pooling", LITTLE)
    with use_kernels("numpy"):
        assert not kernel_wanted("pooling", MUCH)
    with use_kernels("numba"):
        assert kernel_wanted("pooling", LITTLE)


@pytest.mark.parametrize("mode", ["auto", "numba"])
@pytest.mark.usefixtures("fast")
def test_up_to_where_a_kernel_is_worth_it(mode: str) -> None:
    with use_kernels(mode):
        for row, most in LIMITS.items():
            assert kernel_wanted(row, most)
            assert not kernel_wanted(row, most + 1)


def test_a_numba_that_refuses_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.warns(RuntimeWarning, match="NumPy computes, because .*numba"):
        assert not kernel_wanted("pooling", MUCH)
    assert not kernel_wanted("pooling", MUCH)


BLOCKED = """
import runpy
import sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "numba":
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Without())
"""


def test_without_the_extra_everything_computes() -> None:
    code = BLOCKED + (
        "import numpy as np, neural_network as nn\n"
        "print(nn.conv2d(np.ones((4, 8, 64, 64)), np.ones((16, 8, 3, 3))).sum())\n"
        "print(nn.get_num_threads() >= 1)\n"
        "nn.set_num_threads(1)\n"
        "try: nn.use_kernels('numba')\n"
        "except nn.MissingDependencyError as error: print(error)\n"
    )
    value, counted, error = output_of(code).splitlines()
    assert float(value) == 4 * 16 * 62 * 62 * 72
    assert counted == "True"
    assert "neural-network-numpy[fast]" in error


def test_small_work_never_waits_for_numba() -> None:
    code = (
        "import sys\n"
        "from time import process_time\n"
        "start = process_time(); import numpy as np; yardstick = process_time() - start\n"
        "import neural_network as nn\n"
        "image = np.ones((28, 28)); start = process_time()\n"
        "nn.conv2d(image, np.ones((3, 3))); took = process_time() - start\n"
        "print(took / yardstick, [n for n in ('numba', 'scipy', 'threadpoolctl') if n in sys.modules])\n"
    )
    ratios = []
    for _ in range(10):  # other programs may disturb some of them
        ratio, imported = output_of(code).split(maxsplit=1)
        assert imported == "[]\n"
        ratios.append(float(ratio))
        if ratios[-1] < 0.8:  # importing Numba takes several times as long as NumPy
            return
    pytest.fail(f"a first conv2d took {min(ratios):.2f} of the time that importing NumPy takes")


def in_a_thread(call: Any) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


def test_a_call_holds_for_threads_started_before_and_after() -> None:
    with ThreadPoolExecutor(1) as before:
        assert before.submit(current_mode).result() == "auto"
        use_kernels("numpy")
        assert before.submit(current_mode).result() == "numpy"
    assert in_a_thread(current_mode) == "numpy"
    in_a_thread(lambda: use_kernels("auto"))
    assert current_mode() == "auto"


def test_a_block_holds_for_its_thread_and_copies_of_its_context() -> None:
    with ThreadPoolExecutor(1) as before, use_kernels("numpy"):
        assert before.submit(current_mode).result() == "auto"
        assert in_a_thread(partial(copy_context().run, current_mode)) == "numpy"
        assert asyncio.run(asyncio.to_thread(current_mode)) == "numpy"
        use_kernels("auto")  # of the process; the block stays
        assert current_mode() == "numpy"
    assert current_mode() == "auto"


def test_overlapping_blocks_of_threads_leave_the_mode_as_it_was() -> None:
    use_kernels("auto")
    steps = Barrier(2, timeout=60)
    one = use_kernels("numpy")  # shared by the threads, and entered again

    def first() -> list[str]:
        with one:
            steps.wait()
            steps.wait()
            seen = [current_mode()]
        seen.append(current_mode())
        steps.wait()
        return seen

    def second() -> list[str]:
        steps.wait()
        with use_kernels("auto"), one:
            steps.wait()
            steps.wait()
            seen = [current_mode()]
        return [*seen, current_mode()]

    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(call) for call in (first, second)]
        assert [end.result() for end in ends] == [["numpy", "auto"]] * 2
    assert current_mode() == "auto"
    assert _blocks.get() == ()


def test_many_threads_enter_and_leave_at_once() -> None:
    use_kernels("auto")

    def enter(mode: str) -> bool:
        seen = True
        for _ in range(200):
            with use_kernels(mode):
                seen &= current_mode() == mode
        return seen

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(enter, ["numpy", "auto"] * 2))
    finally:
        sys.setswitchinterval(before)
    assert current_mode() == "auto"
    assert len(_Process.calls) == 1


def test_blocks_of_generators_end_in_any_order() -> None:
    def block(mode: str) -> Any:
        with use_kernels(mode):
            yield

    outer, inner = block("numpy"), block("auto")
    next(outer), next(inner)
    outer.close()
    assert current_mode() == "auto"
    use_kernels("numpy")
    assert current_mode() == "auto"
    inner.close()
    assert current_mode() == "numpy"


def test_calls_without_end_keep_little() -> None:
    for _ in range(3 * gate.MOST_CALLS):
        use_kernels("numpy")
    assert len(_Process.calls) == gate.MOST_CALLS
