"""Compiled code on the disk: where it is, what makes it stale, several processes at once."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neural_network.files import _lock_name
from neural_network.kernels.runtime import announcements
from neural_network.kernels.runtime.signals import held_signals
from tests.processes import HANGS, ROOT, start_python

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fast")]

ENDLESS = "import neural_network.kernels.runtime.announcements as a; a.SILENT = 1e6\n"
MIXED = """
import sys
import numpy as np
from tests.kernels.toy_kernels import row_squares
for dtype in (sys.argv[1:] or ["float64"]):
    X, out = np.arange(12, dtype=dtype).reshape(3, 4), np.empty(3, dtype)
    row_squares(X, out)
    assert out.tolist() == [14, 126, 366], (dtype, out)
stats = row_squares.compiled.stats
print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()), stats.cache_path)
"""


def start(
    code: str, *arguments: str, cwd: Path = ROOT, **environment: str
) -> subprocess.Popen[str]:
    ours = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    return start_python(
        "-c", code, *arguments, cwd=cwd, stderr=subprocess.PIPE, env=ours | environment
    )


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    out, err = process.communicate(timeout=HANGS)
    assert process.returncode == 0, out + err
    return out, err


def test_compiling_is_said_once_and_kept(tmp_path: Path) -> None:
    # Two kernels, each of some seconds: one line.
    code = "import tests.kernels.toy_kernels as t; t.sums(); t.row_squares(t.X, np.empty(len(t.X)))"
    code = (
        f"import numpy as np\n{code}\nstats = t.row_squares.compiled.stats\n"
        "print(stats.cache_path, sum(stats.cache_misses.values()))"
    )
    # Long, on any machine: the line comes after a second of compiling.
    long = "import neural_network.kernels.runtime.announcements as a; a.SILENT = 0.05\n"
    out, err = finish(start(long + code, NUMBA_CACHE_DIR=str(tmp_path)))
    line = "neural_network: compiling fast functions that are new on this machine, up to a minute\n"
    assert err == line
    folder, compiled = out.split()
    assert Path(folder).parent == tmp_path
    assert compiled == "1"
    assert not list(tmp_path.rglob(".*-lock"))
    # Nothing is compiled, and so nothing said, however long this process waits for a processor.
    out, err = finish(start(ENDLESS + code, NUMBA_CACHE_DIR=str(tmp_path)))
    assert out.split() == [folder, "0"]
    assert err == ""


def test_compiling_all_functions_has_a_line_of_its_own(tmp_path: Path) -> None:
    code = (
        "import neural_network.kernels.runtime.announcements as a; a.SILENT = 0.05\n"
        "import tests.kernels.toy_kernels as t\nwith a.compiling_all(): t.sums()"
    )
    _, err = finish(start(code, NUMBA_CACHE_DIR=str(tmp_path)))
    assert err == "neural_network: compiling all fast functions, a few minutes\n"


def test_processes_that_compile_at_once(tmp_path: Path) -> None:
    orders = [("float64", "float32"), ("float32", "float64"), ("float64",), ("float32",)]
    running = [start(MIXED, *order, NUMBA_CACHE_DIR=str(tmp_path)) for order in orders]
    counts = [finish(process)[0].split()[:2] for process in running]
    assert sum(int(misses) for _, misses in counts) == 2
    out, _ = finish(start(MIXED, "float32", "float64", NUMBA_CACHE_DIR=str(tmp_path)))
    assert out.split()[:2] == ["2", "0"]
    # Two processes find the same damage, and one of them compiles. A killed one left its lock.
    files = list(tmp_path.rglob("toy_kernels.*.nbc"))
    assert len(files) == 2
    for file in files:
        file.write_bytes(file.read_bytes()[:-1])
        file.with_name(_lock_name(file)).write_bytes(b"")
    both = (f"{ENDLESS}{MIXED}", "float32", "float64")
    running = [start(*both, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2)]
    ends = [finish(process) for process in running]
    assert sum(int(out.split()[1]) for out, _ in ends) == 2
    lines = [line for _, err in ends for line in err.splitlines()]
    assert any("is damaged: compiling anew" in line for line in lines)
    assert len(lines) <= 2
    assert not list(tmp_path.rglob(".*-lock"))


# Of a tiny function, which compiles in a moment; of a kernel it is the same class that reads.
DAMAGED = """
import random, sys
from pathlib import Path
from numba.core import serialize
from neural_network.kernels.runtime import announcements
from neural_network.kernels.runtime.compiler import FLAGS, PYTHON, _compiled

