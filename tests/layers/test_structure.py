"""The structure of layers and models changes through verbs, which say so."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import (
    Activation,
    ArgumentError,
    BatchNorm,
    Buffer,
    Conv2D,
    Dense,
    DTypeError,
    Flatten,
    Layer,
    Parameter,
    Residual,
    Sequential,
    ShapeError,
    load,
    models,
    save,
)
from tests.layers.test_bound_once import Net, net

PICTURES = np.random.default_rng(0).standard_normal((2, 4, 9, 9)).astype("f4")
ROWS = np.random.default_rng(1).standard_normal((3, 4)).astype("f4")


# What is changed, and what of the layer is new then.
VERBS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "a layer": (lambda n: setattr(n, "body", Dense(4)), lambda n: n.body),
    "a new layer": (lambda n: setattr(n, "more", Dense(4)), lambda n: n.more),
    "a list": (lambda n: setattr(n, "more", [Dense(4)]), lambda n: n.more[0]),
    "a tuple with a list": (lambda n: setattr(n, "more", ([Dense(4)],)), lambda n: n.more[0][0]),
    "of a list": (lambda n: n.parts.append(Dense(4)), lambda n: n.parts[2]),
    "first of a list": (lambda n: n.parts.insert(0, Dense(4)), lambda n: n.parts[0]),
    "at a place": (lambda n: n.parts.__setitem__(1, Dense(4)), lambda n: n.parts[1]),
    "several": (lambda n: n.parts.extend(Dense(4) for _ in "ab"), lambda n: n.parts[3]),
    "a sum": (lambda n: n.parts.__iadd__([Dense(4)]), lambda n: n.parts[2]),
    "of a dict": (lambda n: n.table.update(a=Dense(4)), lambda n: n.table["a"]),
    "by a key": (lambda n: n.table.__setitem__("b", Dense(4)), lambda n: n.table["b"]),
    "by default": (lambda n: n.table.setdefault("b", Dense(4)), lambda n: n.table["b"]),
    "in a list in a dict": (
        lambda n: (n.table.update(a=[]), n.table["a"].append(Dense(4))),
        lambda n: n.table["a"][0],
    ),
    "a parameter": (lambda n: setattr(n, "extra", Parameter(np.ones(2))), lambda n: n.extra),
    "a buffer": (lambda n: setattr(n, "extra", Buffer(np.ones(2))), lambda n: n.extra),
}


@pytest.mark.parametrize("verb", VERBS)
def test_parts_come_by_verbs(verb: str, tmp_path: Path) -> None:
    change, new = VERBS[verb]
    layer = net()
    had, version = len(layer.all_layers()), layer._version
    flat = layer.flat_parameters()
    change(layer)
    part = new(layer)
    assert layer._version > version
    assert layer.parts.__class__.__mro__[1] is list
    if isinstance(part, Layer):
        assert part in layer.all_layers()
        assert len(layer.all_layers()) >= had
    else:
        tensors = (*layer.named_parameters(), *layer.named_buffers())
        assert any(tensor is part for _, tensor in tensors)
        assert (layer.flat_parameters() is flat) is isinstance(part, Buffer)
    # The arguments would make it without that part.
    if isinstance(part, Layer) and not part.built:
        part.initialize((4,), rng=0)
    path = tmp_path / "m.safetensors"
    with pytest.raises(ArgumentError, match="save: model: expected a model that its layers' argum"):
        save(Sequential(layer).initialize((4,)), path)
    assert list(tmp_path.iterdir()) == []
    with layer._structure_fixed("fit"):
        before = [*layer.all_layers(), *layer.parameters()]
        with pytest.raises(
            ArgumentError, match=r"Net: \w+: expected no change of the structure du"
        ):
            change(layer)
        after = [*layer.all_layers(), *layer.parameters()]
        assert list(map(id, after)) == list(map(id, before))


def test_looking_inside_while_a_layer_is_made_is_not_remembered() -> None:
    class Early(Layer):
        def __init__(self) -> None:
            self.first: Layer = Flatten()
            assert self.all_layers() == self.all_layers() == [self, self.first]
            self.first = Dense(2)
            assert self.all_layers() == [self, self.first]
            self.second = [Dense(2)]
            assert len(self.all_layers()) == 3

        def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:  # noqa: ARG002
            assert len(self.all_layers()) == 3
            self.third = Dense(2)
            assert len(self.all_layers()) == 4

        def forward(self, X: Any) -> Any:
            return self.third(self.second[0](self.first(X)))

    assert len(Early().initialize((2,)).parameters()) == 6


def test_parts_go_by_verbs() -> None:
    layer = net()
    gone = layer.parts.pop()
    assert gone not in layer.all_layers()
    layer.parts.remove(layer.parts[0])
    layer.table["a"] = gone
    assert gone in layer.all_layers()
    layer.table.clear()
    assert len(layer.all_layers()) == 3
    layer.body = None
    assert len(layer.all_layers()) == 2
    del layer.factor
    assert [name for name, _ in layer.named_parameters()] == ["head.weight", "head.bias"]
    layer.parts = [gone, gone]
    layer.parts.reverse()
    assert len(layer.all_layers()) == 3


def test_lists_of_other_things_stay_the_callers() -> None:
    layer, losses = net(), [0.1]
    layer.losses = losses
    losses.append(0.2)
    assert layer.losses is losses


def test_what_functools_caches_is_found() -> None:
    class Lazy(Layer):
        @cached_property
        def inner(self) -> Layer:
            return Dense(2)

        def forward(self, X: Any) -> Any:
            return self.inner(X)

    layer = Lazy()
    assert len(layer.all_layers()) == 1
    layer(ROWS)
    assert len(layer.all_layers()) == 2


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))]
)
def test_copies_have_lists_of_their_own(copied: Any) -> None:
    layer = net()
    with layer._structure_fixed("fit"):
        duplicate = copied(layer)
    duplicate.parts.append(Dense(4))
    duplicate.table["a"] = Flatten()
    assert len(duplicate.all_layers()) == len(layer.all_layers()) + 2
    assert duplicate._version > layer._version
    with pytest.raises(ArgumentError, match="Net: scale: expected a new layer"):
        duplicate.scale = 3
    assert duplicate.seen == layer.seen


# --- containers ----------------------------------------------------------------------------


def stack() -> Any:
    return Sequential(Dense(4), Activation("relu"), Dense(3)).initialize((4,), rng=0)


def test_the_verbs_of_a_model(tmp_path: Path) -> None:
    model, norm, last = stack(), BatchNorm(), Dense(2)
    assert model.append(last).insert(1, norm).remove(-2) is model
    assert model.layers == (model[0], norm, model[2], last)
    model[-1] = Dense(5)
    model.replace(0, Dense(4, "tanh"))
    assert model.predict(ROWS).shape == (3, 5)
    residual = Residual(Dense(4)).append(Dense(4)).insert(0, Flatten())
    assert [type(layer).__name__ for layer in residual.body] == ["Flatten", "Dense", "Dense"]
    model.insert(0, residual)
    model.predict(ROWS)
    save(model, tmp_path / "m.safetensors")
    read = load(tmp_path / "m.safetensors")
    assert repr(read) == repr(model)
    np.testing.assert_array_equal(read.predict(ROWS), model.predict(ROWS))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda m: m.append(Conv2D(2)), ShapeError, r"Conv2D: X: expected .* \[model\[3\] Conv2D"),
        (lambda m: m.replace(0, Dense(5)), ShapeError, r"Dense: X: expected 4 .* \[model\[2\] Den"),
        (
            lambda m: m.insert(1, Dense(5)),
            ShapeError,
            r"Dense: X: expected 4 .* \[model\[3\] Dense",
        ),
        (lambda m: m.append(Dense), DTypeError, r"Sequential.append: layer 0: .*call it"),
        (lambda m: m.insert(0, relu_of_numpy), DTypeError, "Sequential.insert: layer 0: expected"),
        (lambda m: m.replace(9, Dense(3)), IndexError, "out of range"),
        (lambda m: m.remove(9), IndexError, "out of range"),
        (lambda m: m.remove(1.5), TypeError, "integer"),
    ],
)
def test_wrong_changes_of_a_model(change: Any, error: type[Exception], message: str) -> None:
    model = stack()
    before = model.layers, model.predict(ROWS)
    with pytest.raises(error, match=message):
        change(model)
    assert model.layers == before[0]
    np.testing.assert_array_equal(model.predict(ROWS), before[1])
    with pytest.raises(ArgumentError, match="Sequential: layers: expected at least one layer"):
        Sequential(Dense(2)).remove(0)


@pytest.mark.parametrize(
    "part",
    [Dense(2), [Dense(2)], {"head": Dense(2)}, nn.Parameter(np.ones(3)), nn.Buffer(np.ones(3))],
)
@pytest.mark.parametrize(
    "layer", [Sequential(Dense(2)), nn.Residual(Dense(2)), Dense(2), nn.Dropout(0.5)]
)
def test_parts_that_the_library_would_never_read_are_refused(layer: Any, part: Any) -> None:
    for kind in (AttributeError, ArgumentError):
        with pytest.raises(kind, match="fc: .* received an attribute that .* does not read"):
            layer.fc = part
    assert not hasattr(layer, "fc")
    with pytest.raises(AttributeError, match="append, insert, replace and remove change"):
        stack().fc = Dense(7)  # type: ignore[attr-defined]


def test_parts_of_a_subclass_and_labels_of_any_layer_are_taken() -> None:
    class WithHead(Sequential):
        def __init__(self) -> None:
            super().__init__(Dense(2))
            self.head = Dense(3)

    model = WithHead()
    model.second = Dense(4)  # type: ignore[attr-defined]
    assert [layer.units for layer in model.all_layers() if isinstance(layer, Dense)] == [2, 3, 4]
    label = Dense(2)
    label.name = "last"  # type: ignore[attr-defined]
    assert label.name == "last"  # type: ignore[attr-defined]


def relu_of_numpy(X: Any) -> Any:
    return np.maximum(0, X)


def test_a_model_may_not_fit_between_two_changes() -> None:
    model: Any = Sequential(Dense(5), Dense(3)).initialize((4,), rng=0)
    model.remove(0)
    model.insert(0, Dense(9))  # the last one takes 5
    with pytest.raises(ShapeError, match="Dense: X: expected 5 numbers"):
        model.predict(ROWS)
    model.replace(-1, Dense(2))
    assert model.predict(ROWS).shape == (3, 2)


def test_what_is_tried_leaves_no_trace() -> None:
    model = stack()
    counting = Net(Dense(2))
    model.append(counting)
    assert counting.calls == 0
    assert not counting.built
    assert counting._look().parameters == []


@pytest.mark.parametrize("verb", ["append", "insert", "replace", "remove", "__setitem__"])
def test_the_structure_stays_during_fit(verb: str) -> None:
    model = Sequential(Dense(4), Residual(Dense(4)))
    arguments = {"append": (Flatten(),), "remove": (0,)}.get(verb, (0, Flatten()))
    with model._structure_fixed("fit"):
        for part in (model, model[1]) if verb != "__setitem__" else (model,):
            before = part.children()
            with pytest.raises(
                ArgumentError, match=r"no change of the structure during fit \(free"
            ):
                getattr(part, verb)(*arguments)
            assert list(part.children()) == list(before)
        model.initialize((4,), rng=0)  # what is built is no change
        model[0].freeze().unfreeze()
        model.eval().train()
    getattr(model, verb)(*arguments)


def test_a_part_of_a_loaded_model_can_be_frozen(tmp_path: Path) -> None:
    save(stack(), tmp_path / "m.safetensors")
    model: Any = load(tmp_path / "m.safetensors")
    flat = model.flat_parameters()
    part = model[:-1].freeze()
    assert [p.requires_grad for p in model.parameters()] == [False, False, True, True]
    assert part.summary().parameters == 20
    assert np.shares_memory(part.flat_parameters(), flat)
    assert model.flat_parameters() is flat
    Sequential(model[0], Activation("relu")).unfreeze()
    assert all(p.requires_grad for p in model.parameters())
    models.load_tiny_cnn()[:-1].freeze()  # type: ignore[attr-defined]


def test_a_model_goes_when_nobody_holds_it() -> None:
    from weakref import ref

    model = stack()
    model.predict(ROWS)
    save_it = ref(model)
    del model
    assert save_it() is None


def test_a_model_does_not_contain_itself() -> None:
    for model in (Sequential(Dense(4)), Sequential(Dense(4)).initialize((4,))):
        for layer in (model, Sequential(model), Residual(model)):
            with pytest.raises(ArgumentError, match="append: expected a layer without this model"):
                model.append(layer)
        assert len(model) == 1


def test_one_layer_is_added_at_a_time() -> None:
    model = stack()
    for several in ([Dense(3), Dense(3)], (Dense(3),), []):
        with pytest.raises(DTypeError, match="Sequential.append: layer 0: expected a layer such"):
            model.append(several)
    assert len(model) == 3


def test_a_layer_that_raises_any_error_is_not_added() -> None:
    class Wrong(Layer):
        def forward(self, X: Any) -> Any:
            return X + np.ones(X.shape[1] + 5)

    model = stack()
    with pytest.raises(ValueError, match="operands could not be broadcast"):
        model.append(Wrong())
    assert len(model) == 3
    assert model.predict(ROWS).shape == (3, 3)


def test_layers_of_a_stack_are_assigned_by_no_name() -> None:
    class Block(Residual):
        def __init__(self, units: int) -> None:
            super().__init__(Dense(units))

    class Own(Sequential):
        def __init__(self, units: int) -> None:
            super().__init__(Dense(units))

    for layer, name in ((Residual(Dense(4)), "body"), (Block(4), "body"), (Own(4), "layers")):
        before = getattr(layer, name)
        with pytest.raises(ArgumentError, match=f"{name}: expected a change by append, insert"):
            setattr(layer, name, [Dense(3)])
        assert getattr(layer, name) is before
