"""What type checkers and editors see of the package; written by ``make api``."""

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
from neural_network.layers.summary import Summary as Summary
