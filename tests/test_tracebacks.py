"""Where errors and warnings point: at the line of the caller, and at what is his own."""

from __future__ import annotations

import inspect
import os
import random
import signal
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import dropwhile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fuzz.calls import HOOKS, targets
from fuzz.right import Arguments, arguments, tiny_model
from matplotlib import pyplot as plt

import neural_network as nn
from tests.needs import need
from tests.processes import ROOT
from tests.wrong_calls import CALLS, X, model, trainer, y

MOST_FRAMES = 3
LIBRARY, TESTS = str(ROOT / "src" / "neural_network"), str(ROOT / "tests")


def frames(error: BaseException) -> list[str]:
    """Return the functions below those of the tests, as Python prints them."""
    found, entry = [], error.__traceback__
    while entry is not None:
        found.append(f"{entry.tb_frame.f_code.co_filename}:{entry.tb_frame.f_code.co_name}")
        entry = entry.tb_next
    return list(dropwhile(lambda frame: frame.startswith(TESTS), found))


@pytest.mark.parametrize("call", CALLS, ids=lambda call: inspect.getsource(call).strip(" ,\n"))
def test_a_wrong_call_ends_within_three_frames(call: Callable[[], Any]) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011  # of any class
        call()
    assert isinstance(caught.value, nn.NeuralNetworkError | TypeError | OSError)
    assert len(frames(caught.value)) <= MOST_FRAMES, frames(caught.value)


# --- all public names -------------------------------------------------------------------


def right(function: Callable[..., Any], name: str) -> Arguments:
    return arguments(function, name.rpartition(".")[2], random.Random(7))


def wrong_calls(function: Callable[..., Any], name: str) -> Iterator[Arguments]:
    """Yield calls of which one argument is exchanged, unknown or missing."""
    given = right(function, name)
    for spot in (*range(len(given.places)), *given.names):
        for value in (object(), np.ones((7, 3, 2, 5))):
            given = right(function, name)
            if isinstance(spot, int):
                given.places[spot] = value
            else:
                given.names[spot] = value
            yield given
    given = right(function, name)
    yield Arguments(given.places, given.names | {"unknown": 1})
    yield Arguments([1] * 20, {})
    yield Arguments([], {})


def methods() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the methods that users call, of one object of each kind."""
    built = model()
    owners = [
        built, built[0], tiny_model(), nn.Tensor(X, requires_grad=True), nn.Parameter(X),
        nn.Adam(0.01, parameters=built), nn.SGD(0.1), nn.Cosine(0.1), nn.EarlyStopping("loss"),
        trainer(), nn.History({"loss": [1.0]}), nn.Augment(nn.Flip()), nn.ExponentialAverage(0.9),
        nn.Residual(nn.Dense(3)),
    ]  # fmt: skip
    for owner in owners:
        hooks = {n for kind, names in HOOKS.items() if isinstance(owner, kind) for n in names}
        for name in {*dir(type(owner))} - hooks:
            method = None if name[0] == "_" else inspect.getattr_static(owner, name)
            if inspect.isfunction(method):
                yield f"{type(owner).__name__}.{name}", getattr(owner, name)
        if callable(owner):
            yield f"{type(owner).__name__}.__call__", owner


def test_wrong_calls_of_all_public_names_end_within_three_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need(find_spec("sklearn"), "scikit-learn")  # all public names are looked up
    monkeypatch.chdir(tmp_path)
    raised, long = 0, {}
    for name, function in (*targets(), *methods()):
        for given in wrong_calls(function, name):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    function(*given.places, **given.names)
                except Exception as error:
                    raised += 1
                    found = frames(error)
                    # Where functions of the caller's own were called, their frames stay.
                    if len(found) > MOST_FRAMES and all(LIBRARY in frame for frame in found):
                        long[name] = found
        plt.close("all")
    assert raised > 2000
    assert long == {}


# --- what is the caller's own -----------------------------------------------------------


class OwnError(Exception):
    pass


def failing(*_: Any, **__: Any) -> Any:
    raise OwnError("mine")


class Calling(nn.Layer):
    """A layer whose ``forward`` calls a function wrongly."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def forward(self, X: Any) -> Any:
        return self.function(X)


class Failing(nn.Callback):
    def on_epoch_end(self, *_: Any) -> None:
        failing()


class Misspelt(nn.Callback):
    def on_step_end(self, *_: Any) -> None:
        nn.relu("text")


def batches_that_fail() -> Iterator[Any]:
    yield X, y
    failing()


def wrong_op(X: Any) -> Any:
    return nn.relu(X, alpha=1)


def wrong_shape(X: Any) -> Any:
    return nn.Dense(2).initialize((9,), rng=0)(X)


