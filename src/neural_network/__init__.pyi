"""What type checkers and editors see of the package; written by ``make api``."""

from neural_network import (
    array_files as array_files,
    autograd as autograd,
    by_hand as by_hand,
    datasets as datasets,
    errors as errors,
    estimators as estimators,
    functional as functional,
    interop as interop,
    kernels as kernels,
    layers as layers,
    models as models,
    scale as scale,
    training as training,
    visual as visual,
)
from neural_network.array_files import load_arrays as load_arrays, save_arrays as save_arrays
from neural_network.autograd.check import check_gradients as check_gradients
from neural_network.autograd.engine import debug as debug, no_grad as no_grad
from neural_network.autograd.tensor import Tensor as Tensor
from neural_network.autograd.transforms import (
    grad as grad,
    hessian as hessian,
    hvp as hvp,
    jacobian as jacobian,
    jvp as jvp,
    value_and_grad as value_and_grad,
    vjp as vjp,
)
from neural_network.by_hand.descent import (
    gradient_descent as gradient_descent,
    initial_parameters as initial_parameters,
    train_mlp as train_mlp,
)
from neural_network.by_hand.differences import (
    finite_differences as finite_differences,
    numerical_gradient as numerical_gradient,
)
from neural_network.by_hand.networks import (
    backward_mlp as backward_mlp,
    backward_mlp_3layer as backward_mlp_3layer,
    forward_mlp as forward_mlp,
    forward_mlp_3layer as forward_mlp_3layer,
    forward_perceptron as forward_perceptron,
)
from neural_network.datasets.augmentation.augment import (
    Augment as Augment,
    augmentation_from as augmentation_from,
)
from neural_network.datasets.augmentation.steps import (
    Cutout as Cutout,
    Elastic as Elastic,
    Flip as Flip,
    Rotate as Rotate,
    Scale as Scale,
    Shift as Shift,
)
from neural_network.datasets.batching import batches as batches
from neural_network.datasets.digits import prepare_digit as prepare_digit
from neural_network.datasets.folders import load_image_folder as load_image_folder
from neural_network.datasets.idx import read_idx as read_idx
from neural_network.datasets.mnist import (
    load_fashion_mnist as load_fashion_mnist,
    load_mnist as load_mnist,
)
from neural_network.datasets.pictures import load_picture as load_picture
from neural_network.errors import (
    ArgumentError as ArgumentError,
    DatasetNotFoundError as DatasetNotFoundError,
    DivergenceError as DivergenceError,
    DroppedGradientError as DroppedGradientError,
    DTypeError as DTypeError,
    FileFormatError as FileFormatError,
    FileWriteError as FileWriteError,
    GradientError as GradientError,
    MissingDependencyError as MissingDependencyError,
    NeuralNetworkError as NeuralNetworkError,
    ShapeError as ShapeError,
    TrainingHint as TrainingHint,
)
from neural_network.functional.activations import (
    elu as elu,
    gelu as gelu,
    hardswish as hardswish,
    identity as identity,
    leaky_relu as leaky_relu,
    log_softmax as log_softmax,
    mish as mish,
    relu as relu,
    sigmoid as sigmoid,
    silu as silu,
    softmax as softmax,
    softplus as softplus,
    tanh as tanh,
)
from neural_network.functional.attention import (
    scaled_dot_product_attention as scaled_dot_product_attention,
)
from neural_network.functional.convolution.conv import (
    conv1d as conv1d,
    conv2d as conv2d,
    conv3d as conv3d,
)
from neural_network.functional.convolution.transpose import (
    conv_transpose1d as conv_transpose1d,
    conv_transpose2d as conv_transpose2d,
    conv_transpose3d as conv_transpose3d,
)
from neural_network.functional.dropouts import dropout as dropout, dropout2d as dropout2d
from neural_network.functional.embeddings import embedding as embedding
from neural_network.functional.error_function import erf as erf
from neural_network.functional.filters import FILTERS as FILTERS, named_filter as named_filter
from neural_network.functional.interpolation import interpolate as interpolate
from neural_network.functional.labels import one_hot as one_hot
from neural_network.functional.losses.cross_entropies import (
    softmax_cross_entropy as softmax_cross_entropy,
)
from neural_network.functional.losses.penalties import l2_regularization as l2_regularization
from neural_network.functional.losses.probabilities import (
    binary_cross_entropy as binary_cross_entropy,
    cross_entropy as cross_entropy,
    kl as kl,
    nll as nll,
)
from neural_network.functional.losses.regression import (
    huber as huber,
    l1 as l1,
    mse_loss as mse_loss,
)
from neural_network.functional.losses.scores import (
    binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
    hinge as hinge,
)
from neural_network.functional.normalization.batch_norm import (
    batch_norm as batch_norm,
    batch_statistics as batch_statistics,
)
from neural_network.functional.normalization.normalize import normalize as normalize
from neural_network.functional.normalization.sample_norms import (
    group_norm as group_norm,
    instance_norm as instance_norm,
    layer_norm as layer_norm,
)
from neural_network.functional.op import (
    call as call,
    gradient as gradient,
    op as op,
    samples as samples,
)
from neural_network.functional.pooling.adaptive import (
    adaptive_avg_pool1d as adaptive_avg_pool1d,
    adaptive_avg_pool2d as adaptive_avg_pool2d,
    adaptive_avg_pool3d as adaptive_avg_pool3d,
    adaptive_max_pool1d as adaptive_max_pool1d,
    adaptive_max_pool2d as adaptive_max_pool2d,
    adaptive_max_pool3d as adaptive_max_pool3d,
)
from neural_network.functional.pooling.pool import (
    avg_pool1d as avg_pool1d,
    avg_pool2d as avg_pool2d,
    avg_pool3d as avg_pool3d,
    global_avg_pool as global_avg_pool,
    max_pool as max_pool,
    max_pool1d as max_pool1d,
    max_pool2d as max_pool2d,
    max_pool3d as max_pool3d,
)
from neural_network.functional.products import matrix_multiply as matrix_multiply
from neural_network.kernels.runtime.gate import use_kernels as use_kernels
from neural_network.kernels.runtime.threads import (
    get_num_threads as get_num_threads,
    set_num_threads as set_num_threads,
)
from neural_network.layers.activation import Activation as Activation, Flatten as Flatten
from neural_network.layers.containers import Residual as Residual, Sequential as Sequential
from neural_network.layers.convolution import (
    Conv1D as Conv1D,
    Conv2D as Conv2D,
    Conv3D as Conv3D,
    ConvTranspose2D as ConvTranspose2D,
    DepthwiseConv2D as DepthwiseConv2D,
)
from neural_network.layers.dense import Dense as Dense, Embedding as Embedding
from neural_network.layers.dropout import Dropout as Dropout, Dropout2D as Dropout2D
from neural_network.layers.hooks import watching as watching
from neural_network.layers.initializers import INITIALIZERS as INITIALIZERS
from neural_network.layers.layer import Layer as Layer
from neural_network.layers.normalization import (
    BatchNorm as BatchNorm,
    GroupNorm as GroupNorm,
    LayerNorm as LayerNorm,
)
from neural_network.layers.parameter import Buffer as Buffer, Parameter as Parameter
from neural_network.layers.pooling import (
    AvgPool2D as AvgPool2D,
    GlobalAvgPool2D as GlobalAvgPool2D,
    MaxPool2D as MaxPool2D,
)
from neural_network.layers.saving import load as load, load_notes as load_notes, save as save
from neural_network.layers.substitution import functional_call as functional_call
from neural_network.training.averaging import ExponentialAverage as ExponentialAverage
from neural_network.training.callback_base import Callback as Callback
from neural_network.training.callbacks import (
    Checkpoint as Checkpoint,
    CSVLog as CSVLog,
    EarlyStopping as EarlyStopping,
    LearningRateFinder as LearningRateFinder,
)
from neural_network.training.clipping import (
    clip_by_norm as clip_by_norm,
    clip_by_value as clip_by_value,
)
from neural_network.training.compiling import compile_kernels as compile_kernels
from neural_network.training.history import History as History
from neural_network.training.interrupts import TrainingInterrupted as TrainingInterrupted
from neural_network.training.metrics import (
    accuracy as accuracy,
    class_report as class_report,
    confusion_matrix as confusion_matrix,
    top_k_accuracy as top_k_accuracy,
)
from neural_network.training.metrics_binary import (
    auc as auc,
    binary_accuracy as binary_accuracy,
    f1 as f1,
)
from neural_network.training.metrics_regression import mae as mae, r2 as r2
from neural_network.training.optimizers.adaptive import (
    Adagrad as Adagrad,
    Adam as Adam,
    AdamW as AdamW,
    RMSprop as RMSprop,
)
from neural_network.training.optimizers.base import OPTIMIZERS as OPTIMIZERS, Optimizer as Optimizer
from neural_network.training.optimizers.descent import (
    SGD as SGD,
    Lion as Lion,
    momentum_update as momentum_update,
)
from neural_network.training.optimizers.groups import OptimizerGroups as OptimizerGroups
from neural_network.training.schedules import (
    Cosine as Cosine,
    OneCycle as OneCycle,
    ReduceOnPlateau as ReduceOnPlateau,
    Schedule as Schedule,
    StepDecay as StepDecay,
    WarmUp as WarmUp,
)
from neural_network.training.splitting import split as split
from neural_network.training.trainer import Trainer as Trainer
from neural_network.visual.tape_table import explain_gradient as explain_gradient
from neural_network.visual.walkthrough import explain as explain
from neural_network.visual.window_sum import explain_conv2d as explain_conv2d

__version__: str
