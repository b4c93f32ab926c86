"""Layers: parameters, and one call of a function of the room ``functional`` on them."""

from neural_network.layers.activation import Activation, Flatten
from neural_network.layers.containers import Residual, Sequential
from neural_network.layers.convolution import (
    Conv1D,
    Conv2D,
    Conv3D,
    ConvTranspose2D,
    DepthwiseConv2D,
)
from neural_network.layers.dense import Dense, Embedding
from neural_network.layers.dropout import Dropout, Dropout2D
from neural_network.layers.hooks import watching
from neural_network.layers.initializers import INITIALIZERS
from neural_network.layers.layer import Layer
from neural_network.layers.normalization import BatchNorm, GroupNorm, LayerNorm
from neural_network.layers.parameter import Buffer, Parameter
from neural_network.layers.pooling import AvgPool2D, GlobalAvgPool2D, MaxPool2D
from neural_network.layers.saving import load, load_notes, save
from neural_network.layers.summary import Summary

__all__ = [
    "INITIALIZERS", "Activation", "AvgPool2D", "BatchNorm", "Buffer", "Conv1D", "Conv2D",
    "Conv3D", "ConvTranspose2D", "Dense", "DepthwiseConv2D", "Dropout", "Dropout2D",
    "Embedding", "Flatten", "GlobalAvgPool2D", "GroupNorm", "Layer", "LayerNorm",
    "MaxPool2D", "Parameter", "Residual", "Sequential", "Summary", "load", "load_notes", "save",
    "watching",
]  # fmt: skip
