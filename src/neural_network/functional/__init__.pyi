"""What type checkers and editors see of the package; written by ``make api``."""

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
from neural_network.functional.elementwise import (
    absolute as absolute,
    add as add,
    clip as clip,
    cos as cos,
    divide as divide,
    exp as exp,
    expm1 as expm1,
    log as log,
    log1p as log1p,
    maximum as maximum,
    minimum as minimum,
    multiply as multiply,
    negative as negative,
    power as power,
    sign as sign,
    sin as sin,
    sqrt as sqrt,
    square as square,
    subtract as subtract,
    where as where,
)
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
from neural_network.functional.products import (
    einsum as einsum,
    matmul as matmul,
    matrix_multiply as matrix_multiply,
)
from neural_network.functional.reductions import (
    logsumexp as logsumexp,
    max as max,
    mean as mean,
    min as min,
    sum as sum,
    var as var,
)
from neural_network.functional.shaping import (
    broadcast_to as broadcast_to,
    concatenate as concatenate,
    index as index,
    pad as pad,
    reshape as reshape,
    split as split,
    stack as stack,
    transpose as transpose,
)
