"""``neural-network compile``: all kernels compiled beforehand."""

from __future__ import annotations

from time import perf_counter

from neural_network.cli.output import Quiet, Report
from neural_network.training.compiling import compile_kernels


def compile(*, quiet: Quiet = False) -> None:
    """Compile all kernels beforehand, for a class or a container image."""
    report = Report(quiet=quiet)
    began = perf_counter()
    seconds = compile_kernels(progress=not quiet)
    report.result(f"{len(seconds)} groups of kernels are compiled; {perf_counter() - began:.0f} s")
