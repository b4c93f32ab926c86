"""Parts that would be lost without a word: names that collide, private ones, hidden methods."""

from __future__ import annotations

import copy
import pickle
from collections import Counter, OrderedDict, defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from neural_network import (
    ArgumentError,
    BatchNorm,
    Buffer,
    Dense,
    Dropout,
    GradientError,
    Layer,
    Parameter,
    Sequential,
    Tensor,
    Trainer,
    load,
    models,
    relu,
    save,
)

ROWS = np.ones((4, 2), np.float32)


class Holder(Layer):
    """Holds the parts that it receives, by their names."""

    def __init__(self, **parts: Any) -> None:
        vars(self).update(parts)

    def forward(self, X: Any) -> Any:
        return X


COLLISIONS: list[tuple[dict[str, Any], str]] = [
    (
        {"parts": {1: Dense(2), "1": Dense(2)}},
        r"one thing of the name 'parts.1', received model.parts\[1\] and model.parts\['1'\]",
    ),
    (
        {"parts": {"b.c": Parameter(np.ones(2)), "b": {"c": Parameter(np.ones(2))}}},
        r"'parts.b.c', received model.parts\['b.c'\] and model.parts\['b'\]\['c'\]",
    ),
    (
        {"parts": {"a": Holder(w=Buffer(np.ones(1))), "a.w": Buffer(np.ones(1))}},
        r"'parts.a.w', received model.parts\['a.w'\] and model.parts\['a'\].w",
    ),
]


@pytest.mark.parametrize(("parts", "message"), COLLISIONS)
def test_two_things_of_one_name(parts: dict[str, Any], message: str) -> None:
    layer = Holder(**parts)
    with pytest.raises(ArgumentError, match=f"^Holder: names: expected .*{message}"):
        _ = (layer.named_parameters(), layer.named_buffers())
    with pytest.raises(ArgumentError, match="names: expected one thing"):
        layer(ROWS)


def test_one_thing_in_two_places_is_no_collision() -> None:
    dense = Dense(2)
    layer = Holder(parts={1: dense, "1": dense})
    assert [name for name, _ in layer.named_layers()] == ["", "parts.1"]


HIDDEN: list[tuple[dict[str, Any], str]] = [
    ({"_d": Dense(3)}, "_d: .* received a Dense that is not found"),
    ({"_w": Parameter(np.ones(2))}, "_w: .* received a Parameter"),
    ({"_b": {"key": [Buffer(np.ones(2))]}}, r"_b\['key'\]\[0\]: .* received a Buffer"),
    ({"parts": {Dense(3)}}, "parts: .* received a Dense"),
    ({"parts": [frozenset({Dense(3)})]}, r"parts\[0\]: .* received a Dense"),
]


@pytest.mark.parametrize(("parts", "message"), HIDDEN)
def test_parts_that_nobody_would_find(parts: dict[str, Any], message: str) -> None:
    for layer in (Holder(**parts), Sequential(Holder(**parts))):
        for attempt in (
            lambda layer=layer: layer(ROWS),
            lambda layer=layer: layer.initialize((2,)),
            lambda layer=layer: layer.predict(ROWS),
        ):
            with pytest.raises(ArgumentError, match=f"Holder: {message}"):
                attempt()
        assert not layer.built


def test_parts_that_forward_makes_are_looked_at_too() -> None:
    class Lazy(Layer):
        def forward(self, X: Any) -> Any:
            self._inner = Dense(2)
            return self._inner(X)

    with pytest.raises(ArgumentError, match="Lazy: _inner: expected layers and parameters in attr"):
        Lazy()(ROWS)


def test_private_names_may_point_to_what_is_found() -> None:
    dense = Dense(2)
    other = Dense(3)
    layer = Holder(body=[dense], _first=dense, _other=lambda: other, words={"a"}, _n={1, 2})
    layer(ROWS)
    assert len(list(layer.named_layers())) == 2


