"""A set of slides about a model and its data, written by one call."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, both, needs_extra, sentence
from neural_network.files import as_path, writing
from neural_network.functional.convolution.conv import conv2d
from neural_network.layers.dense import Dense
from neural_network.layers.layer import Layer
from neural_network.public import public
from neural_network.training.metrics import confusion_matrix
from neural_network.visual.activations import activation_pages
from neural_network.visual.animations import animate_convolution
from neural_network.visual.canvas import axes_grid
from neural_network.visual.confusion import show_confusion_matrix
from neural_network.visual.figures import GREY, as_picture
from neural_network.visual.filters import show_filters
from neural_network.visual.graph import show_graph
from neural_network.visual.heat_maps import show_grad_cam, show_occlusion, show_saliency
from neural_network.visual.histograms import draw_histograms
from neural_network.visual.history import show_history
from neural_network.visual.inputs import (
    CONVOLUTIONS,
    as_class_names,
    as_labels,
    as_model,
    as_pictures,
    check_scores,
    noted,
    predicted,
    probabilities_of,
    shortenings,
)
from neural_network.visual.kernel_flip import show_flip
from neural_network.visual.mistakes import show_mistakes
from neural_network.visual.saving import save_figure
from neural_network.visual.tiles import Tiles
from neural_network.visual.window_sum import explain_conv2d

NAME = "slides"
# Pixels of a slide, which a projector of 1,280 × 720 or of 1,024 × 768 shows whole; an animation
# has fewer.
SLIDE, ANIMATED = (1280, 720), (900, 506)
# Pictures on the first slide.
MOST_PICTURES = 24
# Mistakes: more would be two lines on a slide.
MOST_MISTAKES = 10
# Of an animation.
FRAMES = 40
# Inches of a slide that is 8 inches wide.
HIGHEST = 4.5
# Histograms on a slide, and units whose weights are drawn.
PANELS, MOST_UNITS = 8, 40

# The file that shows them; its first line, and more bytes than it has.
INDEX = "slides.md"
HEAD = re.compile(
    r"# [\d,]+ pictures of \d+ classes, and a network that answers [\d.]+% of them rightly"
)
MOST_BYTES = 100_000

Slide = tuple[str, str, Callable[[], Any]]


@public(top_level=False)
@explains_calls
@silent
def slides(
    model: Layer,
    images: ArrayLike,
    labels: ArrayLike,
    path: str | os.PathLike[str],
    *,
    history: Any = None,
    class_names: Any = None,
) -> list[Path]:
    """Write the pictures of a lecture about a model into a folder of their own.

    They are: examples of the data, the model as boxes, its filters, one number of a convolution,
    the convolution as an animation, the two meanings of the word, the maps of every layer,
    saliency, Grad-CAM, occlusion, the confusion matrix, the mistakes, the weights, and with a
    history the curves. A model without a convolution has no slides of one; what would be too high
    for a slide stands on several. ``slides.md`` in the
    folder shows all of them, each with a sentence.

    Args:
        model: a built model that gives a row of scores for each picture.
        images: (N, C, H, W), or (N, H, W) for a single channel; also for a model of flat
            features, which gets them flattened. Flat ones of n² numbers are n × n pixels.
        labels: (N,) class numbers.
        path: of the folder, which is made: it must not exist, or be empty, or hold nothing but
            the slides of an earlier call, which are replaced.
        history: of the training, as ``fit`` returns it; None for none.
        class_names: of all classes; None for their numbers.

    Returns:
        The paths of the slides, in their order, and of ``slides.md`` at the end.

    Raises:
        ArgumentError: a folder that holds something, or a file of this name (a
            ``FileExistsError`` as well); a model that is not built, labels out of range.
        ShapeError: pictures that the model does not take, or not a label for each.
        DTypeError: an argument of the wrong kind.
        FileWriteError: the folder cannot be written; nothing is left behind then.
        MissingDependencyError: matplotlib or Pillow is not installed.

    >>> import tempfile
    >>> model = Sequential(Flatten(), Dense(2)).initialize((1, 8, 8), rng=0)
    >>> images, folder = np.eye(8)[None, None].repeat(4, axis=0), tempfile.mkdtemp()
    >>> for slide in visual.slides(model, images, [0, 1, 0, 1], folder)[:3]:
    ...     print(slide.name)
    01_data.png
    02_model.png
    03_weights_as_pictures.png
    """
    with needs_extra("slides", extra="plot"):
        import matplotlib as mpl  # noqa: F401  # whether it is installed
        import PIL  # noqa: F401  # likewise
    found = as_model(NAME, model)
    inputs, pictures = as_pictures(NAME, "images", images, found)
    folder = _new_folder(path)
    outputs = check_scores(NAME, predicted(NAME, found, inputs))
    shares = probabilities_of(outputs)
    truth = as_labels(NAME, labels, len(inputs), shares.shape[1])
    names = as_class_names(NAME, class_names, shares.shape[1])
    if history is not None:
        show_history(history)  # before anything is written
    made = _Set(found, pictures, truth, shares, names, history, outputs.shape[1])
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            written = made.write(temporary)
            temporary.chmod(0o755)  # of a temporary folder, only its owner may read
            if folder.exists():
                # Kept until the new ones are in their place.
                earlier = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
                folder.rename(earlier / folder.name)
                try:
                    temporary.rename(folder)
                except OSError:
                    (earlier / folder.name).rename(folder)
                    raise
                finally:
                    shutil.rmtree(earlier, ignore_errors=True)
            else:
                temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return [folder / file for file in written]


def _new_folder(path: Any) -> Path:
    """Return the path of a folder that does not exist, is empty, or holds earlier slides."""
    folder = Path(as_path(NAME, "path", path))
    with writing(folder):  # its name may be too long, or it cannot be read
        is_folder = folder.is_dir()
        in_the_way = any(folder.iterdir()) if is_folder else folder.exists() or folder.is_symlink()
        in_the_way = in_the_way and not (is_folder and _is_earlier(folder))
    if in_the_way:
        what = "a folder that holds something" if is_folder else "a file"
        refused: Any = both(ArgumentError, FileExistsError)
        expected = "a folder that does not exist yet, is empty, or holds slides alone"
        raise refused(sentence(NAME, "path", expected, f"{what}: {folder}"))
    return folder


def _is_earlier(folder: Path) -> bool:
    """Return whether a folder holds slides of an earlier call, and nothing of the user's own."""
    overview = folder / INDEX
    if not overview.is_file() or overview.stat().st_size > MOST_BYTES:
        return False
    text = overview.read_text("utf-8", errors="replace")
    head = text.partition("\n")[0]
    found = re.findall(r"^!\[(.*)\]\((\d\d_\w+\.(?:png|gif))\)$", text, re.MULTILINE)
    if not HEAD.fullmatch(head) or text != _overview(head, found):
        return False
    return {one.name for one in folder.iterdir()} <= {INDEX, *(file for _, file in found)}


