"""The mathematics, one file per family: functions of arrays, and of tensors."""

from neural_network.functional.activations import (
    identity,
    log_softmax,
    relu,
    sigmoid,
    softmax,
    tanh,
)
from neural_network.functional.arithmetic import (
    absolute,
    add,
    clip,
    cos,
    divide,
    exp,
    expm1,
    log,
    log1p,
    maximum,
    minimum,
    multiply,
    negative,
    power,
    sign,
    sin,
    sqrt,
    square,
    subtract,
    where,
)
from neural_network.functional.convolution.conv import conv1d, conv2d, conv3d
from neural_network.functional.convolution.conv_transpose import (
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from neural_network.functional.dropout import dropout
from neural_network.functional.error_function import erf
from neural_network.functional.filters import FILTERS, named_filter
from neural_network.functional.labels import one_hot
from neural_network.functional.linear import einsum, matmul, matrix_multiply
from neural_network.functional.losses import (
    binary_cross_entropy,
    cross_entropy,
    l2_regularization,
    mse_loss,
)
from neural_network.functional.normalization import normalize
from neural_network.functional.pooling import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    global_avg_pool,
    max_pool,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)
from neural_network.functional.rectifiers import (
    elu,
    gelu,
    hardswish,
    leaky_relu,
    mish,
    silu,
    softplus,
)
from neural_network.functional.reductions import logsumexp, max, mean, min, sum, var
from neural_network.functional.shaping import (
    broadcast_to,
    concatenate,
    index,
    pad,
    reshape,
    split,
    stack,
    transpose,
)

__all__ = [
    "FILTERS", "absolute", "add", "avg_pool1d", "avg_pool2d", "avg_pool3d",
    "binary_cross_entropy", "broadcast_to", "clip", "concatenate", "conv1d", "conv2d",
    "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "cos",
    "cross_entropy", "divide", "dropout", "einsum", "elu", "erf", "exp", "expm1", "gelu",
    "global_avg_pool", "hardswish", "identity", "index", "l2_regularization", "leaky_relu",
    "log", "log1p", "log_softmax", "logsumexp", "matmul", "matrix_multiply", "max",
    "max_pool", "max_pool1d", "max_pool2d", "max_pool3d", "maximum", "mean", "min", "minimum",
    "mish", "mse_loss", "multiply", "named_filter", "negative", "normalize", "one_hot", "pad",
    "power", "relu", "reshape", "sigmoid", "sign", "silu", "sin", "softmax", "softplus",
    "split", "sqrt", "square", "stack", "subtract", "sum", "tanh", "transpose", "var", "where",
]  # fmt: skip
