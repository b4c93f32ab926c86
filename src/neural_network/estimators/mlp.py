"""Multilayer perceptrons as scikit-learn's estimators."""

from __future__ import annotations

from typing import Any

from neural_network.estimators.inputs import Inputs, Rows, Shape
from neural_network.estimators.layers import begin_weights, dense_layers
from neural_network.estimators.network import Network
from neural_network.estimators.targets import NetworkClassifier, NetworkRegressor
from neural_network.layers.containers import Sequential
from neural_network.layers.dense import Dense
from neural_network.layers.layer import Layer
from neural_network.public import public


class DenseNetwork(Network):
    """The network of a multilayer perceptron, for rows that are flattened."""

    hidden_layer_sizes: Any
    activation: Any
    dropout: Any
    batch_norm: Any

    def _row_shape(self, function: str, rows: Rows) -> Shape:  # noqa: ARG002  # every row is one
        return (rows.X.shape[1],)

    def _make_network(self, function: str, shape: Shape, outputs: int) -> Layer:  # noqa: ARG002  # sizes are found
        hidden = dense_layers(
            function, self.hidden_layer_sizes, self.activation, self.dropout, self.batch_norm
        )
        return Sequential(*hidden, Dense(outputs))

    def _begin_weights(self, function: str, model: Layer, inputs: Inputs) -> None:  # noqa: ARG002  # nothing is refused
        begin_weights(model, inputs.shape, self._seed)


@public(top_level=False)
class MLPClassifier(DenseNetwork, NetworkClassifier):
    """Multilayer perceptron that tells classes apart, or gives labels.

    Args:
        hidden_layer_sizes: units of each hidden layer; one number is one layer, () is none.
        activation: of the hidden layers: a name ("relu", "tanh" …) or a function.
        dropout: share of the hidden units that are dropped while training.
        batch_norm: whether batch norm follows each hidden layer's sums.
        alpha: strength of the L2 penalty, as in scikit-learn: ``alpha / 2 · ΣW²``, divided by the
            rows of a batch, is added to the loss; biases have none.
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

    Attributes:
        classes_: in the order of the columns of ``predict_proba``.
        model_: the trained network, a ``Sequential``.
        n_features_in_, feature_names_in_: of ``X``, as in scikit-learn.
        input_shape_: of a row, as the network takes it.
        n_outputs_: outputs of the network.
        n_iter_: epochs of the last call.
        loss_curve_, loss_, best_loss_: the loss of each epoch, the last and the least.
        validation_scores_, best_validation_score_: of each epoch with ``early_stopping``.
        history_: the ``History`` of the last training.

    Raises:
        Nothing; ``fit`` checks the arguments.

    Source: Rumelhart, Hinton and Williams, "Learning representations by
    back-propagating errors", Nature 323, 1986.

    >>> images, labels = load_mnist()
    >>> X = images[:500].reshape(500, 784) / 255
    >>> network = estimators.MLPClassifier(tol=0.01, random_state=0)
    >>> network.fit(X, labels[:500]).score(X, labels[:500]) > 0.9
    True
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        dropout: float = 0.0,
        batch_norm: bool = False,
        alpha: float = 0.0001,
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
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.alpha = alpha
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
        self.random_state = random_state
        self.verbose = verbose


@public(top_level=False)
class MLPRegressor(DenseNetwork, NetworkRegressor):
    """Multilayer perceptron that predicts numbers.

    Args:
        hidden_layer_sizes: units of each hidden layer; one number is one layer, () is none.
        activation: of the hidden layers: a name ("relu", "tanh" …) or a function.
        dropout: share of the hidden units that are dropped while training.
        batch_norm: whether batch norm follows each hidden layer's sums.
        alpha: strength of the L2 penalty, as in scikit-learn: ``alpha / 2 · ΣW²``, divided by the
            rows of a batch, is added to the loss; biases have none.
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

    Attributes:
        model_: the trained network, a ``Sequential``.
        n_features_in_, feature_names_in_: of ``X``, as in scikit-learn.
        input_shape_: of a row, as the network takes it.
        n_outputs_: outputs of the network.
        n_iter_: epochs of the last call.
        loss_curve_, loss_, best_loss_: the loss of each epoch, the last and the least.
        validation_scores_, best_validation_score_: of each epoch with ``early_stopping``.
        history_: the ``History`` of the last training.

    Raises:
        Nothing; ``fit`` checks the arguments.

    Source: Rumelhart, Hinton and Williams, "Learning representations by
    back-propagating errors", Nature 323, 1986.

    >>> X = np.linspace(-1, 1, 200).reshape(200, 1)
    >>> network = estimators.MLPRegressor(learning_rate=0.01, random_state=0)
    >>> network.fit(X, X[:, 0] ** 2).score(X, X[:, 0] ** 2) > 0.95
    True
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        dropout: float = 0.0,
        batch_norm: bool = False,
        alpha: float = 0.0001,
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
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.alpha = alpha
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
        self.random_state = random_state
        self.verbose = verbose
