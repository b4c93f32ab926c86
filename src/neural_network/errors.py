"""The errors of the library, and the form of their sentences.

Every complaint about an argument is a ``ValueError``, so one ``except`` clause
catches them all; a wrong kind of thing is a ``TypeError`` as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from neural_network.public import public


@public
class NeuralNetworkError(Exception):
    """Base of every error that the library raises on purpose."""


@public
class ArgumentError(NeuralNetworkError, ValueError):
    """An argument has a value that the function cannot work with."""


@public
class ShapeError(ArgumentError):
    """An array has a shape that does not fit."""


@public
class DTypeError(ArgumentError, TypeError):
    """An argument is of the wrong kind (text, complex, a float for a count …)."""


@public
class GradientError(NeuralNetworkError, RuntimeError):
    """A gradient cannot be computed from what was recorded."""


@public
class DroppedGradientError(GradientError, TypeError):
    """An operation would silently lose the gradient of a tensor."""


@public
class DivergenceError(NeuralNetworkError, ArithmeticError):
    """A training's loss or gradients are not finite numbers any more."""


@public
class FileFormatError(NeuralNetworkError, ValueError):
    """A file is damaged, or not of the expected kind."""


@public
class FileWriteError(NeuralNetworkError, OSError):
    """A file could not be written; whatever stood in its place is unharmed."""


@public
class DatasetNotFoundError(NeuralNetworkError, FileNotFoundError):
    """A dataset was found in none of the places where it was looked for."""


@public
class MissingDependencyError(NeuralNetworkError, ImportError):
    """A feature needs an optional package that is not installed."""


def sentence(function: str, argument: str, expected: str, received: object) -> str:
    """Return an error message: function, argument, what was expected and what was received.

    >>> sentence("relu", "Z", "real numbers", "dtype complex128")
    'relu: Z: expected real numbers, received dtype complex128'
    """
    return f"{function}: {argument}: expected {expected}, received {received}"


@contextmanager
def needs_extra(feature: str, extra: str) -> Iterator[None]:
    """Turn a failed import inside the block into a sentence that names the extra."""
    try:
        yield
    except ImportError as error:
        raise MissingDependencyError(
            f"{feature}: needs the package {error.name!r}, which is not installed; "
            f"pip install 'neural-network-numpy[{extra}]' brings it"
        ) from error