@pytest.mark.parametrize(
    ("call", "own"),
    [
        (lambda: Calling(wrong_op)(X), ["forward", "wrong_op"]),
        (lambda: Calling(wrong_shape)(X), ["forward", "wrong_shape"]),
        (lambda: Calling(failing)(X), ["forward", "failing"]),
        (lambda: nn.Sequential(nn.Dense(3), Calling(wrong_op)).predict(X), ["forward", "wrong_op"]),
        (lambda: nn.Sequential(Calling(wrong_op)).initialize((3,)), ["forward", "wrong_op"]),
        (lambda: nn.Trainer(Calling(wrong_shape), progress=False).fit(X, y), ["wrong_shape"]),
        (lambda: trainer(loss=lambda out, y: wrong_op(out)).fit(X, y), ["wrong_op"]),
        (lambda: trainer(loss=failing).fit(X, y), ["failing"]),
        (lambda: trainer(metrics={"own": lambda o, y: failing()}).fit(X, y), ["failing"]),
        (lambda: trainer(callbacks=[Failing()]).fit(X, y), ["on_epoch_end", "failing"]),
        (lambda: trainer(callbacks=[Misspelt()]).fit(X, y), ["on_step_end"]),
        (lambda: trainer(augment=failing).fit(X, y), ["failing"]),
        (lambda: trainer().fit(lambda epoch: batches_that_fail()), ["batches_that_fail"]),
        (lambda: nn.grad(wrong_op)(X), ["wrong_op"]),
        (lambda: nn.jacobian(failing)(X), ["failing"]),
        (lambda: nn.Dense(2, activation=failing)(X), ["failing"]),
        (
            lambda: nn.numerical_gradient(X, y, {"W": X}, nn.mse_loss, lambda X, p: wrong_op(X)),
            ["wrong_op"],
        ),
    ],
)
def test_frames_of_the_callers_own_stay(call: Callable[[], Any], own: list[str]) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011  # of any class
        call()
    entries = [entry.name for entry in caught.traceback if str(entry.path) == __file__]
    assert [name for name in entries if name in own] == own
    if isinstance(caught.value, nn.NeuralNetworkError):  # of the library's, one for each call
        files = [str(entry.path).startswith(LIBRARY) for entry in caught.traceback]
        assert sum(files) <= MOST_FRAMES * (1 + files.index(True) + len(own))
    else:
        assert isinstance(caught.value, OwnError)


def test_the_cause_is_kept() -> None:
    with pytest.raises(ValueError, match="broadcast") as caught:
        nn.Tensor([1.0, 2.0]) + np.ones(3)
    cause = caught.value.__cause__
    assert type(cause) is ValueError
    assert len(frames(cause)) == 1
    with pytest.raises(nn.ArgumentError) as caught_too:
        nn.relu([[1.0], [2.0, 3.0]])
    assert "inhomogeneous" in str(caught_too.value.__cause__)
    with pytest.raises(OwnError) as caught_last:  # an op of the caller's own
        nn.op(failing)(X)
    entry: Any = caught_last.value.__cause__
    assert traceback.extract_tb(entry.__traceback__)[-1].name == "failing"


def test_the_whole_traceback_is_there_for_debugging() -> None:
    with pytest.raises(nn.ShapeError) as caught, nn.debug():
        model()(np.ones((2, 5)))
    assert len(frames(caught.value)) > 6
    code = "import neural_network as nn; nn.Sequential(nn.Conv2D('text'))"
    sizes = [
        subprocess.run(
            [sys.executable, *options, "-c", code], capture_output=True, text=True, check=False
        ).stderr.count('File "')
        for options in ([], ["-X", "dev"])
    ]
    assert sizes[0] <= 1 + MOST_FRAMES < sizes[1]


# --- warnings ---------------------------------------------------------------------------


def photograph() -> Any:
    return nn.conv2d(np.ones((32, 32, 3)), np.ones((3, 3)))


def step_without_backward() -> None:
    optimizer = nn.SGD(0.1, parameters=model())
    for _ in range(2):
        optimizer.zero_grad()
        optimizer.step()


def softmax_twice() -> None:
    layers = nn.Dense(3), nn.Activation("softmax")
    nn.Trainer([*layers], rng=0, progress=False).fit(X, y)


@pytest.mark.parametrize(
    "call",
    [
        photograph, step_without_backward, softmax_twice,
        lambda: nn.binary_cross_entropy(np.array([0.0, 1, 0, 1, 0, 1]), np.arange(1, 7) / 7),
        lambda: nn.Conv2D(4, size=3), lambda: nn.Adam(eps=1e-6), lambda: nn.MaxPool2D(size=2),
        lambda: nn.Conv2D(4, 3).clone(size=5), lambda: nn.Conv2D(4, 3).size,
    ],
)  # fmt: skip
def test_a_warning_names_the_line_of_the_caller(call: Callable[[], Any]) -> None:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        call()
    assert found
    assert {warning.filename for warning in found} == {__file__}


def test_ctrl_c_in_a_training_shows_the_callers_line_and_the_sentence() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's "&" ignores it
    try:
        check_ctrl_c()
    finally:
        signal.signal(signal.SIGINT, before)


def check_ctrl_c() -> None:
    class Pressing(nn.Callback):
        def on_step_end(self, trainer: nn.Trainer, loss: float) -> None:  # noqa: ARG002
            os.kill(os.getpid(), signal.SIGINT)

    stopped = nn.Trainer(nn.Sequential(nn.Dense(2)), progress=False, callbacks=[Pressing()])
    with pytest.raises(nn.TrainingInterrupted, match="stopped in epoch 1") as caught:
        stopped.fit(np.ones((8, 3), "f"), np.arange(8) % 2)
    files = [Path(frame.path).name for frame in caught.traceback]
    assert files == ["test_tracebacks.py", "surface.py"]
