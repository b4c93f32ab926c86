"""Places of layers and parameters, for messages: ``model[3] Dense(10)``, ``model[2].body[1]``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod
from typing import TYPE_CHECKING, Any

from neural_network.describing import arguments_of, shown
from neural_network.errors import ArgumentError, ShapeError, both, brief, sentence

# From this number of layers on, those of the second half are named from the end as well.
LONG = 10
MOST_LETTERS = 60
# Channels of pictures: grey, colours, and colours with their opacity.
PICTURES = (1, 3, 4)
# Pixels of a picture's shorter side, and how many times as long the other one is at most.
FEWEST, LONGEST = 8, 4


def place_name(model: Any, name: str) -> str:
    """Return how Python reaches a layer or parameter that has this dotted name in a model.

    >>> from neural_network.layers.places import place_name
    >>> model = Sequential(*(Dense(2) for _ in range(12)))
    >>> place_name(model, "0"), place_name(model, "11.weight")
    ('model[0]', 'model[11].weight (model[-1].weight)')
    """
    forwards = backwards = "model"
    here = model
    for part in name.split(".") if name else ():
        if numbered := getattr(here, "_numbered", None):
            here = getattr(here, numbered)
        if isinstance(here, list | tuple) and part.isdigit():
            place, length = int(part), len(here)
            forwards += f"[{place}]"
            from_end = length >= LONG and 2 * place >= length
            backwards += f"[{place - length if from_end else place}]"
            here = here[place]
        else:
            keys = [key for key in here if str(key) == part] if isinstance(here, dict) else []
            step = f"[{keys[0]!r}]" if keys else f".{part}"
            forwards, backwards = forwards + step, backwards + step
            here = here[keys[0]] if keys else getattr(here, part, None)
    return forwards if forwards == backwards else f"{forwards} ({backwards})"


def place_of(model: Any, layer: Any) -> str:
    """Return the place of a layer in a model and its short form; if not found, the latter alone.

    >>> from neural_network.layers.places import place_of
    >>> model = Sequential(Flatten(), Dense(10, "relu"))
    >>> place_of(model, model[1]), place_of(model, Dense(3))
    ("model[1] Dense(10, 'relu')", 'Dense(3)')
    """
    names = [name for name, one in model.named_layers() if one is layer]
    return f"{place_name(model, names[0])} {short(layer)}" if names else short(layer)


def short(layer: Any) -> str:
    """Return the call that makes a layer as one would write it; of a container, the class."""
    kind = type(layer).__name__
    if any(True for _ in type(layer).children(layer)):
        return kind
    if "__repr__" in vars(type(layer)):  # its arguments are long
        text = repr(layer)
        return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"
    given = layer._current_arguments()
    leading = (arguments_of(type(layer)).positional or [])[: len(given)]
    texts = []
    for place, (name, value) in enumerate(given.items()):
        by_place = place < len(leading) and leading[: place + 1] == list(given)[: place + 1]
        texts.append(shown(value) if by_place else f"{name}={shown(value)}")
    text = f"{kind}({', '.join(texts)})"
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"


@contextmanager
def adding_place(layer: Any) -> Iterator[None]:
    """Add to an error of the block which layer inside this one has raised it."""
    try:
        yield
    except ArgumentError as error:
        add_place(error, layer)
        raise


def add_place(error: Exception, layer: Any, inputs: Any = ()) -> None:
    """Add to an error that passes through a layer which layer inside it has raised it.

    Args:
        error: of a layer inside.
        layer: that was called.
        inputs: arrays that it was called with, where its own input may be of another size than it
            was built for.
    """
    marks = vars(error)
    inner, text = marks.setdefault("_raised_by", (layer, str(error)))
    # Each layer around it writes the place anew, as it is seen from there.
    if inner is not layer and any(one is inner for one in layer.all_layers()):
        built = _built_for(layer, inputs) if isinstance(error, ShapeError) else ""
        if ".reshape" in built or "x[None" in built:  # the layer took it for something else
            text = text.partition(";")[0]
        error.args = (f"{text} [{place_of(layer, inner)}]{built}",)


def _built_for(layer: Any, inputs: Any) -> str:
    """Return for which inputs a model was built, where it was called with others."""
    shape = layer.input_shape
    given = getattr(inputs[0], "shape", None) if inputs else None
    if not shape or given is None or tuple(given[1:]) == shape:
        return ""
    if len(shape) == 1 and len(given) == 2:  # of features: the layer has said how many
        return ""
    sizes = ", ".join(map(str, shape))
    # Else the axes may stand in another order.
    flat = min(len(shape), len(given) - 1) == 1 and prod(given[1:]) == prod(shape)
    cure = f": X.reshape(-1, {sizes})" if flat else ""
    cure = ": X[None] is one of them" if tuple(given) == shape else cure
    if len(shape) == 3 and shape[0] in (1, 3):
        size: Any = shape[1] if shape[1] == shape[2] else shape[1:]
        line = line_of_picture(shape)
        # In the right size, colours may be missing; else the layer has said which axes are.
        same = () if shape[0] == 3 and 3 not in given else shape[1:]
        if len(given) == 4 and given[1] in PICTURES:
            cure = (
                f"; {line} reads a picture so; for others make the layers anew: the functions in "
                f"nn.models take input_shape={tuple(given[1:])}"
            )
        elif given[1:] == shape[1:] and len(given) == 3 == shape[0]:
            cure = f"; nn.load_image_folder(path, size={size}, grey=False) keeps the colours"
        elif not flat and _is_a_picture(given, other_than=same):
            batch = "[None, None]" if shape[0] == 1 else "[None]"
            digit = "nn.prepare_digit(picture) a photograph of a digit, " * (shape == (1, 28, 28))
            cure = f"; {line} reads a picture so, {digit}x{batch} makes it a batch"
    return f"; the model was built for inputs of shape (n, {sizes}){cure}"


def line_of_picture(shape: tuple[int, ...]) -> str:
    """Return the line that reads a picture for a model of inputs (1, H, W) or (3, H, W).

    >>> from neural_network.layers.places import line_of_picture
    >>> line_of_picture((3, 32, 32))
    'nn.load_picture(path, size=32, grey=False)'
    """
    size: Any = shape[1] if shape[1] == shape[2] else shape[1:]
    return f"nn.load_picture(path, size={size}{', grey=False' if shape[0] == 3 else ''})"


def _is_a_picture(shape: tuple[int, ...], *, other_than: tuple[int, ...]) -> bool:
    """Return whether an array is probably one picture, (H, W), (C, H, W) or (H, W, C).

    Of another size: where only axes are missing or in another order, the layer has said so.
    """
    sides = tuple([size for size in shape if size not in PICTURES])
    alike = len(sides) == 2 and min(sides) >= FEWEST and max(sides) <= LONGEST * min(sides)
    return alike and sides != other_than


if TYPE_CHECKING:
    derived = property
else:

    def derived(getter: Callable[[Any], Any]) -> property:
        """Make the decorated method a property that refuses to be set."""

        def refuse(layer: Any, value: Any) -> None:
            expected = "no assignment: it follows from the layer's arguments and its input"
            kind = both(ArgumentError, AttributeError)
            raise kind(sentence(type(layer).__name__, getter.__name__, expected, brief(value)))

        return property(getter, refuse)
