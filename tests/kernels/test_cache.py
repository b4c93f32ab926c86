"""Compiled code on the disk: where it is, what makes it stale, several processes at once."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.processes import HANGS, ROOT, start_python

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fast")]

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
    long = "import neural_network.kernels.runtime.cache as c; c.SILENT = 0.05\n"
    out, err = finish(start(long + code, NUMBA_CACHE_DIR=str(tmp_path)))
    line = (
        "neural_network: compiling kernels that are new here, up to half a minute; they are kept\n"
    )
    assert err == line
    folder, compiled = out.split()
    assert Path(folder).parent == tmp_path
    assert compiled == "1"
    assert not list(tmp_path.rglob("*.lock"))
    # Nothing is compiled, and so nothing said, however long this process waits for a processor.
    endless = "import neural_network.kernels.runtime.cache as c; c.SILENT = 1e6\n"
    out, err = finish(start(endless + code, NUMBA_CACHE_DIR=str(tmp_path)))
    assert out.split() == [folder, "0"]
    assert err == ""


def test_processes_that_compile_at_once(tmp_path: Path) -> None:
    # Numba alone would give the code for two types one name.
    orders = [("float64", "float32"), ("float32", "float64"), ("float64",), ("float32",)]
    running = [start(MIXED, *order, NUMBA_CACHE_DIR=str(tmp_path)) for order in orders]
    counts = [finish(process)[0].split()[:2] for process in running]
    assert sum(int(misses) for _, misses in counts) == 2
    out, _ = finish(start(MIXED, "float32", "float64", NUMBA_CACHE_DIR=str(tmp_path)))
    assert out.split()[:2] == ["2", "0"]


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
    # Files that are never read again are removed: one index and one piece of code remain.
    assert len(list(cache.glob("in_a_test.scale-*.nb[ic]"))) == 2


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
    assert finish(start(SCALE, cwd=copy, **users))[0].split() == ["2.0", "1", "None"]


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


def test_another_process_that_never_ends_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neural_network.files import locked
    from neural_network.kernels.runtime import cache

    monkeypatch.setattr(cache, "LONGEST", 0.1)
    entered: list[Any] = []
    with locked(tmp_path / "name"), cache._alone(str(tmp_path), "name"):
        entered.append("in spite of it")
        with cache._alone(str(tmp_path), "name"):
            entered.append("and inside")
    assert entered == ["in spite of it", "and inside"]
