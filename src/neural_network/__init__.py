"""Neural networks in plain NumPy: from the functions of a textbook to a tool.

The names below are loaded when they are first used, so that importing the
package costs next to nothing. ``neural_network.datasets``, ``.by_hand`` and
``.visual`` hold what is particular to data, hand-made training and pictures.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neural_network import (
        autograd as autograd,
        by_hand as by_hand,
        datasets as datasets,
        errors as errors,
        files as files,
        functional as functional,
        training as training,
        visual as visual,
    )
    from neural_network.autograd.check import check_gradients as check_gradients
    from neural_network.autograd.engine import debug as debug, no_grad as no_grad
    from neural_network.autograd.tensor import Tensor as Tensor
    from neural_network.autograd.transforms import (
        grad as grad,
        jacobian as jacobian,
        value_and_grad as value_and_grad,
    )
    from neural_network.by_hand.descent import (
        gradient_descent as gradient_descent,
        initial_parameters as initial_parameters,
        train_mlp as train_mlp,
    )
    from neural_network.by_hand.differences import numerical_gradient as numerical_gradient
    from neural_network.by_hand.networks import (
        backward_mlp as backward_mlp,
        backward_mlp_3layer as backward_mlp_3layer,
        forward_mlp as forward_mlp,
        forward_mlp_3layer as forward_mlp_3layer,
        forward_perceptron as forward_perceptron,
    )
    from neural_network.datasets.batches import batches as batches
    from neural_network.datasets.idx import read_idx as read_idx
    from neural_network.datasets.mnist import (
        load_fashion_mnist as load_fashion_mnist,
        load_mnist as load_mnist,
    )
    from neural_network.datasets.pictures import load_picture as load_picture
    from neural_network.errors import (
        ArgumentError as ArgumentError,
        DatasetNotFoundError as DatasetNotFoundError,
        DroppedGradientError as DroppedGradientError,
        DTypeError as DTypeError,
        FileFormatError as FileFormatError,
        FileWriteError as FileWriteError,
        GradientError as GradientError,
        MissingDependencyError as MissingDependencyError,
        NeuralNetworkError as NeuralNetworkError,
        ShapeError as ShapeError,
    )
    from neural_network.files import load_arrays as load_arrays, save_arrays as save_arrays
    from neural_network.functional.activations import (
        identity as identity,
        log_softmax as log_softmax,
        relu as relu,
        sigmoid as sigmoid,
        softmax as softmax,
        tanh as tanh,
    )
    from neural_network.functional.convolution.conv import (
        conv1d as conv1d,
        conv2d as conv2d,
        conv3d as conv3d,
    )
    from neural_network.functional.convolution.conv_transpose import (
        conv_transpose1d as conv_transpose1d,
        conv_transpose2d as conv_transpose2d,
        conv_transpose3d as conv_transpose3d,
    )
    from neural_network.functional.dropout import dropout as dropout
    from neural_network.functional.error_function import erf as erf
    from neural_network.functional.filters import FILTERS as FILTERS, named_filter as named_filter
    from neural_network.functional.labels import one_hot as one_hot
    from neural_network.functional.linear import matrix_multiply as matrix_multiply
    from neural_network.functional.losses import (
        binary_cross_entropy as binary_cross_entropy,
        cross_entropy as cross_entropy,
        l2_regularization as l2_regularization,
        mse_loss as mse_loss,
    )
    from neural_network.functional.normalization import normalize as normalize
    from neural_network.functional.op import (
        call as call,
        gradient as gradient,
        op as op,
        samples as samples,
    )
    from neural_network.functional.pooling import (
        avg_pool1d as avg_pool1d,
        avg_pool2d as avg_pool2d,
        avg_pool3d as avg_pool3d,
        global_avg_pool as global_avg_pool,
        max_pool as max_pool,
        max_pool1d as max_pool1d,
        max_pool2d as max_pool2d,
        max_pool3d as max_pool3d,
    )
    from neural_network.functional.rectifiers import (
        elu as elu,
        gelu as gelu,
        hardswish as hardswish,
        leaky_relu as leaky_relu,
        mish as mish,
        silu as silu,
        softplus as softplus,
    )
    from neural_network.training.metrics import accuracy as accuracy
    from neural_network.training.optimizers import momentum_update as momentum_update

__version__ = "0.1.0"

# Where each public name lives. A test holds this table and the imports above together.
_HOMES = {
    "autograd.check": ("check_gradients",),
    "autograd.engine": ("debug", "no_grad"),
    "autograd.tensor": ("Tensor",),
    "autograd.transforms": ("grad", "jacobian", "value_and_grad"),
    "functional.error_function": ("erf",),
    "functional.rectifiers": ("elu", "gelu", "hardswish", "leaky_relu", "mish", "silu", "softplus"),
    "functional.op": ("call", "gradient", "op", "samples"),
    "functional.pooling": (
        "avg_pool1d",
        "avg_pool2d",
        "avg_pool3d",
        "global_avg_pool",
        "max_pool",
        "max_pool1d",
        "max_pool2d",
        "max_pool3d",
    ),
    "by_hand.descent": ("gradient_descent", "initial_parameters", "train_mlp"),
    "by_hand.differences": ("numerical_gradient",),
    "by_hand.networks": (
        "backward_mlp",
        "backward_mlp_3layer",
        "forward_mlp",
        "forward_mlp_3layer",
        "forward_perceptron",
    ),
    "datasets.batches": ("batches",),
    "datasets.idx": ("read_idx",),
    "datasets.mnist": ("load_fashion_mnist", "load_mnist"),
    "datasets.pictures": ("load_picture",),
    "errors": (
        "ArgumentError",
        "DTypeError",
        "DatasetNotFoundError",
        "FileFormatError",
        "FileWriteError",
        "MissingDependencyError",
        "NeuralNetworkError",
        "ShapeError",
        "DroppedGradientError",
        "GradientError",
    ),
    "files": ("load_arrays", "save_arrays"),
    "functional.activations": ("identity", "relu", "sigmoid", "softmax", "log_softmax", "tanh"),
    "functional.convolution.conv": ("conv2d", "conv1d", "conv3d"),
    "functional.convolution.conv_transpose": (
        "conv_transpose1d",
        "conv_transpose2d",
        "conv_transpose3d",
    ),
    "functional.dropout": ("dropout",),
    "functional.filters": ("FILTERS", "named_filter"),
    "functional.labels": ("one_hot",),
    "functional.linear": ("matrix_multiply",),
    "functional.losses": (
        "binary_cross_entropy",
        "cross_entropy",
        "l2_regularization",
        "mse_loss",
    ),
    "functional.normalization": ("normalize",),
    "training.metrics": ("accuracy",),
    "training.optimizers": ("momentum_update",),
}
_ROOMS = ("autograd", "by_hand", "datasets", "errors", "files", "functional", "training", "visual")
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted([*_HOME_OF, *_ROOMS, "__version__"])  # noqa: PLE0605  (a table, not a list)


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value  # the next look-up finds it without coming here
    return value


def __dir__() -> list[str]:
    return __all__
