"""What type checkers see: the program of a user is clean in strict mode, and mistakes are found."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.needs import need
from tests.processes import ROOT, run_python

PROGRAM, MISTAKES = (ROOT / "tests" / "typed" / name for name in ("program.py", "mistakes.py"))


@pytest.mark.slow
def test_mypy_reports_the_mistakes_alone() -> None:
    need(find_spec("mypy"), "mypy")
    # With the settings of `make test`, whose cache has the library's files.
    shown = run_python("-m", "mypy", "--strict", PROGRAM, MISTAKES).stdout
    reported = {
        (Path(file).name, int(line)): code
        for file, line, code in re.findall(r"^(.+?):(\d+): error: .*\[([\w-]+)\]$", shown, re.M)
    }
    lines = enumerate(MISTAKES.read_text().splitlines(), 1)
    expected = {
        (MISTAKES.name, number): line.split("# ")[1] for number, line in lines if "# " in line
    }
    assert len(expected) > 8
    assert reported == expected, shown


@pytest.mark.slow
def test_the_program_runs(tmp_path: Path) -> None:
    done = run_python("-W", "error", PROGRAM, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "7.factor (16,) float32" in done.stdout
