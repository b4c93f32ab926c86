"""What a training says, in the words of the command: options in place of Python's arguments."""

from __future__ import annotations

import re
from pathlib import Path

from neural_network.cli.settings import Settings
from neural_network.errors import DivergenceError, FileFormatError
from neural_network.training.divergence import SMALLER_STEPS
from neural_network.training.hints.data import HARDLY_ANY, SCALED_ALIKE
from neural_network.training.hints.epochs import (
    A_HIDDEN_LAYER,
    AGAINST_DEATH,
    OF_ONE_OUTPUT,
    SAME_ORDER,
)
from neural_network.training.optimizers import OPTIMIZERS

# Of a hint: what it advises in Python → in the command. Of pictures, which are scaled already.
CURES = {
    AGAINST_DEATH: "or another --model, such as tiny_cnn, which has batch norm, prevent this",
    OF_ONE_OUTPUT: "the learning rate may be too high",
    "without a look at X": "without a look at the pictures",
    SAME_ORDER: "are the pictures in the folders of their classes? Else try ",
    HARDLY_ANY.format("X"): "are the pictures almost black?",
    SCALED_ALIKE.format(""): "are some of the pictures far darker than others?",
    "or more units": "or a larger --model",
    f"or {A_HIDDEN_LAYER}": "or a larger --model",
    "the numbers of X are": "the numbers of the pictures to learn from are",
    "those of validation": "those of the pictures held out",
}
_RATE = re.compile(rf"\b(?:{'|'.join(kind.__name__ for kind in OPTIMIZERS.values())})\(([^()]+)\)")


def hint_in_options(text: str) -> str:
    """Return what a hint of ``fit`` says, in the words of the command.

    >>> hint_in_options("fit: the loss only falls back; a smaller rate: Adam(0.001)")
    'train: the loss only falls back; a smaller rate: --learning-rate 0.001'
    """
    if not text.startswith("fit: "):
        return text
    for theirs, ours in CURES.items():
        text = text.replace(theirs, ours)
    return "train: " + _RATE.sub(r"--learning-rate \1", text.removeprefix("fit: "))


def file_error_in_options(path: Path, error: FileFormatError) -> str:
    """Return what the error of a model's file says, with what can be done about it here.

    >>> error = FileFormatError("m: unknown layer 'Own'")
    >>> file_error_in_options(Path("m"), error)[:44]
    "m: 'Own' is a layer of your own, which the c"
    """
    text = str(error)
    if own := re.search(r"unknown layer '(\w+)'", text):
        return (
            f"{path}: {own[1]!r} is a layer of your own, which the command does not know; in "
            f"Python nn.load({str(path)!r}, layers={{{own[1]!r}: {own[1]}}}).predict(X) reads it; "
            "here only models of the library's layers work"
        )
    cure = "its training has diverged; train again with a smaller --learning-rate"
    return text.replace("load(…, allow_nonfinite=True) reads them", cure)


def error_in_options(error: DivergenceError, settings: Settings) -> str:
    """Return what the error of a diverged training says, in the words of the command."""
    steps = f"a --learning-rate below {settings.learning_rate:g} may help"
    return (
        f"train: {str(error).removeprefix('fit: ')}".replace(SMALLER_STEPS, steps)
        .replace("so may scaled inputs", "so may smaller inputs")
        .replace("augment=", "--augment")
    )
