"""Any model of the library, or function that makes one, as scikit-learn's estimators."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from neural_network.autograd.engine import no_backward
from neural_network.checks import Array, as_choice, as_flag
from neural_network.elsewhere.surface import unknown_arguments
from neural_network.errors import ArgumentError, DTypeError, ShapeError, brief, sentence
from neural_network.estimators.inputs import CHANNELS, Inputs, Rows, Shape, picture_shape
from neural_network.estimators.layers import begin_weights, dense_layers
from neural_network.estimators.network import Network
from neural_network.estimators.outputs import (
    OF_ONE_HOT,
    Meaning,
    as_scores,
    meaning_of,
    name_of_loss,
    usual_loss,
)
from neural_network.estimators.targets import NetworkClassifier, NetworkRegressor
from neural_network.functional.labels import one_hot
from neural_network.layers.activation import Flatten
from neural_network.layers.containers import Sequential
from neural_network.layers.dense import Dense
from neural_network.layers.layer import Layer
from neural_network.layers.outputs import ends_in
from neural_network.layers.randomness import generator
from neural_network.models.catalogue import MODELS
from neural_network.public import public

# The parameter of the constructors that takes the others.
REST = "model_arguments"
PREFIX = "model__"
# Parameters of a function that makes a model, and what they are filled with.
OUTPUTS = ("classes", "outputs", "n_classes", "num_classes", "n_outputs")


def perceptron(
    outputs: int, hidden_layer_sizes: Any = (100,), activation: Any = "relu"
) -> Sequential:
    """Return the multilayer perceptron of ``model=None``."""
    hidden = dense_layers("model", hidden_layer_sizes, activation, 0.0, norm=False)
    return Sequential(Flatten(), *hidden, Dense(outputs))


class TrainerNetwork(Network):
    """An estimator whose network is given: a model, or a function that makes one."""

    model: Any
    loss: Any
    image_shape: Any
    channels: Any
    clip_norm: Any
    clip_value: Any
    accumulate: Any
    average: Any
    # ``model__units`` → value.
    _model_arguments: Mapping[str, Any] = MappingProxyType({})
    # The shape of a row of the network's outputs.
    _output_shape: Shape
    # The last function of the network, if it makes probabilities of scores.
    _end: Any

    def _set_model_arguments(self, arguments: Mapping[str, Any]) -> None:
        """Keep the arguments of the model; ``fit`` checks what it takes, as all values.

        Raises:
            TypeError: a name without ``model__`` before, as of any signature. The name of the
                parameter itself is in the signature, so that ``fit`` refuses it.
        """
        self._check_names(type(self).__name__, [name for name in arguments if name != REST])
        if arguments:
            self._model_arguments = {**self._model_arguments, **arguments}

    def _check_names(self, function: str, names: Iterable[str]) -> None:
        if unknown := [name for name in names if not name.startswith(PREFIX)]:
            known = [name for name in inspect.signature(type(self)).parameters if name != REST]
            raise unknown_arguments(function, type(self), unknown, [*known, f"{PREFIX}…"])

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the arguments by name, those of the model with ``model__`` before."""
        function = f"{type(self).__name__}.get_params"
        return {**super().get_params(as_flag(function, "deep", deep)), **self._model_arguments}

    def set_params(self, **params: Any) -> Self:
        """Set arguments by name, those of the model with ``model__`` before."""
        own = {name: params.pop(name) for name in list(params) if name.startswith(PREFIX)}
        super().set_params(**params)
        self._set_model_arguments(own)
        return self

    # --- the network -------------------------------------------------------------------

    def _row_shape(self, function: str, rows: Rows) -> Shape:
        features = rows.X.shape[1]
        order = as_choice(function, "channels", self.channels, CHANNELS)
        if self.image_shape is None and (rows.shape is None or order == "first"):
            return (features,) if rows.shape is None else rows.shape
        return picture_shape(function, rows.shape, features, self.image_shape, self.channels)

    def _make_network(self, function: str, shape: Shape, outputs: int) -> Layer:
        self._check_names(function, self._model_arguments)
        own = {name.removeprefix(PREFIX): v for name, v in self._model_arguments.items()}
        make = perceptron if self.model is None else self.model
        if isinstance(make, str):
            make = MODELS[as_choice(function, "model", make, tuple(MODELS))]
        if isinstance(make, list | tuple):
            make = Sequential(*make)
        if isinstance(make, Layer):
            return changed(function, make.clone(), own)
        if not callable(make) or hasattr(
            make, "state_dict"
        ):  # a network of PyTorch is called with rows
            expected = "a model, a function that makes one, a name, or None"
            raise DTypeError(sentence(function, "model", expected, brief(make)))
        filled: dict[str, Any] = dict.fromkeys(OUTPUTS, outputs)
        filled |= {"input_shape": shape, "rng": generator(self._seed, "weights")}
        taken = inspect.signature(make).parameters
        unknown = own.keys() - taken.keys()
        if unknown and not any(p.kind is p.VAR_KEYWORD for p in taken.values()):
            name = getattr(make, "__name__", "model")
            expected = f"arguments of {name}: {', '.join(taken) or 'none'}"
            raise ArgumentError(sentence(function, "model", expected, PREFIX + min(unknown)))
        given = {name: value for name, value in filled.items() if name in taken} | own
        open_ones = [
            name
            for name, of in taken.items()
            if of.default is of.empty and of.kind not in (of.VAR_POSITIONAL, of.VAR_KEYWORD)
        ]
        if missing := [name for name in open_ones if name not in given]:
            expected = f"a function of {', '.join(filled)}, whose other arguments have a value"
            received = f"{PREFIX}{missing[0]} without one"
            raise ArgumentError(sentence(function, "model", expected, received))
        made = make(**given)
        if isinstance(made, list | tuple):
            made = Sequential(*made)
        if not isinstance(made, Layer):
            expected = "a function that returns a model"
            raise DTypeError(sentence(function, "model", expected, f"one of {brief(made)}"))
        return made

    def _begin_weights(self, function: str, model: Layer, inputs: Inputs) -> None:
        if self.model is None:
            begin_weights(model, inputs.shape, self._seed)
        rng = generator(self._seed, "weights")
        model.initialize(inputs.shape, rng=rng, dtype=inputs.X.dtype)
        zeros = np.zeros((1, *inputs.shape), inputs.X.dtype)
        with no_backward(), np.errstate(all="ignore"), model.in_mode(training=False):
            row = np.shape(model(zeros))[1:]
        if row not in self._output_shapes():
            expected = f"outputs {' or '.join(map(str, self._output_shapes()))} for a row"
            raise ShapeError(sentence(function, "model", expected, f"{row}"))
        self._output_shape, self._end = row, ends_in(model, zeros)

    def _output_shapes(self) -> list[Shape]:
        """Return the shapes of outputs that fit the targets."""
        return [(self.n_outputs_,)]

    def _targets_of_loss(self, targets: Array, dtype: DTypeLike) -> Array:
        goals = super()._targets_of_loss(targets, dtype)
        return goals if goals.ndim == 1 else goals.reshape(len(goals), *self._output_shape)

    def _loss(self) -> Any:
        return super()._loss() if isinstance(self.loss, str) and self.loss == "auto" else self.loss  # type: ignore[safe-super]  # the other base has it

    def _trainer_options(self) -> dict[str, Any]:
        names = ("clip_norm", "clip_value", "accumulate", "average")
        return {name: getattr(self, name) for name in names}


