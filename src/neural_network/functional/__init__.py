"""The mathematics, one file per family: functions of arrays, and of tensors.

The names below are loaded when they are first used, as those of the package are: a first
``conv2d`` waits for no loss.
"""

from neural_network.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)
