"""What shows whether a layer is still what it was: a stamp, which each change replaces."""

from __future__ import annotations

from itertools import count
from typing import Any

_NOTHING = object()
_stamps = count(1)


class Stamped:
    """An object with a number that no other one has had, and that is another after each change.

    A change is an attribute that is set to another object, or deleted. What goes on inside a
    list is not seen.
    """

    _stamp = 0

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; where that changes one, what a plan knows is not true any more."""
        own = self.__dict__
        before = own.get(name, _NOTHING)
        super().__setattr__(name, value)
        if own.get(name, _NOTHING) is not before or name == "__class__":
            own["_stamp"] = next(_stamps)

    def __delattr__(self, name: str) -> None:
        """Delete an attribute, which is a change."""
        super().__delattr__(name)
        self.__dict__["_stamp"] = next(_stamps)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Become the copy of a layer."""
        self.__dict__.update(state, _stamp=next(_stamps))
