"""A command line that cannot be read, as one sentence with the line to type."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neural_network.cli.confusions import LONGEST_LINE, line_meant, with_quotes
from neural_network.cli.models import SETTINGS_FILE, is_run, trained_model
from neural_network.cli.other_programs import of_other_line, of_other_option
from neural_network.errors import MOST_LETTERS, ArgumentError, brief, shortened

# How like an option a word is that is taken for a misspelt one.
NEAR = 0.75
# Of what typer says of an argument, which it begins with the option's name.
LETTERS_OF_TYPER = MOST_LETTERS - 100 - LONGEST_LINE
# What may follow a number: a unit, or a sign that is no part of it.
NUMBER = re.compile(r"([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:e[+-]?\d+)?)\s*(%|[^\W\d_]*|°)", re.I)


class WrongCallError(ArgumentError):
    """A command line that typer refuses; the sentence has the line to type already."""


def refusal(error: Any, typed: Sequence[str], group: Any) -> str:
    """Return what is wrong with a command line that typer refuses, and what to type instead.

    Args:
        error: typer's, whose classes have no public names.
        typed: the command line's words, without the program.
        group: typer's object of all commands.
    """
    name = typed[0] if typed[0] in group.commands else ""
    command = group.commands.get(name, group)
    known = options_of(command)
    if (option := getattr(error, "option_name", None)) is None:
        said, advice = _of_words(error, typed, group, known)
    elif hasattr(error, "possibilities"):
        said = f"No such option: {option}"
        advice = _of_option(option, typed, group, known)
    else:
        said, advice = _of_value(command, option, typed, known)
    if advice.startswith("neural-network ") and not reads(advice, group):
        advice = ""
    if advice.startswith("neural-network "):
        advice = f"did you mean: {advice}"
    if not advice:
        line = shlex.join(filter(None, ["neural-network", name, "--help"]))
        advice = f"{line} shows what it takes"
    where = f"{name}: " if name else ""
    return f"{where}{shortened(said.rstrip('.'), LETTERS_OF_TYPER)}; {advice}"


def options_of(command: Any) -> dict[str, bool]:
    """Return each option of a command → whether a value follows it."""
    return {
        name: not getattr(parameter, "is_flag", False)
        for parameter in getattr(command, "params", [])
        for name in (*parameter.opts, *parameter.secondary_opts)
        if name.startswith("-")
    }


def reads(line: str, group: Any) -> bool:
    """Return whether typer can read a line, such as one that is to be proposed."""
    _, name, *words = shlex.split(line)
    if name.startswith("-"):
        return name in options_of(group)
    try:
        group.commands[name].make_context(name, words)
    except Exception as end:  # of typer's own classes, or the end of --help
        return type(end).__name__ == "Exit"
    return True


def _of_words(
    error: Any, typed: Sequence[str], group: Any, known: Mapping[str, bool]
) -> tuple[str, str]:
    """Return what is said of arguments or a command, and the line that is meant."""
    parameter = getattr(error, "param", None)
    said = str(error.format_message())
    if "readable" in error.message:  # of a file's permissions
        return str(error.message).rstrip("."), "its permissions do not allow it"
    if parameter is not None and not said.startswith("Missing"):
        name = max(parameter.opts, key=len)
        return _of_number(error, name, _typed_value(typed, parameter.opts), typed, parameter)
    if typed[0] not in group.commands:
        said = f"No such command {typed[0]!r}" if not typed[0].startswith("-") else said
        if other := of_other_line(typed, group.commands):
            return said, f"here: {shortened(other, LONGEST_LINE)}"
        if near := difflib.get_close_matches(typed[0], group.commands, 1):
            return said, shortened(
                shlex.join(["neural-network", near[0], *typed[1:]]), LONGEST_LINE
            )
    return said, with_quotes(typed) or line_meant(typed, known)


def _of_option(option: str, typed: Sequence[str], group: Any, known: Mapping[str, bool]) -> str:
    """Return what stands for an option that a command does not have, or why there is none."""
    lines = {name: _replaced(typed, option, name) for name in known}
    if advice := of_other_option(option, known, _typed_value(typed, [option])):
        ours = advice.removeprefix("here: ")
        if ours in {word.partition("=")[0] for word in typed}:
            return f"{advice}, which is there already"
        line = lines[ours] if known.get(ours) and _has_value(typed, option) else ""
        if ours == "--model" and (model := trained_model(Path(_typed_value(typed, [option])))):
            line = _with_value(shlex.split(line)[1:], [ours], str(model)) or line
        return f"{advice}, as in {line}" if line and reads(line, group) else advice
    if (line := _without(option, typed, group)) and reads(line, group):
        return line
    if option[:2] != "--" and (long := f"-{typed_word(typed, option)}") in lines:
        return lines[long] or f"did you mean {long}?"  # -lr
    if near := difflib.get_close_matches(option.replace("_", "-"), known, 1, NEAR):
        line = lines[near[0]]
        return line if line and reads(line, group) else f"did you mean {near[0]}?"
    if line := line_meant(typed, known, certain=True):
        return line
    others = [name for name, one in group.commands.items() if option in options_of(one)]
    if not others:
        return ""
    if typed[0] == "resume" and option == "--epochs":
        settings = Path(next((word for word in typed[1:] if is_run(Path(word))), "run"))
        return (
            f"the number of epochs stands in {settings / SETTINGS_FILE}: write a larger one there, "
            f"and neural-network resume {shlex.quote(str(settings))} goes on"
        )
    return f"{option} is an option of {', '.join(others)}"


def _has_value(typed: Sequence[str], option: str) -> bool:
    """Return whether a value stands behind an option: "--pretrained" of others has none."""
    if option not in typed:
        return True  # option=value, or -b16
    return not "".join(typed[typed.index(option) + 1 :][:1]).startswith("-") and typed[-1] != option


def typed_word(typed: Sequence[str], option: str) -> str:
    """Return the word of a command line that begins with an option of one letter."""
    return next((word for word in typed if word.startswith(option)), option)


def _of_value(
    command: Any, option: str, typed: Sequence[str], known: Mapping[str, bool]
) -> tuple[str, str]:
    """Return what is said of an option whose value is missing, or that takes none."""
    if known.get(option):
        meaning = next((p.help for p in command.params if option in p.opts), "") or ""
        meaning = f" ({meaning.rstrip('.')})" if meaning else ""
        return f"{option}: expected a value after it{meaning}, received none", ""
    value = next((word.partition("=")[2] for word in typed if word.startswith(f"{option}=")), "")
    words: list[str] = []
    for word in typed:
        if word.startswith(f"{option}="):
            # The file of a table is an argument beside the pictures.
            words += [option, value] if value.endswith(".csv") else [option]
        else:
            words.append(word)
    line = shlex.join(["neural-network", *words])
    return f"{option}: expected no value, received {brief(value)}", line


def _of_number(
    error: Any, option: str, value: str, typed: Sequence[str], parameter: Any
) -> tuple[str, str]:
    """Return what is said of a value that is no number, and the line with the number in it."""
    whole = "a valid int" in error.message  # which some versions of typer continue to "integer"
    meaning = f" ({parameter.help.rstrip('.')})" if getattr(parameter, "help", None) else ""
    expected = "a whole number" if whole else "a number"
    said = f"{option}: expected {expected}{meaning}, received {brief(value)}"
    if option == "--size" and (sides := re.findall(r"\d+", value))[1:]:
        number = str(max(map(int, sides)))
        return (
            said,
            f"squares of {number} pixels a side: {_with_value(typed, parameter.opts, number)}",
        )
    if option == "--validation" and (Path(value).exists() or "/" in value):
        line = shlex.join(["neural-network", "evaluate", "run/model.safetensors", "--data", value])
        return said, f"a share of the pictures is held out; after the training {line}"
    found = number_in(value, whole=whole)
    return said, "" if found is None else _with_value(typed, parameter.opts, found)


def number_in(text: str, *, whole: bool) -> str | None:
    """Return the number that a text with a unit, or with a comma, was probably meant for.

    >>> number_in("32px", whole=True), number_in("0,001", whole=False)
    ('32', '0.001')
    """
    if not (found := NUMBER.fullmatch(text.strip())):
        return None
    number = float(found[1].replace(",", "."))
    if found[2] == "%" and not whole:
        number /= 100
    if whole and not (number.is_integer() and abs(number) < 1e15):
        return None
    return f"{number:.0f}" if whole else f"{number:.10g}"


def _typed_value(typed: Sequence[str], names: Sequence[str]) -> str:
    """Return the last value of an option in a command line."""
    for place in reversed(range(len(typed))):
        name, equals, value = typed[place].partition("=")
        if name in names:
            return value if equals else "".join(typed[place + 1 : place + 2])
    return ""


def _with_value(typed: Sequence[str], names: Sequence[str], value: str) -> str:
    """Return the line with another value of an option; "" if it would be too long."""
    words = list(typed)
    for place, word in enumerate(typed):
        name, equals, _ = word.partition("=")
        if name in names and equals:
            words[place] = f"{name}={value}"
        elif name in names:
            words[place + 1 : place + 2] = [value]
    line = shlex.join(["neural-network", *words])
    return line if len(line) <= LONGEST_LINE else ""


def _without(option: str, typed: Sequence[str], group: Any) -> str:
    """Return the line without an option that is the name of an argument, such as ``--out``."""
    command = group.commands.get(typed[0])
    arguments = [p.name for p in getattr(command, "params", []) if p.name in p.opts]
    if option.lstrip("-") not in arguments:
        return ""
    words = [word.removeprefix(f"{option}=") for word in typed if word != option]
    return shlex.join(["neural-network", *words])


def _replaced(typed: Sequence[str], option: str, name: str) -> str:
    """Return the line with another option in place of one; "" if it would be too long."""
    words = []
    for word in typed:
        first, equals, value = word.partition("=")
        words.append(f"{name}{equals}{value}" if first == option else word)
    if words == list(typed) and option[:2] != "--":
        words = [name if word == typed_word(typed, option) else word for word in typed]
    line = shlex.join(["neural-network", *words])
    return line if len(line) <= LONGEST_LINE else ""
