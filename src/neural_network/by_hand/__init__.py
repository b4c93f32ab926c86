"""The article's networks, differentiated with pencil and paper.

Nothing here knows of automatic differentiation: every gradient is a formula
that can be read and checked against ``numerical_gradient``.
"""

from neural_network.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)
