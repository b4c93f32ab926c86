"""A gradient through weights that an optimizer's ``step`` has changed is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import neural_network as nn

RNG = np.random.default_rng(0)


def small(outputs: int, inputs: int, seed: int) -> Any:
    layers = nn.Dense(8, "relu"), nn.Dense(outputs)
    return nn.Sequential(*layers).initialize((inputs,), rng=seed)


BCE = nn.binary_cross_entropy_with_logits
ONES, ZEROS = np.ones((16, 1)), np.zeros((16, 1))
CHANGED = r"step\(\) has changed weights that it was computed with.* before the first step\(\)"


@pytest.fixture(params=["numpy", "auto"])
def pair(request: Any) -> Iterator[Any]:
    """A generator and a discriminator, with their optimizers."""
    with nn.use_kernels(request.param):
        G, D = small(2, 3, 0), small(1, 2, 1)
        yield G, D, nn.Adam(0.01, parameters=G), nn.Adam(0.01, parameters=D)


def losses(G: Any, D: Any) -> tuple[Any, Any]:
    fake, real = G(RNG.normal(size=(16, 3))), RNG.normal(size=(16, 2))
    return BCE(D(real), ONES) + BCE(D(fake.detach()), ZEROS), BCE(D(fake), ONES)


def test_a_loss_of_before_the_other_step_is_refused(pair: Any) -> None:
    G, D, _, of_D = pair
    first, second = losses(G, D)
    first.backward()
    of_D.step()
    before = [p.data.copy() for p in G.parameters()]
    with pytest.raises(nn.GradientError, match=CHANGED):
        second.backward()
    assert all(p.grad is None for p in G.parameters())
    for parameter, numbers in zip(G.parameters(), before, strict=True):
        np.testing.assert_array_equal(parameter.data, numbers)


def test_both_losses_before_the_steps_are_right(pair: Any) -> None:
    G, D, of_G, of_D = pair
    first, second = losses(G, D)
    first.backward()
    second.backward()
    of_D.step()
    of_G.step()
    assert all(p.grad is not None for p in G.parameters())


def test_a_graph_that_is_kept_is_refused_as_well() -> None:
    model = small(1, 2, 0)
    optimizer = nn.SGD(0.1, parameters=model)
    loss = (model(np.ones((4, 2))) ** 2).mean()
    loss.backward(retain_graph=True)
    loss.backward(retain_graph=True)  # twice before the step is fine
    optimizer.step()
    with pytest.raises(nn.GradientError, match=CHANGED):
        loss.backward()


def test_groups_and_single_parameters_are_noticed() -> None:
    model = small(1, 2, 0)
    w = nn.Parameter(np.array([2.0, 3.0]))
    groups = nn.OptimizerGroups([(model[0], nn.SGD(0.1)), (model[1], nn.Adam(0.1))])
    optimizer = nn.SGD(0.1, parameters=[w])
    x = nn.Tensor([1.0, 4.0], requires_grad=True)
    for step, later, now in (
        (groups, (model(np.ones((4, 2))) ** 2).mean(), (model(np.ones((4, 2))) ** 2).mean()),
        (optimizer, (x * w).sum(), (x * w).sum()),
    ):
        now.backward()
        step.step()
        with pytest.raises(nn.GradientError, match=CHANGED):
            later.backward()


def test_what_does_not_need_the_changed_numbers_is_differentiated() -> None:
    model, other = small(1, 2, 0), small(1, 2, 1)
    optimizer = nn.SGD(0.1, parameters=model)
    waiting = (other(np.ones((4, 2))) ** 2).mean()
    (model(np.ones((4, 2))) ** 2).mean().backward()
    optimizer.step()
    waiting.backward()  # of a model that no step has changed
    w = nn.Parameter(np.array([2.0]))
    by_step = nn.SGD(0.1, parameters=[w])
    total = (w + 1).sum()  # the gradient of a sum needs no number
    (w * w).sum().backward()
    by_step.step()
    total.backward()


def test_frozen_and_unreached_parameters_are_not_changed() -> None:
    model = small(1, 2, 0)
    model[0].freeze()
    optimizer = nn.SGD(0.1, parameters=model)
    x = nn.Tensor(np.ones((4, 2)), requires_grad=True)
    waiting = model[0](x).sum()
    (model(np.ones((4, 2))) ** 2).mean().backward()
    optimizer.step()
    waiting.backward()
    assert x.grad is not None
