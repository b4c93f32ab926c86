"""Options that a command line has twice: the second value would replace the first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from neural_network.cli.usage import WrongCallError
from neural_network.errors import brief, sentence


def check_repeated(typed: Sequence[str], group: Any) -> None:
    """Raise WrongCallError for an option that has two different values.

    Options that may be repeated are left to the command: it reads all their values.

    Args:
        typed: the command line's words, without the program.
        group: typer's object of all commands.
    """
    command = group.commands.get(typed[0]) if typed else None
    found: dict[str, tuple[str, str]] = {}
    for parameter, name, value in _values(typed[1:], _by_name(command)):
        first, before = found.setdefault(parameter.name, (name, value))
        if before != value and not parameter.multiple:
            if parameter.is_flag:
                expected, received = f"{first} or {name}", "both"
                raise WrongCallError(sentence(typed[0], "options", expected, received))
            both = "" if first == name else f" ({first} is the same option)"
            received = f"{brief(before, letters=60)} and {brief(value, letters=60)}{both}"
            raise WrongCallError(sentence(typed[0], name, "one value", received))


def _by_name(command: Any) -> dict[str, Any]:
    """Return each name of an option → the option."""
    return {
        name: parameter
        for parameter in getattr(command, "params", [])
        for name in (*parameter.opts, *parameter.secondary_opts)
        if name.startswith("-")
    }


def _values(words: Sequence[str], known: Mapping[str, Any]) -> Iterator[tuple[Any, str, str]]:
    """Yield each option that the words hold, with its name there and its value.

    The value of a flag is "", or "off" for the name that turns it off.
    """
    rest = iter(words)
    for word in rest:
        if word == "--":  # what follows are arguments
            return
        name, equals, value = word.partition("=")
        if word[:2] in known:  # -o PATH, or -oPATH
            name, equals, value = word[:2], word[2:], word[2:]
        if (option := known.get(name)) is None:
            continue
        if option.is_flag:
            yield option, name, "off" * (name in option.secondary_opts)
        else:
            yield option, name, value if equals else next(rest, "")
