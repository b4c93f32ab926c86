"""Words of other libraries in a ``forward`` of one's own, to which NumPy arrays are passed."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn

IMAGES = np.random.default_rng(0).normal(size=(4, 3, 8, 8)).astype(np.float32)


class Net(nn.Layer):
    """A layer whose ``forward`` changes its input before a Dense layer."""

    def __init__(self, change: Callable[[Any], Any]) -> None:
        super().__init__()
        self.change, self.dense = change, nn.Dense(3)
        self.calls = 0

    def forward(self, x: Any) -> Any:
        self.calls += 1
        return self.dense(self.change(x))


# What PyTorch's users write → what is said of it.
WRITTEN: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda x: x.view(x.size(0), -1), TypeError, r"t\.reshape\(len\(t\), -1\)"),
    (lambda x: x.view(-1, 192), TypeError, r"t\.reshape"),
    (lambda x: x.view(-1), TypeError, r"t\.reshape"),
    (lambda x: x.flatten(1), TypeError, r"flatten\(1\) → t\.reshape\(t\.shape\[0\], -1\)"),
    (lambda x: x.flatten(start_dim=1), TypeError, r"start_dim → reshape"),
    (lambda x: x.mean(dim=(2, 3)), TypeError, "dim → axis"),
    (lambda x: x.sum(dim=1, keepdim=True), TypeError, "dim → axis; keepdim → keepdims"),
    (lambda x: x.max(dim=1), TypeError, "dim → axis"),
    (lambda x: x.permute(0, 2, 3, 1), AttributeError, "permute → transpose"),
    (lambda x: x.unsqueeze(1), AttributeError, "unsqueeze → None in an index"),
    (lambda x: x.to("cpu"), AttributeError, "to → nothing: it computes on the processor"),
    (lambda x: x.transpose(1, 2), ValueError, r"t\.swapaxes\(1, 2\) exchanges two"),
    (lambda x: x.reshape(x.size(0), -1), TypeError, r"t\.size\(…\) → t\.shape\[0\]"),
    (lambda x: x.relu(), AttributeError, r"relu → nn\.relu\(t\)"),
    (lambda x: x.numpy(), AttributeError, r"numpy → t\.data"),
    (lambda x: x.softmax(dim=1), AttributeError, r"nn\.softmax\(t\)"),
]


@pytest.mark.parametrize(("change", "kind", "match"), WRITTEN)
@pytest.mark.parametrize("within", ["alone", "in a container", "in evaluation"])
def test_the_words_of_pytorch_are_answered_for_arrays(
    change: Callable[[Any], Any], kind: type[Exception], match: str, within: str
) -> None:
    changes = [change]

    def current(x: Any) -> Any:
        return changes[-1](x)

    net = Net(current)
    model: nn.Layer = nn.Sequential(net) if within == "in a container" else net
    call: Callable[[Any], Any] = model
    if within == "in evaluation":
        changes.append(lambda x: x.reshape(len(x), -1))
        model(IMAGES)
        changes.pop()
        call = model.predict
    with pytest.raises(nn.NeuralNetworkError, match=match) as caught:
        call(IMAGES)
    assert isinstance(caught.value, kind)
    assert "Net" in str(caught.value)
    # The last line is one of the user's own, or NumPy's below it.
    files = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert any(file == __file__ for file in files[-2:])


def test_an_error_of_another_kind_is_left_as_it_is() -> None:
    def unlisted(x: Any) -> Any:
        np.trapezoid(np.asarray(getattr(x, "data", x)))  # has no rule for tensors
        return x.nothing_of_anybody

    def own(x: Any) -> Any:
        raise TypeError("mine")

    with pytest.raises(AttributeError, match="nothing_of_anybody"):
        Net(unlisted)(IMAGES)
    with pytest.raises(TypeError, match="^mine$"):
        Net(own)(IMAGES)


def test_an_error_of_an_earlier_line_of_tensors_is_not_shown_for_it() -> None:
    def change(x: Any) -> Any:
        x.view(np.int32)  # which tensors refuse, and arrays do not
        return x + None

    with pytest.raises(TypeError, match="unsupported operand") as caught:
        Net(change)(IMAGES)
    assert not isinstance(caught.value, nn.NeuralNetworkError)


class Dropping(nn.Layer):
    """PyTorch's function of dropout in a network."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p, self.first, self.last = p, nn.Dense(8, "relu"), nn.Dense(3)

    def forward(self, x: Any) -> Any:
        return self.last(nn.dropout(self.first(x), p=self.p, training=self.training))


def fit(model: nn.Layer) -> None:
    X = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    nn.Trainer(model, "adam", rng=0, progress=False).fit(X, np.arange(40) % 3, epochs=2)


def test_the_share_to_drop_where_the_share_to_keep_is_expected_gets_a_hint() -> None:
    with pytest.warns(nn.TrainingHint, match=r"p = 0\.1 is the share that is kept") as caught:
        fit(Dropping(0.1))
    assert sum("the share that is kept" in str(one.message) for one in caught) == 1


@pytest.mark.parametrize("p", [0.5, 0.8, 1.0])
@pytest.mark.filterwarnings("error::neural_network.TrainingHint")
def test_a_usual_share_to_keep_gets_none(p: float) -> None:
    fit(Dropping(p))


@pytest.mark.filterwarnings("error::neural_network.TrainingHint")
def test_a_small_share_to_keep_gets_none_in_arrays_and_in_evaluation() -> None:
    nn.dropout(np.ones(10), 0.1, training=True)
    Dropping(0.1).eval()(np.ones((2, 4), np.float32))


@pytest.mark.parametrize("word", ["rate", "prob", "dropout_rate", "drop_rate"])
def test_a_word_for_the_share_to_drop_is_said_to_mean_the_opposite(word: str) -> None:
    with pytest.raises(TypeError, match=rf"{word} → p, the share that is KEPT, 1 - rate"):
        nn.dropout(np.ones(3), **{word: 0.1})


def test_a_right_forward_is_called_once() -> None:
    net = Net(lambda x: x.reshape(len(x), -1))
    net(IMAGES)
    assert net.calls == 1


def test_the_error_of_a_layer_inside_is_not_explained_again() -> None:
    calls = []

    def change(x: Any) -> Any:
        calls.append(x)
        return inner(x)

    inner = Net(lambda x: x.view(-1))
    with pytest.raises(nn.NeuralNetworkError, match=r"Tensor\.view"):
        Net(change)(IMAGES)
    assert len(calls) == 1


WRITES: dict[str, Callable[[Any], Any]] = {
    "times": lambda x: np.multiply(x, 2, out=x),
    "some": lambda x: x.__setitem__((slice(None), 0), 0) or x,
    "fill": lambda x: x.fill(0) or x,
}


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("kind", WRITES)
def test_a_forward_that_writes_into_the_callers_data_is_refused(kind: str, first: bool) -> None:
    images = IMAGES.reshape(4, -1).copy()
    layer = Net(WRITES[kind])
    model = layer if first else nn.Sequential(layer, nn.Dense(2))
    expected = r"Net: forward: expected one that leaves its input as it is \(X = 2 \* X makes"
    for call in (model, lambda x: nn.Trainer(model, progress=False).fit(x, [0, 1, 0, 1])):
        with pytest.raises(nn.ArgumentError, match=expected):
            call(images)
    np.testing.assert_array_equal(images, IMAGES.reshape(4, -1))


def test_a_forward_may_change_what_it_has_made() -> None:
    def changed(x: Any) -> Any:
        copy = np.array(x)
        copy *= 2
        return copy

    assert Net(changed)(IMAGES.reshape(4, -1)).shape == (4, 3)
