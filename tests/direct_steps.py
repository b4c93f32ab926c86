"""Whether the steps of a training have a tape."""

from __future__ import annotations

from typing import Any

import pytest

from neural_network.training.direct_step import DirectStep


def noting_steps(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return a list to which each step of a training adds whether it had no tape."""
    found: list[bool] = []
    step = DirectStep.step

    def noted(self: Any, *arguments: Any) -> Any:
        value = step(self, *arguments)
        found.append(value is not None)
        return value

    monkeypatch.setattr(DirectStep, "step", noted)
    return found
