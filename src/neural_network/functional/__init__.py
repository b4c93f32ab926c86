"""The mathematics, one file per family: functions of arrays, and of tensors."""

from neural_network.functional.activations import (
    identity,
    log_softmax,
    relu,
    sigmoid,
    softmax,
    tanh,
)
from neural_network.functional.adaptive_pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
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
from neural_network.functional.attention import scaled_dot_product_attention
from neural_network.functional.convolution.conv import conv1d, conv2d, conv3d
from neural_network.functional.convolution.conv_transpose import (
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from neural_network.functional.dropout import dropout, dropout2d
from neural_network.functional.embedding import embedding
from neural_network.functional.error_function import erf
from neural_network.functional.filters import FILTERS, named_filter
from neural_network.functional.interpolation import interpolate
from neural_network.functional.labels import one_hot
from neural_network.functional.linear import einsum, matmul, matrix_multiply
from neural_network.functional.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge,
    huber,
    kl,
    l1,
    l2_regularization,
    mse_loss,
    nll,
    softmax_cross_entropy,
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
from neural_network.functional.standardization import (
    batch_norm,
    batch_statistics,
    group_norm,
    instance_norm,
    layer_norm,
)

__all__ = [
    "FILTERS", "absolute", "adaptive_avg_pool1d", "adaptive_avg_pool2d",
    "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d",
    "adaptive_max_pool3d", "add", "avg_pool1d", "avg_pool2d", "avg_pool3d", "batch_norm",
    "batch_statistics", "binary_cross_entropy", "binary_cross_entropy_with_logits",
    "broadcast_to", "clip", "concatenate", "conv1d", "conv2d", "conv3d", "conv_transpose1d",
    "conv_transpose2d", "conv_transpose3d", "cos", "cross_entropy", "divide", "dropout",
    "dropout2d", "einsum", "elu", "embedding", "erf", "exp", "expm1", "gelu",
    "global_avg_pool", "group_norm", "hardswish", "hinge", "huber", "identity", "index",
    "instance_norm", "interpolate", "kl", "l1", "l2_regularization", "layer_norm",
    "leaky_relu", "log", "log1p", "log_softmax", "logsumexp", "matmul", "matrix_multiply",
    "max", "max_pool", "max_pool1d", "max_pool2d", "max_pool3d", "maximum", "mean", "min",
    "minimum", "mish", "mse_loss", "multiply", "named_filter", "negative", "nll",
    "normalize", "one_hot", "pad", "power", "relu", "reshape",
    "scaled_dot_product_attention", "sigmoid", "sign", "silu", "sin", "softmax",
    "softmax_cross_entropy", "softplus", "split", "sqrt", "square", "stack", "subtract",
    "sum", "tanh", "transpose", "var", "where",
]  # fmt: skip
