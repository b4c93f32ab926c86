"""Models and weights of other frameworks, which need not be installed (ONNX needs ``onnx``)."""

from typing import Any

from neural_network.interop import keras, onnx, torch

__all__ = ["keras", "onnx", "torch"]


def __getattr__(name: str) -> Any:
    """Raise the sentence about a name that there is not."""
    from neural_network.elsewhere.answers import missing_name

    if name[:1] == "_":  # what Python itself looks for
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    raise missing_name(__name__, name, __all__, importing=False)
