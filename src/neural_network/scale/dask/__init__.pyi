"""What type checkers and editors see of the package; written by ``make api``."""

from neural_network.scale.dask.blocks import conv2d as conv2d, predict as predict
