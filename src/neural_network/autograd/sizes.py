"""How many numbers a tensor holds."""

from __future__ import annotations

from typing import Any

from neural_network.errors import ArgumentError, both


class Size(int):
    """A number that, called as PyTorch's method of the name, says what to write instead.

    >>> from neural_network.autograd.sizes import Size
    >>> Size(3) + 1
    4
    """

    __slots__ = ()

    def __call__(self, *axis: Any) -> Any:
        """Raise TypeError, as any other number does."""
        ours = f"t.shape[{axis[0]!r}]" if axis and isinstance(axis[0], int) else "t.shape"
        text = f"Tensor.size: is a number, and no method; here: t.size(…) → {ours}"
        raise both(ArgumentError, TypeError)(text)
