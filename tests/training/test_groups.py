"""An optimizer for each part of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn

X = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)


def network() -> nn.Sequential:
    layers = nn.Dense(6, "relu"), nn.BatchNorm(), nn.Dense(4, "relu"), nn.Dense(3)
    return nn.Sequential(*layers).initialize((5,), rng=0)


def flat(model: nn.Layer) -> Any:
    return model.flat_parameters().copy()


def fit(model: nn.Layer, optimizer: Any, **options: Any) -> nn.Trainer:
    epochs = options.pop("epochs", 2)
    resume = options.pop("resume", None)
    trainer = nn.Trainer(model, optimizer, rng=0, progress=False, **options)
    trainer.fit(X, Y, epochs=epochs, batch_size=8, resume=resume)
    return trainer


@pytest.mark.parametrize("make", [nn.Adam, nn.SGD, nn.RMSprop])
def test_equal_optimizers_are_one_optimizer(make: Any) -> None:
    one, parts, interleaved = network(), network(), network()
    history = fit(one, make(0.01)).history
    assert fit(parts, [(parts[:2], make(0.01)), (parts[2:], make(0.01))]).history == history
    odd = [(list(interleaved)[::2], make(0.01)), ([interleaved[3], interleaved[1]], make(0.01))]
    assert fit(interleaved, odd).history == history
    for model in (parts, interleaved):
        np.testing.assert_array_equal(flat(model), flat(one))


def test_each_part_has_its_own_rate_and_formula() -> None:
    model, by_hand = network(), network()
    first, second = nn.SGD(0.1, momentum=0.9), nn.Adam(0.001)
    fit(model, [(model[0], first), (model[1:], second)], epochs=1)
    one, two = nn.SGD(0.1, momentum=0.9, parameters=by_hand[0]), nn.Adam(0.001)
    two.parameters = by_hand[1:]

    class ByHand(nn.Trainer):
        def update(self) -> None:
            for name, parameter in self.memory.parameters.items():
                parameter.grad = self.memory.gradients_by_name()[name].reshape(parameter.shape)
            one.step()
            two.step()

    trainer = ByHand(by_hand, rng=0, progress=False)
    trainer.fit(X, Y, epochs=1, batch_size=8)
    np.testing.assert_array_equal(flat(model), flat(by_hand))


def test_a_loop_of_ones_own_makes_the_steps_of_a_trainer() -> None:
    own, trained = network(), network()
    groups = nn.OptimizerGroups([(own[:2], nn.SGD(0.1)), (own[2:], nn.Adam(0.001))])
    pairs = [(trained[:2], nn.SGD(0.1)), (trained[2:], nn.Adam(0.001))]
    trainer = nn.Trainer(trained, pairs, rng=0, progress=False)
    trainer.fit(X, Y, batch_size=40)
    groups.zero_grad()
    own.train()
    nn.softmax_cross_entropy(own(trainer.latest.X), trainer.latest.y).backward()
    groups.step()
    np.testing.assert_array_equal(flat(own), flat(trained))
    assert groups.rates == [0.1, 0.001]


def test_frozen_parts_do_not_move() -> None:
    model = network()
    model[0].freeze()
    before = model[0].weight.data.copy(), model[2].weight.data.copy()
    fit(model, [(model[0], nn.Adam(0.1, weight_decay=0.1)), (model[1:], nn.Adam(0.01))])
    np.testing.assert_array_equal(model[0].weight.data, before[0])
    assert np.any(model[2].weight.data != before[1])


def test_schedules_follow_their_own_measures() -> None:
    model = network()
    plateau = nn.ReduceOnPlateau(0.1, patience=0, threshold=10.0, mode="max")
    pairs = [(model[:2], nn.SGD(nn.Cosine(0.1))), (model[2:], nn.SGD(plateau))]
    trainer = fit(model, pairs, epochs=3)
    assert plateau.observed == 3
    assert plateau.current < 0.1
    assert trainer.rate == trainer.optimizer.rates[0]
    assert trainer.optimizer.rates[1] == pytest.approx(0.1 * 0.1)


def test_a_changed_rate_changes_all_alike() -> None:
    class Half(nn.Callback):
        def on_step_begin(self, trainer: nn.Trainer) -> None:
            trainer.rate /= 2

    halved, half = network(), network()
    fit(halved, [(halved[0], nn.SGD(0.2)), (halved[1:], nn.SGD(0.02))], callbacks=[Half()])
    fit(half, [(half[0], nn.SGD(0.1)), (half[1:], nn.SGD(0.01))])
    np.testing.assert_allclose(flat(halved), flat(half), rtol=1e-5)


class KilledError(RuntimeError):
    """What ends a training."""


class Kill(nn.Callback):
    def on_step_end(self, trainer: nn.Trainer, loss: float) -> None:  # noqa: ARG002  # of the base
        if trainer.step == 8:
            raise KilledError


def groups_of(model: nn.Sequential) -> list[Any]:
    plateau = nn.ReduceOnPlateau(0.01, patience=0)
    return [(model[:2], nn.Adam(nn.Cosine(0.01))), (model[2:], nn.SGD(plateau, momentum=0.9))]


def test_a_resumed_training_is_the_unbroken_one(tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    saved = nn.Checkpoint(path, steps=1)
    unbroken, broken, again = network(), network(), network()
    whole = fit(unbroken, groups_of(unbroken), epochs=3)
    with pytest.raises(KilledError):
        fit(broken, groups_of(broken), epochs=3, callbacks=[Kill(), saved])
    resumed = fit(again, groups_of(again), epochs=3, callbacks=[saved], resume=path)
    assert resumed.history == whole.history
    np.testing.assert_array_equal(flat(again), flat(unbroken))
    other = network()
    pairs = [(other[:3], nn.Adam(nn.Cosine(0.01))), (other[3:], groups_of(other)[1][1])]
    with pytest.raises(nn.FileFormatError, match="groups: expected"):
        fit(other, pairs, epochs=3, callbacks=[saved], resume=path)
    with pytest.raises(nn.FileFormatError, match="optimizer: expected"):
        fit(other, nn.Adam(0.01), epochs=3, callbacks=[saved], resume=path)


def test_the_state_goes_into_other_optimizers() -> None:
    def steps(model: nn.Layer, groups: nn.OptimizerGroups, count: int) -> None:
        for _ in range(count):
            groups.zero_grad()
            nn.softmax_cross_entropy(model(X), Y).backward()
            groups.step()

    def made(model: nn.Sequential) -> nn.OptimizerGroups:
        return nn.OptimizerGroups([(model[:2], nn.Adam(0.01)), (model[2:], nn.Adam(0.1))])

    whole, first = network(), network()
    steps(whole, made(whole), 4)
    groups = made(first)
    steps(first, groups, 2)
    later = first.clone()
    after = made(later)
    before = {name: array.copy() for name, array in after.state().items()}
    bad = {**groups.state(), "1.steps": np.array(-1)}
    with pytest.raises(nn.ArgumentError, match="count of at least 0"):
        after.load_state(bad)
    for name, array in after.state().items():
        np.testing.assert_array_equal(array, before[name])
    with pytest.raises(
        nn.ArgumentError, match=r"state: expected names that begin with .*'2.steps'"
    ):
        after.load_state({"2.steps": np.array(1)})
    after.load_state(groups.state())
    steps(later, after, 2)
    np.testing.assert_array_equal(flat(later), flat(whole))


@pytest.mark.parametrize("by", ["step", "update"])
def test_a_step_of_numbers_too_large_changes_no_part(by: str) -> None:
    model = network()
    groups = nn.OptimizerGroups([(model[:2], nn.Adam(0.01)), (model[2:], nn.Adam(0.01))])
    buffer = model.flat_parameters()
    gradients = np.ones_like(buffer)
    gradients[-1] = 3e38
    groups.start(buffer)
    before, state = buffer.copy(), {n: a.copy() for n, a in groups.state().items()}
    for parameter, place in zip(
        model.parameters(), nn.layers.flat.parts(model.parameters()), strict=True
    ):
        parameter.grad = gradients[place].reshape(parameter.shape)
    with pytest.raises(nn.DivergenceError):
        groups.step() if by == "step" else groups.update(buffer, gradients)
    np.testing.assert_array_equal(buffer, before)
    for name, array in groups.state().items():
        np.testing.assert_array_equal(array, state[name])


def bad_pairs(model: nn.Sequential) -> dict[str, tuple[Any, str]]:
    twice = nn.Adam()
    return {
        "overlap": ([(model, "adam"), (model[3], "adam")], r"share no parameter, .*pairs\[0\] and"),
        "missing": ([(model[:2], "adam")], r"a pair for each layer, .* none for .*2"),
        "another": ([(model, "adam"), (network(), "adam")], "parts of the trainer's model"),
        "empty": ([], r"pairs: expected a list of pairs: \[\(layer, Adam\(1e-4\)\)"),
        "no pair": ([model], r"pairs\[0\]: expected \(layer, optimizer\)"),
        "swapped": ([(nn.Adam(), model)], "the part of the model comes first"),
        "number": ([(model, 0.01)], "expected"),
        "no layer": ([("head", nn.Adam())], r"pairs\[0\]: expected a model, a layer"),
        "twice": ([(model[:2], twice), (model[2:], twice)], "an optimizer of its own"),
        "bound": (
            [(model[:2], nn.Adam(parameters=model[2:])), (model[2:], "adam")],
            "an optimizer that is bound to nothing else",
        ),
        "unknown": ([(model, "adamm")], "one of 'adagrad'"),
    }


@pytest.mark.parametrize("name", bad_pairs(network()))
def test_what_is_refused(name: str) -> None:
    model = network()
    pairs, message = bad_pairs(model)[name]
    with pytest.raises(nn.ArgumentError, match=message):
        nn.Trainer(model, pairs)


def test_parts_of_a_model_that_is_not_built() -> None:
    layers = nn.Dense(4), nn.Dense(3)
    model = nn.Sequential(*layers)
    with pytest.raises(nn.ArgumentError, match=r"a pair for each layer.* none for model\[1\]"):
        nn.Trainer(model, [(layers[0], nn.Adam())])
    trainer = fit(model, [(layers[0], nn.SGD(0.1)), (layers[1], nn.Adam())])
    assert trainer.step == 10


def test_layers_without_parameters_need_no_pair() -> None:
    model = nn.Sequential(nn.Dense(4), nn.Activation("relu"), nn.Dropout(0.1), nn.Dense(3))
    trainer = fit(model, [(model[0], nn.SGD(0.1)), (model[3], nn.Adam())])
    assert trainer.step == 10


class Scale(nn.Layer):
    """A layer that has its parameter before it is built."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(np.ones(1, np.float32))

    def forward(self, X: Any) -> Any:
        return X * self.scale


def test_a_parameter_without_a_pair_is_missed_at_the_latest_by_fit() -> None:
    model = nn.Sequential(nn.Dense(4), Scale(), nn.Dense(3))
    trainer = nn.Trainer(model, [(model[0], "adam"), (model[2], "adam")], progress=False)
    with pytest.raises(nn.ArgumentError, match=r"a pair for each layer.* model\[1\]\.scale"):
        trainer.fit(X, Y, epochs=1)
    other = nn.Dropout(0.5)
    with pytest.raises(nn.ArgumentError, match="parts of the trainer's model"):
        pairs = [(model[0], "adam"), (model[2], "adam"), (other, "adam")]
        nn.Trainer(nn.Sequential(*list(model)[::2]), pairs)


def test_it_is_shown_as_the_call_that_makes_it() -> None:
    model = nn.Sequential(nn.Dense(2), nn.Dense(1))
    groups = nn.OptimizerGroups([(model[0], nn.SGD(0.1)), ([model[1]], "sgd")])
    assert repr(groups).startswith("OptimizerGroups([(Dense(units=2), SGD(learning_rate=0.1")
    with pytest.raises(nn.ArgumentError, match="state: expected a call of start"):
        groups.update(np.ones(3), np.ones(3))
