"""What a user's program prints where it uses arguments by the names of earlier versions."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import neural_network as nn
from neural_network.describing import OLD_NAMES
from tests.processes import run_python

# Each line with a comment warns once, however often it runs; no other line warns.
PROGRAM = """
import neural_network as nn

class Own(nn.Conv2D):
    def __init__(self):
        super().__init__(4, size=3)  # Own: the argument 'size' is now called 'kernel_size'

class Sized(nn.MaxPool2D):
    def __init__(self, size):
        super().__init__(size)

for _ in range(3):
    layer = nn.Conv2D(4, size=3)  # Conv2D: the argument 'size' is now called 'kernel_size'
    nn.MaxPool2D(size=2)  # MaxPool2D: the argument 'size' is now called 'kernel_size'
    nn.Adam(eps=1e-6)  # Adam: the argument 'eps' is now called 'epsilon'
    layer.clone(size=5)  # Conv2D: the argument 'size' is now called 'kernel_size'
    layer.size  # Conv2D: the attribute 'size' is now called 'kernel_size'
    Own()
    Sized(size=2)
"""


LINES = [(number, line) for number, line in enumerate(PROGRAM.splitlines(), 1) if "  # " in line]
EXPECTED = [(number, line.split("  # ")[1]) for number, line in LINES]


def warnings_of(file: Path, *command: str | Path) -> list[tuple[int, str]]:
    """Return (line, text) of the warnings about a file that a process prints, by line."""
    # Without PYTHONWARNINGS Python has its default filters.
    environment = {name: os.environ[name] for name in os.environ if name != "PYTHONWARNINGS"}
    done = run_python(*command, env=environment)
    assert done.returncode == 0, done.stderr
    pattern = rf"^{re.escape(str(file))}:(\d+): DeprecationWarning: (.*)$"
    found = re.findall(pattern, done.stderr, re.MULTILINE)
    assert len(found) == len(re.findall("Warning: .* is now called", done.stderr)), done.stderr
    return sorted((int(line), text) for line, text in found)


def test_each_call_with_an_old_name_warns_once_at_its_line(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    assert len(EXPECTED) == 6
    assert warnings_of(program, program) == EXPECTED


def test_a_module_that_is_imported_warns_where_warnings_are_enabled(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(PROGRAM)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import module"
    assert warnings_of(module, "-c", code) == []
    enabled = warnings_of(module, "-W", "default::DeprecationWarning", "-c", code)
    assert enabled == EXPECTED


@pytest.mark.parametrize("name", OLD_NAMES)
def test_each_old_name_stands_for_an_argument(name: str) -> None:
    for old, new in OLD_NAMES[name].items():
        first = {"filters": 4} if name.startswith("Conv") else {}
        with pytest.warns(
            DeprecationWarning, match=f"{name}: .*'{old}' is now called '{new}'"
        ) as w:
            made = getattr(nn, name)(**first, **{old: 2})
        assert [warning.filename for warning in w] == [__file__]
        assert getattr(made, new) == getattr(getattr(nn, name)(**first, **{new: 2}), new)
