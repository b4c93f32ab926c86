"""Several inputs of a model whose ``forward`` takes one, and shapes in both forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn

a, b, y = np.ones((8, 4), "f"), np.ones((8, 5), "f"), np.arange(8) % 2


class Unpacks(nn.Layer):
    def __init__(self) -> None:
        self.a, self.b = nn.Dense(2), nn.Dense(2)

    def forward(self, inputs: Any) -> Any:
        x, t = inputs
        return self.a(x) + self.b(t)


class Two(Unpacks):
    def forward(self, x: Any, t: Any) -> Any:  # type: ignore[override]
        return self.a(x) + self.b(t)


OWN = r"its forward takes one argument; of several inputs it is def forward\(self, a, b\)$"
CLASS = (
    r"a {} takes one input; a model of several is a class of your own: "
    r"class Net\(nn\.Layer\), with def forward\(self, a, b\)"
)


def model(kind: str) -> nn.Layer:
    return {
        "Unpacks": Unpacks(), "Dense": nn.Dense(2), "Sequential": nn.Sequential(nn.Dense(2)),
    }[kind]  # fmt: skip


@pytest.mark.parametrize("kind", ["Unpacks", "Dense", "Sequential"])
@pytest.mark.parametrize(
    "X", [(a, b), [a, b], (a, a), [a, a], {"x": a, "t": b}], ids=["tuple", "list", "same", "s", "d"]
)
def test_training_on_several_inputs_says_how_a_model_takes_them(kind: str, X: Any) -> None:
    match = OWN if kind == "Unpacks" else CLASS.format(kind)
    made = model(kind)
    trainer = nn.Trainer(made, progress=False)
    with pytest.raises((nn.ShapeError, nn.DTypeError), match=f"^fit: .*{match}"):
        trainer.fit(X, y)
    with pytest.raises((nn.ShapeError, nn.DTypeError), match=f"^evaluate: .*{match}"):
        trainer.evaluate(X, y)
    assert not made.built


@pytest.mark.parametrize("kind", ["Unpacks", "Dense", "Sequential"])
def test_predictions_and_calls_likewise(kind: str) -> None:
    match = OWN if kind == "Unpacks" else CLASS.format(kind)
    for X in ((a, b), [a, b]):
        with pytest.raises(nn.ShapeError, match=f"^predict: X: expected one array, .*{match}"):
            model(kind).predict(X)
    calls: list[Any] = [
        lambda made: made(a, b),
        lambda made: made.predict(a, b),
        lambda made: made.initialize((4,), (5,)),
        lambda made: made.summary((4,), (5,)),
        lambda made: made.summary([(4,), (5,)]),
    ]
    for call in calls:
        with pytest.raises(nn.ArgumentError, match=f"but 2 were given; {match}"):
            call(model(kind))


@pytest.mark.parametrize("kind", ["Dense", "Sequential"])
def test_a_tuple_in_a_call_is_no_input_of_a_layer(kind: str) -> None:
    for made in (model(kind), model(kind).initialize((4,), rng=0)):
        for X in ((a, b), [a, b]):
            with pytest.raises(nn.ShapeError, match="X: expected one array, .*a Dense takes one"):
                made(X)


def test_three_inputs_are_three_arguments_and_other_mistakes_are_as_before() -> None:
    with pytest.raises(nn.ShapeError, match=r"def forward\(self, a, b, c\)"):
        nn.Dense(2).predict((a, b, a))
    with pytest.raises(nn.ShapeError, match="a ragged sequence$"):
        nn.Dense(2).predict([[1.0, 2.0], [3.0]])
    rows = [np.ones(3), np.ones(4)]
    with pytest.raises(nn.ShapeError, match="rows of equal length"):
        nn.Dense(2).predict(rows)
    with pytest.raises(nn.ShapeError, match=r"received shape \(7,\)$"):
        nn.Trainer(nn.Dense(2), progress=False).fit([a, a], y[:7])


def test_arrays_of_one_shape_are_rows() -> None:
    made = nn.Dense(2).initialize((4,), rng=0)
    np.testing.assert_array_equal(made.predict((a, a)), made.predict(np.stack([a, a])))
    out = Unpacks()((a, b))  # a call hands on what it was given
    assert out.shape == (8, 2)


def test_shapes_of_several_inputs_are_given_one_by_one_or_together() -> None:
    one = Two().initialize((4,), (5,), rng=3)
    for shapes in ([(4,), (5,)], ((4,), (5,)), [[4], [5]]):
        other = Two().initialize(shapes, rng=3)
        np.testing.assert_array_equal(one.predict((a, b)), other.predict((a, b)))
        assert str(one.summary(shapes)) == str(one.summary((4,), (5,)))
        assert str(Two().summary(shapes)) == str(Two().summary((4,), (5,)))
    assert nn.Dense(2).initialize([(4,)], rng=0).input_shape == (4,)
    with pytest.raises(nn.ArgumentError, match="dtype: expected one type, or 2, received 3"):
        Two().initialize([(4,), (5,)], dtype=("f4", "f4", "f4"))
