"""Neural networks in plain NumPy: from the functions of a textbook to a tool.

The names below are loaded when they are first used, so that importing the
package costs next to nothing. ``neural_network.datasets``, ``.by_hand`` and
``.visual`` hold what is particular to data, hand-made training and pictures.
"""

from __future__ import annotations

from neural_network.faces import loader

__version__ = "0.1.0"

# Where each public name lives. Type checkers read ``__init__.pyi``; a test holds both together.
_HOMES = {
    "training.trainer": ("Trainer",),
    "training.interrupts": ("TrainingInterrupted",),
    "training.history": ("History",),
    "training.callbacks": (
        "Callback",
        "Checkpoint",
        "CSVLog",
        "EarlyStopping",
        "LearningRateFinder",
    ),
    "layers.saving": (
        "load",
        "load_notes",
        "save",
    ),
    "layers.pooling": (
        "AvgPool2D",
        "GlobalAvgPool2D",
        "MaxPool2D",
    ),
    "layers.parameter": (
        "Buffer",
        "Parameter",
    ),
    "layers.normalization": (
        "BatchNorm",
        "GroupNorm",
        "LayerNorm",
    ),
    "layers.layer": ("Layer",),
    "layers.hooks": ("watching",),
    "layers.initializers": ("INITIALIZERS",),
    "layers.dropout": (
        "Dropout",
        "Dropout2D",
    ),
    "layers.dense": (
        "Dense",
        "Embedding",
    ),
    "layers.convolution": (
        "Conv1D",
        "Conv2D",
        "Conv3D",
        "ConvTranspose2D",
        "DepthwiseConv2D",
    ),
    "layers.containers": (
        "Residual",
        "Sequential",
    ),
    "layers.activation": (
        "Activation",
        "Flatten",
    ),
    "autograd.check": ("check_gradients",),
    "autograd.engine": ("debug", "no_grad"),
    "autograd.tensor": ("Tensor",),
    "autograd.transforms": ("grad", "jacobian", "value_and_grad"),
    "functional.op": ("call", "gradient", "op", "samples"),
    "functional.pooling.pool": (
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
    "datasets.augmentation.augment": ("Augment", "augmentation_from"),
    "datasets.augmentation.steps": ("Cutout", "Elastic", "Flip", "Rotate", "Scale", "Shift"),
    "datasets.batches": ("batches",),
    "datasets.digits": ("prepare_digit",),
    "datasets.folders": ("load_image_folder",),
    "datasets.idx": ("read_idx",),
    "datasets.mnist": ("load_fashion_mnist", "load_mnist"),
    "datasets.pictures": ("load_picture",),
    "errors": (
        "DivergenceError",
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
    "kernels.runtime.gate": ("use_kernels",),
    "kernels.runtime.threads": ("get_num_threads", "set_num_threads"),
    "functional.activations": (
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
    "functional.elementwise": ("erf",),
    "functional.convolution.conv": ("conv2d", "conv1d", "conv3d"),
    "functional.convolution.transpose": (
        "conv_transpose1d",
        "conv_transpose2d",
        "conv_transpose3d",
    ),
    "functional.dropouts": ("dropout", "dropout2d"),
    "functional.filters": ("FILTERS", "named_filter"),
    "functional.labels": ("one_hot",),
    "functional.linear": ("matrix_multiply",),
    "functional.losses": (
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
    "functional.pooling.adaptive": (
        "adaptive_avg_pool1d",
        "adaptive_avg_pool2d",
        "adaptive_avg_pool3d",
        "adaptive_max_pool1d",
        "adaptive_max_pool2d",
        "adaptive_max_pool3d",
    ),
    "functional.attention": ("scaled_dot_product_attention",),
    "functional.embeddings": ("embedding",),
    "functional.interpolation": ("interpolate",),
    "functional.normalization.batch_norm": ("batch_norm", "batch_statistics"),
    "functional.normalization.sample_norms": ("group_norm", "instance_norm", "layer_norm"),
    "functional.normalization.normalize": ("normalize",),
    "training.averaging": ("ExponentialAverage",),
    "training.clipping": ("clip_by_norm", "clip_by_value"),
    "training.metrics": ("accuracy", "class_report", "confusion_matrix"),
    "training.optimizers": (
        "OPTIMIZERS",
        "SGD",
        "Adagrad",
        "Adam",
        "AdamW",
        "Lion",
        "Optimizer",
        "RMSprop",
        "momentum_update",
    ),
    "training.schedules": (
        "Cosine",
        "OneCycle",
        "ReduceOnPlateau",
        "Schedule",
        "StepDecay",
        "WarmUp",
    ),
}
_ROOMS = (
    "autograd", "by_hand", "datasets", "errors", "files", "functional", "kernels", "layers",
    "models", "training", "visual",
)  # fmt: skip
_NAMES = [name for names in _HOMES.values() for name in names]

__all__ = sorted([*_NAMES, *_ROOMS, "__version__"])  # noqa: PLE0605  (a table, not a list)
__getattr__ = loader(globals(), _HOMES, _ROOMS)


def __dir__() -> list[str]:
    return __all__
