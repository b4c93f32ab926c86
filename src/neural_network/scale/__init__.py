"""The library's functions on arrays that do not fit in memory, and on many machines."""

from neural_network.scale import dask

__all__ = ["dask"]
