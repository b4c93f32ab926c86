"""What can be said of pictures: how many, of which classes, what looks wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from neural_network.cli.data import DATA, DIGITS, Pictures
from neural_network.cli.output import Report
from neural_network.cli.settings import Settings
from neural_network.datasets.digits import FIELD
from neural_network.datasets.pictures import is_colourful

# Warnings: fewer pictures of a class; a class of so many times another's; a longer side in pixels.
FEW, UNBALANCED, LARGE = 20, 3, 256
# Warning: fewer pictures by whose loss the best epoch is chosen.
FEW_HELD_OUT = 50
# The accuracy from which on nothing is said; and the share of its loss that an epoch leaves.
GOOD, FALLING = 0.9, 0.97
# Names in a line.
SHOWN = 20


def tell(
    report: Report,
    settings: Settings,
    pictures: Pictures,
    learned: Pictures,
    held_out: Pictures | None,
) -> None:
    """Tell how many pictures of which classes there are, and warn of what looks wrong."""
    counts = np.bincount(pictures.y, minlength=len(pictures.classes))
    channels, height, width = pictures.X.shape[1:]
    colours = "in colour (--grey turns it off)" if channels == 3 else "in shades of grey"
    listed = [f"{name} {n:,}" for name, n in zip(pictures.classes, counts, strict=True)]
    report.note(
        f"{len(pictures.y):,} pictures {colours}, {height}×{width} pixels; "
        f"{len(counts)} classes: {_listed(listed)}"
    )
    for warning in _warnings(settings, pictures, learned, held_out):
        report.note(f"train: {warning}")


def _warnings(
    settings: Settings, pictures: Pictures, learned: Pictures, held_out: Pictures | None
) -> Iterable[str]:
    counts = np.bincount(learned.y, minlength=len(learned.classes))
    most, least = int(counts.argmax()), int(counts.argmin())
    if counts[most] >= UNBALANCED * counts[least] and settings.class_weights == "none":
        yield (
            f"unbalanced classes: {counts[most]:,} of {pictures.classes[most]}, {counts[least]:,} "
            f"of {pictures.classes[least]} to learn from; with --class-weights balanced "
            "all classes count alike"
        )
    few = [name for name, n in zip(learned.classes, counts, strict=True) if n < FEW]
    if few:
        yield (
            f"fewer than {FEW} pictures to learn from of {_listed(few)}: results "
            f"will differ from seed to seed; --augment {_example(settings)} varies them"
        )
    if settings.early_stopping and held_out is not None and len(held_out.y) < FEW_HELD_OUT:
        yield (
            f"--early-stopping keeps the epoch with the lowest loss of {len(held_out.y)} pictures "
            f"held out, and of so few it changes by chance; --validation {_larger(settings):g} "
            "holds out more"
        )
    if settings.data in DATA:
        return
    yield from _duplicates(pictures, held_out)
    side = max(pictures.X.shape[-2:])
    if side > LARGE:
        yield f"pictures of {side} pixels a side take long; --size 64 may be enough"
    if settings.prepare == "resize" and side > FIELD and DIGITS.issuperset(pictures.classes):
        yield "photographs of handwritten digits are read better with --prepare digit"


def warn_of_an_early_epoch(report: Report, settings: Settings, kept: int, last: int) -> None:
    """Warn if early stopping has kept an epoch in which the rate of one-cycle was still high."""
    if settings.schedule == "one-cycle" and kept < last and 2 * kept <= settings.epochs:
        report.note(
            f"train: the weights are those of epoch {kept} of {settings.epochs}, in which the rate "
            "of --schedule one-cycle, which falls at the end, was still high; --schedule none fits "
            "--early-stopping better, or one-cycle without it and fewer --epochs"
        )


def warn_of_guessing(
    report: Report,
    settings: Settings,
    learned: Pictures,
    held_out: Pictures | None,
    measures: Mapping[str, float],
    steps: int,
) -> bool:
    """Warn if a network does hardly better, at the end, than one that always names a class.

    Returns whether it has. A few steps of a small rate leave it there, and nothing else would
    say so.
    """
    if settings.class_weights != "none":  # the largest class may then be named too rarely
        return False
    largest = float(np.bincount(learned.y).max() / len(learned.y))
    parts = {"accuracy": learned, "validation_accuracy": held_out}
    for name, part in parts.items():
        # Two standard deviations of the share that is right by chance.
        chance = largest + 2 * np.sqrt(largest * (1 - largest) / len(part.y)) if part else np.inf
        if not measures.get(name, 0.0) < chance:
            return False
    report.note(
        f"train: at the end {measures['accuracy']:.0%} of the pictures to learn from are right, "
        f"and {largest:.0%} would be by chance (the largest class): {steps:,} steps with a "
        f"--learning-rate of {settings.learning_rate:g} were too few, or the rate was not fit; try "
        f"--epochs {5 * settings.epochs}, or another --learning-rate"
    )
    return True


def warn_of_a_falling_loss(
    report: Report, settings: Settings, history: Mapping[str, Sequence[float]]
) -> None:
    """Warn if a network that is not good yet was still learning when the epochs had ended."""
    losses, right = history["loss"][-2:], history["accuracy"][-1]
    if settings.early_stopping or len(losses) < 2 or right >= GOOD:
        return
    if losses[1] < FALLING * losses[0]:
        report.note(
            f"train: in the last epoch the loss still fell, from {losses[0]:.2g} to "
            f"{losses[1]:.2g}; --epochs {3 * settings.epochs} may give a better network"
        )


def _larger(settings: Settings) -> float:
    return 0.3 if settings.validation < 0.3 else 0.5


def _example(settings: Settings) -> str:
    return "shift=2,rotate=10" if settings.augment == "none" else "with more changes"


def _duplicates(pictures: Pictures, held_out: Pictures | None) -> Iterable[str]:
    """Warn of pictures with the same pixels: in a class, in two classes, in both parts."""
    groups: dict[bytes, list[int]] = {}
    for row, digest in enumerate(pictures.digests):
        groups.setdefault(digest, []).append(row)
    several = [rows for rows in groups.values() if len(rows) > 1]
    within = [rows for rows in several if len({pictures.y[row] for row in rows}) == 1]
    between = [rows for rows in several if len({pictures.y[row] for row in rows}) > 1]
    if within:
        extra = sum(len(rows) - 1 for rows in within)
        yield f"copies of pictures, in the same class: {extra:,} ({_pairs(pictures, within)})"
    if between:
        yield (
            f"the same picture in several classes: {len(between):,} times "
            f"({_pairs(pictures, between)}); one class of each is wrong"
        )
    if held_out is not None and several:
        hidden = set(held_out.files)
        both = [
            rows
            for rows in several
            if 0 < sum(pictures.files[r] in hidden for r in rows) < len(rows)
        ]
        seen = sum(pictures.files[row] in hidden for rows in both for row in rows)
        if seen:
            yield (
                f"held out for validation and also among those to learn from: {seen:,} "
                f"({_pairs(pictures, both)}); the measures of validation are too good"
            )


def _pairs(pictures: Pictures, groups: list[list[int]]) -> str:
    shown = [" = ".join(_name(pictures.files[row]) for row in rows[:3]) for rows in groups]
    return _listed(shown, 3)


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _listed(names: list[str], most: int = SHOWN) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def tell_of_digits(report: Report, files: list[Path], *, shipped: bool) -> None:
    """Say what a model of digits knows, where pictures of something else may be asked of it."""
    if shipped:
        report.note(
            "Without --model the tiny_cnn that is shipped answers, which knows handwritten digits; "
            "--model run/model.safetensors is a network of your own"
        )
    if colourful := [path for path in files if is_colourful(path)]:
        others = f" and {len(colourful) - 1} more" if colourful[1:] else ""
        report.note(
            f"{colourful[0]}{others}: in colour, and the model reads photographs of handwritten "
            "digits, in shades of grey"
        )
