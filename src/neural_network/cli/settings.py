"""The settings of a training: options, their file, and what they stand for."""

from __future__ import annotations

import difflib
import json
import math
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from neural_network.checks import as_choice, as_count, as_number
from neural_network.cli.data import DATA, check_data
from neural_network.datasets.augmentation.augment import AUGMENTATIONS, Augment
from neural_network.errors import ArgumentError, FileFormatError, sentence
from neural_network.files import written_beside
from neural_network.lazy import NameTable
from neural_network.models import MODELS
from neural_network.training.buffers import as_fraction
from neural_network.training.optimizers import OPTIMIZERS, Optimizer
from neural_network.training.schedules import Schedule

SCHEDULES: NameTable[type[Schedule]] = NameTable("schedule")
# Each change of --augment with an example: shift=2, flip …
CHANGES = {
    name.lower(): f"{name.lower()}={kind.example}".rstrip("=")
    for name, kind in AUGMENTATIONS.items()
}
# Called with the command, the option and the value; returns the value to use, or raises.
Check = Callable[[str, str, Any], Any]


# --- the checks of one option each -----------------------------------------------------------


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
            raise ArgumentError(sentence(command, name, expected, repr(text)))
        try:
            steps.append(kinds[kind](*map(_number, numbers.split("/") if numbers else [])))
        except ArgumentError as error:
            raise ArgumentError(f"{command}: {name}: {error}") from error
        except (TypeError, ValueError) as error:  # too many or too few numbers, or no numbers
            expected = f"the form {CHANGES[kind]}"
            raise ArgumentError(sentence(command, name, expected, repr(part))) from error
    return Augment(*steps)


def _number(text: str) -> float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _as_changes(command: str, name: str, text: str) -> str:
    augmentation(command, name, text)
    return text


def _as_rate(command: str, name: str, rate: float) -> float:
    return 0.0 if rate == 0 else as_number(command, name, rate, above=0)


def _as_data(command: str, name: str, data: str) -> str:
    check_data(command, data)
    return data if data in DATA else _absolute(command, name, data)


def _absolute(command: str, name: str, path: str) -> str:
    """Return the absolute path, so that a training can be resumed in another folder."""
    try:
        path.encode()
    except UnicodeEncodeError:
        expected = "a name that can be written as Unicode"
        raise ArgumentError(sentence(command, name, expected, repr(path))) from None
    return os.path.abspath(path)  # noqa: PTH100  # Path.resolve would follow links


def _as_file(command: str, name: str, path: str) -> str:
    return _absolute(command, name, path) if path else ""


_from_zero = partial(as_count, minimum=0)


def _as_given(_command: str, _name: str, value: str) -> str:
    return value


# --- the table of options --------------------------------------------------------------------


def _setting(
    default: Any, text: str, check: Check, shown: str | None = None, kind: Any = None
) -> Any:
    """Declare a setting: an option of ``train``, and a key of its file.

    Args:
        default: used if neither the command line nor the file has the setting.
        text: what the help says of the option.
        check: called with the value.
        shown: the default as the help shows it, where it differs.
        kind: what the option reads, where that is not the type of the default.
    """
    kind = kind or type(default)
    option = typer.Option(help=text, show_default=str(default) if shown is None else shown)
    # None: not given, so that the file's value is used.
    return field(
        default=default, metadata={"check": check, "option": Annotated[kind | None, option]}
    )


def _choice(default: str, names: Iterable[str], more: str = "") -> Any:
    """Declare a setting that is one of these names."""
    check = partial(as_choice, choices=tuple(names))
    return _setting(default, f"{', '.join(names)}{more}.", check)