@pytest.mark.parametrize(
    "name",
    ["parameters", "eval", "children", "named_layers", "predict", "built", "summary", "draw"],
)
def test_attributes_that_hide_a_method(name: str) -> None:
    message = f"Holder: {name}: expected another name for an attribute"
    for make in (lambda layer: layer, Sequential):
        for verb in (
            lambda layer: layer(ROWS),
            lambda layer: Layer.predict(layer, ROWS),
            lambda layer: layer.initialize((2,)),
        ):
            with pytest.raises(ArgumentError, match=message):
                verb(make(Holder(**{name: [1]})))


def test_a_class_that_hides_the_mode() -> None:
    class Always(Layer):
        training = False  # type: ignore[assignment]

        def forward(self, X: Any) -> Any:
            return X

    with pytest.raises(ArgumentError, match="Always: training: expected another name"):
        Always()(ROWS)


def test_methods_that_a_layer_may_replace() -> None:
    layer = Holder(forward=lambda X: 2 * X, own_penalty=lambda: 3.0)
    np.testing.assert_array_equal(layer(ROWS), 2 * ROWS)
    assert layer.penalty() == 3.0


def test_models_go_to_other_processes() -> None:
    """By the way that multiprocessing, joblib and scikit-learn's clone take."""
    model = Sequential(Dense(4, relu, l2=0.1), BatchNorm(), Dropout(0.5), Dense(3))
    X, y = np.random.default_rng(0).normal(size=(32, 2)), np.arange(32) % 3
    Trainer(model, rng=0).fit(X, y, epochs=1)
    model[0].freeze()
    for sent in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(sent.predict(X), model.predict(X))
        assert repr(sent) == repr(model)
        assert [p.requires_grad for p in sent.parameters()] == [False, False, *[True] * 4]
        assert sent.flat_parameters().size == model.flat_parameters().size
        Trainer(sent, rng=0).fit(X, y, epochs=1)
    large = models.tiny_cnn(rng=0)
    again = pickle.loads(pickle.dumps(large))
    assert all(type(p) is Parameter for p in again.parameters())


def test_tensors_go_to_other_processes_without_their_record() -> None:
    leaf = Tensor([1.0, 2.0], requires_grad=True)
    (leaf * leaf).sum().backward()
    sent = pickle.loads(pickle.dumps(leaf))
    assert sent.requires_grad
    assert sent.grad is None
    np.testing.assert_array_equal(sent.data, [1, 2])
    with pytest.raises(GradientError, match="cannot leave its process; use t.detach"):
        pickle.dumps(leaf * 2)
    near = copy.copy(leaf * 2)
    near.sum().backward()
    np.testing.assert_array_equal(leaf.grad, [4, 6])


class Pair(NamedTuple):
    layer: Layer
    factor: float


def test_subclasses_of_lists_and_dicts_stay_what_they_are(tmp_path: Path) -> None:
    class Counts(Layer):
        def __init__(self) -> None:
            self.seen: Any = Counter()
            self.lists: Any = defaultdict(list)
            self.table: Any = OrderedDict(a=Dense(4), b=Dense(4))
            self.pair: Any = Pair(Dense(4), 2.0)

        def forward(self, X: Any) -> Any:
            self.seen["calls"] += 1
            self.lists["rows"].append(len(X))
            for layer in self.table.values():
                X = layer(X)
            return self.pair.layer(X) * self.pair.factor

    X = np.random.default_rng(0).standard_normal((3, 4)).astype("f4")
    model: Any = Sequential(Counts()).initialize((4,), rng=0)
    model.predict(X)
    assert model[0].seen == {"calls": 2}
    assert len(model.parameters()) == 6
    flat = model.flat_parameters()
    assert model.flat_parameters() is flat
    assert type(copy.deepcopy(model)[0].seen) is Counter
    save(model, tmp_path / "m.safetensors")
    read = load(tmp_path / "m.safetensors", layers={"Counts": Counts})
    np.testing.assert_array_equal(read.predict(X), model.predict(X))
    model[0].table.move_to_end("a")
    model[0].table["c"] = Dense(4).initialize((4,))
    assert [name for name, _ in model.named_parameters()][:2] == [
        "0.table.b.weight",
        "0.table.b.bias",
    ]
    assert len(model.parameters()) == 8
