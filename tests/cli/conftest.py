"""The command, in a process of its own and in this one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from neural_network.__main__ import main
from tests.cli.folders import ONE_THREAD
from tests.processes import run_python

# Lines about compiling kernels, which depend on the machine's cache, and about what takes longer
# than a second, which depends on the other programs that run.
OF_THE_MACHINE = re.compile(
    r"^(neural_network: compiling .*|[a-z ]+(: [\d,]+ of [\d,]+)? …)\n", re.MULTILINE
)


def without_announcement(stderr: str) -> str:
    """Leave out the lines that depend on the machine and on what else it does."""
    return OF_THE_MACHINE.sub("", stderr)


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Run the command in an empty folder, with a screen 200 columns wide."""

    def call(*arguments: str, stdin: int = subprocess.DEVNULL, **environment: str) -> Any:
        shown = {"COLUMNS": "200", "MPLBACKEND": "Agg"}
        done = run_python(
            "-m", "neural_network", *arguments,
            cwd=tmp_path, stdin=stdin, env=os.environ | ONE_THREAD | shown | environment,
        )  # fmt: skip
        done.stderr = without_announcement(done.stderr)
        return done

    return call


class Done(NamedTuple):
    """What a command ended with, as of a process."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run_here(tmp_path: Path, monkeypatch: Any, capsys: Any) -> Any:
    """The same inside this process: without its start, which takes longer than most commands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("MPLBACKEND", "Agg")  # which the commands set themselves

    def call(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["neural-network", *arguments])
        capsys.readouterr()
        code: Any = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        shown = capsys.readouterr()
        return Done(code, shown.out, without_announcement(shown.err))

    return call
