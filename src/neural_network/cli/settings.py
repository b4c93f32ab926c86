"""The settings of a training: options, their file, and what they stand for."""

from __future__ import annotations

import difflib
import json
import math
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from neural_network.checks import as_choice, as_count, as_flag, as_number
from neural_network.cli.changes import CHANGES, augmentation
from neural_network.cli.data import DATA, check_data
from neural_network.datasets.folders import WAYS
from neural_network.errors import ArgumentError, FileFormatError, brief, sentence
from neural_network.files import as_path, open_file, written_beside
from neural_network.lazy import NameTable
from neural_network.models import MODELS
from neural_network.training.buffers import as_fraction
from neural_network.training.optimizers import OPTIMIZERS, Optimizer
from neural_network.training.schedules import Schedule

SCHEDULES: NameTable[type[Schedule]] = NameTable("schedule")
# What the names of models' files end in.
MODEL_FILES = (".safetensors", ".onnx")
# Called with the command, the option and the value; returns the value to use, or raises.
Check = Callable[[str, str, Any], Any]


# --- the checks of one option each -----------------------------------------------------------


def _as_changes(command: str, name: str, text: str) -> str:
    augmentation(command, name, text)
    return text


def class_weights(command: str, name: str, text: str) -> dict[str, float]:
    """Return the weights that "cat=2,dog=1" gives; none for "none" and "balanced".

    Raises:
        ArgumentError: another form, or a weight that is no finite number above 0.
    """
    weights: dict[str, float] = {}
    if text in ("none", "balanced"):
        return weights
    for part in text.split(","):
        kind, _, number = part.strip().rpartition("=")
        try:
            weight = float(number)
        except ValueError:
            weight = math.nan
        if not kind or not 0 < weight < math.inf or kind in weights:
            expected = "none, balanced, or a weight for each class such as cat=2,dog=1"
            raise ArgumentError(sentence(command, name, expected, brief(text)))
        weights[kind] = weight
    return weights


def _as_class_weights(command: str, name: str, text: str) -> str:
    class_weights(command, name, text)
    return text


def _as_rate(command: str, name: str, rate: float) -> float:
    return 0.0 if rate == 0 else as_number(command, name, rate, above=0)


def _as_share(command: str, name: str, share: float) -> float:
    if 1 < share <= 90:
        expected = "a share of the pictures from 0 to 0.9"
        received = f"{share:g}; did you mean {share / 100:g}?"
        raise ArgumentError(sentence(command, name, expected, received))
    return as_number(command, name, share, between=(0, 0.9))


def _as_data(command: str, name: str, data: str) -> str:
    check_data(command, data)
    return data if data in DATA else _absolute(command, name, data)


def _as_model(command: str, name: str, model: str) -> str:
    """Return the name of a model, or the path of a file."""
    path = Path(as_path(command, name, model))
    if model in MODELS or not (path.suffix.lower() in MODEL_FILES or path.exists()):
        try:
            return as_choice(command, name, model, tuple(MODELS))
        except ArgumentError as error:
            trained = "a trained model is named by its file, such as run/model.safetensors"
            raise ArgumentError(f"{error}; {trained}") from error
    return _absolute(command, name, model)


def _absolute(command: str, name: str, path: str) -> str:
    """Return the absolute path, so that a training can be resumed in another folder."""
    as_path(command, name, path)
    try:
        path.encode()
    except UnicodeEncodeError:
        expected = "a name that can be written as Unicode"
        raise ArgumentError(sentence(command, name, expected, brief(path))) from None
    try:
        return os.path.abspath(path)  # noqa: PTH100  # Path.resolve would follow links
    except OSError:
        expected = "an absolute path, as there is no current directory any more"
        raise ArgumentError(sentence(command, name, expected, brief(path))) from None


def _as_file(command: str, name: str, path: str) -> str:
    return _absolute(command, name, path) if path else ""


def _as_number(command: str, name: str, number: int, minimum: int = 1) -> int:
    if as_count(command, name, number, minimum) < LARGEST:
        return number
    raise ArgumentError(sentence(command, name, BELOW, "a larger one"))


_from_zero = partial(_as_number, minimum=0)


# --- the table of options --------------------------------------------------------------------


