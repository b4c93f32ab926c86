"""Estimators with scikit-learn's interface (extra ``sklearn``)."""

from neural_network.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)
