"""What the tests of stages share."""

from __future__ import annotations

from typing import Any

import pytest

from neural_network.plan import single_row
from neural_network.plan.plain import PlainRun
from neural_network.plan.run import Run


@pytest.fixture(autouse=True)
def stages_compute_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the stages of a run compute networks of few products, too, as they do in training."""
    monkeypatch.setattr(single_row, "PRODUCTS", 0)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """Return a list that holds the kind of each run and its stages."""
    computed: list[tuple[str, list[str]]] = []
    for kind in (Run, PlainRun):

        def noted(self: Any, X: Any, forward: Any = kind.forward) -> Any:
            stages = [type(stage).__name__ for stage in self.match.stages]
            computed.append((type(self).__name__, stages))
            return forward(self, X)

        monkeypatch.setattr(kind, "forward", noted)
    return computed


@pytest.fixture
def kernel_runs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return a list that holds the stages of each run by kernels."""
    computed: list[list[str]] = []
    forward = Run.forward

    def noted(self: Any, X: Any) -> Any:
        computed.append([type(stage).__name__ for stage in self.match.stages])
        return forward(self, X)

    monkeypatch.setattr(Run, "forward", noted)
    return computed
