"""Neural networks in plain NumPy: from the functions of a textbook to a tool.

The public names are loaded when they are first used, so that importing the package takes
little time. ``neural_network.datasets``, ``.by_hand`` and ``.visual`` hold what belongs to
data, training with gradients written by hand, and figures.
"""

from neural_network.lazy import attach

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = attach(__name__)
