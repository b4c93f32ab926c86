"""What was probably meant by a wrong command line: the line to type instead."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from neural_network.cli.data import DATA, near_name
from neural_network.cli.models import SETTINGS_FILE, SHIPPED, is_run, trained_model
from neural_network.cli.settings import MODEL_FILES, SETTINGS, option
from neural_network.functional.filters import FILTERS, filter_key
from neural_network.models import MODELS

PICTURES = (
    ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".avif", ".heic", ".heif",
)  # fmt: skip
# What a word is → where a command takes it: "" among its arguments, or an option.
PLACES: dict[str, dict[str, str]] = {
    "train": {
        "settings": "", "project": "", "folder": "--data", "data": "--data", "name": "--model",
        "model": "--model", "setting": "--",
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
# Words of other programs → ours.
COMMANDS = {
    **dict.fromkeys(["fit", "learn", "training", "finetune", "fine-tune", "run"], "train"),
    **dict.fromkeys(["eval", "test", "validate", "val", "score", "accuracy"], "evaluate"),
    **dict.fromkeys(["classify", "infer", "inference", "prediction", "read", "detect"], "predict"),
    **dict.fromkeys(["continue", "restart", "restore"], "resume"),
    **dict.fromkeys(["info", "show", "describe", "inspect", "model"], "summary"),
    **dict.fromkeys(["convert", "onnx", "save"], "export"),
    **dict.fromkeys(["init", "create", "start", "init-project"], "new"),
    **dict.fromkeys(["conv", "conv2d", "convolve", "filter", "edges"], "features"),
    "help": "--help",
    "version": "--version",
}
OPTIONS = {
    **dict.fromkeys(["--patience", "--early-stop"], "--early-stopping"),
    **dict.fromkeys(["--output", "--output-dir", "--outdir", "--save-dir", "--project"], "--out"),
    **dict.fromkeys(
        ["--weights", "--checkpoint", "--pretrained", "--arch", "--network", "-m"], "--model"
    ),
    **dict.fromkeys(
        ["--dataset", "--data-dir", "--train-dir", "--input", "--folder", "-d"], "--data"
    ),
    **dict.fromkeys(["--optim", "--opt"], "--optimizer"),
    **dict.fromkeys(["--bs", "--batch", "-b"], "--batch-size"),
    **dict.fromkeys(["--num-epochs", "--n-epochs", "--max-epochs", "-e"], "--epochs"),
    **dict.fromkeys(["--rate", "--eta", "--lr0", "--learning-rate-init"], "--learning-rate"),
    **dict.fromkeys(["--img-size", "--imgsz", "--image-size", "--resize"], "--size"),
    **dict.fromkeys(["--val", "--val-split", "--validation-split", "--test-size"], "--validation"),
    **dict.fromkeys(["--random-state", "--manual-seed"], "--seed"),
    **dict.fromkeys(["--wd", "--decay", "--l2"], "--weight-decay"),
    **dict.fromkeys(["--scheduler", "--lr-schedule", "--lr-scheduler"], "--schedule"),
    **dict.fromkeys(["--augmentation", "--aug"], "--augment"),
    "--ema": "--average",
    **dict.fromkeys(["--workers", "--jobs", "--n-jobs", "--cpus", "-j"], "--threads"),
    **dict.fromkeys(["--overwrite", "--yes", "-y", "-f", "--exist-ok"], "--force"),
    **dict.fromkeys(["--silent", "-s"], "--quiet"),
    **dict.fromkeys(["--balanced", "--class-weight"], "--class-weights"),
    **dict.fromkeys(["--grayscale", "--greyscale"], "--grey"),
    "--rgb": "--colour",
    "--kernel": "--filter",
    "--topk": "--all",
}
# Options that no command has, and why.
REASONS = {
    **dict.fromkeys(["--gpu", "--device", "--cuda"], "it computes on the processor"),
    **dict.fromkeys(["--verbose", "-v"], "progress is shown without an option; --quiet hides it"),
    "--resume": "neural-network resume run continues a training",
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
    if certain and "" in kinds:
        return ""
    misplaced = "project" in kinds or any(place != "" for place in found)
    if not (misplaced or missing or (certain and words)):
        return ""
    if None in found:
        other = _command_for(set(kinds))
        if not other or command in ("features", "export") or (command, other) == PICTURES_ALONE:
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
        written = word
        if kind == "project":
            written = str(Path(word) / SETTINGS_FILE)
        if kind == "run":
            folder = Path(word) if is_run(Path(word)) else Path(word).parent
            model = None if command == "resume" else trained_model(folder)
            written = str(model or folder)
        if place:
            last += [place, written]
        else:
            first.append(written)
    first += EXAMPLES.get(command, [])[len(first) :]
    line = shlex.join(["neural-network", command, *first, *last, *options])
    return line if len(line) <= LONGEST_LINE else ""


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


def of_other_command(word: str) -> str:
    """Return the command that another program's word stands for, or "".

    >>> of_other_command("fit")
    'neural-network train'
    """
    found = COMMANDS.get(word.lower(), "")
    return f"neural-network {found}" if found else ""


def of_other_option(word: str, known: Mapping[str, bool]) -> str:
    """Return the option that another program's stands for, or the reason why there is none.

    >>> of_other_option("--patience", {"--early-stopping": True})
    'here: --early-stopping'
    """
    found = OPTIONS.get(word, "")
    return f"here: {found}" if found in known else REASONS.get(word, "")
