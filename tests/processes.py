"""Python in a process of its own, as a user starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
# A time limit only ends what hangs: nothing in the tests takes a tenth of it on an idle machine.
HANGS = 600.0  # seconds
# Where BLAS libraries and kernels read how many threads to use.
THREAD_LIMITS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"
)  # fmt: skip


def start_python(*arguments: str | Path, **options: Any) -> subprocess.Popen[str]:
    """Start Python in the root of the project; what it prints can be read.

    Args:
        arguments: those of the command.
        options: those of ``subprocess.Popen``.
    """
    options = {"cwd": ROOT, "text": True, "stdout": subprocess.PIPE, **options}
    return subprocess.Popen([sys.executable, *arguments], **options)


def run_python(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run Python in the root of the project until it ends.

    Args:
        arguments: those of the command.
        options: those of ``subprocess.run``.
    """
    options = {"cwd": ROOT, "text": True, "capture_output": True, "timeout": HANGS, **options}
    return subprocess.run([sys.executable, *arguments], check=False, **options)


def output_of(code: str, *, one_thread: bool = True, **environment: str) -> str:
    """Run code in a process that has to succeed, and return what it prints.

    Args:
        code: what to run.
        one_thread: whether the limits hold that a worker among several has.
        environment: variables to add.
    """
    inherited = dict(os.environ)
    if not one_thread:
        inherited = {key: inherited[key] for key in inherited if key not in THREAD_LIMITS}
    done = run_python("-c", code, env=inherited | environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
