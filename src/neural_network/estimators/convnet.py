"""Convolutional networks as scikit-learn's estimators."""

from __future__ import annotations

from typing import Any

from neural_network.estimators.inputs import Inputs, Rows, Shape, picture_shape
from neural_network.estimators.layers import begin_weights, conv_layers, dense_layers
from neural_network.estimators.network import Network
from neural_network.estimators.targets import NetworkClassifier, NetworkRegressor
from neural_network.layers.containers import Sequential
from neural_network.layers.dense import Dense
from neural_network.layers.layer import Layer
from neural_network.public import public


class ConvNetwork(Network):
    """A network of convolutions with pooling, and dense layers."""

    filters: Any
    kernel_size: Any
    pool_size: Any
    hidden_layer_sizes: Any
    activation: Any
    dropout: Any
    batch_norm: Any
    image_shape: Any
    channels: Any

    def _row_shape(self, function: str, rows: Rows) -> Shape:
        features = rows.X.shape[1]
        return picture_shape(function, rows.shape, features, self.image_shape, self.channels)

    def _make_network(self, function: str, shape: Shape, outputs: int) -> Layer:
        convolutions = conv_layers(
            function, shape, self.filters, self.kernel_size, self.pool_size, self.activation,
            self.batch_norm,
        )  # fmt: skip
        hidden = dense_layers(
            function, self.hidden_layer_sizes, self.activation, self.dropout, self.batch_norm
        )
        return Sequential(*convolutions, *hidden, Dense(outputs))

    def _begin_weights(self, function: str, model: Layer, inputs: Inputs) -> None:  # noqa: ARG002  # nothing is refused
        begin_weights(model, inputs.shape, self._seed)


@public(top_level=False)
class ConvNetClassifier(ConvNetwork, NetworkClassifier):
    """Convolutional network that tells classes of pictures apart, or gives labels.

    Args:
        filters: of each convolution; one number is one convolution.
        kernel_size: of all convolutions, which keep the size: a number, or (vertical, horizontal).
        pool_size: of the max pooling after each; along an axis on which the picture is smaller,
            nothing is pooled. 1 for none.
        hidden_layer_sizes: units of each dense layer before the last; () for none.
        activation: of convolutions and hidden layers: a name ("relu", "tanh" …) or a function.
        dropout: share of the hidden units that are dropped while training.
        batch_norm: whether batch norm follows each convolution and each hidden layer's sums.
        image_shape: of a picture in flat rows: (H, W) or, in the order of ``channels``, (C, H, W);
            None: a row of d numbers is (1, √d, √d) where d is a square, else (1, 1, d).
        channels: "first" or "last", for pictures (n, H, W, C).
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

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to
    document recognition", Proc. IEEE 86, 1998.

    >>> images, labels = load_mnist()
    >>> network = estimators.ConvNetClassifier(8, tol=0.1, n_iter_no_change=1, random_state=0)
    >>> X, y = np.float32(images[:500] / 255), labels[:500]
    >>> network.fit(X, y).score(X, y) > 0.9
    True
    """

    def __init__(
        self,
        filters: Any = (16, 32),
        kernel_size: Any = 3,
        *,
        pool_size: Any = 2,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        dropout: float = 0.0,
        batch_norm: bool = False,
        image_shape: Any = None,
        channels: str = "first",
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
        self.filters = filters
        self.kernel_size = kernel_size
        self.pool_size = pool_size
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.image_shape = image_shape
        self.channels = channels
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
class ConvNetRegressor(ConvNetwork, NetworkRegressor):
    """Convolutional network that predicts numbers from pictures.

    Args:
        filters: of each convolution; one number is one convolution.
        kernel_size: of all convolutions, which keep the size: a number, or (vertical, horizontal).
        pool_size: of the max pooling after each; along an axis on which the picture is smaller,
            nothing is pooled. 1 for none.
        hidden_layer_sizes: units of each dense layer before the last; () for none.
        activation: of convolutions and hidden layers: a name ("relu", "tanh" …) or a function.
        dropout: share of the hidden units that are dropped while training.
        batch_norm: whether batch norm follows each convolution and each hidden layer's sums.
        image_shape: of a picture in flat rows: (H, W) or, in the order of ``channels``, (C, H, W);
            None: a row of d numbers is (1, √d, √d) where d is a square, else (1, 1, d).
        channels: "first" or "last", for pictures (n, H, W, C).
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

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to
    document recognition", Proc. IEEE 86, 1998.

    >>> X = np.random.default_rng(0).uniform(size=(100, 6, 6))
    >>> network = estimators.ConvNetRegressor(4, learning_rate=0.01, tol=0.01, random_state=0)
    >>> network.fit(X, X.max(axis=(1, 2)) * 10).predict(X).shape
    (100,)
    """

    def __init__(
        self,
        filters: Any = (16, 32),
        kernel_size: Any = 3,
        *,
        pool_size: Any = 2,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        dropout: float = 0.0,
        batch_norm: bool = False,
        image_shape: Any = None,
        channels: str = "first",
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
        self.filters = filters
        self.kernel_size = kernel_size
        self.pool_size = pool_size
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.image_shape = image_shape
        self.channels = channels
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
