"""Every row of the tables of words from elsewhere is true."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.elsewhere import answers, calls
from neural_network.elsewhere.arguments import ARGUMENTS, TRAINING
from neural_network.elsewhere.assigned import ASSIGNED
from neural_network.elsewhere.attributes import ATTRIBUTES, KEYS
from neural_network.elsewhere.estimators import ESTIMATORS, FITTED, ROW_ESTIMATOR
from neural_network.elsewhere.functions import FUNCTIONS, PLACES, WORDS
from neural_network.elsewhere.inside import INSIDE
from neural_network.elsewhere.names import MODULE
from neural_network.lazy import NameTable
from neural_network.names import NAMED
from tests.elsewhere.things import HAS_SKLEARN, OF_ESTIMATORS, things
from tests.needs import need_module

OBJECTS: dict[str, Any] = {
    "Tensor": "t", "Layer": "model", "Trainer": "trainer", "History": "history",
    "Optimizer": "optimizer", "OptimizerGroups": "groups", "Parameter": "layer.weight",
    "Schedule": "nn.Cosine(0.1)", "Callback": "nn.EarlyStopping()",
    "RowEstimator": "classifier", "Explanation": "e",
    "LayerTuple": "model.layers", "Child": "next(model.children())",
}  # fmt: skip
ALL_ATTRIBUTES = ATTRIBUTES | {"RowEstimator": ROW_ESTIMATOR}
LINES = sorted(
    {row[-1] for row in (*MODULE, *KEYS, *FUNCTIONS, *ARGUMENTS, *TRAINING, *ESTIMATORS)}
    | {
        row[-1]
        for rows in (*ALL_ATTRIBUTES.values(), *ASSIGNED.values(), *INSIDE.values())
        for row in rows
    }
)
# Without scikit-learn, which one of the jobs of CI has none of.
HERE = [line for line in LINES if HAS_SKLEARN or not any(w in line for w in OF_ESTIMATORS)]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return things(tmp_path_factory.mktemp("lines"))


# The lines share a model, whose gradients some of them use for a step.
@pytest.mark.filterwarnings("ignore:backward. the gradients are added:neural_network.TrainingHint")
def test_each_line_of_example_runs(
    known: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    threads, failed = nn.get_num_threads(), {}
    try:
        for line in HERE:
            try:
                exec(line, dict(known))
            except Exception as error:  # whatever the example raises
                failed[line] = error
    finally:
        nn.set_num_threads(threads)
    assert len(LINES) > 200
    assert failed == {}


def test_each_line_of_another_function_runs(
    known: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = set()
    for where, *_, line in (*FUNCTIONS, *ARGUMENTS, *TRAINING):
        functions = [getattr(nn, name) for name in where.split() if name in dir(nn)]
        if where == "Layer":
            names = " ".join(NAMED["layer"].values()).split()
            functions = [getattr(nn, name) for name in names if name in dir(nn)]
        if where == "Optimizer":
            functions = [nn.SGD, nn.Adam, nn.AdamW, nn.RMSprop, nn.Adagrad, nn.Lion]
        for function in functions:
            own = calls.as_called(line, function.__name__, inspect.signature(function))
            if own != line and "fashion" not in own:
                made.add(own)
                exec(own, dict(known))
    assert len(made) > 80


def test_each_name_stands_once() -> None:
    for rows in (MODULE, KEYS, *INSIDE.values(), *ALL_ATTRIBUTES.values(), *ASSIGNED.values()):
        theirs = [name for names, *_ in rows for name in names.split()]
        assert sorted(n for n in set(theirs) if theirs.count(n) > 1) == []
    words = [word for names, _ in WORDS for word in names.split()]
    assert sorted(w for w in set(words) if words.count(w) > 1) == []


def test_no_name_of_ours_is_in_the_tables(known: dict[str, Any]) -> None:
    theirs = [name for names, *_ in MODULE for name in names.split()]
    assert [name for name in theirs if hasattr(nn, name)] == []
    for package, rows in INSIDE.items():
        module = importlib.import_module(f"neural_network.{package}")
        ours = [n for names, *_ in rows for n in names.split() if hasattr(module, n)]
        assert ours == [], package
    for cls, rows in (*ALL_ATTRIBUTES.items(), *ASSIGNED.items()):
        if cls == "RowEstimator" and not HAS_SKLEARN:
            continue
        found = eval(OBJECTS[cls], known)
        ours = [n for names, *_ in rows for n in names.split() if hasattr(found, n)]
        assert ours == [], cls
    assert [n for names, *_ in KEYS for n in names.split() if n in known["history"]] == []


def test_no_argument_of_ours_is_in_the_tables() -> None:
    for where, theirs, *_ in (*FUNCTIONS, *ARGUMENTS, *TRAINING):
        # What is said of all layers or optimizers gives way to a later row about one of them.
        for name in set(where.split()) - {"*", "Layer", "Optimizer"}:
            owner, _, method = name.rpartition(".")
            if owner:
                known = {"Explanation": nn.visual.explanation.Explanation}
                cls = getattr(nn, owner, None) or known.get(owner, nn.training.Optimizer)
                found = [getattr(cls, method)]
            else:
                if name == "to_model":  # of interop.onnx, which needs onnx
                    continue
                owners: Any = (
                    nn,
                    nn.functional,
                    nn.visual,
                    nn.Tensor,
                    nn.interop.torch,
                    nn.scale.dask,
                )
                found = [getattr(owner, name) for owner in owners if hasattr(owner, name)]
            assert found, name
            for thing in found[:1]:
                given = inspect.signature(thing).parameters.values()
                taken = {p.name for p in given if p.kind is not p.VAR_POSITIONAL}
                assert taken.isdisjoint(theirs.split()), (name, taken)


def test_no_argument_of_estimators_is_in_the_tables() -> None:
    need_module("sklearn")
    from neural_network.estimators.convnet import ConvNetwork
    from neural_network.estimators.network import Network
    from neural_network.estimators.reading import RowEstimator
    from neural_network.estimators.trainers import TrainerNetwork

    bases: dict[str, Any] = {
        "RowEstimator": RowEstimator, "Network": Network, "ConvNetwork": ConvNetwork,
        "TrainerNetwork": TrainerNetwork, "Conv2DFeatures": nn.estimators.Conv2DFeatures,
    }  # fmt: skip
    ours = [getattr(nn.estimators, name) for name in nn.estimators.__all__]
    for cls in ours:
        rows = [
            (of, word)
            for of, base in bases.items()
            for where, theirs, *_ in ESTIMATORS
            for word in theirs.split()
            if of in where.split() and issubclass(cls, base)
        ]
        assert len(rows) > 20
        for name in inspect.signature(cls).parameters:
            # What is said of all gives way to what is an argument of one.
            for of, word in rows:
                assert name != word or of in ("RowEstimator", "Network"), (cls, name)
    for where, theirs, *_ in ESTIMATORS:
        for name in where.split():
            of, _, method = name.partition(".")
            owners = [cls for cls in ours if issubclass(cls, bases[of]) and hasattr(cls, method)]
            for owner in owners if method else ():
                taken = inspect.signature(getattr(owner, method)).parameters
                assert taken.keys().isdisjoint(theirs.split()), name


def test_what_fit_sets_is_known() -> None:
    need_module("sklearn")
    documented = set()
    for name in nn.estimators.__all__:
        text = getattr(nn.estimators, name).__doc__.partition("Attributes:")[2]
        documented |= set(re.findall(r"\b[a-z_]+_(?=[,:])", text.partition("Raises:")[0]))
    assert documented == set(FITTED)


def test_each_word_means_one_of_ours() -> None:
    more = {"validation_loss", "validation_accuracy", "min", "max", "train", "test", "same"}
    kinds = [more, *(set(NameTable[Any](kind)) for kind in NAMED)]
    for theirs, ours in WORDS:
        known = [choices for choices in kinds if ours in choices]
        assert known, ours
        assert all(choices.isdisjoint(theirs.split()) for choices in known), theirs


def test_each_place_is_of_a_public_name() -> None:
    for where, _, ours, why in PLACES:
        assert why
        assert ours
        for name in where.split():
            owners = (nn, nn.interop.torch, nn.scale.dask, nn.visual)
            assert any(hasattr(owner, name) for owner in owners), name


# --- look-ups that get no sentence --------------------------------------------------------


@pytest.mark.parametrize("name", ["Linear", "optim", "conv2D", "tensorflow"])
def test_the_package_does_not_have_the_name(name: str) -> None:
    assert not hasattr(nn, name)
    assert getattr(nn, name, None) is None
    assert name not in dir(nn)


@pytest.mark.parametrize("name", ["_fit", "__deepcopy__", "_repr_html_", "__array_interface__"])
def test_private_names_get_no_sentence(
    name: str, known: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("the tables were asked")

    monkeypatch.setattr(answers, "_table", refuse)
    monkeypatch.setattr(answers, "nearest", refuse)
    for owner in (nn, nn.layers, *(eval(line, dict(known)) for line in OBJECTS.values())):
        if not hasattr(owner, name):
            with pytest.raises(AttributeError, match=rf"has no attribute '{name}'$"):
                getattr(owner, name)


def test_copies_and_pickles_are_made_as_before(known: dict[str, Any]) -> None:
    for name in ("t", "history", "layer"):
        assert type(pickle.loads(pickle.dumps(known[name]))) is type(known[name])
        assert type(copy.deepcopy(known[name])) is type(known[name])
    assert copy.copy(known["trainer"]).history is known["trainer"].history
    assert copy.deepcopy(nn.SGD(0.5)).learning_rate == 0.5


def test_an_error_in_a_property_is_not_hidden() -> None:
    class Own(nn.Layer):
        @property
        def device(self) -> Any:
            return self.nowhere

    class Mine(nn.Callback):
        @property
        def monitor(self) -> Any:
            return [].nowhere  # type: ignore[attr-defined]  # that is the mistake

    with pytest.raises(AttributeError, match="'Own' object has no attribute 'nowhere'"):
        _ = Own().device
    with pytest.raises(AttributeError, match="'list' object has no attribute 'nowhere'"):
        _ = Mine().monitor


def test_classes_of_the_users_own_get_no_false_answers() -> None:
    class Net(nn.Layer):
        def __init__(self, hidden: int, *, lr: float = 0.1) -> None:
            self.fit, self.lr = hidden, lr

        def forward(self, X: Any) -> Any:
            return X

    class Dense(nn.Layer):
        def __init__(self, a: object, b: object) -> None:
            raise nn.ArgumentError(f"mine {a}, {b}")

    assert Net(3).fit == 3
    with pytest.raises(TypeError, match=r"Net: got an unex.* 'in_features'; it takes hidden, lr$"):
        Net(in_features=3)  # type: ignore[call-arg]  # the mistake
    with pytest.raises(TypeError, match=r"Net: .* 'hiden'; here: hiden → hidden$"):
        Net(hiden=3)  # type: ignore[call-arg]  # the mistake
    with pytest.raises(nn.ArgumentError, match="^mine 784, 10$"):
        Dense(784, 10)
    with pytest.raises(TypeError, match="missing a required argument: 'hidden'"):
        Net()  # type: ignore[call-arg]  # the mistake

    @nn.op
    def conv2d(x: Any) -> Any:
        return x

    with pytest.raises(TypeError, match=r"conv2d: got an .* 'strides'; it takes x$"):
        conv2d(strides=2)


def test_what_the_users_function_raises_keeps_its_traceback() -> None:
    def loss(w: Any) -> Any:
        return w.sum(1, 2, 3, 4, 5, 6)

    with pytest.raises(TypeError) as caught:
        nn.grad(loss)(np.ones(3))
    assert "loss" in [frame.name for frame in caught.traceback]


CALLS = [
    "nn.Linear", "nn.Conv2D(1, 8, 3)", "nn.Dense(784, 10)", "nn.Dense(10, use_bias=True)",
    "nn.relu(X, inplace=True)", "nn.conv2d(X, X, strides=1)", "model.predict(X, verbose=0)",
    "nn.Trainer(model, lr=0.1)", "trainer.fit(X, y, validation_data=(X, y))", "t.numpy()",
    "nn.Adam(lr=0.1)", "model.fit(X, y)", "history['val_loss']", "model(X, training=True)",
    "t.sum(dim=0)", "nn.one_hot([1], depth=3)", "nn.LayerNorm(64)", "nn.Tensor([1.0], dtype=int)",
]  # fmt: skip


@pytest.mark.parametrize("line", CALLS)
def test_the_traceback_ends_within_three_frames(line: str, known: dict[str, Any]) -> None:
    with pytest.raises((AttributeError, TypeError, KeyError, ValueError)) as caught:
        eval(line, dict(known))
    files = [str(frame.path) for frame in caught.traceback]
    # This one, that of the line, and at most three.
    assert len(files) <= 5, files
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_python_adds_no_guess_of_its_own() -> None:
    code = "import neural_network as nn; nn.Linear"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "here: Linear → Dense" in done.stderr
    assert "Did you mean" not in done.stderr


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("from neural_network import Linear", "'Linear' from 'neural_network'; here: .*nn.Dense"),
        ("from neural_network import nn", "import neural_network as nn"),
        ("from neural_network import optim", "nn.Adam"),
        ("from neural_network.models import Sequential", "here: Sequential → nn.Sequential"),
        ("from neural_network.layers import Conv2d", "Conv2D"),
        ("from neural_network.layers import Adam", "nn.Adam"),
        ("from neural_network import to_categorical", "nn.one_hot"),
        ("from neural_network import DataLoader", "nn.batches"),
        ("from neural_network import tensorflow", "cannot import name 'tensorflow'"),
    ],
)
def test_imports_of_names(line: str, match: str) -> None:
    with pytest.raises(ImportError, match=match):
        exec(line, {})
