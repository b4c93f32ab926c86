"""The settings of a training: options, their file, and what they stand for."""

from __future__ import annotations

import difflib
import json
import math
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

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

VERB = "train"
SCHEDULES: NameTable[type[Schedule]] = NameTable("schedule")
# Each change of --augment with an example: shift=2, flip …
CHANGES = {
    name.lower(): f"{name.lower()}={kind.example}".rstrip("=")
    for name, kind in AUGMENTATIONS.items()
}


@dataclass(frozen=True)
class Settings:
    """The options of ``train`` that its settings file holds, with their defaults.

    The defaults were chosen by the accuracy on held-out training digits.
    """

    model: str = "tiny_cnn"
    data: str = "mnist"
    size: int = 0  # 0: the size of a folder's pictures
    epochs: int = 4
    batch_size: int = 16
    optimizer: str = "adam"
    learning_rate: float = 0.0  # 0: that of the optimizer
    schedule: str = "one-cycle"
    weight_decay: float = 0.0
    augment: str = "none"
    validation: float = 0.1
    seed: int = 0
    average: float = 0.0  # 0: no average
    out: str = "run"
    save: str = ""  # empty: in the folder ``out``


KINDS_OF_VALUES = {
    field.name: {"str": str, "int": int, "float": float}[str(field.type)]
    for field in fields(Settings)
}
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
    known = {option(name): name for name in KINDS_OF_VALUES}
    found: dict[str, Any] = {}
    for key, value in content.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            received = f"{key}; did you mean {near[0]}?" if near else key
            expected = f"one of {', '.join(known)}"
            raise FileFormatError(sentence(str(path), "key", expected, received))
        kind = KINDS_OF_VALUES[known[key]]
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
    settings = Settings(**values)
    as_choice(VERB, "--model", settings.model, tuple(MODELS))
    check_data(VERB, settings.data)
    as_count(VERB, "--size", settings.size, minimum=0)
    as_count(VERB, "--epochs", settings.epochs)
    as_count(VERB, "--batch-size", settings.batch_size)
    as_choice(VERB, "--optimizer", settings.optimizer, tuple(OPTIMIZERS))
    as_choice(VERB, "--schedule", settings.schedule, ("none", *SCHEDULES))
    as_number(VERB, "--weight-decay", settings.weight_decay, between=(0, math.inf))
    augmentation(settings)
    as_number(VERB, "--validation", settings.validation, between=(0, 0.9))
    as_count(VERB, "--seed", settings.seed, minimum=0)
    as_fraction(VERB, "--average", settings.average)
    if settings.size and settings.data in DATA:
        raise ArgumentError(sentence(VERB, "--size", "a folder as --data", settings.data))
    rate = values.get("learning_rate")
    if rate is None or rate == 0:
        rate = OPTIMIZERS[settings.optimizer].typical_rate
    changes = {
        "learning_rate": as_number(VERB, "--learning-rate", rate, above=0),
        "data": settings.data if settings.data in DATA else _absolute("--data", settings.data),
        "save": _absolute("--save", settings.save) if settings.save else "",
    }
    return Settings(**{**asdict(settings), **changes})


def _absolute(name: str, path: str) -> str:
    """Return the absolute path, so that a training can be resumed in another folder."""
    try:
        path.encode()
    except UnicodeEncodeError:
        expected = "a name that can be written as Unicode"
        raise ArgumentError(sentence(VERB, name, expected, repr(path))) from None
    return os.path.abspath(path)  # noqa: PTH100  # Path.resolve would follow links


def make_optimizer(settings: Settings) -> Optimizer:
    """Return the optimizer with its schedule."""
    rate: float | Schedule = settings.learning_rate
    if settings.schedule != "none":
        rate = SCHEDULES[settings.schedule].suggested(settings.learning_rate, settings.epochs)
    kind = OPTIMIZERS[settings.optimizer]
    optimizer: Optimizer = kind(rate, weight_decay=settings.weight_decay)
    return optimizer


def augmentation(settings: Settings) -> Augment | None:
    """Return the augmentation that "shift=2,rotate=10,flip" names, or None for "none".

    Raises:
        ArgumentError: an unknown name, or a wrong number.
    """
    if settings.augment == "none":
        return None
    kinds = {name.lower(): kind for name, kind in AUGMENTATIONS.items()}
    steps = []
    for part in settings.augment.split(","):
        name, _, numbers = part.strip().partition("=")
        if name not in kinds:
            expected = f"none, or some of {', '.join(kinds)} such as shift=2,rotate=10"
            raise ArgumentError(sentence(VERB, "--augment", expected, repr(settings.augment)))
        try:
            steps.append(kinds[name](*map(_number, numbers.split("/") if numbers else [])))
        except ArgumentError as error:
            raise ArgumentError(f"{VERB}: --augment: {error}") from error
        except (TypeError, ValueError) as error:  # too many or too few numbers, or no numbers
            expected = f"the form {CHANGES[name]}"
            raise ArgumentError(sentence(VERB, "--augment", expected, repr(part))) from error
    return Augment(*steps)


def _number(text: str) -> float:
    try:
        return int(text)
    except ValueError:
        return float(text)
