"""What a practitioner tried without having seen the code, and the sentences that answer it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import ArgumentError, Dense, DTypeError, Sequential, ShapeError, Trainer
from tests.needs import need_module

X = np.random.default_rng(0).standard_normal((30, 4)).astype("f4")
Y = np.arange(30) % 2


class TwoHeads(nn.Layer):
    def __init__(self) -> None:
        self.cls, self.age = Dense(2), Dense(1)

    def forward(self, X: Any) -> Any:
        return {"cls": self.cls(X), "age": self.age(X)}


class Called(nn.Layer):
    def call(self, X: Any) -> Any:
        return X


def of_heads(outputs: Any, y: Any) -> Any:
    return nn.softmax_cross_entropy(outputs["cls"], y["cls"]) + nn.mse_loss(
        outputs["age"], y["age"]
    )


def fit(y: Any = Y, **options: Any) -> Callable[[], Any]:
    return lambda: Trainer([Dense(1)], rng=0, progress=False, **options).fit(X, y)


def no_arguments() -> Iterator[Any]:
    yield X, Y


TARGETS = {"cls": Y, "age": X[:, :1]}
SCORES = np.random.default_rng(1).standard_normal((2, 3, 4, 5))
PLACES = np.zeros((2, 4, 5), int)
WRONG: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (fit(X[:, 0], loss="mse_loss"), ShapeError, r"y\.reshape\(-1, 1\) has it"),
    (lambda: nn.mse_loss(X[:, 0], X[:, :1]), ShapeError, r"y\.reshape\(-1\) has it"),
    (lambda: nn.cross_entropy(X, np.eye(4)[Y]), ArgumentError, "; softmax_cross_entropy takes scores"),
    (lambda: nn.binary_cross_entropy(X, X > 0), ArgumentError, "_with_logits takes scores"),
    (lambda: nn.softmax_cross_entropy(SCORES, PLACES), ShapeError, r"np\.moveaxis\(logits, 1, -1\)\.reshape\(-1, 3\) and labels\.reshape\(-1\)"),
    (lambda: nn.softmax_cross_entropy(SCORES, [0, 1]), ShapeError, r"needs Flatten\(\)"),
    (lambda: nn.softmax_cross_entropy(X, np.where(Y, 1, -1)), ArgumentError, r"\(labels \+ 1\) // 2 are 0 and 1"),
    (lambda: Trainer(TwoHeads(), loss={"cls": "hinge"}), DTypeError, r"nn\.mse_loss\(out\['cls'\], y\['cls'\]\)"),
    (lambda: Trainer(TwoHeads(), loss=["hinge", "l1"]), DTypeError, "one function of all outputs"),
    (lambda: Trainer(TwoHeads(), loss=of_heads, metrics={"cls": "accuracy"}, rng=0).fit(X, TARGETS), DTypeError, r"metrics: 'cls': .* nn\.accuracy\(out\['cls'\], y\['cls'\]\)"),
    (lambda: Trainer([Dense(1)], loss="binary_cross_entropy_with_logits", class_weights="balanced"), ArgumentError, "positive_weight=9.0"),
    (lambda: Trainer([Dense(1)], loss="mse_loss", class_weights="balanced"), ArgumentError, "none with a loss that has no classes"),
    (lambda: Trainer([Dense(2)], loss=lambda o, y: ((o - y[:, None]) ** 2).mean(axis=1), rng=0).fit(X, Y, sample_weights=np.ones(30)), DTypeError, "a loss with a parameter reduction"),
    (lambda: Trainer([Dense(2)], rng=0).fit(no_arguments), DTypeError, r"def batches\(epoch\): …, received no_arguments"),
    (lambda: Called()(X), TypeError, "call, which is to be named forward"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "kind", "match"), WRONG)
def test_the_sentence_has_the_line_to_type(
    program: Callable[[], Any], kind: type[Exception], match: str
) -> None:
    with pytest.raises(kind, match=match):
        program()


def test_rows_of_places_are_what_the_sentence_says() -> None:
    scores = nn.Tensor(SCORES, requires_grad=True)
    loss = nn.softmax_cross_entropy(np.moveaxis(scores, 1, -1).reshape(-1, 3), PLACES.reshape(-1))
    loss.backward()
    assert scores.grad is not None
    logs = np.asarray(nn.log_softmax(SCORES, axis=1))
    np.testing.assert_allclose(float(loss.data), -logs[:, 0].mean())


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda pd: pd.DataFrame({"a": [1.0, 2.0], "b": [True, False]}), r'\.astype\("float32"\)'),
        (lambda pd: pd.DataFrame({"a": pd.array([1, 2], "Int64"), "b": [1.0, 2]}), r"\.astype\("),
        (lambda pd: pd.DataFrame({"a": pd.array([1, None], "Int64"), "b": [True, True]}), "'a' has mis"),
        (lambda pd: pd.DataFrame({"a": [1.0, 2], "c": ["x", "y"]}), "'c' holds no numbers"),
        (lambda pd: pd.DataFrame({"a": [1, 2], "c": pd.Categorical(["x", "y"])}), "'c' holds no nu"),
    ],
)  # fmt: skip
def test_frames_that_are_no_numbers_name_the_column(make: Any, match: str) -> None:
    pandas = need_module("pandas")
    with pytest.raises(DTypeError, match=match):
        nn.batches(make(pandas), [0, 1], 1)


def test_a_sparse_matrix_becomes_an_array() -> None:
    sparse = need_module("scipy.sparse")
    with pytest.raises(DTypeError, match=r"it is sparse: \.toarray\(\) gives an array"):
        nn.batches(sparse.csr_matrix(np.eye(3)), [0, 1, 2], 1)


def test_batches_of_several_arrays() -> None:
    inputs = {"a": X, "b": np.arange(30)}
    for (part, y), (plain, labels) in zip(
        nn.batches(inputs, (Y, X), 8, rng=1), nn.batches(X, Y, 8, rng=1), strict=True
    ):
        np.testing.assert_array_equal(part["a"], plain)
        np.testing.assert_array_equal(X[part["b"]], plain)
        np.testing.assert_array_equal(y[0], labels)
        np.testing.assert_array_equal(y[1], plain)
    with pytest.raises(ShapeError, match=r"batches: y\[1\]: expected 30 rows, as in X\['a'\]"):
        nn.batches(inputs, (Y, X[:3]), 8)
    with pytest.raises(DTypeError, match=r"batches: X\['a'\]: expected real numbers"):
        nn.batches({"a": ["x"]}, [0], 8)


def test_del_takes_a_layer_away() -> None:
    model = Sequential(Dense(3), Dense(4), Dense(5))
    del model[1]
    assert [layer.units for layer in model] == [3, 5]
    with pytest.raises(IndexError):
        del model[7]
