"""What classifiers share, and what regressors share: targets, predictions, scores."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from neural_network.checks import Array
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, brief, sentence
from neural_network.estimators.inputs import without_string_type
from neural_network.estimators.network import Network
from neural_network.estimators.refusals import refused
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

LABELS = "labels of one kind, all text or all numbers"
MULTILABEL = "multilabel-indicator"


class NetworkClassifier(ClassifierMixin, Network):
    """Base of the classifiers: a row has one class, or several labels (an indicator matrix)."""

    class_weight: Any
    classes_: Array
    # Whether a row may have several labels.
    _multilabel: bool

    @explains_calls
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

    @explains_calls
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

    @explains_calls
    def predict_proba(self, X: Any) -> Array:
        """Return (n, classes) probabilities: of softmax, or a sigmoid for each label."""
        scores = self._scores(self._outputs("predict_proba", X))
        found: Array = sigmoid(scores) if self._multilabel else softmax(scores)
        return found

    @explains_calls
    def predict_log_proba(self, X: Any) -> Array:
        """Return (n, classes) logarithms of probabilities, exact where these round to 0."""
        scores = self._scores(self._outputs("predict_log_proba", X))
        if self._multilabel:
            found: Array = -np.logaddexp(0, -scores)
            return found
        logarithms: Array = log_softmax(scores)
        return logarithms

    @explains_calls
    def decision_function(self, X: Any) -> Array:
        """Return (n, classes) scores before softmax or sigmoid; (n,), of the second, for two."""
        scores = self._scores(self._outputs("decision_function", X))
        if len(self.classes_) == 2 and not self._multilabel:
            difference: Array = scores[:, 1] - scores[:, 0]
            return difference
        return scores

    @explains_calls
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy of ``predict``.

        Args:
            X, y: rows and their classes or labels, as for ``fit``.
            sample_weight: (n,) how much each row counts, or None.
        """
        function = f"{type(self).__name__}.score"
        found = self.predict(X)
        with refused(function, f"{LABELS}, and weights", y=y, sample_weight=sample_weight):
            y = without_string_type(y)
            return float(accuracy_score(y, found, sample_weight=sample_weight))

    def _scores(self, outputs: Array) -> Array:
        """Return a score for each class."""
        return outputs

    def _encode(self, function: str, y: Array, classes: Any, *, first: bool) -> Array:
        with refused(function, LABELS, y=y):
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
        elif classes is not None and not self._are_classes(function, classes):
            expected = f"None, or those of the first call: {brief(self.classes_.tolist())}"
            raise ArgumentError(sentence(function, "classes", expected, brief(classes)))
        if several:
            return np.asarray(y, dtype=np.float32)
        encoder = LabelEncoder()
        encoder.classes_ = self.classes_
        expected = f"classes among {brief(self.classes_.tolist())}"
        with refused(function, expected, y=y):
            unknown = np.setdiff1d(distinct(function, y), self.classes_)
        if len(unknown):
            raise ArgumentError(sentence(function, "y", expected, brief(unknown.tolist())))
        numbers: Array = encoder.transform(y)
        return numbers

    def _are_classes(self, function: str, classes: Any) -> bool:
        return np.array_equal(distinct(function, classes, "classes"), self.classes_)

    def _all_classes(self, function: str, y: Array, classes: Any) -> Array:
        """Return all classes, in order; of labels their numbers."""
        if function.endswith("partial_fit") and classes is None:
            expected = "all classes in the first call, of which y need not have every one"
            raise ArgumentError(sentence(function, "classes", expected, "None"))
        if self._multilabel:
            return np.arange(y.shape[1])
        found = distinct(function, y) if classes is None else distinct(function, classes, "classes")
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
        expected = "None, 'balanced', or a dict class → weight"
        with refused(function, expected, class_weight=self.class_weight):
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


def distinct(function: str, labels: Any, name: str = "y") -> Array:
    """Return the different labels, in order."""
    # scikit-learn compares them with whole numbers, which some are far from.
    with refused(function, LABELS, **{name: labels}), np.errstate(invalid="ignore"):
        found: Array = unique_labels(without_string_type(labels))
    return found


class NetworkRegressor(RegressorMixin, Network):
    """Base of the regressors: one number a row, or several."""

    _expected_data = "rows of numbers, and a number or several for each"
    _numeric_targets = True
    _penalty_factor = 2.0  # theirs is half of the squared error
    _flat: bool

    @explains_calls
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

    @explains_calls
    def predict(self, X: Any) -> Array:
        """Return the predicted numbers.

        Args:
            X: rows as in ``fit``.

        Returns:
            (n,), or (n, k) where ``fit`` was given k numbers a row.
        """
        outputs = self._outputs("predict", X)
        return outputs.reshape(len(outputs)) if self._flat else outputs

    @explains_calls
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R² of ``predict``.

        Args:
            X, y: rows and their numbers, as for ``fit``.
            sample_weight: (n,) how much each row counts, or None.
        """
        function = f"{type(self).__name__}.score"
        found = self.predict(X)
        with refused(function, "numbers, and weights", y=y, sample_weight=sample_weight):
            return float(r2_score(y, found, sample_weight=sample_weight))

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
