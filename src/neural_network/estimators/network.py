"""What all estimators with a network share: ``fit``, ``partial_fit``, and the outputs of rows."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial as partial_of
from math import ceil
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import DTypeLike

from neural_network.checks import Array, as_count, as_flag, as_number, narrowed
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, DTypeError, brief, sentence, warn_of_call
from neural_network.estimators.inputs import (
    Batches,
    Inputs,
    Rows,
    Shape,
    as_rows,
    computing_type,
    row_weights,
    without_string_type,
)
from neural_network.estimators.reading import RowEstimator, unchanged_on_error
from neural_network.estimators.refusals import refused
from neural_network.estimators.requirements import (
    ConvergenceWarning,
    check_random_state,
    column_or_1d,
    issparse,
    train_test_split,
    validate_data,
)
from neural_network.estimators.training import KeptState, PenalizedTrainer, Stopping, make_optimizer
from neural_network.layers.layer import Layer

# The largest batch of ``batch_size="auto"``, as in scikit-learn's networks.
LARGEST_BATCH = 200


class Settings(NamedTuple):
    """The arguments of an estimator that all share, checked."""

    max_iter: int
    tol: float
    patience: float
    early_stopping: bool
    validation_fraction: float
    warm_start: bool
    alpha: float


class Data(NamedTuple):
    """Checked rows with their targets.

    Attributes:
        inputs: the rows.
        targets: as scores take them.
        goals: as the loss takes them.
        weights: of the rows in the loss, or None.
        own: the weights that were given, without those of classes, or None.
    """

    inputs: Inputs
    targets: Array
    goals: Array
    weights: Array | None
    own: Array | None

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.targets)

    def at(self, rows: Array) -> Data:
        """Return some of the rows."""
        weights, own = (None if w is None else w[rows] for w in (self.weights, self.own))
        return Data(self.inputs.at(rows), self.targets[rows], self.goals[rows], weights, own)


class Network(RowEstimator):
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

    n_iter_: int
    n_outputs_: int
    loss_curve_: list[float]
    _seed: int

    # --- what subclasses write -------------------------------------------------------

    @abstractmethod
    def _make_network(self, function: str, shape: Shape, outputs: int) -> Layer:
        """Return a network that has no parameters yet, or has been trained before."""

    @abstractmethod
    def _begin_weights(self, function: str, model: Layer, inputs: Inputs) -> None:
        """Make the parameters of a network for these rows, by ``_seed``."""

    def _targets_of_loss(self, targets: Array, dtype: DTypeLike) -> Array:
        """Return what ``_encode`` has returned as the loss takes it."""
        return narrowed(f"{type(self).__name__}.fit", "y", targets, np.dtype(dtype))

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

    @explains_calls
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
        warm = as_flag(f"{type(self).__name__}.fit", "warm_start", self.warm_start)
        continues = warm and "model_" in vars(self)
        with unchanged_on_error(self):
            self._fit("fit", X, y, sample_weight, first=not continues)
        return self

    def _partial_fit(self, X: Any, y: Any, classes: Any, sample_weight: Any) -> Self:
        with unchanged_on_error(self):
            first = "model_" not in vars(self)
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
        callbacks = () if self.callbacks is None else self.callbacks
        if not isinstance(callbacks, list | tuple):
            expected = "None, or a list of callbacks such as [EarlyStopping('loss')]"
            raise DTypeError(sentence(function, "callbacks", expected, brief(callbacks)))
        for callback in callbacks:
            if str(getattr(callback, "measure", "")).startswith("validation_"):
                expected = (
                    'callbacks that observe "loss", because an estimator measures no other; '
                    "early_stopping=True holds rows out and keeps the best weights"
                )
                raise ArgumentError(sentence(function, "callbacks", expected, brief(callback)))
        inputs, y = self._read(function, X, y, first=first)
        own, weights = self._row_weights(function, inputs, y, sample_weight, partial=partial)
        targets = self._encode(function, y, classes, first=first)
        model, seed = self._network(function, inputs, first=first, partial=partial)
        data = Data(inputs, targets, self._targets_of_loss(targets, model.dtype), weights, own)
        validation = score = None
        if settings.early_stopping:
            data, held = self._split(function, settings.validation_fraction, data, seed)
            validation = (held.inputs.array(), held.goals)
            score = partial_of(self._score_of_model, validation[0], held.targets, held.own)
        size = self._batch_size(function, data.rows)
        stopping = Stopping(settings.tol, settings.patience, score)
        kept = KeptState(getattr(self, "_optimizer_state", None))
        trainer = PenalizedTrainer(
            model,
            make_optimizer(function, self.optimizer, self.learning_rate),
            self._loss(),
            metrics=[],
            callbacks=[*callbacks, kept if partial else stopping],
            rng=seed,
            augment=self.augment,
            progress=bool(self.verbose),
            **self._trainer_options(),
        )
        if getattr(self, "channels", "last") == "first":
            advice = f'{type(self).__name__}(channels="last") takes them as they are'
            trainer._hints.advice["channels last"] = advice
        total = float(data.rows if data.weights is None else np.sum(data.weights))
        # The penalty of a batch is divided by the rows in it, each counted by its weight.
        trainer.penalty = settings.alpha * self._penalty_factor * -(-data.rows // size) / total
        if partial or data.inputs.is_sparse:
            batches = Batches(data.inputs, data.goals, data.weights, size, seed)
            trainer.fit(batches, epochs=settings.max_iter, validation=validation)
        else:
            trainer.fit(
                data.inputs.array(), data.goals, settings.max_iter, size, validation,
                sample_weights=data.weights,
            )  # fmt: skip
        self._keep(trainer, stopping, settings, first=first)
        if partial:
            self._optimizer_state = kept.state_after
        elif not trainer.stop:
            text = (
                f"{function}: max_iter: {settings.max_iter} epochs have ended before "
                "n_iter_no_change epochs without an improvement by tol; a larger max_iter lets the "
                "training go on"
            )
            warn_of_call(text, ConvergenceWarning)

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
        forever = isinstance(patience, float) and patience == np.inf
        max_iter = as_count(function, "max_iter", self.max_iter)
        return Settings(
            1 if partial else max_iter,
            as_number(function, "tol", self.tol, between=(0, np.inf)),
            patience if forever else as_count(function, "n_iter_no_change", patience),
            early,
            fraction,
            as_flag(function, "warm_start", self.warm_start),
            as_number(function, "alpha", self.alpha, between=(0, np.inf)),
        )

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
        with refused(function, self._expected_data, X=X, y=y):
            numbers, y = validate_data(
                self,
                rows.X,
                without_string_type(y),
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

    # What ``fit`` takes, in its sentences.
    _expected_data = "rows of numbers, and labels that are text or whole numbers"
    _numeric_targets = False
    # How many times its gradient is as large as that of scikit-learn's loss.
    _penalty_factor = 1.0

    def _row_weights(
        self, function: str, inputs: Inputs, y: Array, sample_weight: Any, *, partial: bool
    ) -> tuple[Array | None, Array | None]:
        """Return the given weight of each row, and that in the loss: times that of its class."""
        of_classes = self._class_weights(function, y, partial=partial)
        if sample_weight is None:
            return None, of_classes
        weights = row_weights(function, sample_weight, inputs.X)
        return weights, weights if of_classes is None else weights * of_classes

    def _network(
        self, function: str, inputs: Inputs, *, first: bool, partial: bool
    ) -> tuple[Layer, int]:
        """Return the network with its weights, and the seed of the training."""
        if first:
            self._seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
            model = self._make_network(function, inputs.shape, self.n_outputs_)
            model.astype(computing_type(inputs.X))
            self._begin_weights(function, model, inputs)
            return model, self._seed
        if not partial:
            made = self._make_network(function, inputs.shape, self.n_outputs_)
            if repr(made) != repr(self.model_):
                expected = "False where the network is another one than in the last fit"
                raise ArgumentError(sentence(function, "warm_start", expected, "True"))
        # Other numbers than in the calls before, of which the seed and the epochs are the same.
        seed = np.random.SeedSequence([self._seed, len(self.loss_curve_)]).generate_state(1)[0]
        return self.model_, int(seed)

    def _split(self, function: str, fraction: float, data: Data, seed: int) -> tuple[Data, Data]:
        """Return the rows to train with, and those to stop by."""
        held = ceil(fraction * data.rows)
        if not 2 <= held < data.rows:
            expected = "a share of at least 2 rows, which leaves some (or early_stopping=False)"
            received = f"{fraction} of {data.rows} rows"
            raise ArgumentError(sentence(function, "validation_fraction", expected, received))
        by_class = False
        if data.targets.ndim == 1 and not self._numeric_targets:
            counts = np.unique(data.targets, return_counts=True)[1]
            by_class = min(counts) > 1 and len(counts) <= min(held, data.rows - held)
        found = train_test_split(
            np.arange(data.rows),
            test_size=held,
            random_state=seed % (1 << 32),
            stratify=data.targets if by_class else None,
        )
        return data.at(found[0]), data.at(found[1])

    def _score_of_model(
        self, X: Array, targets: Array, weights: Array | None, model: Layer
    ) -> float:
        return self._score(model.predict(X), targets, weights)

    def _keep(self, trainer: Any, stopping: Stopping, settings: Settings, *, first: bool) -> None:
        """Set the attributes that a fit leaves."""
        losses = trainer.history["loss"]
        before = [] if first else self.loss_curve_
        self.model_, self.history_ = trainer.model, trainer.history
        self.loss_curve_ = [*before, *losses]
        self.loss_, self.n_iter_ = losses[-1], len(losses)
        self.best_loss_, self.validation_scores_, self.best_validation_score_ = None, None, None
        if settings.early_stopping:
            self.validation_scores_ = stopping.values
            self.best_validation_score_ = stopping.best
        else:
            self.best_loss_ = min(self.loss_curve_)
