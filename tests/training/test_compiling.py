"""Kernels compiled beforehand."""

from __future__ import annotations

from pathlib import Path

import pytest

import neural_network as nn
from tests.needs import need_module
from tests.processes import run_python

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fast")]

COMPILED = """
import importlib, pkgutil, sys
from contextlib import redirect_stdout
from pathlib import Path
import numpy as np
from numba.core.dispatcher import Dispatcher
import neural_network as nn
from neural_network import kernels
from neural_network.kernels.runtime.compiler import kernel

def signatures():
    found = {}  # the types of arguments for which each kernel is there
    for info in pkgutil.walk_packages(kernels.__path__, kernels.__name__ + "."):
        for value in vars(importlib.import_module(info.name)).values():
            if isinstance(value, kernel):
                dispatchers = [value.compiled, getattr(value, "serial", value.compiled)]
            else:  # parts have no lock, serial kernels have one
                serial = isinstance(value, Dispatcher) and "compile" in vars(value)
                dispatchers = [value] if serial else []
            for one in dispatchers:
                found[one.py_func.__module__, one.py_func.__qualname__] = set(one.overloads)
    return found

nn.compile_kernels(progress=False)
compiled = signatures()
rng = np.random.default_rng(1)

def predict(model, shape):
    for rows in (1, 2, 128):
        model.predict(rng.random((rows, *shape), np.float32))
"""
LEFT = """
print([name for name, types in compiled.items() if not types])
"""
TRAINING = """
for mode in ("numba", "auto"):
    nn.use_kernels(mode)
    X, y = rng.random((40, 1, 28, 28)), np.arange(40) % 10
    models = nn.models.tiny_cnn(), nn.models.lenet5(), nn.models.small_resnet(), nn.models.mlp()
    for model in models:
        if model.input_shape is None:
            model.initialize((1, 28, 28), rng=0)
        nn.Trainer(model, rng=0, progress=False).fit(X, y, epochs=1, batch_size=20)
        predict(model, (1, 28, 28))
    wide = nn.Sequential(nn.Conv2D(64, 3, activation="relu"), nn.MaxPool2D(2))
    wide.initialize((64, 16, 16), rng=0)
    predict(wide, (64, 16, 16))
    layers = nn.LayerNorm(), nn.Dense(80), nn.BatchNorm(), nn.Activation("relu"), nn.Dense(10)
    double = nn.Sequential(*layers).initialize((784,), rng=0).astype("float64")
    nn.Trainer(double, rng=0, progress=False).fit(X.reshape(40, 784), y, epochs=1)
"""
DEMO = """
from neural_network.cli.demo import demo

with redirect_stdout(sys.stderr):
    demo(save=Path(sys.argv[1]), quiet=True)
"""
INTERRUPTED = """
import neural_network as nn
from neural_network.training import compiling

def interrupted(self, *arguments, **options):
    raise nn.TrainingInterrupted("stopped in epoch 1")

compiling.Trainer.fit = interrupted
nn.compile_kernels(progress=False)
"""
MORE = """
print([(name, types - compiled[name]) for name, types in signatures().items()
       if types - compiled[name]])
"""


def test_every_kernel_is_compiled() -> None:
    done = run_python("-c", COMPILED + LEFT)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_trainings_and_predictions_compile_nothing_afterwards() -> None:
    done = run_python("-c", COMPILED + TRAINING + MORE)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_the_demo_compiles_nothing_afterwards(tmp_path: Path) -> None:
    need_module("typer")
    need_module("matplotlib")
    done = run_python("-c", COMPILED + DEMO + MORE, str(tmp_path / "demo"))
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_an_interruption_speaks_of_no_training() -> None:
    done = run_python("-c", INTERRUPTED)
    assert done.stderr.splitlines()[-1] == "KeyboardInterrupt"


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
