"""PyTorch's switches, and the counts of what was really checked."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from conformance.counts import lines, too_few

# Without it, scikit-learn leaves out its checks with arrays of other libraries. SciPy reads it when
# it is imported.
os.environ["SCIPY_ARRAY_API"] = "1"

# What PyTorch warns of, of its own doings.
IGNORED = ("Using padding='same' with even kernel lengths",)

TORCH = importlib.util.find_spec("torch") is not None
if not TORCH:
    if os.environ.get("REQUIRE_ALL") == "1":
        raise pytest.UsageError("REQUIRE_ALL=1, but there is no torch: make conformance")
    collect_ignore_glob = ["*.py", "references"]

CHOSEN = pytest.StashKey[bool]()
LOST = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    for message in IGNORED:
        config.addinivalue_line("filterwarnings", f"ignore:{message}:UserWarning")
    if TORCH:
        import torch

        torch.set_num_threads(1)


def pytest_deselected(items: list[pytest.Item]) -> None:
    for item in items[:1]:
        item.config.stash[CHOSEN] = True


def _lost(config: pytest.Config) -> str:
    """Say what a run of the whole folder did not compare; nothing of a run of a part."""
    whole = [Path(arg).resolve() for arg in config.args] == [Path(__file__).parent]
    if not TORCH or not whole or config.stash.get(CHOSEN, False) or config.option.collectonly:
        return ""
    from conformance.agreement import COMPARED
    from conformance.references import REFERENCES

    idle = sorted({f.__name__ for f in REFERENCES} - set(COMPARED))
    if idle:
        return f"never compared: {', '.join(idle)}"
    few = too_few()
    return f"too few: {', '.join(few)}" if few else ""


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if exitstatus == pytest.ExitCode.OK and (lost := _lost(session.config)):
        session.config.stash[LOST] = lost
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if not TORCH:
        terminalreporter.write_line("no torch: nothing was compared; make conformance installs it")
        return
    from conformance.agreement import DRAWN

    for line in lines():
        terminalreporter.write_line(line)
    if DRAWN:
        terminalreporter.write_line(
            f"{DRAWN.total()} drawn calls of NumPy's functions on tensors: "
            f"{DRAWN['agrees']} agree, "
            f"{DRAWN['raises']} raise as NumPy's, {DRAWN['refused']} are refused by name"
        )
    if lost := config.stash.get(LOST, ""):
        terminalreporter.write_line(f"ERROR: {lost}", red=True)
