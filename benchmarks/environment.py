"""The process that measures: two threads for each library, no forced processor type of BLAS.

With one thread (``--processor-time``) the processor's time is measured, for a machine that others
use: waiting for a processor does not count then.
"""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

VARIABLE, OPTION = "BENCHMARK_THREADS", "--processor-time"
THREADS = int(os.environ.get(VARIABLE, "2"))
PROCESSOR_TIME = THREADS == 1
# A forced processor type, or cache size, would slow the BLAS that NumPy brings and not those of
# the peers. A forced choice of kernels would measure something else.
FORCED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "NEURAL_NETWORK_KERNELS")
# NPROC is what JAX reads.
COUNTED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "NPROC", VARIABLE)
PACKAGES = (
    "numpy", "numba", "scipy", "torch", "onnxruntime", "opencv-python-headless", "scikit-learn",
    "autograd", "jax", "openvino",
)  # fmt: skip


def restart_if_needed() -> None:
    """Start this process again if its environment is not the one to measure in.

    Libraries read these variables when they are loaded, so it has to happen before NumPy is.
    """
    environment = {name: value for name, value in os.environ.items() if name not in FORCED}
    environment |= dict.fromkeys(COUNTED, "1" if OPTION in sys.argv else "2")
    if environment != dict(os.environ):
        sys.stdout.flush()
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)  # noqa: S606  # itself


def set_threads() -> None:
    """Give the same number of threads to each library that has its own switch."""
    import neural_network as nn

    nn.set_num_threads(THREADS)
    if installed("torch"):
        import torch

        torch.set_num_threads(THREADS)
    if installed("opencv-python-headless"):
        import cv2

        cv2.setNumThreads(THREADS)


def installed(package: str) -> str:
    """Return the version of a package, or nothing."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def machine() -> dict[str, Any]:
    """Describe the processor, the system and the versions."""
    import neural_network as nn

    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), "")
    return {
        "processor": model or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "threads": THREADS,
        "blas": _blas(),
        "python": platform.python_version(),
        "neural-network-numpy": nn.__version__,
        "versions": {name: installed(name) for name in PACKAGES if installed(name)},
    }


def _blas() -> str:
    """Return the BLAS of NumPy and the kind of core that its code was written for.

    Call it before SciPy and OpenCV are loaded, which bring more of them.
    """
    if not installed("threadpoolctl"):
        return "unknown (threadpoolctl is missing)"
    import numpy as np  # noqa: F401  # threadpoolctl lists what is loaded
    from threadpoolctl import threadpool_info

    found = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return "; ".join(
        sorted({f"{b['internal_api']} {b['version']} for {b['architecture']}" for b in found})
    )
