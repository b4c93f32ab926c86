"""What all estimators with a network share: ``fit``, ``partial_fit``, and the outputs of rows."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

import numpy as np

from neural_network.checks import Array, as_count, as_flag, as_number
from neural_network.errors import ArgumentError, ShapeError, sentence
from neural_network.estimators.inputs import (
    Batches,
    Inputs,
    Rows,
    Shape,
    as_rows,
    computing_type,
    in_type,
)
from neural_network.estimators.requirements import (
    BaseEstimator,
    ConvergenceWarning,
    check_is_fitted,
    check_random_state,
    check_sample_weight,
    column_or_1d,
    issparse,
    train_test_split,
    validate_data,
)
from neural_network.estimators.training import KeptState, PenalizedTrainer, Stopping, make_optimizer
from neural_network.functional.shaping import cut
from neural_network.layers.layer import Layer

# The largest batch of ``batch_size="auto"``, as in scikit-learn's networks.
LARGEST_BATCH = 200
# Rows of a sparse matrix of which the outputs are computed at once.
PIECE = 1024


class Settings(NamedTuple):
    """The arguments of an estimator that all share, checked."""

    max_iter: int
    tol: float
    patience: float
    early_stopping: bool
    validation_fraction: float
    warm_start: bool
    alpha: float


class Network(BaseEstimator):
    """Base of the estimators: a network that a ``Trainer`` trains.

    A subclass says how rows are given to the network (``_row_shape``), makes it
    (``_make_network``), and turns targets into what its loss takes (``_encode``).
    """

    # Arguments of every estimator; subclasses assign them in ``__init__``.
    optimizer: Any
    learning_rate: Any
    batch_size: Any
    max_iter: Any
    tol: Any
    n_iter_no_change: Any
    early_stopping: Any
    validation_fraction: Any
    warm_start: Any
    random_state: Any
    verbose: Any
    callbacks: Any
    augment: Any
    # Only the library's own networks have it.
    alpha: Any = 0.0

    model_: Layer
    n_iter_: int
    n_outputs_: int
    loss_curve_: list[float]
    _seed: int

    # --- what subclasses write -------------------------------------------------------

    @abstractmethod
    def _row_shape(self, function: str, rows: Rows) -> Shape:
        """Return the shape in which the network takes a row, without the batch axis."""

    @abstractmethod
    def _make_network(self, function: str, shape: Shape, outputs: int) -> Layer:
        """Return a network that has no parameters yet, or has been trained before."""

    def _begin_weights(self, model: Layer, seed: int) -> None:
        """Make the parameters of a network for rows of ``input_shape_``."""

    @abstractmethod
    def _encode(self, function: str, y: Array, classes: Any, *, first: bool) -> Array:
        """Note what is to be known of the targets, and return those of the loss."""

    @abstractmethod
    def _loss(self) -> Any:
        """Return the loss for what ``_encode`` returns."""

    @abstractmethod
    def _score(self, outputs: Array, targets: Array, weights: Array | None) -> float:
        """Return accuracy or R² of outputs."""

    def _class_weights(self, function: str, y: Array, *, partial: bool) -> Array | None:  # noqa: ARG002  # classifiers have them
        """Return the weight of each row for its class; None where classes have none."""
        return None

    # --- fitting -----------------------------------------------------------------------

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the network.

        Args:
            X: (n, d) rows, as an array, data frame or sparse matrix; or pictures, see the class.
            y: (n,) targets, or (n, k).
            sample_weight: (n,) weights of the rows in the loss, at least 0.

        Returns:
            The estimator.

        Raises:
            ValueError, TypeError: data or arguments that do not fit; nothing is changed then.
            DivergenceError: the loss or the weights are not finite.
        """
        continues = self.warm_start and hasattr(self, "model_")
        with unchanged_on_error(self):
            self._fit("fit", X, y, sample_weight, first=not continues)
        return self

    def _partial_fit(self, X: Any, y: Any, classes: Any, sample_weight: Any) -> Self:
        with unchanged_on_error(self):
            first = not hasattr(self, "model_")
            self._fit("partial_fit", X, y, sample_weight, first=first, classes=classes)
        return self

    def _fit(
        self,
        method: str,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        first: bool,
        classes: Any = None,
    ) -> None:
        function, partial = f"{type(self).__name__}.{method}", method == "partial_fit"
        settings = self._settings(function, partial=partial)
        inputs, y = self._read(function, X, y, first=first)
        weights = self._row_weights(function, inputs, y, sample_weight, partial=partial)
        targets = self._encode(function, y, classes, first=first)
        model, seed = self._network(function, inputs, first=first, partial=partial)
        if targets.dtype.kind == "f":
            targets = targets.astype(model.dtype, copy=False)
        in_training: Any = slice(None)
        validation = score = None
        if settings.early_stopping:
            in_training, held = self._split(settings, targets, seed)
            own = None if sample_weight is None else check_sample_weight(sample_weight, inputs.X)
            held_weights = None if own is None else own[held]
            validation = (inputs.at(held).array(), targets[held])

            def score(model: Layer) -> float:
                outputs = model.predict(validation[0])
                return self._score(outputs, targets[held], held_weights)

            inputs, targets = inputs.at(in_training), targets[in_training]
            weights = None if weights is None else weights[in_training]
        size = self._batch_size(function, len(targets))
        stopping = Stopping(settings.tol, settings.patience, score)
        kept = KeptState(getattr(self, "_optimizer_state", None) if partial else None)
        trainer = PenalizedTrainer(
            model,
            make_optimizer(function, self.optimizer, self.learning_rate),
            self._loss(),
            metrics=[],
            callbacks=[*self._callbacks(), *([kept] if partial else [stopping])],
            rng=seed,
            augment=self.augment,
            progress=bool(self.verbose),
            **self._trainer_options(),
        )
        total = float(len(targets) if weights is None else np.sum(weights))
        # The penalty of a batch is divided by the rows in it, each counted by its weight.
        trainer.penalty = settings.alpha * -(-len(targets) // size) / total
        if partial or inputs.is_sparse:
            batches = Batches(inputs, targets, weights, size, seed)
            trainer.fit(batches, epochs=settings.max_iter, validation=validation)
        else:
            trainer.fit(
                inputs.array(), targets, settings.max_iter, size, validation, sample_weights=weights
            )
        self._keep(trainer, stopping, settings, first=first)
        if partial:
            self._optimizer_state = kept.state_after
        elif not stopping.converged and not trainer.stop:
            warnings.warn(
                f"{function}: max_iter: the training still improved by more than tol after "
                f"{settings.max_iter} epochs",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _settings(self, function: str, *, partial: bool) -> Settings:
        """Return the checked arguments, before anything is changed."""
        early = as_flag(function, "early_stopping", self.early_stopping)
        if partial and early:
            expected = "False with partial_fit, which sees a part of the data only"
            raise ArgumentError(sentence(function, "early_stopping", expected, "True"))
        fraction = as_number(
            function, "validation_fraction", self.validation_fraction, between=(0, 1)
        )
        if fraction in (0, 1):
            expected = "a number between 0 and 1"
            raise ArgumentError(sentence(function, "validation_fraction", expected, fraction))
        patience = self.n_iter_no_change
        max_iter = as_count(function, "max_iter", self.max_iter)
        return Settings(
            1 if partial else max_iter,
            as_number(function, "tol", self.tol, between=(0, np.inf)),
            patience if patience == np.inf else as_count(function, "n_iter_no_change", patience),
            early,
            fraction,
            as_flag(function, "warm_start", self.warm_start),
            as_number(function, "alpha", self.alpha, between=(0, np.inf)),
        )

    def _callbacks(self) -> list[Any]:
        return list(self.callbacks or ())

    def _trainer_options(self) -> dict[str, Any]:
        """Return further arguments of the ``Trainer``."""
        return {}

    def _batch_size(self, function: str, rows: int) -> int:
        if isinstance(self.batch_size, str) and self.batch_size == "auto":
            return min(LARGEST_BATCH, rows)
        return min(as_count(function, "batch_size", self.batch_size), rows)

    def _read(self, function: str, X: Any, y: Any, *, first: bool) -> tuple[Inputs, Array]:
        """Return the rows and targets, as scikit-learn checks them."""
        rows = as_rows(function, X)
        numbers, y = validate_data(
            self,
            rows.X,
            y,
            accept_sparse="csr",
            dtype="numeric",
            multi_output=True,
            y_numeric=self._numeric_targets,
            reset=first,
        )
        if issparse(y):
            y = y.toarray()
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return self._inputs(function, Rows(numbers, rows.shape), first=first), y

    _numeric_targets = False

    def _inputs(self, function: str, rows: Rows, *, first: bool) -> Inputs:
        """Return the rows as the network takes them."""
        if first:
            self.input_shape_ = self._row_shape(function, rows)
        elif rows.shape is not None and self._row_shape(function, rows) != self.input_shape_:
            expected = f"rows of shape {self.input_shape_}, as in fit"
            raise ShapeError(sentence(function, "X", expected, f"rows of shape {rows.shape}"))
        X = rows.X
        if X.dtype.kind == "f":
            X = in_type(X, computing_type(X))
        return Inputs(X, self.input_shape_, getattr(self, "channels", "first") == "last")

    def _row_weights(
        self, function: str, inputs: Inputs, y: Array, sample_weight: Any, *, partial: bool
    ) -> Array | None:
        """Return the weight of each row in the loss: its own times that of its class."""
        of_classes = self._class_weights(function, y, partial=partial)
        if sample_weight is None:
            return of_classes
        weights: Array = check_sample_weight(
            sample_weight, inputs.X, dtype=np.float64, ensure_non_negative=True
        )
        if not np.any(weights):
            expected = "a weight above 0"
            raise ArgumentError(sentence(function, "sample_weight", expected, "only zeros"))
        return weights if of_classes is None else weights * of_classes

    def _network(
        self, function: str, inputs: Inputs, *, first: bool, partial: bool
    ) -> tuple[Layer, int]:
        """Return the network with its weights, and the seed of the training."""
        if first:
            self._seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
            model = self._make_network(function, inputs.shape, self.n_outputs_)
            model.astype(computing_type(inputs.X))
            self._begin_weights(model, self._seed)
            return model, self._seed
        if not partial:
            made = self._make_network(function, inputs.shape, self.n_outputs_)
            if repr(made) != repr(self.model_):
                expected = "False where the network is another one than in the last fit"
                raise ArgumentError(sentence(function, "warm_start", expected, "True"))
        # Other numbers than in the calls before, of which the seed and the epochs are the same.
        seed = np.random.SeedSequence([self._seed, self.n_iter_]).generate_state(1)[0]
        return self.model_, int(seed)

    def _split(self, settings: Settings, targets: Array, seed: int) -> tuple[Array, Array]:
        """Return the rows to train with, and those to stop by."""
        found = train_test_split(
            np.arange(len(targets)),
            test_size=settings.validation_fraction,
            random_state=seed % (1 << 32),
            stratify=targets if targets.ndim == 1 and not self._numeric_targets else None,
        )
        return found[0], found[1]

    def _keep(self, trainer: Any, stopping: Stopping, settings: Settings, *, first: bool) -> None:
        """Set the attributes that a fit leaves."""
        losses = trainer.history["loss"]
        before = [] if first else self.loss_curve_
        self.model_, self.history_ = trainer.model, trainer.history
        self.loss_curve_ = [*before, *losses]
        self.loss_, self.n_iter_ = losses[-1], len(self.loss_curve_)
        self.best_loss_, self.validation_scores_, self.best_validation_score_ = None, None, None
        if settings.early_stopping:
            self.validation_scores_ = stopping.values
            self.best_validation_score_ = stopping.best
        else:
            self.best_loss_ = min(self.loss_curve_)

    # --- outputs -------------------------------------------------------------------------

    def _outputs(self, method: str, X: Any) -> Array:
        """Return the network's outputs for some rows."""
        check_is_fitted(self)
        function = f"{type(self).__name__}.{method}"
        rows = as_rows(function, X)
        numbers = validate_data(self, rows.X, accept_sparse="csr", dtype="numeric", reset=False)
        inputs = self._inputs(function, Rows(numbers, rows.shape), first=False)
        if not inputs.is_sparse:
            outputs: Array = self.model_.predict(inputs.array())
            return outputs
        parts = cut(np.arange(inputs.X.shape[0]), PIECE)
        return np.concatenate([self.model_.predict(inputs.at(part).array()) for part in parts])

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


@contextmanager
def unchanged_on_error(estimator: Any) -> Iterator[None]:
    """Let an estimator keep the attributes that it had before a block that fails."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
