"""A change of layers ends the decisions about them; batch norm is folded in evaluation."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.plan.vocabulary import NO_BIAS
from tests.needs import need_fast
from tests.plan.test_plan import compare_both, forward_and_backward
from tests.processes import output_of

need_fast()


def network() -> tuple[Any, Any]:
    model = nn.Sequential(
        nn.Conv2D(6, 3, activation="relu"), nn.MaxPool2D(2), nn.Activation("relu"), nn.Flatten(),
        nn.Dense(8, "relu"), nn.Dense(3),
    )  # fmt: skip
    X = np.random.default_rng(0).standard_normal((4, 2, 10, 10)).astype("float32")
    return model.initialize((2, 10, 10), rng=1), X


def whole_match(model: Any) -> Any:
    """The match of the latest decision that begins with the first layer."""
    return [*model._plan.decisions.values()][-1].parts[0].match


def _set(model: Any, place: int, **attributes: Any) -> None:
    for name, value in attributes.items():
        setattr(model[place], name, value)


def _clone(model: Any, place: int, **arguments: Any) -> None:
    model[place] = model[place].clone(**arguments)


def _weight(model: Any) -> None:
    model[4].weight = nn.Parameter(model[4].weight.data * 2)


def _numbers(model: Any) -> None:
    model[4].weight.data = model[4].weight.data[::-1].copy()


def _give(model: Any, place: int, numbers: Any) -> None:
    model[place].weight.data = numbers


def _in_place(model: Any) -> None:
    model[4].weight.data *= -1


def _own_forward(model: Any) -> None:
    model[4].forward = lambda X: np.zeros((len(X), 8), np.float32)


def _no_forward_any_more(model: Any) -> None:
    _own_forward(model)
    model.predict(np.ones((4, 2, 10, 10), np.float32))
    del model[4].forward


CHANGES: dict[str, Callable[[Any], None]] = {
    "activation": lambda m: _clone(m, 0, activation=nn.tanh),
    "no activation": lambda m: _clone(m, 4, activation=None),
    "no bias": lambda m: _clone(m, 4, bias=False),
    "pooling": lambda m: _clone(m, 1, ceil_mode=True),
    "stride and padding": lambda m: _clone(m, 0, stride=(2, 2), padding=((5, 4), (5, 4))),
    "another function": lambda m: _clone(m, 2, function=nn.sigmoid),
    "a parameter": _weight,
    "its array": _numbers,
    "its numbers": _in_place,
    "its numbers, turned": lambda m: _give(m, 4, m[4].weight.data[::-1]),
    "its numbers in columns": lambda m: _give(m, 0, np.asfortranarray(m[0].weight.data)),
    "its numbers, wide": lambda m: _give(m, 4, m[4].weight.data.astype("float64")),
    "its numbers, foreign": lambda m: _give(m, 0, m[0].weight.data.astype(">f4")),
    "a forward of its own": _own_forward,
    "and none again": _no_forward_any_more,
    "a layer": lambda m: m.replace(5, nn.Dense(3).initialize((8,), rng=7)),
    "one more": lambda m: m.append(nn.Activation("relu")),
    "one less": lambda m: m.remove(-1),
    "a bare array": lambda m: _set(m, 4, weight=m[4].weight.data * 2),
    "bare filters": lambda m: _set(m, 0, weight=m[0].weight.data * 2),
    "other types": lambda m: m.astype("float64"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen(change: str) -> None:
    model, X = network()
    with nn.use_kernels("numba"):
        model.predict(X)
        forward_and_backward(model, X)
        CHANGES[change](model)
        found = [model.predict(X), *forward_and_backward(model, X)]
    with nn.use_kernels("numpy"):
        expected = [model.predict(X), *forward_and_backward(model, X)]
    for actual, desired in zip(found, expected, strict=True):
        if desired is not None:
            np.testing.assert_allclose(actual, desired, rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, copy.copy, lambda model: pickle.loads(pickle.dumps(model))]
)
def test_a_copied_layer_is_another_one(copied: Any) -> None:
    model, X = network()
    with nn.use_kernels("numba"):
        before = model.predict(X)
        replacement = copied(model[5])
        replacement.weight = nn.Parameter(model[5].weight.data * 2)
        replacement.bias = nn.Parameter(model[5].bias.data * 2)
        model[5] = replacement
        np.testing.assert_allclose(model.predict(X), 2 * before, rtol=1e-5)
        model[5] = copied(replacement)
        model[5].weight = nn.Parameter(replacement.weight.data * 0)
        model[5].bias = nn.Parameter(replacement.bias.data * 0)
        np.testing.assert_array_equal(model.predict(X), 0)


def test_versions_are_raised_by_verbs_alone() -> None:
    model = nn.Sequential(nn.Dense(3), nn.Dense(2)).initialize((4,), rng=0)

    def raises(change: Callable[[], Any]) -> list[int]:
        before = [layer._version for layer in model.all_layers()]
        change()
        after = [layer._version for layer in model.all_layers()]
        return [
            place
            for place, pair in enumerate(zip(before, after, strict=True))
            if len(set(pair)) > 1
        ]

    assert raises(lambda: setattr(model[0], "counter", 3)) == []
    assert raises(lambda: setattr(model[0], "weight", model[0].weight.data * 2)) == []
    assert raises(model.train) == []  # it was in training
    assert raises(model[1].eval) == [2]
    assert raises(model[0].freeze) == [1]
    assert raises(lambda: setattr(model[1], "weight", nn.Parameter(np.ones((3, 2))))) == [2]
    assert raises(lambda: model.replace(1, nn.Dense(2))) == [0, 2]
    assert raises(lambda: model.astype("float64")) == [0, 1, 2]
    with pytest.raises(AttributeError):
        del model[0].nothing


def test_layers_inside_are_found_after_a_change() -> None:
    class Holder(nn.Layer):
        def __init__(self) -> None:
            self.parts: list[nn.Layer] = []
            self.single: Any = None

        def forward(self, X: Any) -> Any:
            return X

    holder, inner = Holder(), nn.Flatten()
    assert holder.all_layers() == [holder]
    holder.parts.append(inner)
    assert holder.all_layers() == [holder, inner]
    holder.parts.clear()
    assert holder.all_layers() == [holder]
    holder.single = inner
    assert holder.all_layers() == [holder, inner]


def normed() -> tuple[Any, Any]:
    model = nn.Sequential(
        nn.Conv2D(6, 3, bias=False), nn.BatchNorm(), nn.Activation("relu"), nn.MaxPool2D(2),
        nn.Dropout(0.5), nn.Conv2D(9, 2), nn.BatchNorm(epsilon=0.1), nn.Flatten(),
        nn.Dense(8), nn.BatchNorm(), nn.Activation("relu"), nn.Dropout(0.5, rng=0), nn.Dense(3),
    )  # fmt: skip
    rng = np.random.default_rng(0)
    X = rng.standard_normal((8, 2, 10, 10)).astype("float32")
    model.initialize((2, 10, 10), rng=1)
    for layer in model:
        if isinstance(layer, nn.BatchNorm):  # some factors below 0, as they may become
            size = layer.gamma.shape
            layer.gamma.data[...] = rng.standard_normal(size)
            layer.beta.data[...] = rng.standard_normal(size)
            layer.running_mean.data = rng.standard_normal(size).astype("float32")
            layer.running_variance.data = rng.random(size).astype("float32")
        elif getattr(layer, "bias", None) is not None:
            layer.bias.data[...] = rng.standard_normal(layer.bias.shape)
    return model, X


def by_both(model: Any, X: Any) -> Any:
    """What kernels predict, which is checked against NumPy."""
    with nn.use_kernels("numba"):
        found = model.predict(X)
    with nn.use_kernels("numpy"):
        np.testing.assert_allclose(found, model.predict(X), rtol=1e-4, atol=1e-4)
    return found


def test_batch_norm_is_folded_into_what_stands_before() -> None:
    model, X = normed()
    before = by_both(model, X)
    match = whole_match(model)
    assert match.layers == len(model)
    assert len(match.stages) == 4
    # Statistics and parameters that move are seen.
    with nn.use_kernels("numba"):
        model(X)
    assert np.abs(by_both(model, X) - before).max() > 1e-3
    model[1].gamma.data *= 2
    model[6].beta.data = np.ones(9)  # float64
    by_both(model, X)
    model[9].gamma = model[9].gamma.data * 3  # its numbers are copied
    by_both(model, X)
    # Its gradient in evaluation is the op's.
    model.eval()
    compare_both(model, X)


def test_training_without_a_record_still_drops_and_looks_at_the_batch() -> None:
    model, X = normed()
    with nn.use_kernels("numba"), nn.no_grad():
        predicted = model.predict(X)
        moved = model[1].running_mean.data.copy()
        out = model(X)
        assert np.abs(out - predicted).max() > 1e-3
        assert np.abs(model[1].running_mean.data - moved).max() > 1e-3
        model.eval()
        still = model(X)
        model[11].train()  # one of them alone
        assert np.abs(model(X) - still).max() > 1e-3
    np.testing.assert_allclose(still, by_both(model.eval(), X), rtol=1e-4, atol=1e-4)


def test_a_step_of_batch_norm_is_what_its_op_computes() -> None:
    model, X = normed()
    (step,) = model[1]._evaluation_steps()
    maps = model[0].predict(X)
    ones = np.ones((6, 1, 1, 1), np.float32)
    factor, shift = step.folded(ones, NO_BIAS, axis=0)
    np.testing.assert_allclose(
        maps * factor[:, :, 0] + shift[:, None, None], step.by_ops(maps), atol=1e-5
    )


def test_batch_norm_that_stands_alone_is_computed_by_itself() -> None:
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.BatchNorm(), nn.Conv2D(4, 3), nn.MaxPool2D(2), nn.BatchNorm(), nn.Flatten(), nn.Dense(2)
    ).initialize((3, 8, 8), rng=0)
    model[3].running_mean.data = rng.standard_normal(4).astype("float32")
    by_both(model, rng.standard_normal((4, 3, 8, 8)).astype("float32"))


def test_memory_begins_with_a_line_of_the_cache() -> None:
    model, X = network()
    trainer = nn.Trainer(model, rng=0, progress=False)
    with nn.use_kernels("numba"):
        trainer.fit(X, np.array([0, 1, 2, 0]), batch_size=2)
    buffers = [
        model.flat_parameters(), trainer.memory.gradients, *trainer.optimizer.slots_state.values()
    ]  # fmt: skip
    assert [buffer.ctypes.data % 64 for buffer in buffers] == [0, 0, 0, 0]
    assert model[0].weight.data.base is model.flat_parameters()


def test_initialize_compiles_nothing() -> None:
    code = (
        "import sys, neural_network as nn\n"
        "nn.models.small_resnet(rng=0)\n"
        "print([name for name in sys.modules if name.startswith('numba')])\n"
    )
    assert output_of(code, NEURAL_NETWORK_KERNELS="numba") == "[]\n"


@pytest.mark.parametrize(
    "odd", [lambda W: W.astype("float64"), lambda W: np.repeat(W, 2, axis=-1)[..., ::2]]
)
@pytest.mark.parametrize("place", [0, 4])
def test_an_assigned_weight_of_another_type_or_order_is_copied(odd: Any, place: int) -> None:
    model, X = network()
    with nn.use_kernels("numba"):
        before, weight = model.predict(X), model[place].weight.data
        model[place].weight.data = odd(weight)
        model.predict(X)
        model[place].weight.data = weight
        np.testing.assert_array_equal(model.predict(X), before)
    assert whole_match(model).layers == len(model)
