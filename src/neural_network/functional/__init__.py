"""The mathematics, one file per family: functions of arrays, and of tensors.

The names below are loaded when they are first used, as those of the package are: a first
``conv2d`` waits for no loss.
"""

from __future__ import annotations

from neural_network.faces import loader

# Where each name lives. Type checkers read ``__init__.pyi``; a test holds both together.
_HOMES = {
    "activations": (
        "elu",
        "gelu",
        "hardswish",
        "identity",
        "leaky_relu",
        "log_softmax",
        "mish",
        "relu",
        "sigmoid",
        "silu",
        "softmax",
        "softplus",
        "tanh",
    ),
    "pooling.adaptive": (
        "adaptive_avg_pool1d",
        "adaptive_avg_pool2d",
        "adaptive_avg_pool3d",
        "adaptive_max_pool1d",
        "adaptive_max_pool2d",
        "adaptive_max_pool3d",
    ),
    "elementwise": (
        "absolute",
        "add",
        "clip",
        "cos",
        "divide",
        "erf",
        "exp",
        "expm1",
        "log",
        "log1p",
        "maximum",
        "minimum",
        "multiply",
        "negative",
        "power",
        "sign",
        "sin",
        "sqrt",
        "square",
        "subtract",
        "where",
    ),
    "attention": ("scaled_dot_product_attention",),
    "convolution.conv": ("conv1d", "conv2d", "conv3d"),
    "convolution.transpose": ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
    "dropouts": ("dropout", "dropout2d"),
    "embeddings": ("embedding",),
    "filters": ("FILTERS", "named_filter"),
    "interpolation": ("interpolate",),
    "labels": ("one_hot",),
    "linear": ("einsum", "matmul", "matrix_multiply"),
    "losses": (
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "cross_entropy",
        "hinge",
        "huber",
        "kl",
        "l1",
        "l2_regularization",
        "mse_loss",
        "nll",
        "softmax_cross_entropy",
    ),
    "normalization.normalize": ("normalize",),
    "pooling.pool": (
        "avg_pool1d",
        "avg_pool2d",
        "avg_pool3d",
        "global_avg_pool",
        "max_pool",
        "max_pool1d",
        "max_pool2d",
        "max_pool3d",
    ),
    "reductions": ("logsumexp", "max", "mean", "min", "sum", "var"),
    "shaping": (
        "broadcast_to",
        "concatenate",
        "index",
        "pad",
        "reshape",
        "split",
        "stack",
        "transpose",
    ),
    "normalization.batch_norm": ("batch_norm", "batch_statistics"),
    "normalization.sample_norms": ("group_norm", "instance_norm", "layer_norm"),
}
_NAMES = [name for names in _HOMES.values() for name in names]
_FAMILIES = {home.partition(".")[0] for home in _HOMES}

__all__ = sorted(_NAMES)  # noqa: PLE0605  (a table, not a list)
__getattr__ = loader(globals(), _HOMES, _FAMILIES)


def __dir__() -> list[str]:
    return __all__
