"""What classifiers share, and what regressors share: targets, predictions, scores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

from neural_network.checks import Array
from neural_network.errors import ArgumentError, DTypeError, brief, refusal, sentence
from neural_network.estimators.inputs import without_string_type
from neural_network.estimators.network import Network
from neural_network.estimators.requirements import (
    ClassifierMixin,
    LabelEncoder,
    RegressorMixin,
    accuracy_score,
    check_classification_targets,
    compute_sample_weight,
    r2_score,
    type_of_target,
    unique_labels,
)
from neural_network.functional.activations import log_softmax, sigmoid, softmax

MULTILABEL = "multilabel-indicator"


class NetworkClassifier(ClassifierMixin, Network):
    """Base of the classifiers: a row has one class, or several labels (an indicator matrix)."""

    class_weight: Any
    classes_: Array
    # Whether a row may have several labels.
    _multilabel: bool

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch on some rows, from the weights as they are.

        Args:
            X, y, sample_weight: as for ``fit``; not every class has to be among ``y``.
            classes: all classes; needed in the first call.

        Returns:
            The estimator.

        Raises:
            ValueError, TypeError: data or arguments that do not fit; nothing is changed then.
            DivergenceError: the loss or the weights are not finite.
        """
        return self._partial_fit(X, y, classes, sample_weight)

    def predict(self, X: Any) -> Array:
        """Return the likeliest class of each row, or an indicator matrix of labels.

        Args:
            X: rows as in ``fit``.

        Returns:
            (n,) of the type of ``classes_``; (n, k) zeros and ones where rows have several labels.
        """
        outputs = self._outputs("predict", X)
        if self._multilabel:
            return (self._scores(outputs) > 0).astype(np.int64)
        found: Array = self.classes_[np.argmax(self._scores(outputs), axis=1)]
        return found

    def predict_proba(self, X: Any) -> Array:
        """Return (n, classes) probabilities: of softmax, or a sigmoid for each label."""
        scores = self._scores(self._outputs("predict_proba", X))
        found: Array = sigmoid(scores) if self._multilabel else softmax(scores)
        return found

    def predict_log_proba(self, X: Any) -> Array:
        """Return (n, classes) logarithms of probabilities, exact where these round to 0."""
        scores = self._scores(self._outputs("predict_log_proba", X))
        if self._multilabel:
            found: Array = -np.logaddexp(0, -scores)
            return found
        logarithms: Array = log_softmax(scores)
        return logarithms

    def decision_function(self, X: Any) -> Array:
        """Return (n, classes) scores before softmax or sigmoid; (n,), of the second, for two."""
        scores = self._scores(self._outputs("decision_function", X))
        if len(self.classes_) == 2 and not self._multilabel:
            difference: Array = scores[:, 1] - scores[:, 0]
            return difference
        return scores

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy, as scikit-learn's classifiers do.

        Args:
            X, y, sample_weight: as for ``fit``.
        """
        return float(super().score(X, without_string_type(y), sample_weight))

    def _scores(self, outputs: Array) -> Array:
        """Return a score for each class."""
        return outputs

    def _encode(self, function: str, y: Array, classes: Any, *, first: bool) -> Array:
        with labels_of_one_kind(function):
            check_classification_targets(y)
            kind = type_of_target(y, input_name="y")
        if kind == "multiclass-multioutput":
            expected = "one class a row, or zeros and ones for labels"
            raise ArgumentError(sentence(function, "y", expected, "several classes a row"))
        several = kind == MULTILABEL
        if first:
            self._multilabel = several
            self.classes_ = self._all_classes(function, y, classes)
            self.n_outputs_ = len(self.classes_)
        elif several is not self._multilabel or (several and y.shape[1] != self.n_outputs_):
            expected = f"{'labels' if self._multilabel else 'classes'} as in the last call"
            raise ArgumentError(sentence(function, "y", expected, f"{kind} {np.shape(y)}"))
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            expected = f"None, or those of the first call: {brief(self.classes_.tolist())}"
            raise ArgumentError(sentence(function, "classes", expected, brief(classes)))
        if several:
            return np.asarray(y, dtype=np.float32)
        encoder = LabelEncoder()
        encoder.classes_ = self.classes_
        unknown = np.setdiff1d(distinct(function, y), self.classes_)
        if len(unknown):
            expected = f"classes among {brief(self.classes_.tolist())}"
            raise ArgumentError(sentence(function, "y", expected, brief(unknown.tolist())))
        numbers: Array = encoder.transform(y)
        return numbers

    def _all_classes(self, function: str, y: Array, classes: Any) -> Array:
        """Return all classes, in order; of labels their numbers."""
        if function.endswith("partial_fit") and classes is None:
            expected = "all classes in the first call, of which y need not have every one"
            raise ArgumentError(sentence(function, "classes", expected, "None"))
        if self._multilabel:
            return np.arange(y.shape[1])
        found = distinct(function, y if classes is None else classes)
        if len(found) < 2:
            received = f"one class, {brief(found.tolist()[0])}"
            raise ArgumentError(sentence(function, "y", "at least two classes", received))
        return found

    def _class_weights(self, function: str, y: Array, *, partial: bool) -> Array | None:
        if self.class_weight is None:
            return None
        if partial and isinstance(self.class_weight, str):
            expected = "a dict class → weight with partial_fit, which does not know all rows"
            raise ArgumentError(
                sentence(function, "class_weight", expected, brief(self.class_weight))
            )
        weights: Array = compute_sample_weight(self.class_weight, y)
        return weights

    def _loss(self) -> Any:
        return "binary_cross_entropy_with_logits" if self._multilabel else "softmax_cross_entropy"

    def _score(self, outputs: Array, targets: Array, weights: Array | None) -> float:
        scores = self._scores(outputs)
        found = scores > 0 if self._multilabel else np.argmax(scores, axis=1)
        return float(accuracy_score(targets, found, sample_weight=weights))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def distinct(function: str, labels: Any) -> Array:
    """Return the different labels, in order."""
    try:
        with labels_of_one_kind(function):
            found: Array = unique_labels(without_string_type(labels))
    except MemoryError as error:
        raise refusal(function, {"classes": labels}, error) from error
    return found


@contextmanager
def labels_of_one_kind(function: str) -> Iterator[None]:
    """Say in a sentence that labels cannot be compared, as numbers and text cannot."""
    try:
        yield
    except TypeError as error:
        expected, received = "labels of one kind, all text or all numbers", "a mix of them"
        raise DTypeError(sentence(function, "y", expected, received)) from error


class NetworkRegressor(RegressorMixin, Network):
    """Base of the regressors: one number a row, or several."""

    _numeric_targets = True
    _penalty_factor = 2.0  # theirs is half of the squared error
    _flat: bool

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch on some rows, from the weights as they are.

        Args:
            X, y, sample_weight: as for ``fit``.

        Returns:
            The estimator.

        Raises:
            ValueError, TypeError: data or arguments that do not fit; nothing is changed then.
            DivergenceError: the loss or the weights are not finite.
        """
        return self._partial_fit(X, y, None, sample_weight)

    def predict(self, X: Any) -> Array:
        """Return the predicted numbers.

        Args:
            X: rows as in ``fit``.

        Returns:
            (n,), or (n, k) where ``fit`` was given k numbers a row.
        """
        outputs = self._outputs("predict", X)
        return outputs.reshape(len(outputs)) if self._flat else outputs

    def _encode(self, function: str, y: Array, classes: Any, *, first: bool) -> Array:  # noqa: ARG002  # classifiers have them
        if first:
            self._flat, self.n_outputs_ = y.ndim == 1, 1 if y.ndim == 1 else y.shape[1]
        elif (y.ndim == 1) is not self._flat or (y.ndim == 2 and y.shape[1] != self.n_outputs_):
            shape = "(n,)" if self._flat else f"(n, {self.n_outputs_})"
            expected, received = f"{shape} as in the last call", f"shape {y.shape}"
            raise ArgumentError(sentence(function, "y", expected, received))
        return np.asarray(y).reshape(len(y), self.n_outputs_)

    def _loss(self) -> Any:
        return "mse_loss"

    def _score(self, outputs: Array, targets: Array, weights: Array | None) -> float:
        return float(r2_score(targets, outputs, sample_weight=weights))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
