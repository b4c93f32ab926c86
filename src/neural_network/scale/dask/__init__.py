"""Functions of Dask arrays, block by block (extra ``dask``)."""

from neural_network.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)
