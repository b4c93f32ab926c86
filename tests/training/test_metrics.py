"""Confusion matrix and class report: numbers made by hand, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import neural_network as nn
from neural_network.autograd import check_gradients, gradient_error
from neural_network.visual import show_confusion_matrix, show_predictions

# Four of class 0 read as 0, 0, 1, 2; one of class 1 read as 1; class 2 does not occur,
# and nothing is read as 3.
READ = [0, 0, 1, 2, 1, 1]
TRUE = [0, 0, 0, 0, 1, 3]
SCORES = np.eye(4)[READ]


def test_confusion_matrix() -> None:
    counts = nn.confusion_matrix(SCORES, TRUE)
    assert counts.tolist() == [[2, 1, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0]]
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(nn.confusion_matrix(SCORES, np.eye(4)[TRUE]), counts)
    small = np.array(TRUE, "uint8")  # 15 · 16 + 15 is more than a uint8 holds
    wide = np.eye(16)[small * 5]
    assert nn.confusion_matrix(wide, small * 5)[15, 15] == 1


def test_class_report() -> None:
    report = nn.class_report(SCORES, TRUE)
    np.testing.assert_allclose(report.precision, [1, 1 / 3, 0, np.nan])
    np.testing.assert_allclose(report.recall, [0.5, 1, np.nan, 0])
    np.testing.assert_allclose(report.f1, [2 / 3, 0.5, 0, 0])
    assert report.count.tolist() == [4, 1, 0, 1]
    absent = nn.class_report(np.eye(3)[[0, 1]], [0, 1])
    assert np.isnan([absent.precision[2], absent.recall[2], absent.f1[2]]).all()


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1))
def test_the_diagonal_is_the_accuracy(pairs: list[tuple[int, int]]) -> None:
    read, true = map(list, zip(*pairs, strict=True))
    counts = nn.confusion_matrix(np.eye(3)[read], true)
    assert counts.sum() == len(pairs)
    assert np.trace(counts) / len(pairs) == pytest.approx(nn.accuracy(np.eye(3)[read], true))
    report = nn.class_report(np.eye(3)[read], true)
    seen = report.count > 0
    mean = np.average(report.recall[seen], weights=report.count[seen])
    assert mean == pytest.approx(np.trace(counts) / len(pairs))


BAD: list[tuple[Any, Any, type[Exception], str]] = [
    ([[1.0]], [0], nn.ShapeError, "y_pred: expected at least two columns"),
    ([[1, 2]], [0, 1], nn.ShapeError, "y_true: expected shape"),
    ([[1, 2]], [2], nn.ArgumentError, "y_true: expected"),
    ([[np.nan, 2]], [1], nn.ArgumentError, "y_pred: expected no NaN"),
    ([[1, 2]], [[1, 1]], nn.ArgumentError, "y_true: expected rows that sum to 1"),
    ([["a", "b"]], [1], nn.DTypeError, "y_pred: expected real numbers"),
]


@pytest.mark.parametrize(("y_pred", "y_true", "kind", "text"), BAD)
@pytest.mark.parametrize("function", [nn.confusion_matrix, nn.class_report])
def test_what_is_refused(
    function: Any, y_pred: Any, y_true: Any, kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=f"^{function.__name__}: {text}"):
        function(y_pred, y_true)


def test_the_drawn_matrix_holds_the_counts_and_shares() -> None:
    counts = np.array([[3, 1, 0], [0, 10, 0], [0, 0, 0]])
    axes = show_confusion_matrix(counts, ["a$b$", "c", "d"]).axes[0]
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    zeros = {(column, row): "0" for row, column in np.argwhere(counts == 0).tolist()}
    assert texts == {(0, 0): "3", (1, 0): "1", (1, 1): "10"} | zeros  # column, row
    np.testing.assert_array_equal(
        axes.images[0].get_array(), [[0.75, 0.25, 0], [0, 1, 0], [0, 0, 0]]
    )
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a$b$", "c", "d"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")


@pytest.mark.parametrize(
    ("counts", "names", "text"),
    [
        ([[1, 2]], None, "counts: expected a square"),
        (np.zeros((0, 0)), None, "counts: expected a square"),
        ([[1, -1], [0, 1]], None, "counts: expected counts of at least 0"),
        ([[1, np.nan], [0, 1]], None, "counts: expected counts of at least 0"),
        ([[1, 0], [0, 1]], ["a"], "class_names: expected 2 names, received 1"),
    ],
)
def test_matrices_that_cannot_be_drawn(counts: Any, names: Any, text: str) -> None:
    with pytest.raises(nn.ArgumentError, match=f"show_confusion_matrix: {text}"):
        show_confusion_matrix(counts, names)


def test_predictions_stand_beside_what_was_seen() -> None:
    pictures = [np.full((5, 4), 200.0), np.full((3, 9), 100.0)]
    seen = np.stack([np.eye(3), np.ones((3, 3))])
    figure = show_predictions(pictures, seen, [[0.2, 0.8], [0.9, 0.1]], titles=["a" * 60, "b"])
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[1:] == ["prepared", "1: 80.0%", "b", "prepared", "0: 90.0%"]
    assert len(titles[0]) <= 30
    assert "…" in titles[0]
    np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), np.eye(3))
    np.testing.assert_array_equal(figure.axes[3].images[0].get_array(), pictures[1] / 255)
    assert [bar.get_width() for bar in figure.axes[2].patches] == [0.2, 0.8]


@pytest.mark.parametrize(
    ("pictures", "seen", "shares", "text"),
    [
        ([], np.zeros((0, 3, 3)), np.zeros((0, 2)), "probabilities: expected at least one"),
        ([np.eye(3)], np.zeros((2, 3, 3)), [[1, 0]], "seen: expected one for each of the 1"),
        ([np.eye(3)], np.zeros((1, 3, 3)), [[1, 0]] * 2, "probabilities: expected one for each"),
        ([np.ones(3)], np.zeros((1, 3, 3)), [[1, 0]], r"pictures\[0\]: expected 2 or 3 dimensions"),
        ([np.eye(3)], np.zeros((3, 3)), [[1, 0]], r"seen: expected \(n, h, w\)"),
    ],
)
def test_predictions_that_cannot_be_drawn(pictures: Any, seen: Any, shares: Any, text: str) -> None:
    with pytest.raises(nn.ShapeError, match=f"show_predictions: {text}"):
        show_predictions(pictures, seen, shares)


def test_gradient_error_is_what_check_gradients_goes_by() -> None:
    from neural_network.functional.op import gradient, op

    @op
    def near(x: Any) -> Any:
        return 10 * x

    gradient(near, "x")(lambda g: g * 10.001)
    error = gradient_error(near, [np.array([1.0, 2.0])])
    assert error == pytest.approx(1e-4, rel=1e-4)
    check_gradients(near, [np.array([1.0, 2.0])], tolerance=1.01 * error)
    with pytest.raises(nn.GradientError, match="check_gradients: x at"):
        check_gradients(near, [np.array([1.0, 2.0])], tolerance=0.99 * error)

    @op
    def broken(x: Any) -> Any:
        return 10 * x

    gradient(broken, "x")(lambda g: g * np.nan)
    assert np.isnan(gradient_error(broken, [np.ones(2)]))
    with pytest.raises(nn.GradientError, match="received nan"):
        check_gradients(broken, [np.ones(2)])


def test_no_label_is_no_mistake_of_numpys() -> None:
    from neural_network.functional.labels import as_class_indices

    assert as_class_indices("f", "y", np.array([], np.intp), 3).size == 0
