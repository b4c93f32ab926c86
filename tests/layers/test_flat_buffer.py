"""The one buffer under a model's parameters stays the same array while the model is edited."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import neural_network as nn

EDITS: dict[str, Any] = {
    "an array": lambda m: setattr(m[0].weight, "data", m[0].weight.data.copy()),
    "an array of another type": lambda m: setattr(
        m[0].weight, "data", m[0].weight.data.astype("float64")
    ),
    "a part's own buffer": lambda m: m[:1].flat_parameters(),
    "another model's buffer": lambda m: nn.Sequential(m[2], m[0]).flat_parameters(),
    "another order": lambda m: nn.Sequential(m[1], m[0], m[2]).flat_gradients(),
}


@pytest.mark.parametrize("edit", EDITS)
def test_the_buffer_stays_the_same_array_when_a_model_is_edited(edit: str) -> None:
    model = nn.Sequential(nn.Dense(4, "relu"), nn.Dense(4), nn.Dense(3)).initialize((2,), rng=0)
    X, y = np.random.default_rng(0).standard_normal((8, 2)).astype("float32"), np.arange(8) % 3
    flat, optimizer = model.flat_parameters(), nn.SGD(0.5)
    optimizer.start(flat)
    model[0].bias.data[...] = [1, 2, 3, 4]
    EDITS[edit](model)
    numbers = [np.array(p.data, "float32") for p in model.parameters()]
    nn.softmax_cross_entropy(model(X), y).backward()
    gradients = model.flat_gradients()
    assert model.flat_parameters() is flat
    assert {p.data.dtype.name for p in model.parameters()} == {"float32"}
    np.testing.assert_array_equal(flat, np.concatenate([n.ravel() for n in numbers]))
    optimizer.update(flat, gradients)
    moved = [
        not np.array_equal(p.data, n) for p, n in zip(model.parameters(), numbers, strict=True)
    ]
    assert moved == [True] * 6


def test_the_buffer_of_a_part_is_a_part_of_the_buffer() -> None:
    model = nn.Sequential(nn.Dense(4), nn.Dense(5), nn.Dense(3)).initialize((2,), rng=0)
    flat = model.flat_parameters()
    flat[...] = np.arange(flat.size)
    np.testing.assert_array_equal(model[1].flat_parameters(), np.arange(12, 37))
    np.testing.assert_array_equal(model[1:].flat_parameters(), np.arange(12, flat.size))
    assert model[1:].flat_parameters().base is flat
    assert model.flat_parameters() is flat


def test_what_was_replaced_keeps_its_numbers() -> None:
    one, other = (
        nn.Sequential(nn.Dense(4), nn.Dense(2)).initialize((4,), rng=seed) for seed in (1, 2)
    )
    heads = one[1], other[1]
    numbers = [head.weight.data.copy() for head in heads]
    one[1], other[1] = heads[1], heads[0]
    one.flat_parameters()
    other.flat_parameters()
    for head, before in zip(heads, numbers, strict=True):
        np.testing.assert_array_equal(head.weight.data, before)
    old = one[0].weight
    kept = old.data.copy()
    one[0].weight = nn.Parameter(np.zeros((4, 4)))
    assert not np.shares_memory(one.flat_parameters(), old.data)
    np.testing.assert_array_equal(old.data, kept)


def test_copies_have_buffers_of_their_own() -> None:
    model = nn.Sequential(nn.Dense(4), nn.Dense(3)).initialize((2,), rng=0)
    for duplicate in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        duplicate.flat_parameters()[...] = 0
        assert np.all(duplicate[0].weight.data == 0)
    assert model.flat_parameters().any()
    larger = len(pickle.dumps(model))
    assert larger < 2 * model.flat_parameters().nbytes + 5000


def test_a_layer_is_replaced_by_its_place() -> None:
    model = nn.Sequential(nn.Dense(4), nn.Dense(3)).initialize((2,), rng=0)
    model[-1] = nn.Dense(5)
    assert model.predict(np.ones((1, 2))).shape == (1, 5)
    with pytest.raises(nn.DTypeError, match="layer 0: expected a layer such as"):
        model[0] = nn.Dense
    with pytest.raises(IndexError):
        model[2] = nn.Dense(5)


def test_parameters_are_views_of_one_buffer() -> None:
    model = nn.Sequential(nn.Dense(2), nn.BatchNorm(), nn.Dense(3)).initialize((4,), rng=0)

    def check(model: nn.Sequential) -> Any:
        flat = model.flat_parameters()
        assert flat.ndim == 1
        assert flat is model.flat_parameters()
        flat[...] = np.arange(flat.size)
        joined = np.concatenate([p.data.ravel() for p in model.parameters()])
        np.testing.assert_array_equal(joined, np.arange(flat.size))
        return flat

    first = check(model)
    assert first.size == 8 + 2 + 4 + 6 + 3
    model(np.ones((2, 4))).sum().backward()
    wide = check(model.astype("float64"))
    assert all(p.grad is None for p in model.parameters())
    assert wide.dtype == np.float64
    copied = check(copy.deepcopy(model))
    assert not np.shares_memory(copied, wide)
    model.append(nn.Dense(1))  # a layer added later
    assert not model.built
    model(np.ones((2, 4)))
    assert model.built
    assert check(model).size == 23 + 4
    pair = nn.Sequential(nn.Dense(3), nn.Dense(3)).initialize((3,), rng=0)
    before = pair.flat_parameters()
    first, second = pair
    pair.replace(0, second).replace(1, first)  # the buffer follows the order of the layers
    np.testing.assert_array_equal(check(pair).reshape(2, 12), np.arange(24).reshape(2, 12))
    assert pair.flat_parameters() is not before
    assert nn.Flatten().initialize((2,)).flat_parameters().size == 0
