"""Every op beside its reference, on the op's own samples."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import numpy as np
import pytest

import neural_network
from conformance.agreement import agree
from conformance.references import NO_REFERENCE, REFERENCES
from neural_network import functional
from neural_network.functional.op import RULES, Call

for module in pkgutil.walk_packages(functional.__path__, "neural_network.functional."):
    importlib.import_module(module.name)

OURS = {f: rule for f, rule in RULES.items() if f.__module__.startswith("neural_network.")}
CASES = [
    pytest.param(function, sample, id=f"{rule.name}-{i}")
    for function, rule in OURS.items()
    if function in REFERENCES and rule.samples
    for i, sample in enumerate(rule.samples(np.random.default_rng(1)))
]


def test_every_op_and_every_public_function_has_a_reference_or_a_reason() -> None:
    public = {getattr(functional, name) for name in functional.__all__ if name != "FILTERS"}
    public |= {
        function
        for function in (getattr(neural_network, name) for name in neural_network.__all__)
        if getattr(function, "__module__", "").startswith("neural_network.functional.")
        and function.__module__ != "neural_network.functional.op"
    }
    without = {f.__name__ for f in (set(OURS) | public) - set(REFERENCES)}
    assert without | {"FILTERS"} == set(NO_REFERENCE)
    assert all(len(reason) > 10 for reason in NO_REFERENCE.values())
    assert len(CASES) >= 100


@pytest.mark.parametrize(("function", "sample"), CASES)
def test_samples(function: Any, sample: Call) -> None:
    agree(function, *sample.args, **sample.kwargs)
