"""Kernels compiled beforehand."""

from __future__ import annotations

import pytest

import neural_network as nn
from tests.needs import need_module
from tests.processes import run_python

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fast")]

LEFT = """
import importlib, pkgutil
import neural_network as nn
from neural_network import kernels
from neural_network.kernels.runtime.compiler import kernel

nn.compile_kernels(progress=False)
for info in pkgutil.walk_packages(kernels.__path__, kernels.__name__ + "."):
    module = importlib.import_module(info.name)
    for name, value in vars(module).items():
        if isinstance(value, kernel) and value.body.__module__ == info.name:
            if not value.compiled.overloads:
                print(info.name, name)
"""
TRAINING = """
import importlib, pkgutil
import numpy as np
import neural_network as nn
from neural_network import kernels
from neural_network.kernels.runtime.compiler import kernel

nn.use_kernels("numba")
X, y = np.random.default_rng(1).random((40, 1, 28, 28)), np.arange(40) % 10
for model in (nn.models.tiny_cnn(), nn.models.small_resnet(), nn.models.mlp()):
    if model.input_shape is None:
        model.initialize((1, 28, 28), rng=0)
    nn.Trainer(model, rng=0, progress=False).fit(X, y, epochs=1, batch_size=20)
missed = [
    (info.name, name)
    for info in pkgutil.walk_packages(kernels.__path__, kernels.__name__ + ".")
    for name, value in vars(importlib.import_module(info.name)).items()
    if isinstance(value, kernel) and sum(getattr(value.compiled, "stats").cache_misses.values())
]
print(missed)
"""


def test_every_kernel_is_compiled() -> None:
    done = run_python("-c", LEFT)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_trainings_compile_nothing_afterwards() -> None:
    assert run_python("-c", "import neural_network as nn; nn.compile_kernels()").returncode == 0
    done = run_python("-c", TRAINING)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_it_tells_of_each_group(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = nn.compile_kernels()
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[1].split(",")[0] for line in lines if "compiled" in line] == list(
        seconds
    )
    assert all(number >= 0 for number in seconds.values())


def test_progress_is_a_flag() -> None:
    with pytest.raises(TypeError, match="compile_kernels: progress: expected True or False"):
        nn.compile_kernels(progress="yes")  # type: ignore[arg-type]


def test_the_command(capfd: pytest.CaptureFixture[str]) -> None:
    need_module("typer")
    done = run_python("-m", "neural_network", "compile", "-q")
    assert done.returncode == 0, done.stderr
    assert "groups of kernels are compiled" in done.stdout