announcements.SILENT = 1e6  # on a slow machine, too

def add_one(x):
    return x + 1

def call():
    add = _compiled(add_one, FLAGS, parallel=False, callers=PYTHON)
    assert add(1.5) == 2.5
    return add, sum(add.stats.cache_misses.values())

add, misses = call()
types, = add.overloads
cache = add._cache
path = cache.file(types, add.targetctx.codegen())
whole = path.read_bytes()
assert misses == 1 and call()[1] == 0
rng = random.Random(0)

def damaged():
    kind, place = rng.choice(("bit", "bit", "cut", "empty", "other name", "longer")), rng.randrange(len(whole))
    if kind == "bit":
        return whole[:place] + bytes([whole[place] ^ 1 << rng.randrange(8)]) + whole[place + 1:]
    return {"cut": whole[:place], "empty": b"", "other name": other, "longer": whole + b"0"}[kind]

add(1)  # another type, and so another file
other = next(file for file in path.parent.glob("*.nbc") if file != path).read_bytes()
for _ in range(10):
    path.write_bytes(damaged())
    assert call()[1] == 1
    assert call()[1] == 0
    assert path.read_bytes()[:32] != other[:32]
loads = serialize.loads
serialize.loads = lambda content: sys.exit("read")
key = cache._index_key(types, add.targetctx.codegen())
for _ in range(1000):
    path.write_bytes(damaged())
    assert cache._cache_file.load(key) is None
serialize.loads = loads
path.unlink()
path.mkdir()  # nothing can be written there
assert call()[1] == 1
path.rmdir()
call()
cache.flush()
assert not path.exists()
"""


def test_nothing_damaged_is_read(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(DAMAGED)  # a function of no file has no cache
    environment = {"PYTHONPATH": str(ROOT / "src"), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    process = start(
        "import runpy, sys; runpy.run_path(sys.argv[1])", str(tmp_path / "script.py"), **environment
    )
    lines = finish(process)[1].splitlines()
    assert re.fullmatch(
        r"neural_network: the cached kernel .*\.nbc is damaged: compiling anew", lines[0]
    )
    assert "compiled kernels cannot be kept, every process compiles anew: cannot write" in lines[1]
    assert len(lines) == 2


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the library, whose sources may be changed."""
    shutil.copytree(
        ROOT / "src" / "neural_network", tmp_path / "src" / "neural_network",
        ignore=shutil.ignore_patterns("__pycache__", "data", "weights"),
    )  # fmt: skip
    (tmp_path / "tests").mkdir()
    return tmp_path


KERNEL = """
from neural_network.kernels.runtime.compiler import kernel, prange
from neural_network.kernels.for_a_test import scaled
@kernel
def scale(X, out):
    for i in prange(X.shape[0]):
        out[i] = scaled(X[i])
"""
PART = """
from neural_network.kernels.runtime.compiler import part
from neural_network.kernels.for_a_test_too import FACTOR
@part
def scaled(x):
    return x * FACTOR
"""
SCALE = """
import numpy as np
from neural_network.kernels.in_a_test import scale
X, out = np.arange(3.0), np.empty(3)
scale(X, out)
print(out[1], sum(scale.compiled.stats.cache_misses.values()), scale.compiled.stats.cache_path)
"""


def test_a_change_in_what_a_kernel_imports_is_noticed(copy: Path) -> None:
    folder = copy / "src" / "neural_network" / "kernels"
    (folder / "in_a_test.py").write_text(KERNEL)
    (folder / "for_a_test.py").write_text(PART)
    (folder / "for_a_test_too.py").write_text("FACTOR = 2.0\n")

    def result() -> list[str]:
        return finish(start(SCALE, PYTHONPATH=str(copy / "src"), cwd=copy))[0].split()

    cache = folder / "__pycache__"
    assert result() == ["2.0", "1", str(cache)]
    assert result() == ["2.0", "0", str(cache)]
    (folder / "for_a_test_too.py").write_text("FACTOR = 3.0\n")
    assert result() == ["3.0", "1", str(cache)]
    (folder / "for_a_test.py").write_text(PART.replace("x * FACTOR", "x * FACTOR + 1"))
    assert result() == ["4.0", "1", str(cache)]
    assert result() == ["4.0", "0", str(cache)]
    # Files that are never read again are removed.
    assert len(list(cache.glob("in_a_test.scale-*.nb[ic]"))) == 1


