"""Twenty steps of each optimizer beside torch.optim, on gradients that depend on where one is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance.agreement import COMPARED, TOLERANCES
from neural_network.training import optimizers as ours

STEPS = 20
# Ours → PyTorch's, and what is tried; arguments have the same names but for rate and epsilon.
CASES: list[tuple[Any, Any, dict[str, Any]]] = [
    (ours.SGD, torch.optim.SGD, {}),
    (ours.SGD, torch.optim.SGD, {"momentum": 0.9}),
    (ours.SGD, torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    (ours.RMSprop, torch.optim.RMSprop, {}),
    (ours.RMSprop, torch.optim.RMSprop, {"alpha": 0.9, "epsilon": 1e-3}),
    (ours.RMSprop, torch.optim.RMSprop, {"momentum": 0.8}),
    (ours.RMSprop, torch.optim.RMSprop, {"centered": True}),
    (ours.RMSprop, torch.optim.RMSprop, {"momentum": 0.5, "centered": True}),
    (ours.Adagrad, torch.optim.Adagrad, {}),
    (ours.Adagrad, torch.optim.Adagrad, {"epsilon": 1e-2}),
    (ours.Adam, torch.optim.Adam, {}),
    (ours.Adam, torch.optim.Adam, {"betas": (0.5, 0.9), "epsilon": 1e-3}),
    (ours.AdamW, torch.optim.AdamW, {}),
    (ours.AdamW, torch.optim.AdamW, {"betas": (0.8, 0.99)}),
]
NO_REFERENCE = {ours.Lion: "not in torch.optim"}


def slope(p: Any) -> Any:
    """A valley that is steep one way and flat another, with a bend; in both libraries' numbers."""
    return p * p * p / 4 - p + p.sum() / 10


def as_torch(options: dict[str, Any]) -> dict[str, Any]:
    """Name arguments as PyTorch does."""
    return {"eps" if name == "epsilon" else name: value for name, value in options.items()}


def test_every_optimizer_has_a_reference_or_a_reason() -> None:
    assert {case[0] for case in CASES} | set(NO_REFERENCE) == set(ours.OPTIMIZERS.values())


def test_defaults_are_the_same() -> None:
    for kind, reference in {case[0]: case[1] for case in CASES}.items():
        settings = dict(kind().settings())
        defaults = reference([torch.zeros(1)]).defaults
        settings.pop("class")
        # The rates differ by choice: PyTorch takes 0.001 for SGD.
        settings.pop("learning_rate")
        for name, value in as_torch(settings).items():
            expected = defaults[name]
            assert value == (list(expected) if isinstance(expected, tuple) else expected), name


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("weight_decay", [None, 0.0, 0.1])
@pytest.mark.parametrize(
    ("kind", "reference", "options"),
    CASES,
    ids=[f"{case[0].__name__}-{i}" for i, case in enumerate(CASES)],
)
def test_trajectories(
    kind: Any, reference: Any, options: dict[str, Any], weight_decay: Any, dtype: str
) -> None:
    if weight_decay is not None:
        options = {**options, "weight_decay": weight_decay}
    start = np.random.default_rng(1).uniform(-2, 2, 50).astype(dtype)
    p, q = start.copy(), torch.nn.Parameter(torch.tensor(start))
    optimizer = kind(0.05, **options)
    other = reference([q], lr=0.05, **as_torch(options))
    optimizer.start(p)
    for step in range(STEPS):
        rate = 0.05 / (1 + step / 10)
        optimizer.update(p, slope(p), rate)
        other.param_groups[0]["lr"] = rate
        q.grad = slope(q.detach())
        other.step()
        near = q.detach().numpy()
        scale = max(1.0, float(np.max(np.abs(near))))
        np.testing.assert_allclose(
            p, near, rtol=0, atol=TOLERANCES[dtype] * scale, err_msg=f"step {step}"
        )
    assert p.dtype == dtype
    assert np.max(np.abs(p - start)) > 0.1  # it moved, so there was something to compare
    COMPARED[kind.__name__] += 1