def changed(function: str, model: Layer, arguments: Mapping[str, Any]) -> Layer:
    """Return a model with other arguments, or layers: its own, or of one inside (``0__units``)."""
    for name, value in arguments.items():
        *path, argument = name.split("__")
        *above, last = [model, *_layers_on(function, model, path)]
        if isinstance(value, Layer) and argument in dict(last.children()):
            above, path, other = [*above, last], [*path, argument], value.clone()
        else:
            try:
                other = last.clone(**{argument: value})
            except ArgumentError as error:
                raise ArgumentError(f"{function}: {PREFIX}{name}: {error}") from error
        if not above:
            model = other
        elif path[-1].isdigit():
            above[-1][int(path[-1])] = other  # type: ignore[index]  # only lists of layers have numbers
        else:
            setattr(above[-1], path[-1], other)
    return model


def _layers_on(function: str, model: Any, path: list[str]) -> list[Any]:
    """Return the layers along a path of names, the last one included."""
    found = []
    for part in path:
        inside = dict(model.children())
        if part not in inside:
            expected = f"a layer among {', '.join(inside) or 'none'}"
            raise ArgumentError(sentence(function, PREFIX + "__".join(path), expected, part))
        model = inside[part]
        found.append(model)
    return found


@public(top_level=False)
class TrainerClassifier(TrainerNetwork, NetworkClassifier):
    """Classifier around any model, or function that makes one.

    Args:
        model: a model, which is copied and may be trained already; a function or class that makes
            one; the name of one of the library's ("tiny_cnn"); or None, for the network of
            ``MLPClassifier``. Its outputs are scores (n, classes), or (n, 1) for two classes;
            or probabilities, where it ends in a softmax or a sigmoid.
            The parameters ``classes`` (or ``n_classes``, ``outputs``), ``input_shape`` and ``rng``
            of a function are filled in.
        loss: a function of (outputs, y), or the name of one; "auto": "softmax_cross_entropy",
            or "binary_cross_entropy_with_logits" for labels, and for two classes with one score;
            of probabilities "cross_entropy" or "binary_cross_entropy". Losses of the library that
            take one-hot rows, or labels −1 and 1, get them; another one gets class numbers, or
            zeros and ones in the shape of the outputs.
        optimizer: a name, "adam" or "sgd" for example, or a function of the learning rate that
            returns an ``Optimizer``: ``partial(SGD, momentum=0.9)``.
        learning_rate: a number above 0, or a ``Schedule``, whose time is counted in epochs.
        batch_size: rows in a batch; "auto": 200, or all if there are fewer.
        max_iter: epochs at most.
        tol: less improvement than this is none; see ``n_iter_no_change``.
        n_iter_no_change: after more epochs in a row without an improvement, of the loss or of the
            validation score, the training ends.
        early_stopping: whether to set rows aside, stop by the score on them, and keep the weights
            of the best epoch. Otherwise all rows are trained with, and the loss decides.
        validation_fraction: the share that ``early_stopping`` sets aside; of each class, where each
            has two rows and the share has a row of each.
        warm_start: whether ``fit`` continues with the weights of the last one.
        class_weight: None, "balanced", or class → weight, as in scikit-learn.
        callbacks: callbacks of a ``Trainer``.
        augment: a function of (X, rng) that returns a batch with random changes, such as
            ``Augment(Shift(2))``.
        random_state: a seed, a ``RandomState``, or None. One seed, one result.
        verbose: whether to print the progress.
        image_shape: of a picture in flat rows: (H, W) or, in the order of ``channels``, (C, H, W);
            None: rows are as in ``X``.
        channels: "first" or "last", for pictures (n, H, W, C).
        clip_norm, clip_value, accumulate, average: as of ``Trainer``.
        model_arguments: ``model__units=32`` is the argument ``units`` of the function or model,
            ``model__0__units=32`` that of the layer ``model[0]``, ``model__0=Dense(32)`` another
            layer. Searches use these names.

    Attributes:
        classes_: in the order of the columns of ``predict_proba``.
        model_: the trained network.
        n_features_in_, feature_names_in_: of ``X``, as in scikit-learn.
        input_shape_: of a row, as the network takes it.
        n_outputs_: outputs of the network.
        n_iter_: epochs of the last call.
        loss_curve_, loss_, best_loss_: the loss of each epoch, the last and the least.
        validation_scores_, best_validation_score_: of each epoch with ``early_stopping``.
        history_: the ``History`` of the last training.

    Raises:
        Nothing; ``fit`` checks the arguments.

    Source: none; it hands everything to ``Trainer``.

    >>> def network(classes, units=16):
    ...     return Sequential(Dense(units, "tanh"), Dense(classes))
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> classifier = estimators.TrainerClassifier(
    ...     network, learning_rate=0.05, tol=0.01, random_state=0, model__units=8
    ... )
    >>> classifier.fit(X, X[:, 0] > 0).score(X, X[:, 0] > 0) > 0.9
    True
    >>> classifier.model_[0], classifier.n_outputs_
    (Dense(units=8, activation='tanh'), 2)
    """

    def __init__(
        self,
        model: Any = None,
        *,
        loss: Any = "auto",
        optimizer: Any = "adam",
        learning_rate: Any = 0.001,
        batch_size: Any = "auto",
        max_iter: int = 200,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        class_weight: Any = None,
        callbacks: Any = None,
        augment: Any = None,
        image_shape: Any = None,
        channels: str = "first",
        clip_norm: float | None = None,
        clip_value: float | None = None,
        accumulate: int = 1,
        average: float | None = None,
        random_state: Any = None,
        verbose: bool = False,
        **model_arguments: Any,
    ) -> None:
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.class_weight = class_weight
        self.callbacks = callbacks
        self.augment = augment
        self.image_shape = image_shape
        self.channels = channels
        self.clip_norm = clip_norm
        self.clip_value = clip_value
        self.accumulate = accumulate
        self.average = average
        self.random_state = random_state
        self.verbose = verbose
        self._set_model_arguments(model_arguments)

    _meaning: Meaning

    def _output_shapes(self) -> list[Shape]:
        several: list[Shape] = [(self.n_outputs_,)]
        two = len(self.classes_) == 2 and not self._multilabel
        return [*several, (1,), ()] if two else several

    @property
    def _single(self) -> bool:
        """Whether the network has one output for two classes."""
        return self._output_shape in ((), (1,)) and not self._multilabel

    @property
    def _one_class(self) -> bool:
        """Whether a row has one class, and each class an output."""
        return not self._single and not self._multilabel

    def _scores(self, outputs: Array) -> Array:
        if not self._single:
            return as_scores(outputs, self._meaning, one_class=self._one_class)
        scores = as_scores(outputs.reshape(len(outputs), 1), self._meaning, one_class=False)
        return np.concatenate([np.zeros_like(scores), scores], axis=1)

    def _targets_of_loss(self, targets: Array, dtype: DTypeLike) -> Array:
        loss = name_of_loss(self._loss())
        self._meaning = meaning_of(self._end, loss)
        if self._single:
            targets = targets.reshape(len(targets), *self._output_shape).astype(dtype)
        elif not self._multilabel and loss in OF_ONE_HOT:
            targets = one_hot(targets, self.n_outputs_)
        if loss == "hinge" and not self._one_class:
            targets = 2 * targets - 1  # its labels are −1 and 1
        return super()._targets_of_loss(targets, dtype)

    def _loss(self) -> Any:
        if isinstance(self.loss, str) and self.loss == "auto":
            return usual_loss(self._end, one_class=self._one_class)
        return self.loss


