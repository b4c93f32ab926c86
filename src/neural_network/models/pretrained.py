"""Networks that come with their weights."""

from __future__ import annotations

from pathlib import Path

from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import FileFormatError, NeuralNetworkError, both
from neural_network.files import shipped
from neural_network.layers.containers import Sequential
from neural_network.layers.pixels import expect_digits
from neural_network.layers.saving import load
from neural_network.public import public

WEIGHTS = Path(__file__).parent / "weights"


@public(top_level=False)
@explains_calls
def load_tiny_cnn() -> Sequential:
    """Return ``tiny_cnn`` as it was trained on the whole MNIST.

    Returns:
        The model, in evaluation mode, of float32 type: from (N, 1, 28, 28) digits,
        0 for paper and 1 for ink, to (N, 10) logits.

    Raises:
        FileNotFoundError: this installation lacks the file of the weights.
        FileFormatError: it is damaged.

    >>> images, labels = load_mnist("test")
    >>> outputs = models.load_tiny_cnn().predict(images[:3, None] / 255)
    >>> np.argmax(outputs, axis=1), labels[:3]
    (array([7, 2, 1]), array([7, 2, 1], dtype=uint8))
    """
    path = WEIGHTS / "tiny_cnn.safetensors"
    try:
        with shipped("neural_network.models", path) as file:
            model = load(file)
    except FileNotFoundError as error:
        raise both(NeuralNetworkError, FileNotFoundError)(
            f"load_tiny_cnn: expected the trained weights in {path}, found no such file; "
            "a model of your own can take their place (neural-network predict --model)"
        ) from error
    if not isinstance(model, Sequential):
        raise FileFormatError(f"{path}: expected a Sequential, received a {type(model).__name__}")
    expect_digits(model)
    return model
