"""The article's networks, with hand-written gradients.

Nothing here uses automatic differentiation: every gradient is a formula that can be read and
checked with ``numerical_gradient``.
"""

from neural_network.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)
