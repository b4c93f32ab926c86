"""What every test and every doctest relies on."""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from matplotlib import pyplot as plt
from tests.needs import need, need_fast
from tests.processes import THREAD_LIMITS

import neural_network
from neural_network.kernels.runtime.gate import available

# Without the extras `fast` and `sklearn`, modules that import these cannot be collected. With
# REQUIRE_ALL=1 they are errors.
collect_ignore_glob = []
optional = os.environ.get("REQUIRE_ALL") != "1"
if optional and not available():
    collect_ignore_glob += ["src/neural_network/kernels/*"]
if optional and importlib.util.find_spec("sklearn") is None:
    collect_ignore_glob += ["src/neural_network/estimators/*", "tests/estimators/test_*"]

mpl.use("Agg")
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")

# Where one of these is set, as on GitHub Actions, Rich and Typer write colours into pipes.
COLOURS = ("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "TTY_COMPATIBLE")
for variable in COLOURS:
    os.environ.pop(variable, None)

# The generators that test files make when they are imported, with their states at that time.
GENERATORS: list[tuple[np.random.Generator, Any]] = []
default_rng = np.random.default_rng


def pytest_configure(config: pytest.Config) -> None:
    """Give each of several workers one thread: together they use all processors.

    BLAS reads these variables when NumPy is imported, so they are set before the workers start.
    """
    if (config.getoption("numprocesses", None) or 0) > 1:
        for name in THREAD_LIMITS:
            os.environ[name] = "1"


def pytest_collection_finish() -> None:
    """Note the state of every generator that is shared by the tests of a file."""
    for name, module in list(sys.modules.items()):
        if name.startswith(("tests.", "conformance.")):
            GENERATORS.extend(
                (value, value.bit_generator.state)
                for value in vars(module).values()
                if isinstance(value, np.random.Generator)
            )


@pytest.fixture(autouse=True)
def repeatable_randomness(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a test the same random numbers alone, in any order and with the same seed.

    pytest-randomly seeds ``random`` and ``np.random`` before each test. A generator of a test file
    starts each test in the state that it had after the import, and a generator without a seed
    takes one from ``random``.
    """
    if not request.config.pluginmanager.hasplugin("randomly"):
        random.seed(0)
        np.random.seed(0)  # the functions of the article draw from it
    for generator, state in GENERATORS:
        generator.bit_generator.state = state

    def seeded(seed: Any = None) -> np.random.Generator:
        return default_rng(random.getrandbits(128) if seed is None else seed)

    monkeypatch.setattr(np.random, "default_rng", seeded)


@pytest.fixture(autouse=True)
def names_for_doctests(doctest_namespace: dict[str, object]) -> None:
    """Examples show the call; ``import numpy as np`` and the library's names go without saying."""
    doctest_namespace["np"] = np
    doctest_namespace.update(
        {name: getattr(neural_network, name) for name in neural_network.__all__}
    )
    for name in neural_network.visual.__all__:
        doctest_namespace[name] = getattr(neural_network.visual, name)


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test writes into the user's cache or leaves a figure open."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield
    plt.close("all")


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Python's own reaction to Ctrl-C and SIGHUP, here and in the processes that the test starts.

    A shell starts what runs in its background with SIGINT ignored, nohup with SIGHUP ignored, and
    processes inherit that.
    """
    usual = {"SIGINT": signal.default_int_handler, "SIGHUP": signal.SIG_DFL}  # Windows has one
    before = {
        number: signal.signal(number, handler)
        for name, handler in usual.items()
        if (number := getattr(signal, name, None)) is not None
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def fast() -> None:
    """Skip or fail without the extra ``fast``, which kernels need."""
    need_fast()


@pytest.fixture
def require() -> object:
    """Skip where a tool is missing, and fail where REQUIRE_ALL=1 promises that none is."""
    return need
