"""A figure of learning curves."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neural_network.checks import Array, as_flag, check_ndim, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, DTypeError, ShapeError, brief, sentence
from neural_network.lifting import is_tensor
from neural_network.public import public
from neural_network.training.history import History
from neural_network.visual.canvas import Canvas, axes_grid, wrapped
from neural_network.visual.figures import COLOURS, MEDIUM, STROKE, WIDTH, colours_from
from neural_network.visual.inputs import as_plain
from neural_network.visual.log_files import is_log, read_log
from neural_network.visual.measures import are_runs, measure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The prefix of measures of held-out data in a ``History``: "validation_loss".
VALIDATION = "validation_"
# What other libraries and loops write before a measure, of training and of held-out data.
PARTS_OF_DATA = ("train", "training"), ("val", "valid", "validation")
PART_OF_DATA = re.compile(f"^({'|'.join(sum(PARTS_OF_DATA, ()))})[_ ]")
# Panels in a line.
COLUMNS = 3
# Epochs whose points are marked; of more, the points would fill the gaps of the dashes.
MOST_MARKED = 12
# Between the largest and the smallest number of an axis; beyond, a curve would look like an L.
MOST_RATIO = 1000
# Of the validation, below which its rise would be flat on a logarithmic axis.
LEAST_RATIO = 100

# Name → curves and panels of a run.
Runs = dict[str, tuple[dict[str, Array], list[str]]]


@public(top_level=False)
@explains_calls
@silent
def show_history(
    history: Sequence[float] | Mapping[str, Any] | str | os.PathLike[str],
    *,
    log: bool | None = None,
    ax: Any = None,
    title: str | None = None,
    cmap: Any = None,
) -> Figure:
    """Draw one curve for each measure, epoch by epoch.

    Each measure has a panel, in which its validation is dashed, in another colour. Of several
    runs, each has a colour, and the panels are shared; a legend below all of them names the runs.
    Numbers that fall to a thousandth have a logarithmic axis, unless their validation falls to no
    hundredth, whose rise would be flat.

    Args:
        history: losses, one for each epoch, as ``gradient_descent`` returns
            them; a dict of name → one number for each epoch, such as ``fit`` returns
            ("train_loss" and "val_loss" are taken as "loss" and "validation_loss"); or the
            path of a CSV file of a run, ``"run/log.csv"``. To compare runs, a dict of
            name → each of them: ``{"SGD": first, "Adam": "adam/log.csv"}``. A dict of lists
            compares runs, by their losses, if none of its names is a measure: ``loss``, what
            ends in ``_loss``, a metric such as ``accuracy``, or one of these after
            ``validation_``. Of ``{"accuracy of A": …, "accuracy of B": …}`` it is that measure.
        log: True for logarithmic axes of the losses (of all measures where none is a loss),
            False for linear ones; None for what suits the numbers.
        ax: matplotlib axes to draw on; None for a new figure.
        title: of the figure; None for none.
        cmap: a colormap for the two curves, from its ends.

    Returns:
        The matplotlib figure, a panel for each measure; "loss" and "validation_loss"
        share one. ``figure.savefig(path)`` saves it; pyplot does not know it.

    Raises:
        ShapeError: no measure, or one without an epoch.
        DTypeError: no numbers; a wrong ``ax``, ``title`` or ``cmap``.
        ArgumentError: a ``cmap`` that does not exist; ``log=True`` for numbers that are not all
            above 0.
        FileFormatError: another file; ``FileNotFoundError`` where there is none.
        MissingDependencyError: matplotlib is not installed.

    >>> figure = show_history({"loss": [0.9, 0.4], "accuracy": [0.7, 0.9]})
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['loss', 'accuracy']
    >>> figure = show_history({"2 layers": [0.9, 0.4], "3 layers": [0.8, 0.2]})
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['loss']
    """
    function = "show_history"
    wanted = None if log is None else as_flag(function, "log", log)
    runs = as_runs(function, history)
    panels = list(dict.fromkeys(panel for _, named in runs.values() for panel in named))
    losses = [panel for panel in panels if panel.endswith("loss")] if wanted else []
    logarithmic = {
        panel: _is_logarithmic(function, runs, panel, wanted and (panel in losses or not losses))
        for panel in panels
    }
    columns = min(len(panels), COLUMNS)
    rows = -(-len(panels) // columns)
    colours = COLOURS if cmap is None else colours_from(function, cmap, max(2, len(runs)))
    wide, high = max(WIDTH / 3 * columns, 5.0), 3.2 * rows
    entries = entries_of(runs, colours) if len(runs) > 1 else []
    heights = [1.0] * rows
    if ax is None:
        high += room_of(entries, wide, MEDIUM)[1]
    elif entries:  # panels, also of one measure: below them is the legend
        heights.append(0.001)
    canvas = axes_grid(
        function, ax, title, size=(wide, high), rows=len(heights), columns=columns,
        heights=heights,
    )  # fmt: skip
    across, below = room_of(entries, canvas.inches[0], canvas.medium)
    if canvas.panels is not None and entries:
        canvas.panels.foot = min(below, 0.5 * canvas.inches[1])
    named: dict[str, Any] = {}
    for place, axes in enumerate(canvas.flat):
        if place >= len(panels):
            axes.set_axis_off()
            continue
        panel = panels[place]
        draw_curves(axes, runs, panel, colours)
        if len(axes.lines) > 1 and not entries:
            named |= {str(line.get_label()): line for line in axes.lines}
        _finish(canvas, axes, panel, steep=logarithmic[panel])
    if title and "loss" not in title.lower() and panels == ["loss"] and "" not in runs:
        canvas.flat[0].set_ylabel("")  # lists of numbers, which the title names
    if entries:
        draw_legend(canvas, entries, across)
    if named:
        _explain(canvas, named)
    return canvas.figure


def draw_curves(
    axes: Axes, runs: Runs, panel: str, colours: Sequence[Any]
) -> list[tuple[Any, Array]]:
    """Draw the curves of all runs into a panel; return lines and numbers."""
    lines: list[tuple[Any, Array]] = []
    for number, (run, (curves, _)) in enumerate(runs.items()):
        shown = [name for name in (panel, VALIDATION + panel) if name in curves]
        for name in shown:
            values, held_out = curves[name], name.startswith(VALIDATION)
            style = "--" if held_out else "-"
            label = "validation" if held_out else "training"
            if len(runs) > 1:
                label = f"{run}, validation" if held_out else run
            colour = number if len(runs) > 1 else int(held_out)
            (line,) = axes.plot(
                range(1, len(values) + 1), values, style, label=label, markersize=3,
                marker="o" if len(values) <= MOST_MARKED else "",
                color=colours[colour % len(colours)],
            )  # fmt: skip
            lines.append((line, values))
    return lines


def _is_logarithmic(function: str, runs: Runs, panel: str, wanted: bool | None) -> bool:
    """Return whether a panel has a logarithmic axis."""
    found = [
        (name, curves[name])
        for curves, _ in runs.values()
        for name in (panel, VALIDATION + panel)
        if name in curves
    ]
    everything = np.concatenate([values for _, values in found])
    if not wanted:
        held_out = [values for name, values in found if name.startswith(VALIDATION)]
        flat = bool(held_out) and not spans(np.concatenate(held_out), LEAST_RATIO)
        return wanted is None and spans(everything, MOST_RATIO) and not flat
    least = np.min(everything[np.isfinite(everything)], initial=np.inf)
    if least <= 0:
        expected = "numbers above 0 where axes are logarithmic"
        raise ArgumentError(sentence(function, "log", expected, f"{least:g} in {panel!r}"))
    return True


def spans(numbers: Array, ratio: float) -> bool:
    """Return whether the finite numbers are above 0, and the largest is so many times the least.

    >>> spans(np.array([0.1, 20.0, np.nan]), 100), spans(np.array([0.0, 20.0]), 100)
    (True, False)
    """
    finite = numbers[np.isfinite(numbers)].astype(np.float64)  # a byte times the ratio is none
    return finite.size > 0 and bool(0 < ratio * finite.min() < finite.max())


def _finish(canvas: Canvas, axes: Axes, panel: str, *, steep: bool) -> None:
    """Name the axes of a panel, and choose their scale and ticks."""
    if steep:
        axes.set_yscale("log")
        panel += ", logarithmic"
    axes.set_xlabel("epoch", fontsize=canvas.medium)
    axes.set_ylabel(panel, fontsize=canvas.medium)
    axes.tick_params(labelsize=canvas.medium)
    axes.yaxis.get_offset_text().set_fontsize(canvas.medium)
    axes.locator_params(axis="x", integer=True, nbins=6 if canvas.given is None else 3)
    if all(np.size(line.get_xdata()) == 1 for line in axes.lines):
        axes.set_xticks([1])  # else there are none but parts of an epoch
    if canvas.given is not None and not steep:
        from neural_network.visual.ticks import SpacedLocator

        axes.yaxis.set_major_locator(SpacedLocator(canvas.medium))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def entries_of(runs: Runs, colours: Sequence[Any]) -> list[tuple[str, Any]]:
    """Return text and style of each line of the legend of several runs."""
    found = [(run, {"color": colours[n % len(colours)]}) for n, run in enumerate(runs)]
    if any(name.startswith(VALIDATION) for named, _ in runs.values() for name in named):
        grey = {"color": STROKE}
        found += [("training", grey), ("validation", {**grey, "linestyle": "--"})]
    return [(wrapped(text, WIDTH / 2, MEDIUM), style) for text, style in found]


def room_of(entries: list[tuple[str, Any]], inches: float, points: float) -> tuple[int, float]:
    """Return how many entries of a legend stand in a line of a width, and the height of all."""
    if not entries:
        return 1, 0.0
    letters = max(len(line) for text, _ in entries for line in text.split("\n"))
    each = (0.6 * letters + 3) * points / 72
    across = int(np.clip((inches - 0.1) / each, 1, len(entries)))
    lines = -(-len(entries) // across) * max(text.count("\n") + 1 for text, _ in entries)
    return across, (1.6 * lines + 0.8) * points / 72


def draw_legend(canvas: Canvas, entries: list[tuple[str, Any]], across: int) -> None:
    """Name the runs below all panels, where the legend covers no curve."""
    from matplotlib.lines import Line2D

    made = [Line2D([], [], label=text, **style) for text, style in entries]
    how: Any = {
        "handles": made, "ncols": across, "frameon": False, "fontsize": canvas.medium,
        "handlelength": 1.5, "handletextpad": 0.5, "columnspacing": 1.0, "borderpad": 0.2,
    }  # fmt: skip
    if canvas.given is None:
        legend = canvas.figure.legend(loc="outside lower center", **how)
    else:
        legend = canvas.given.legend(loc="lower center", borderaxespad=0.0, **how)
    for text in legend.get_texts():
        text.set_parse_math(False)


def _explain(canvas: Canvas, named: Mapping[str, Any]) -> None:
    """Write what the curves are, below all panels, where no curve is."""
    points = canvas.medium
    letters = max(map(len, named)) + 5  # with its piece of a line
    across = int(np.clip(canvas.inches[0] * 72 / (0.6 * letters * points), 1, len(named)))
    how: Any = {
        "handles": list(named.values()), "labels": list(named), "frameon": False,
        "fontsize": points, "ncols": across, "handlelength": 2.0, "columnspacing": 1.0,
        "borderaxespad": 0.0, "borderpad": 0.2,
    }  # fmt: skip
    if canvas.given is None:
        legend: Any = canvas.figure.legend(loc="outside lower center", **how)
    else:
        lines = -(-len(named) // across)
        foot = (1.6 * lines + 0.4) * points / 72
        if canvas.panels is not None:
            canvas.panels.foot = foot
            legend = canvas.given.legend(loc="lower center", bbox_to_anchor=(0.5, 0.0), **how)
            legend.set_in_layout(False)
        else:  # above the curves, within the axes
            share = min(foot / canvas.inches[1], 0.5)
            _raise(canvas.axes, share)
            legend = canvas.axes.legend(loc="upper center", **how)
    for text in legend.get_texts():
        text.set_parse_math(False)


def _raise(axes: Axes, share: float) -> None:
    """Leave a share of the height free above the curves."""
    low, high = axes.transScale.transform([(1, bound) for bound in axes.get_ylim()])[:, 1]
    top = axes.transScale.inverted().transform((1, low + (high - low) / (1 - share)))[1]
    axes.set_ylim(top=top)


def as_runs(function: str, history: Any) -> Runs:
    """Return name → curves and panels of each run; of a single one, without a name."""
    if not isinstance(history, Mapping):
        return {"": as_curves(function, "history", history)}
    compared = not isinstance(history, History) and are_runs(history)
    if not compared and not any(map(is_run, history.values())):
        return {"": as_curves(function, "history", history)}
    measure = measure_of(history) if compared else "loss"
    return {
        str(name): as_curves(function, f"history[{name!r}]", one, measure)
        for name, one in history.items()
    }


def is_run(value: Any) -> bool:
    """Return whether a value is a whole run, in place of the numbers of one measure."""
    return isinstance(value, Mapping) or is_log(value)


def as_curves(
    function: str, what: str, history: Any, measure: str = "loss"
) -> tuple[dict[str, Array], list[str]]:
    """Return name → one number for each epoch, and the names that get a panel.

    ``what`` is the history's name in sentences, ``measure`` that of the numbers of a list.
    """
    if is_log(history):
        history = read_log(function, history)
    elif is_tensor(history):
        history = history.data
    if (
        isinstance(history, tuple) and history and isinstance(history[-1], list)
        and isinstance(history[0], Mapping | np.ndarray)
    ):  # fmt: skip
        received = f"a tuple, as a training returns it; {what}[-1] are its losses"
        raise DTypeError(sentence(function, what, "losses, one for each epoch", received))
    if isinstance(history, list | tuple) and any(map(is_run, history)):
        expected = "a dict of name → history for several runs, such as {'first': a, 'second': b}"
        received = f"a {type(history).__name__} of them"
        raise DTypeError(sentence(function, what, expected, received))
    if not isinstance(history, Mapping | list | tuple | np.ndarray):
        expected = "numbers or a dict of lists, or the path of a run's CSV file, as run/log.csv"
        raise DTypeError(sentence(function, what, expected, brief(history)))
    if isinstance(history, Mapping):
        curves = {
            _name(name, history): as_plain(function, f"{what}[{name!r}]", numbers)
            for name, numbers in history.items()
        }
    else:
        curves = {measure: as_plain(function, what, history)}
    for name, values in curves.items():
        place = f"{what}[{name!r}]" if isinstance(history, Mapping) else what
        check_ndim(function, place, values, 1)
    if not curves or any(len(values) == 0 for values in curves.values()):
        lengths = {name: len(values) for name, values in curves.items()}
        raise ShapeError(sentence(function, what, "at least one epoch", lengths))
    # A measure and its validation share a panel, where a gap between them shows overfitting.
    panels = [
        name
        for name in curves
        if name.removeprefix(VALIDATION) == name or name.removeprefix(VALIDATION) not in curves
    ]
    return curves, panels


def _name(name: object, others: Mapping[Any, Any]) -> str:
    """Return the name of a measure; "train_loss" and "val_loss" are "loss" and "validation_loss".

    Only beside each other: a measure that is alone keeps its name.
    """
    text, given = str(name), [*map(str, others)]
    measure = PART_OF_DATA.sub("", text)
    training, held_out = (
        [f"{word}{gap}{measure}" for word in words for gap in "_ "] for words in PARTS_OF_DATA
    )
    if measure in given:
        training = [measure]
    found = [[one for one in names if one in given] for names in (training, held_out)]
    if [len(names) for names in found] != [1, 1] or [text] not in found:
        return text
    return measure if [text] == found[0] else VALIDATION + measure