@public(top_level=False)
class TrainerRegressor(TrainerNetwork, NetworkRegressor):
    """Regressor around any model, or function that makes one.

    Args:
        model: a model, which is copied and may be trained already; a function or class that makes
            one; the name of one of the library's ("tiny_cnn"); or None, for the network of
            ``MLPRegressor``. Its outputs are numbers (n,) or (n, k).
            The parameters ``classes`` (or ``n_classes``, ``outputs``), ``input_shape`` and ``rng``
            of a function are filled in.
        loss: a function of (outputs, y), or the name of one; "auto": "mse_loss".
        optimizer: a name, "adam" or "sgd" for example, or a function of the learning rate that
            returns an ``Optimizer``: ``partial(SGD, momentum=0.9)``.
        learning_rate: a number above 0, or a ``Schedule``, whose time is counted in epochs.
        batch_size: rows in a batch; "auto": 200, or all if there are fewer.
        max_iter: epochs at most.
        tol: less improvement than this is none; see ``n_iter_no_change``.
        n_iter_no_change: after more epochs in a row without an improvement, of the loss or of the
            validation score, the training ends.
        early_stopping: whether to set rows aside, stop by the score on them, and keep the weights
            of the best epoch. Otherwise all rows are trained with, and the loss decides.
        validation_fraction: the share that ``early_stopping`` sets aside; of each class, where each
            has two rows and the share has a row of each.
        warm_start: whether ``fit`` continues with the weights of the last one.
        callbacks: callbacks of a ``Trainer``.
        augment: a function of (X, rng) that returns a batch with random changes, such as
            ``Augment(Shift(2))``.
        random_state: a seed, a ``RandomState``, or None. One seed, one result.
        verbose: whether to print the progress.
        image_shape: of a picture in flat rows: (H, W) or, in the order of ``channels``, (C, H, W);
            None: rows are as in ``X``.
        channels: "first" or "last", for pictures (n, H, W, C).
        clip_norm, clip_value, accumulate, average: as of ``Trainer``.
        model_arguments: ``model__units=32`` is the argument ``units`` of the function or model,
            ``model__0__units=32`` that of the layer ``model[0]``, ``model__0=Dense(32)`` another
            layer. Searches use these names.

    Attributes:
        model_: the trained network.
        n_features_in_, feature_names_in_: of ``X``, as in scikit-learn.
        input_shape_: of a row, as the network takes it.
        n_outputs_: outputs of the network.
        n_iter_: epochs of the last call.
        loss_curve_, loss_, best_loss_: the loss of each epoch, the last and the least.
        validation_scores_, best_validation_score_: of each epoch with ``early_stopping``.
        history_: the ``History`` of the last training.

    Raises:
        Nothing; ``fit`` checks the arguments.

    Source: none; it hands everything to ``Trainer``.

    >>> X = np.linspace(-1, 1, 100).reshape(100, 1)
    >>> regressor = estimators.TrainerRegressor(
    ...     Sequential(Dense(8, "tanh"), Dense(1)), learning_rate=0.05, tol=0.001, random_state=0
    ... )
    >>> regressor.fit(X, X[:, 0] ** 2).predict(X).shape
    (100,)
    """

    def __init__(
        self,
        model: Any = None,
        *,
        loss: Any = "auto",
        optimizer: Any = "adam",
        learning_rate: Any = 0.001,
        batch_size: Any = "auto",
        max_iter: int = 200,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        callbacks: Any = None,
        augment: Any = None,
        image_shape: Any = None,
        channels: str = "first",
        clip_norm: float | None = None,
        clip_value: float | None = None,
        accumulate: int = 1,
        average: float | None = None,
        random_state: Any = None,
        verbose: bool = False,
        **model_arguments: Any,
    ) -> None:
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.augment = augment
        self.image_shape = image_shape
        self.channels = channels
        self.clip_norm = clip_norm
        self.clip_value = clip_value
        self.accumulate = accumulate
        self.average = average
        self.random_state = random_state
        self.verbose = verbose
        self._set_model_arguments(model_arguments)

    def _output_shapes(self) -> list[Shape]:
        return [(1,), ()] if self.n_outputs_ == 1 else [(self.n_outputs_,)]