def _setting(
    default: Any,
    text: str,
    check: Check,
    shown: str | None = None,
    kind: Any = None,
    *,
    names: Sequence[str] = (),
    choices: Sequence[str] = (),
) -> Any:
    """Declare a setting: an option of ``train``, and a key of its file.

    Args:
        default: used if neither the command line nor the file has the setting.
        text: what the help says of the option.
        check: called with the value.
        shown: the default as the help shows it, where it differs.
        kind: what the option reads, where that is not the type of the default; a list: it may be
            repeated, which means the same as its values joined by commas.
        names: of the option, where it has several.
        choices: what a shell completes.
    """
    declared = typer.Option(
        *names,
        help=text,
        show_default=str(default) if shown is None else shown,
        autocompletion=_completion(choices) if choices else None,
    )
    # None: not given, so that the file's value is used.
    metadata = {
        "check": check,
        "option": Annotated[(kind or type(default)) | None, declared],
        "text": text,
        "shown": shown,
    }
    return field(default=default, metadata=metadata)


def _completion(choices: Sequence[str]) -> Callable[[str], list[str]]:
    """Return what a shell asks for the choices that begin like what is typed."""

    def beginning(incomplete: str) -> list[str]:
        return [choice for choice in choices if choice.startswith(incomplete)]

    return beginning


def _choice(default: str, names: Iterable[str], more: str = "") -> Any:
    """Declare a setting that is one of these names."""
    choices = tuple(names)
    check = partial(as_choice, choices=choices)
    return _setting(default, f"{', '.join(choices)}{more}.", check, choices=choices)


@dataclass(frozen=True)
class Settings:
    """The options of ``train`` that its settings file holds.

    The defaults were chosen by the accuracy on held-out training digits.
    """

    model: str = _setting(
        "tiny_cnn",
        f"{', '.join(MODELS)}; or the file of a trained model to start from.",
        _as_model,
        choices=tuple(MODELS),
    )
    data: str = _setting(
        "mnist",
        f"{', '.join(DATA)}, or a folder with a folder per class.",
        _as_data,
        choices=tuple(DATA),
    )
    size: int = _setting(
        0,
        "Bring a folder's pictures to squares of so many pixels a side.",
        _from_zero,
        "as they are",
    )
    epochs: int = _setting(4, "Passes over the data.", _as_number)
    batch_size: int = _setting(16, "Pictures per step.", _as_number)
    optimizer: str = _choice("adam", OPTIMIZERS)
    learning_rate: float = _setting(  # 0: that of the optimizer
        0.0,
        "The highest rate of the schedule.",
        _as_rate,
        f"that of the optimizer; {OPTIMIZERS['adam'].typical_rate} for adam",
        names=("--learning-rate", "--lr"),
    )
    schedule: str = _choice("one-cycle", ("none", *SCHEDULES), " (step: a tenth after each third)")
    weight_decay: float = _setting(
        0.0, "Weight decay of the optimizer.", partial(as_number, between=(0, math.inf))
    )
    augment: str = _setting(
        "none",
        f"Random changes, joined by commas: none, or some of {', '.join(CHANGES.values())}.",
        _as_changes,
        kind=list[str],
    )
    validation: float = _setting(0.1, "The share of the data held out; 0 for none.", _as_share)
    seed: int = _setting(0, "Seed of all random numbers.", _from_zero)
    average: float = _setting(
        0.0, "Decay of the average of the weights to save, such as 0.99.", as_fraction, "0, none"
    )
    grey: bool = _setting(
        False,
        "Shades of grey instead of colours.",
        as_flag,
        "colours, where a folder has some",
        names=("--grey/--colour", "--gray/--color"),
    )
    prepare: str = _choice(
        "auto", ("auto", *WAYS), " (photographs of digits); auto: as the start's, else resize"
    )
    early_stopping: int = _setting(
        0,
        "Stop after so many epochs without a lower loss in validation, and keep the best weights.",
        _from_zero,
        "0, never",
    )
    class_weights: str = _setting(
        "none",
        "How much each class counts: none, balanced (all classes alike), or cat=2,dog=1.",
        _as_class_weights,
        kind=list[str],
        choices=("none", "balanced"),
    )
    threads: int = _setting(0, "Processors to use.", _from_zero, "0, all")
    out: str = _setting("run", "The folder for the results.", as_path, kind=Path)
    save: str = _setting(  # empty: in the folder ``out``
        "", "The file of the trained model.", _as_file, "OUT/model.safetensors", Path
    )


SETTINGS = {setting.name: setting for setting in fields(Settings)}
WORDS = {bool: "true or false", str: "text", int: "a whole number", float: "a number"}
# No setting is larger, as TOML itself says of whole numbers; and no file of settings is longer.
LARGEST, BELOW, LONGEST_FILE = 1 << 63, "a number below 2^63", 1 << 20


