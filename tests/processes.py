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


def without_limits() -> dict[str, str]:
    """Return the environment, without the thread limits of a worker among several."""
    return {name: value for name, value in os.environ.items() if name not in THREAD_LIMITS}


def start_python(*arguments: str | Path, **options: Any) -> subprocess.Popen[str]:
    """Start Python with these arguments; its output can be read, its input written."""
    options = {"cwd": ROOT, "text": True, "stdout": subprocess.PIPE, **options}
    return subprocess.Popen([sys.executable, *arguments], **options)


def run_python(
    code: str, *arguments: str | Path, fails: bool = False, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh process until it ends, which has to be a success.

    Args:
        code: what to run.
        arguments: what it finds in ``sys.argv[1:]``.
        fails: whether the process may end with an error.
        options: as of ``subprocess.run``; ``environment`` is added to the environment.
    """
    environment = options.pop("env", dict(os.environ)) | options.pop("environment", {})
    options = {"cwd": ROOT, "text": True, "capture_output": True, "timeout": HANGS, **options}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, check=False, **options
    )
    assert fails or done.returncode == 0, done.stdout + done.stderr
    return done
