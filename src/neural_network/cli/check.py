"""``neural-network check``: gradients of all functions compared with differences."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import numpy as np
import typer

from neural_network import functional
from neural_network.autograd.check import gradient_error
from neural_network.cli.output import Report
from neural_network.functional.op import Samples, all_samples

TOLERANCE = 1e-6  # that of check_gradients


def check() -> None:
    """Compare the gradients of every function with central differences, on its samples."""
    for module in pkgutil.walk_packages(functional.__path__, f"{functional.__name__}."):
        importlib.import_module(module.name)
    report = Report()
    rows: list[list[str]] = []
    functions = sorted(all_samples().items(), key=lambda item: item[0].__name__)
    failed = []
    for function, samples in report.progress(functions, "checking"):
        errors = _errors(function, samples)
        largest = float(np.max(errors, initial=0))
        fine = bool(errors) and largest <= TOLERANCE  # NaN is not either
        name = function.__name__
        if not fine:
            failed.append(name)
        rows.append([name, str(len(errors)), f"{largest:.1e}", "yes" if fine else "NO"])
    columns = ["function", "samples", "largest relative error", "ok"]
    report.table("Gradients and differences", columns, rows, right=3)
    if failed:
        typer.echo(f"Above {TOLERANCE:g}, or without samples: {', '.join(failed)}.")
        raise typer.Exit(1)
    count = len(functions)
    typer.echo(f"The gradients of {count} functions agree with differences within {TOLERANCE:g}.")


def _errors(function: Callable[..., Any], samples: Samples | None) -> list[float]:
    """Return the largest relative error of each sample."""
    calls = samples(np.random.default_rng(1)) if samples else []
    return [
        gradient_error(lambda *a, kwargs=sample.kwargs: function(*a, **kwargs), sample.args)
        for sample in calls
    ]
