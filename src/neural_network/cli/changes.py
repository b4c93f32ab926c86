"""What the option ``--augment`` names."""

from __future__ import annotations

import inspect

from neural_network.cli.output import did_you_mean
from neural_network.datasets.augmentation.augment import AUGMENTATIONS, Augment
from neural_network.errors import ArgumentError, brief, sentence

# Each change of --augment with an example: shift=2, flip …
CHANGES = {
    name.lower(): f"{name.lower()}={kind.example}".rstrip("=")
    for name, kind in AUGMENTATIONS.items()
}


def augmentation(command: str, name: str, text: str) -> Augment | None:
    """Return the augmentation that "shift=2,rotate=10,flip" names, or None for "none".

    Raises:
        ArgumentError: an unknown name, or a wrong number.
    """
    if text == "none":
        return None
    kinds = {name.lower(): kind for name, kind in AUGMENTATIONS.items()}
    steps = []
    for part in text.split(","):
        kind, _, numbers = part.strip().partition("=")
        if kind not in kinds:
            expected = f"none, or some of {', '.join(kinds)} such as shift=2,rotate=10"
            received = f"{brief(text)}{did_you_mean(kind, kinds)}"
            raise ArgumentError(sentence(command, name, expected, received))
        try:
            given = [_number(number) for number in numbers.split("/")] if numbers else []
            inspect.signature(kinds[kind]).bind(*given)
        except (TypeError, ValueError) as error:  # too many or too few numbers, or no numbers
            expected = f"the form {CHANGES[kind]}"
            raise ArgumentError(sentence(command, name, expected, brief(part))) from error
        try:
            steps.append(kinds[kind](*given))
        except ArgumentError as error:
            raise ArgumentError(f"{command}: {name}: {error}") from error
    return Augment(*steps)


def _number(text: str) -> float:
    try:
        return int(text)
    except ValueError:
        return float(text)
