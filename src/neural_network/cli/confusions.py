"""What was probably meant by a wrong command line: the line to type instead."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from neural_network.cli.data import DATA, folder_of_classes, near_name
from neural_network.cli.models import SETTINGS_FILE, SHIPPED, is_run, trained_model
from neural_network.cli.preparation import PICTURES
from neural_network.cli.settings import MODEL_FILES, SETTINGS, option
from neural_network.functional.filters import FILTERS, filter_key
from neural_network.models import MODELS

# What a word is → where a command takes it: "" among its arguments, or an option.
PLACES: dict[str, dict[str, str]] = {
    "train": {
        "settings": "", "project": "", "folder": "--data", "data": "--data", "name": "--model",
        "model": "--model", "setting": "--", "of a class": "--data",
    },
    "evaluate": {"model": "", "name": "", "run": "", "folder": "--data", "data": "--data"},
    "predict": {
        "picture": "", "folder": "", "model": "--model", "name": "--model", "run": "--model",
    },
    "resume": {"run": ""},
    "summary": {"model": "", "name": "", "run": ""},
    "export": {"model": "", "name": "", "run": ""},
    "features": {"picture": "", "filter": "--filter", "number": "--digit"},
    "demo": {"folder": "--save", "": "--save"},
    "new": {"": ""},
    "filters": {},
    "check": {},
    "compile": {},
}  # fmt: skip
# A sentence has to have room for it.
LONGEST_LINE = 200
# To train on pictures, one needs folders.
PICTURES_ALONE = ("train", "predict")
# What is said of a command whose arguments are missing.
EXAMPLES = {
    "evaluate": ["run/model.safetensors"],
    "predict": ["photo.jpg"],
    "resume": ["run"],
    "summary": ["tiny_cnn"],
    "export": ["tiny_cnn", "model.onnx"],
    "new": ["my-pictures"],
}


class Typed(NamedTuple):
    """A command line.

    Attributes:
        command: its first word.
        words: its arguments, and the values of unknown options.
        options: the known options with their values, as typed.
    """

    command: str
    words: list[str]
    options: list[str]


def _parsed(typed: Sequence[str], takes_value: Mapping[str, bool]) -> Typed:
    """Return the parts of a command line.

    Args:
        typed: its words, without the program.
        takes_value: each known option → whether a value follows it.
    """
    command, *rest = typed or [""]
    words: list[str] = []
    options: list[str] = []
    waiting = iter(rest)
    for word in waiting:
        if not word.startswith("-") or word == "-":
            words.append(word)
            continue
        name, equals, value = word.partition("=")
        if name in takes_value:
            following = [] if equals or not takes_value[name] else [next(waiting, "")]
            options += [word, *following]
        elif equals:
            words.append(value)
    return Typed(command, words, options)


def line_meant(
    typed: Sequence[str], takes_value: Mapping[str, bool], *, certain: bool = False
) -> str:
    """Return the line that is probably meant, or "" where no word is in a wrong place.

    Args:
        typed: the command line's words, without the program.
        takes_value: each option of the command → whether a value follows it.
        certain: whether each word must be one of which the kind is known.
    """
    command, words, options = _parsed(typed, takes_value)
    if command not in PLACES:
        command, words = "", [command, *words]
    try:
        kinds = [_kind(command, word) for word in words]
    except (OSError, ValueError):  # a word that no file can be named by
        return ""
    found = [_place(command, kind) for kind in kinds]
    missing = len(words) < len(EXAMPLES.get(command, []))
    if certain and {"", "number"} & {*kinds}:  # a number is rather the value of the unknown option
        return ""
    misplaced = "project" in kinds or any(place != "" for place in found)
    if not (misplaced or missing or (certain and words)):
        return ""
    if None in found:
        other = _command_for(set(kinds))
        if (
            other in ("", command)
            or command in ("features", "export")
            or (command, other) == PICTURES_ALONE
        ):
            return ""
        command, options = other, []
        found = [_place(command, kind) for kind in kinds]
    first: list[str] = []
    last: list[str] = []
    for kind, word, place in zip(kinds, words, found, strict=True):
        if kind == "setting":
            name, _, value = word.partition("=")
            last += [f"--{name}", value]
            continue
        written = _written(command, kind, word)
        if place:
            last += [place, written]
        else:
            first.append(written)
    first += EXAMPLES.get(command, [])[len(first) :]
    line = shlex.join(["neural-network", command, *first, *last, *options])
    return line if len(line) <= LONGEST_LINE else ""


def _written(command: str, kind: str, word: str) -> str:
    """Return a word as the line that is meant has it."""
    path = Path(word)
    if kind == "project":
        return str(path / SETTINGS_FILE)
    if kind == "of a class":
        return str(folder_of_classes(path))
    if kind != "run":
        return word
    folder = path if is_run(path) else path.parent
    return str((None if command == "resume" else trained_model(folder)) or folder)


def with_quotes(typed: Sequence[str]) -> str:
    """Return the line in which words that are a file's name together have quotes, or "".

    The commands that make a folder take a single name.
    """
    for count in range(len(typed), 1, -1):
        for start in range(len(typed) - count + 1):
            words = typed[start : start + count]
            if any(word.startswith("-") for word in words):
                continue
            if _exists(" ".join(words)) or (start == 1 and typed[0] in ("new", "demo")):
                option = ["--save"] if typed[0] == "demo" and start == 1 else []
                line = [*typed[:start], *option, " ".join(words), *typed[start + count :]]
                return shlex.join(["neural-network", *line])
    return ""


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):  # a word that no file can be named by
        return False


def _place(command: str, kind: str) -> str | None:
    """Return the option for a word, "" for an argument, None where the command takes none such."""
    places = PLACES.get(command, {})
    if not command:
        return None
    return places.get(kind, places.get("", None if kind else ""))


def _kind(command: str, word: str) -> str:
    """Return what a word of a command line is: "folder", "model" …; "" where nothing is known."""
    path = Path(word)
    suffix = path.suffix.lower()
    if command == "resume" and is_run(path.parent) and path.is_file():
        return "run"
    if path.is_dir():
        if command in ("train", "") and (path / SETTINGS_FILE).is_file() and not is_run(path):
            return "project"
        return "run" if is_run(path) else "folder"
    if command == "train" and suffix in PICTURES and folder_of_classes(path):
        return "of a class"
    tests = {
        "model": suffix in MODEL_FILES,
        "settings": suffix == ".toml",
        "picture": suffix in PICTURES,
        "data": word in DATA,
        "name": word in MODELS,
        "filter": filter_key(word) in FILTERS,
        "number": word.isdecimal(),
        "setting": word.partition("=")[0] in map(option, SETTINGS) and "=" in word,
    }
    return next((kind for kind, is_one in tests.items() if is_one), "")


def _command_for(kinds: set[str]) -> str:
    """Return the command for words of these kinds; "" where none is likely."""
    if "picture" in kinds:
        return "predict"
    if "model" in kinds:
        return "evaluate" if kinds & {"folder", "data"} else "summary"
    order = {
        "settings": "train", "project": "train", "run": "resume", "folder": "train",
        "data": "train", "name": "train", "filter": "features",
    }  # fmt: skip
    return next((command for kind, command in order.items() if kind in kinds), "")


def near_file(name: str) -> str:
    """Return which file, or model that is shipped, was probably meant by one that is missing."""
    return near_name(name, SHIPPED)