@dataclass(frozen=True)
class Settings:
    """The options of ``train`` that its settings file holds.

    The defaults were chosen by the accuracy on held-out training digits.
    """

    model: str = _choice("tiny_cnn", MODELS)
    data: str = _setting(
        "mnist", f"{', '.join(DATA)}, or a folder with a folder per class.", _as_data
    )
    size: int = _setting(
        0,
        "Bring a folder's pictures to squares of so many pixels a side.",
        _from_zero,
        "as they are",
    )
    epochs: int = _setting(4, "Passes over the data.", as_count)
    batch_size: int = _setting(16, "Pictures per step.", as_count)
    optimizer: str = _choice("adam", OPTIMIZERS)
    learning_rate: float = _setting(  # 0: that of the optimizer
        0.0,
        "The highest rate of the schedule.",
        _as_rate,
        f"that of the optimizer; {OPTIMIZERS['adam'].typical_rate} for adam",
    )
    schedule: str = _choice("one-cycle", ("none", *SCHEDULES), " (a tenth after each third)")
    weight_decay: float = _setting(
        0.0, "Weight decay of the optimizer.", partial(as_number, between=(0, math.inf))
    )
    augment: str = _setting(
        "none",
        f"Random changes, joined by commas: none, or some of {', '.join(CHANGES.values())}.",
        _as_changes,
    )
    validation: float = _setting(
        0.1, "The share of the data held out; 0 for none.", partial(as_number, between=(0, 0.9))
    )
    seed: int = _setting(0, "Seed of all random numbers.", _from_zero)
    average: float = _setting(
        0.0, "Decay of the average of the weights to save, such as 0.99.", as_fraction, "0, none"
    )
    out: str = _setting("run", "The folder for the results.", _as_given, kind=Path)
    save: str = _setting(  # empty: in the folder ``out``
        "", "The file of the trained model.", _as_file, "OUT/model.safetensors", Path
    )


SETTINGS = {setting.name: setting for setting in fields(Settings)}
WORDS = {str: "text", int: "a whole number", float: "a number"}


def option(name: str) -> str:
    """Return a setting's name in a file, and after -- on a command line."""
    return name.replace("_", "-")


def read_settings(path: Path) -> dict[str, Any]:
    """Read a TOML file whose keys are options' names.

    Raises:
        FileFormatError: no TOML, an unknown key, or a value of another type.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FileFormatError(f"{path}: not a TOML file ({error}){_hint(path, error)}") from error
    known = {option(name): name for name in SETTINGS}
    found: dict[str, Any] = {}
    for key, value in content.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            received = f"{key}; did you mean {near[0]}?" if near else key
            expected = f"one of {', '.join(known)}"
            raise FileFormatError(sentence(str(path), "key", expected, received))
        kind = type(SETTINGS[known[key]].default)
        fits = type(value) is kind or (kind is float and type(value) is int)
        if not fits:
            raise FileFormatError(sentence(str(path), key, WORDS[kind], repr(value)))
        found[known[key]] = value
    return found


def _hint(path: Path, error: Exception) -> str:
    """Return a hint on the most frequent mistake in a TOML line: text without quotes."""
    if not (place := re.search(r"at line (\d+)", str(error))):
        return ""
    line = path.read_text(encoding="utf-8").splitlines()[int(place[1]) - 1]
    if not (bare := re.fullmatch(r"\s*([\w-]+)\s*=\s*([A-Za-z_./~][^\s#\"]*)\s*(#.*)?", line)):
        return ""
    return f'; text needs quotes: {bare[1]} = "{bare[2]}"'


def write_settings(path: Path, settings: Settings) -> None:
    """Write all settings but the folder of their file.

    Raises:
        FileWriteError: the file cannot be written.
    """
    lines = [
        f"{option(name)} = {_as_toml(value)}\n"
        for name, value in asdict(settings).items()
        if name != "out" and value != ""
    ]
    with written_beside(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def _as_toml(value: str | float) -> str:
    if isinstance(value, str):  # TOML's text is JSON's, but for one letter
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def checked_settings(values: Mapping[str, Any]) -> Settings:
    """Return the checked settings, with defaults that depend on others filled in.

    Raises:
        DTypeError, ArgumentError: a wrong value; the sentence names the option.
    """
    given = asdict(Settings(**values))
    settings = Settings(**{
        name: setting.metadata["check"]("train", f"--{option(name)}", given[name])
        for name, setting in SETTINGS.items()
    })  # fmt: skip
    if settings.size and settings.data in DATA:
        raise ArgumentError(sentence("train", "--size", "a folder as --data", settings.data))
    if settings.learning_rate:
        return settings
    return replace(settings, learning_rate=OPTIMIZERS[settings.optimizer].typical_rate)


def make_optimizer(settings: Settings) -> Optimizer:
    """Return the optimizer with its schedule."""
    rate: float | Schedule = settings.learning_rate
    if settings.schedule != "none":
        rate = SCHEDULES[settings.schedule].suggested(settings.learning_rate, settings.epochs)
    kind = OPTIMIZERS[settings.optimizer]
    optimizer: Optimizer = kind(rate, weight_decay=settings.weight_decay)
    return optimizer
