"""Objects that can say how they were made, in words and as JSON."""

from __future__ import annotations

import inspect
from typing import Any

from neural_network.errors import DTypeError, sentence


class Described:
    """Keeps each argument of its constructor as an attribute of the same name.

    From that follow its ``repr`` and its ``settings``, also for subclasses.
    """

    def settings(self) -> dict[str, Any]:
        """Return the class's name and the constructor's arguments, as JSON can hold them.

        Returns:
            ``{"class": name, argument: value, …}``; tuples become lists, and what has
            settings of its own, a schedule, becomes a table inside the table.

        Raises:
            DTypeError: an argument is of another kind; override this method then.

        >>> SGD(Cosine(0.5), momentum=0.9).settings()["learning_rate"]
        {'class': 'Cosine', 'start': 0.5, 'final': 0.0}
        """
        named = {name: self._as_json(name, getattr(self, name)) for name in self._names()}
        return {"class": type(self).__name__, **named}

    def _as_json(self, name: str, value: object) -> Any:
        if isinstance(value, Described):
            return value.settings()
        if isinstance(value, tuple | list):
            return [self._as_json(name, item) for item in value]
        if value is None or isinstance(value, bool | int | float | str):
            return value
        function = f"{type(self).__name__}.settings"
        raise DTypeError(sentence(function, name, "what JSON can hold", type(value).__name__))

    def _names(self) -> list[str]:
        return list(inspect.signature(type(self)).parameters)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._names())
        return f"{type(self).__name__}({arguments})"