def _overview(head: str, written: Sequence[tuple[str, str]]) -> str:
    """Return the text of ``slides.md``: of each slide, its sentence and file."""
    slides = [f"## {text}\n\n![{text}]({file})\n" for text, file in written]
    return "\n".join([f"{head}\n", *slides])


class _Set:
    """The slides of a model.

    Args:
        model: built.
        images: (N, C, H, W).
        labels: (N,).
        shares: (N, k), the probabilities.
        names: of the classes.
        history: of the training, or None.
        outputs: of the model, for each picture.
    """

    def __init__(
        self,
        model: Layer,
        images: Array,
        labels: Array,
        shares: Array,
        names: list[str],
        history: Any,
        outputs: int,
    ) -> None:
        self.model, self.images, self.labels = model, images, labels
        self.shares, self.names, self.history = shares, names, history
        self.outputs = outputs
        right = np.flatnonzero(shares.argmax(axis=1) == labels)
        # A picture that the model is certain and right about, if there is one.
        candidates = right if len(right) else np.arange(len(labels))
        self.example = int(candidates[shares[candidates].max(axis=1).argmax()])

    def write(self, folder: Path) -> list[str]:
        """Write all slides into a folder and return the names of the files."""
        planned: Sequence[Slide] = list(self.slides())
        count, classes = len(self.images), len(self.names)
        right = float(np.mean(self.shares.argmax(axis=1) == self.labels))
        head = (
            f"# {count:,} pictures of {classes} classes, and a network that answers "
            f"{right:.1%} of them rightly"
        )
        written = []
        for number, (name, text, draw) in enumerate(noted(NAME, planned), 1):
            drawn = draw()
            ending, figure, pixels = "png", drawn, SLIDE
            if hasattr(drawn, "to_jshtml"):
                ending, figure, pixels = "gif", drawn.figure, ANIMATED
            file = f"{number:02}_{name}.{ending}"
            save_figure(drawn, folder / file, dpi=dpi_within(figure, pixels))
            written.append((text, file))
        (folder / INDEX).write_text(_overview(head, written), "utf-8")
        return [*(file for _, file in written), INDEX]

    def slides(self) -> Iterator[Slide]:
        """Yield name, sentence and drawing of each slide that the model has."""
        model, image, names = self.model, self.images[self.example], self.names
        yield "data", "What the data look like", self.draw_data
        yield "model", "The model: layers, shapes, parameters", lambda: show_graph(model)
        layers = [layer for layer in model.all_layers() if isinstance(layer, CONVOLUTIONS)]
        flat = [layer for layer in layers if layer.axes == 2]
        if flat:
            yield "filters", "The filters of the first convolution", lambda: show_filters(model)
            yield from self.convolution_slides(flat[0])
        else:
            yield from self.weight_slides()
        text = "What every layer makes of one picture"
        # A single output is the score of the second of two classes.
        called: dict[str, Any] = {"class_names": names} if self.outputs == len(names) else {}
        pages = activation_pages(model, image, called.get("class_names"), HIGHEST)
        yield from _paged("activations", text, pages)
        how: dict[str, Any] = {"class_names": names}
        text = "Saliency: how much each pixel changes the score"
        yield "saliency", text, lambda: show_saliency(model, image, **how)
        if flat:
            text = "Grad-CAM: where the maps of the last convolution speak for the class"
            yield "grad_cam", text, lambda: show_grad_cam(model, image, **how)
        side = max(min(image.shape[1:]) // 4, 1)
        text = "Occlusion: how the probability falls where a square is hidden"
        step = max(side // 2, 1)
        yield (
            "occlusion", text,
            lambda: show_occlusion(model, image, size=side, stride=step, **how),
        )  # fmt: skip
        counts = confusion_matrix(self.shares, self.labels)
        text = "Which classes are taken for which"
        yield "confusion_matrix", text, lambda: show_confusion_matrix(counts, names)
        if (self.shares.argmax(axis=1) != self.labels).any():
            text = "The most certain mistakes"
            yield (
                "mistakes", text,
                lambda: show_mistakes(
                    model, self.images, self.labels, most=MOST_MISTAKES, class_names=names
                ),
            )  # fmt: skip
        yield from _paged("histograms", "How the weights are spread", self.histograms())
        if self.history is not None:
            yield "history", "How the training went", lambda: show_history(self.history)

    def histograms(self) -> list[Callable[[], Any]]:
        """Return the drawings of all parameters, ``PANELS`` at a time."""
        arrays = [(name, parameter.data) for name, parameter in self.model.named_parameters()]
        parts = [dict(arrays[n : n + PANELS]) for n in range(0, len(arrays), PANELS)]
        names = [name for name, _ in arrays]
        return [partial(draw_histograms, part, "weights", "weights", names=names) for part in parts]

    def weight_slides(self) -> Iterator[Slide]:
        """Yield the weights of the first layer: on pixels, each unit as a picture."""
        model, shape = self.model, self.images.shape[1:]
        if not any(p.ndim >= 2 for p in model.parameters()):
            return
        text = "The weights of the first layer"
        dense = next((one for one in model.all_layers() if isinstance(one, Dense)), None)
        if dense is None or len(dense.weight.data) != np.prod(shape):
            yield "weights_as_matrix", text, lambda: show_filters(model)
            return
        weight, units = dense.weight.data, dense.weight.shape[1]
        title = f"{type(dense).__name__}: {units} units" if units <= MOST_UNITS else (
            f"{type(dense).__name__}: {MOST_UNITS} of {units} units"
        )  # fmt: skip
        sizes = shape if shape[0] != 1 else shape[1:]
        yield (
            "weights_as_pictures", f"{text}: what each unit looks for",
            lambda: show_filters(weight[:, :MOST_UNITS], shape=sizes, title=title),
        )  # fmt: skip

    def convolution_slides(self, layer: Any) -> Iterator[Slide]:
        """Yield the slides about one convolution: its filter 0 on the example, if it fits."""
        image, weight = self.images[self.example], layer.weight.data
        if weight.shape[1] != len(image):  # grouped, or not the first layer
            return
        kernel = weight[0]
        if any(n < k for n, k in zip(image.shape[1:], kernel.shape[1:], strict=True)):
            return
        # The largest number of the map, because many others are sums of zeros.
        total = np.abs(conv2d(image, kernel[np.newaxis])[0])
        row, column = (int(n) for n in np.unravel_index(np.argmax(total), total.shape))
        yield (
            "one_number", "One number of a map: window, products, sum",
            lambda: explain_conv2d(image, kernel, row, column).draw(),
        )  # fmt: skip
        yield (
            "convolution", "The filter slides over the picture",
            lambda: animate_convolution(image, kernel, frames=FRAMES),
        )  # fmt: skip
        yield (
            "flip", "Cross-correlation and convolution: the filter as it is, and turned",
            lambda: show_flip(image),
        )  # fmt: skip

    def draw_data(self) -> Any:
        """Draw the first pictures, classes in turn, each with its label."""
        order = _in_turn(self.labels)[:MOST_PICTURES]
        pictures = [as_picture(self.images[place]) for place in order]
        size = (self.images.shape[2], self.images.shape[3])
        places = Tiles.of(len(order), size, lines=1, largest=1.5, columns=min(len(order), 8))
        space = (places.inches + 0.2, places.height + 0.2)
        canvas = axes_grid(NAME, None, None, size=space)
        captions = [shortenings(self.names[self.labels[place]]) for place in order]
        places.draw(canvas, canvas.axes, pictures, captions, cmap=GREY, vmin=0, vmax=1)
        return canvas.figure


def dpi_within(figure: Any, pixels: tuple[int, int]) -> int:
    """Return the dots per inch at which a figure fills a width or a height, and exceeds neither."""
    wide, high = figure.get_size_inches()
    return max(int(min(pixels[0] / wide, pixels[1] / high)), 1)


def _paged(name: str, text: str, draws: Sequence[Callable[[], Any]]) -> Iterator[Slide]:
    """Yield a slide for each part of a picture that would be too high for one."""
    for number, draw in enumerate(draws, 1):
        part = f" ({number} of {len(draws)})" if len(draws) > 1 else ""
        yield name, text + part, draw


def _in_turn(labels: Array) -> list[int]:
    """Return places so that each class comes once before any comes again."""
    seen: dict[int, int] = {}
    rounds = []
    for label in labels.tolist():
        rounds.append(seen.get(label, 0))
        seen[label] = rounds[-1] + 1
    return [int(place) for place in np.lexsort((labels, np.array(rounds)))]
