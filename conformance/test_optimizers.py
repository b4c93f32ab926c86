"""Twenty steps of each optimizer beside torch.optim: of a buffer, and bound to a network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import neural_network as nn
from conformance.agreement import COMPARED, TOLERANCES
from conformance.counts import count
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
    count("PyTorch calls")


def torch_network(weights: list[Any]) -> Any:
    network = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3))
    with torch.no_grad():
        for parameter, numbers in zip(network.parameters(), weights, strict=True):
            parameter.copy_(torch.tensor(numbers.T.copy()))
    return network.double()


# Before which step which layers are frozen and unfrozen.
FREEZING: dict[str, dict[int, tuple[list[int], list[int]]]] = {
    "from the beginning": {0: ([0], [])},
    "until later": {0: ([0], []), 7: ([], [0])},
    "from later on": {5: ([1], [])},
    "for a while": {5: ([0], []), 12: ([], [0])},
    "in turns": {0: ([0], []), 5: ([1], [0]), 10: ([0], [1]), 15: ([], [0])},
}


@pytest.mark.parametrize("plan", FREEZING)
@pytest.mark.parametrize(
    ("kind", "reference", "options"),
    CASES,
    ids=[f"{case[0].__name__}-{i}" for i, case in enumerate(CASES)],
)
def test_frozen_layers(kind: Any, reference: Any, options: dict[str, Any], plan: str) -> None:
    """Bound to a network, with layers frozen and unfrozen; both forget gradients before a step."""
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((30, 4)), rng.integers(0, 3, 30)
    model = nn.Sequential(nn.Dense(5, "tanh"), nn.Dense(3)).initialize((4,), rng=0)
    model.astype("float64")
    other = torch_network([parameter.data for parameter in model.parameters()])
    layers = [other[0], other[2]]
    more = {**options, "weight_decay": 0.1}
    optimizer = kind(0.05, **more, parameters=model)
    peer = reference(other.parameters(), lr=0.05, **as_torch(more))
    for step in range(STEPS):
        for places, learning in zip(FREEZING[plan].get(step, ([], [])), (False, True), strict=True):
            for place in places:
                model[place].unfreeze() if learning else model[place].freeze()
                layers[place].requires_grad_(learning)
        optimizer.zero_grad()
        nn.softmax_cross_entropy(model(X), y).backward()
        optimizer.step()
        peer.zero_grad()
        torch.nn.functional.cross_entropy(other(torch.tensor(X)), torch.tensor(y)).backward()
        peer.step()
        for parameter, near in zip(model.parameters(), other.parameters(), strict=True):
            np.testing.assert_allclose(
                parameter.data, near.detach().numpy().T, rtol=0, atol=1e-9, err_msg=f"step {step}"
            )
    COMPARED[kind.__name__] += 1
    count("PyTorch calls")


def test_norms_of_gradients() -> None:
    rng = np.random.default_rng(3)
    model = nn.Sequential(nn.Dense(5, "tanh"), nn.Dense(3)).initialize((4,), rng=0)
    model.astype("float64")
    other = torch_network([parameter.data for parameter in model.parameters()])
    X, y = rng.standard_normal((30, 4)), rng.integers(0, 3, 30)
    for maximum in (0.01, 100.0):
        model.zero_grad()
        other.zero_grad()
        nn.softmax_cross_entropy(model(X), y).backward()
        torch.nn.functional.cross_entropy(other(torch.tensor(X)), torch.tensor(y)).backward()
        norm = nn.clip_by_norm(model, maximum)
        theirs = float(torch.nn.utils.clip_grad_norm_(other.parameters(), maximum))
        assert norm == pytest.approx(theirs, rel=1e-9)
        for parameter, near in zip(model.parameters(), other.parameters(), strict=True):
            assert parameter.grad is not None
            # PyTorch adds 1e-6 to the norm.
            np.testing.assert_allclose(parameter.grad, near.grad.numpy().T, rtol=1e-4, atol=1e-12)
