"""``neural-network features``: feature maps of a picture."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from neural_network.checks import Array
from neural_network.cli.output import Force, confirm_overwrite, did_you_mean, printable
from neural_network.datasets.mnist import load_mnist
from neural_network.datasets.pictures import load_picture
from neural_network.errors import ArgumentError, brief, needs_extra, sentence
from neural_network.functional.convolution.conv import conv2d
from neural_network.functional.filters import FILTERS, filter_key, named_filter
from neural_network.functional.window import Padding
from neural_network.visual.feature_maps import draw_feature_maps
from neural_network.visual.predictions import shortened
from neural_network.visual.saving import check_figure_path, save_figure


def features(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="PICTURE", help="A PNG or JPEG instead of a digit.", show_default=False
        ),
    ] = None,
    digit: Annotated[
        int | None,
        typer.Option(
            help="Which training digit of MNIST, from 0.", show_default="0, the article's 5"
        ),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="The same as PICTURE.", show_default=False)
    ] = None,
    filter_: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            "-f",
            help="A name (see `neural-network filters`) or numbers, rows separated by semicolons: "
            '"-1,0,1;-1,0,1;-1,0,1". May be given several times.',
            show_default="edges",
        ),
    ] = None,
    stride: Annotated[str, typer.Option(help="A number, or vertical,horizontal.")] = "1",
    padding: Annotated[
        str, typer.Option(help="valid, same, a number, or vertical,horizontal.")
    ] = "0",
    flip: Annotated[
        bool, typer.Option("--flip", help="Turn the filters by 180° first, as SciPy's convolve2d.")
    ] = False,
    save: Annotated[
        Path,
        typer.Option("--save", "-o", help="The figure's file; its ending names the format."),
    ] = Path("feature_maps.png"),
    show: Annotated[bool, typer.Option("--show", help="Open the figure in a window.")] = False,
    force: Force = False,
) -> None:
    """Apply filters to a picture and draw the feature maps; by default the article's example."""
    if file is not None and picture is not None:
        raise ArgumentError("features: PICTURE and --picture: expected one, received both")
    image, title = _input_image(digit, file or picture)
    filters = _filters(filter_ or ["edges"])
    steps, pads = _stride(stride), _padding(padding)
    _use_backend(show)
    check_figure_path("features", "--save", save)
    confirm_overwrite([save], force=force)
    with np.errstate(over="ignore"):
        maps = {
            name: conv2d(image, values, steps, pads, flip=flip) for name, values in filters.items()
        }
    for name, values in maps.items():
        if not np.all(np.isfinite(values)):
            raise ArgumentError(f"features: {name}: expected smaller numbers, its map overflows")
    figure = draw_feature_maps(image, filters, maps, title=title)
    save_figure(figure, save)
    typer.echo(f"Input Image Shape: {image.shape}")
    for name, values in maps.items():
        which = "" if len(maps) == 1 else f" ({name})"
        typer.echo(f"Feature Map Shape{which}: {values.shape}")
    typer.echo(f"Saved: {save}")
    if show:
        figure.show()


def _input_image(digit: int | None, picture: Path | None) -> tuple[Array, str]:
    if picture is not None:
        if digit is not None:
            raise ArgumentError("features: --digit and --picture: expected one, received both")
        return load_picture(picture), shortened(printable(picture.name))
    images, labels = load_mnist()
    place = 0 if digit is None else digit
    if not 0 <= place < len(images):
        raise ArgumentError(
            sentence("features", "--digit", f"a number from 0 to {len(images) - 1}", place)
        )
    return images[place].astype(float), f"Digit: {labels[place]}"


def _filters(texts: list[str]) -> dict[str, Array]:
    filters: dict[str, Array] = {}
    for text in texts:
        known = filter_key(text) in FILTERS
        name = filter_key(text) if known else f"filter {len(filters) + 1}"
        if name in filters:
            raise ArgumentError(f"features: --filter: expected each once, received {text!r} twice")
        filters[name] = named_filter(text) if known else _typed_filter(text)
    return filters


def _typed_filter(text: str) -> Array:
    """Read "-1,0,1;-1,0,1" as a (2, 3) array."""
    expected = f'one of {", ".join(FILTERS)}; or numbers such as "-1,0,1;-1,0,1"'
    try:
        rows = [[float(number) for number in row.split(",")] for row in text.split(";")]
    except ValueError:
        received = f"{brief(text)}{did_you_mean(text, FILTERS)}"
        raise ArgumentError(sentence("features", "--filter", expected, received)) from None
    if len({len(row) for row in rows}) != 1:
        raise ArgumentError(sentence("features", "--filter", "rows of equal length", brief(text)))
    if not np.all(np.isfinite(rows)):
        raise ArgumentError(sentence("features", "--filter", "finite numbers", brief(text)))
    return np.array(rows)


def _stride(text: str) -> int | tuple[int, int]:
    return _numbers("--stride", text, "a whole number or two, such as 2 or 2,1")


def _padding(text: str) -> Padding:
    if text in ("valid", "same"):
        return text
    return _numbers("--padding", text, "valid, same, a whole number or two, such as 1 or 1,0")


def _numbers(option: str, text: str, expected: str) -> int | tuple[int, int]:
    try:
        numbers = [int(number) for number in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2):
        raise ArgumentError(sentence("features", option, expected, brief(text)))
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


def _use_backend(show: bool) -> None:
    """Draw without a screen, unless a window is requested and there is a screen."""
    if not show:
        os.environ["MPLBACKEND"] = "Agg"  # before the import, which would raise for a wrong one
        return
    with needs_extra("the command", extra="plot"):
        try:
            import matplotlib as mpl
            from matplotlib import pyplot as plt
            from matplotlib.backends.registry import BackendFilter, backend_registry
        except ValueError as error:
            raise ArgumentError(f"MPLBACKEND: {error}") from error

    # matplotlib chooses a backend that works here when the first figure is made.
    plt.close(plt.figure())
    windows: list[str] = backend_registry.list_builtin(BackendFilter.INTERACTIVE)  # type: ignore[no-untyped-call]  # matplotlib has no type here
    if mpl.get_backend().lower() not in {name.lower() for name in windows}:
        raise ArgumentError(
            "features: --show: expected a screen and a window toolkit, found none; "
            "without --show the figure is saved"
        )
