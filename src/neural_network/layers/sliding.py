"""What layers that slide a window share."""

from __future__ import annotations

from neural_network.functional.window import Padding, resolve_padding

# One number for all spatial axes, or one for each.
Size = int | tuple[int, ...]


def as_padding(function: str, padding: Padding, axes: int) -> Padding:
    """Return a padding as it is, if it is one; a wrong one is refused before there is a picture."""
    ones = (1,) * axes
    resolve_padding(function, padding, ones, ones, ones)
    return padding