def test_a_library_that_cannot_be_written(copy: Path) -> None:
    # A file stands where the folder would be, because the superuser may write anywhere.
    folder = copy / "src" / "neural_network" / "kernels"
    (folder / "in_a_test.py").write_text(KERNEL.replace("scaled(X[i])", "X[i] * 2"))
    (folder / "for_a_test.py").write_text("scaled = None\n")
    (folder / "__pycache__").write_text("")
    environment = {"PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    users = {**environment, "XDG_CACHE_HOME": str(copy / "cache"), "HOME": str(copy)}
    for misses in ("1", "0"):
        value, missed, where = finish(start(SCALE, cwd=copy, **users))[0].split()
        assert (value, missed) == ("2.0", misses)
        assert not where.startswith(str(folder))
    nowhere = copy / "file"
    nowhere.write_text("")
    users.update(XDG_CACHE_HOME=str(nowhere), HOME=str(nowhere), NUMBA_CACHE_DIR=str(nowhere))
    out, err = finish(start(SCALE, cwd=copy, **users))
    assert out.split() == ["2.0", "1", "None"]
    assert "compiled kernels cannot be kept, every process compiles anew: neither the folder" in err
    assert err.count("\n") == 1
    # Standard error may be missing.
    assert finish(start(f"import sys; sys.stderr = None\n{SCALE}", cwd=copy, **users))[1] == ""


def test_bodies_run_uncompiled() -> None:
    code = (
        "import numpy as np; from tests.kernels.toy_kernels import *\n"
        "out = np.empty(3); row_squares(X[:3, :50], out); row_sums(X[:3, :50], out)\n"
        "print(row_sums.compiled is row_sums.body)"
    )
    assert finish(start(code, NUMBA_DISABLE_JIT="1"))[0] == "True\n"


def test_a_part_may_have_flags_of_its_own() -> None:
    from tests.kernels.toy_kernels import exactly

    out = np.empty(3)
    exactly(np.array([1.0, 2.0, 3.0]), out)
    assert out.tolist() == [((1e16 + x) - 1e16) - x + x for x in (1.0, 2.0, 3.0)]


def test_infinity_and_nan_come_through() -> None:
    from tests.kernels.toy_kernels import row_sums

    X = np.array([[np.inf, 1.0], [np.nan, 1.0], [1.0, 1.0]])
    out = np.empty(3)
    row_sums(X, out)
    assert np.isnan(out).tolist() == [True, True, False]


@pytest.mark.usefixtures("ctrl_c")
def test_another_process_that_never_ends_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neural_network.files import locked
    from neural_network.kernels.runtime import cache
    from neural_network.kernels.runtime.signals import held_signals

    path = tmp_path / "name"
    entered: list[Any] = []
    with locked(path):
        monkeypatch.setattr(cache, "LONGEST", 0.1)
        with held_signals() as signals, cache._alone(path, signals):
            entered.append("in spite of it")
        # Ctrl-C ends the waiting.
        monkeypatch.setattr(cache, "LONGEST", HANGS)
        with pytest.raises(KeyboardInterrupt), held_signals() as signals:
            signal.raise_signal(signal.SIGINT)
            with cache._alone(path, signals):
                entered.append("after a long time")
    assert entered == ["in spite of it"]


def test_another_long_compilation_after_silence_is_said(monkeypatch: Any, capfd: Any) -> None:
    """Once for each that begins when nothing was compiled for a while, whatever it prints first."""
    state = announcements._State()
    monkeypatch.setattr(announcements, "_state", state)
    monkeypatch.setattr(announcements, "SILENT", 0.01)
    monkeypatch.setattr(announcements, "AGAIN", 0.02)

    def compile_for(seconds: float) -> None:
        with held_signals() as signals, announcements.announcing(lambda: True, signals):
            time.sleep(seconds)

    compile_for(0.3)
    compile_for(0.3)  # at once: the line still stands there
    assert capfd.readouterr().err == f"{announcements.LINE}\n"
    state.last -= announcements.REST
    compile_for(0.3)
    assert capfd.readouterr().err == f"{announcements.LINE}\n"


KEPT = """
import gc, weakref
import numpy as np, neural_network as nn
class Local: pass
def call():
    local = Local()
    with nn.use_kernels("numba"):
        nn.conv2d(np.ones((8, 8), "f"), np.ones((3, 3), "f"))
    return weakref.ref(local)
gc.collect()
gc.disable()
print(call()() is None)
"""


def test_compiling_keeps_no_objects_of_its_callers(tmp_path: Path) -> None:
    # A trace that is kept would forbid changes of parameters in place.
    assert finish(start(KEPT, NUMBA_CACHE_DIR=str(tmp_path)))[0].strip() == "True"
