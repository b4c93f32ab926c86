"""Machine code is made of kernels alone, and computes what Numba's own way of compiling computes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.processes import HANGS, ROOT, start_python

pytestmark = pytest.mark.usefixtures("fast")

# In both programs the linked parts, which these kernels do not call, are left out.
BEGIN = """
import hashlib, sys
import numpy as np
import neural_network as nn
from numba.core.codegen import CPUCodeLibrary
from neural_network.kernels.runtime import announcements, compiler, libraries, linking
announcements.SILENT = 1e6
linking.register_symbols = lambda **_: None
compiler.linking.register_symbols = linking.register_symbols
libraries.KNOWN = sys.argv[1] == "kernels"
machine_code = []
as_it_was = CPUCodeLibrary._finalize_final_module
def noted(self):
    if self.name != "nrt":  # Numba's allocator of arrays
        machine_code.append(self.name)
    as_it_was(self)
CPUCodeLibrary._finalize_final_module = noted
optimize = CPUCodeLibrary._optimize_final_module
optimized = []
CPUCodeLibrary._optimize_final_module = lambda self: (optimized.append(self.name), optimize(self))
"""
# A loop over threads that calls a part.
TOY = (
    BEGIN
    + """
from tests.kernels.toy_kernels import sums
print(sums().tobytes().hex(), "half" in optimized, *machine_code)
"""
)
# Layer norm, its gradients, and a step of Adam.
LIBRARY = (
    BEGIN
    + """
rng = np.random.default_rng(0)
X, g = rng.standard_normal((2, 64, 48), dtype=np.float32)
layer = nn.LayerNorm().initialize((48,), rng=0)
with nn.use_kernels("numba"):
    X = nn.Tensor(X, requires_grad=True)
    out = layer(X)
    out.backward(g)
    p, rule = g.reshape(-1).copy(), nn.Adam(0.01)
    rule.start(p)
    rule.update(p, X.grad.reshape(-1))
digest = hashlib.sha256(out.data.tobytes() + X.grad.tobytes() + p.tobytes())
print(digest.hexdigest(), *machine_code)
"""
)


def run(code: str, way: str, cache: Path) -> list[str]:
    process = start_python(
        "-c", code, way, cwd=ROOT, stderr=subprocess.PIPE,
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache)},
    )  # fmt: skip
    out, err = process.communicate(timeout=HANGS)
    assert process.returncode == 0, out + err
    return out.split()


@pytest.mark.slow
def test_only_kernels_become_machine_code(tmp_path: Path) -> None:
    bits, optimized, *compiled = run(TOY, "kernels", tmp_path / "a")
    bits_of_numba, _, *compiled_by_numba = run(TOY, "numba", tmp_path / "b")
    assert bits == bits_of_numba
    assert compiled == ["row_sums"]
    assert optimized == "True"  # in a large function LLVM would vectorize fewer loops of parts
    assert "half" in compiled_by_numba
    assert len(compiled_by_numba) >= 5
    # The second time it is loaded.
    assert run(TOY, "kernels", tmp_path / "a") == [bits, "False", *compiled]


@pytest.mark.slow
def test_the_bits_are_those_of_numbas_own_way(tmp_path: Path) -> None:
    bits, *compiled = run(LIBRARY, "kernels", tmp_path / "a")
    bits_of_numba, *compiled_by_numba = run(LIBRARY, "numba", tmp_path / "b")
    assert bits == bits_of_numba
    assert 3 <= len(compiled) <= len(compiled_by_numba) // 3
    assert run(LIBRARY, "kernels", tmp_path / "a") == [bits, *compiled]


def test_this_version_of_numba_is_known() -> None:
    from neural_network.kernels.runtime import libraries

    assert libraries.KNOWN


def test_other_functions_are_compiled_as_ever() -> None:
    import numba

    from neural_network.kernels.runtime.compiler import serial_kernel
    from neural_network.kernels.runtime.libraries import JITCodeLibrary, KernelLibrary

    def broken(x: Any) -> Any:
        return x.no_such_name

    kernel = serial_kernel(broken)
    with pytest.raises(numba.TypingError, match="no_such_name"):
        kernel(1.0)
    codegen = kernel.targetctx.codegen()
    assert codegen._library_class is JITCodeLibrary
    assert "set_env" not in vars(codegen)
    twice = numba.njit(lambda x: 2 * x)
    assert twice(1.5) == 3
    assert type(twice.overloads[twice.signatures[0]].library) is not KernelLibrary


def test_python_calls_the_plain_function_of_a_part() -> None:
    from neural_network.kernels.copies import repeated

    found = repeated(np.array([1.0, 2.0], np.float32), 3, 4)
    assert np.array_equal(found.reshape(3, 4), [[1, 2, 0, 0]] * 3)


RAISING = (
    BEGIN
    + """
from neural_network.kernels.runtime.compiler import part, serial_kernel

@part
def half(x, i):
    if x[i] < 0:
        raise ValueError("negative", i)
    return x[i] / 2

@serial_kernel
def first(x, i):
    return half(x, i)

@serial_kernel
def second(x, i):
    return half(x, i) + 1

for function in (first, second):
    try:
        function(np.array([1.0, -9.0]), 1)
    except ValueError as error:
        print(*error.args, function(np.ones(2), 1))
"""
)


@pytest.mark.slow
def test_a_part_may_raise(tmp_path: Path) -> None:
    for _ in range(2):  # compiled, and loaded
        found = " ".join(run(RAISING, "kernels", tmp_path))
        assert found == "negative 1 0.5 negative 1 1.5"


def test_a_kernel_may_be_compiled_while_another_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from numba.core import config, event

    from neural_network.kernels.runtime.compiler import serial_kernel

    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))  # where neither of them is yet

    def inner(x: float) -> float:
        return x + 1

    def outer(x: float) -> float:
        return x + 2

    found, inside = [], serial_kernel(inner)

    class Listener(event.Listener):  # type: ignore[misc]  # Numba's has no annotations
        def on_start(self, _: object) -> None:
            if not found:
                found.append(0.0)
                found.append(inside(1.0))

        def on_end(self, _: object) -> None:
            pass

    outside = serial_kernel(outer)
    with event.install_listener("numba:compile", Listener()):
        assert outside(1.0) == 3
    assert found == [0.0, 2.0]
    assert "set_env" not in vars(outside.targetctx.codegen())