def option(name: str) -> str:
    """Return a setting's name in a file, and after -- on a command line."""
    return name.replace("_", "-")


def read_settings(path: Path) -> dict[str, Any]:
    """Read a TOML file whose keys are options' names.

    A relative folder of pictures that is not in the current directory may be beside the file.

    Raises:
        FileFormatError: no TOML, an unknown key, or a value of another type; no file, or a large
            one.
    """
    text = _text(path)
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # int() refuses numbers of 4,301 digits
        shown = str(error)[:200]
        raise FileFormatError(f"{path}: not a TOML file ({shown}){_hint(text, error)}") from error
    known = {option(name): name for name in SETTINGS}
    aliases = {"lr": "learning-rate", "gray": "grey"}
    found: dict[str, Any] = {}
    for written, value in content.items():
        key = aliases.get(written, written)
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            received = f"{key}; did you mean {near[0]}?" if near else f"{key!r:.50}"
            expected = f"one of {', '.join(known)}"
            raise FileFormatError(sentence(str(path), "key", expected, received))
        kind = type(SETTINGS[known[key]].default)
        fits = type(value) is kind or (kind is float and type(value) is int)
        if not fits:
            raise FileFormatError(sentence(str(path), key, WORDS[kind], _shown(value)))
        if key != written and key in content:
            raise FileFormatError(f"{path}: {written} and {key}: expected one, received both")
        if kind is not str and not abs(value) < LARGEST:  # NaN is not either
            raise FileFormatError(sentence(str(path), key, BELOW, _shown(value)))
        if kind is str and "\0" in value:
            raise FileFormatError(sentence(str(path), key, "text without NUL", _shown(value)))
        found[known[key]] = value
    data = found.get("data", "")
    if data and data not in DATA and not Path(data).exists() and (path.parent / data).is_dir():
        found["data"] = str(path.parent / data)
    return found


def _text(path: Path) -> str:
    """Return the text of a settings file, without the byte order mark that Windows may write."""
    with open_file("train", path, "a TOML file", name="FILE") as file:
        content = file.read(LONGEST_FILE + 1)
    if len(content) > LONGEST_FILE:
        text = f"{path}: expected a TOML file of at most {LONGEST_FILE:,} bytes, received more"
        raise FileFormatError(text)
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        kind = "UTF-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else f"byte {error.start}"
        text = f"{path}: not a TOML file (expected text in UTF-8, received {kind})"
        raise FileFormatError(text) from error


def _shown(value: Any) -> str:
    """Return a value for an error; one that Python refuses to write, by its kind."""
    try:
        shown = repr(value)
    except ValueError:  # a number of thousands of digits
        return "a larger number"
    return shown if len(shown) <= 50 else f"{shown[:50]}…"


def _hint(text: str, error: Exception) -> str:
    """Return a hint on the most frequent mistake in a TOML line: text without quotes."""
    if not (place := re.search(r"at line (\d+)", str(error))):
        return ""
    line = text.split("\n")[int(place[1]) - 1]
    if not (bare := re.fullmatch(r"\s*([\w-]+)\s*=\s*([A-Za-z_./~][^\s#\"]*)\s*(#.*)?", line)):
        return ""
    return f'; text needs quotes: {bare[1]} = "{bare[2]:.100}"'


def commented(chosen: Mapping[str, Any]) -> str:
    """Return a settings file that explains each setting; those not ``chosen`` are comments."""
    lines: list[str] = []
    for name, setting in SETTINGS.items():
        value = _as_toml(chosen.get(name, setting.default))
        line = f"{'' if name in chosen else '# '}{option(name)} = {value}"
        shown, default = setting.metadata["shown"], _as_toml(getattr(Settings, name))
        meaning = f" ({default}: {shown.removeprefix('0, ')})" if shown else ""
        lines += ["", f"# {setting.metadata['text']}{meaning}", line]
    return "\n".join([*lines, ""])


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
    return repr(value).lower()  # true, not True


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
    if settings.prepare == "digit":
        if settings.data in DATA:
            raise ArgumentError(sentence("train", "--prepare", "a folder as --data", settings.data))
        if settings.size:
            raise ArgumentError("train: --size: expected none with --prepare digit, of 28 pixels")
    if settings.early_stopping and not settings.validation:
        expected = "a --validation above 0, whose loss is watched"
        raise ArgumentError(sentence("train", "--early-stopping", expected, 0))
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
