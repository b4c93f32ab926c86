"""What every test and every doctest stands on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from matplotlib import pyplot as plt
from tests.needs import need, need_fast

import neural_network
from neural_network.kernels.runtime.gate import available

# Without the extra `fast`, what imports Numba cannot even be looked at.
collect_ignore_glob = [] if available() else ["src/neural_network/kernels/*"]

mpl.use("Agg")
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")


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
def a_clean_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test writes into the user's cache or leaves a figure open."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield
    plt.close("all")


@pytest.fixture
def fast() -> None:
    """Ask for what kernels need: the extra ``fast``."""
    need_fast()


@pytest.fixture
def require() -> object:
    """Skip where a tool is missing, and fail where REQUIRE_ALL=1 promises that none is."""
    return need
