"""The sentences for attributes that were set and would change nothing; see ``assigned.py``."""

from __future__ import annotations

import inspect
from typing import Any

from neural_network.elsewhere.answers import Answer, attribute_error
from neural_network.elsewhere.assigned import ASSIGNED, WITHOUT_EFFECT
from neural_network.elsewhere.calls import argument_answer
from neural_network.errors import ArgumentError, both, brief, is_own, sentence


def refused_assignment(owner: Any, name: str) -> AttributeError:
    """Return the error for an attribute that was set, and that would change nothing."""
    answer = _assigned(owner, name) or Answer("nothing like it", "")
    text = f"{type(owner).__name__!r} object has no attribute {brief(name)} to set"
    return attribute_error(text, name, answer, owner)


def check_new(layer: Any, name: str, value: Any) -> None:
    """Raise AttributeError where a new attribute of a layer would be set in vain.

    A layer of one's own may have any, but for those that do not freeze it.
    """
    cls = type(layer)
    own = next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)
    expected = ""
    if name == "dtype":
        dtype = getattr(value, "__name__", value)
        expected = f"layer.astype({dtype!r}), which turns the parameters as well"
    elif inspect.isfunction(own) and not callable(value):
        expected = f"no assignment: {name}() is a method"
    elif own is None and (answer := _answer(layer, name)) is not None:
        text = f"{cls.__name__!r} object has no attribute {brief(name)} to set"
        raise attribute_error(text, name, answer, layer)
    if expected:
        kind = both(ArgumentError, AttributeError)
        raise kind(sentence(cls.__name__, name, expected, brief(value)))


def _answer(layer: Any, name: str) -> Answer | None:
    """Return what a new attribute of a layer is here, if it is a word of another library."""
    cls, answer = type(layer), _assigned(layer, name)
    if not is_own(cls.__module__):
        return answer if name in WITHOUT_EFFECT else None
    if answer is None:
        answer = argument_answer(name, [base.__name__ for base in cls.__mro__], ())
        if answer is not None and answer.ours.startswith("nothing"):  # such as a name
            return None
    return answer


def _assigned(owner: Any, name: str) -> Answer | None:
    """Return what users of other libraries set by this name."""
    for base in type(owner).__mro__:
        rows = ASSIGNED.get(base.__name__, ()) if is_own(base.__module__) else ()
        for theirs, ours, line in rows:
            if name in theirs.split():
                return Answer(ours, line)
    return None
