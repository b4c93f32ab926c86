"""Networks drawn from a seed: layers, sizes, strides, paddings, batch sizes, what is frozen.

They are small, so that many can be compared: channels around the widths of vectors, sides of odd
sizes. Between layers that stages compute are some that they do not, so that runs end and begin.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import neural_network as nn

Shape = tuple[int, ...]
# Most numbers of a row behind each layer.
MOST = 3000
CHANNELS = (1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 20, 24, 33)
WIDTHS = (1, 3, 8, 10, 17, 31, 40)
ACTIVATIONS = (None, None, None, "relu", "relu", "relu", "tanh", "sigmoid", "silu", "gelu", "elu",
               "leaky_relu", "softplus")  # fmt: skip
BATCHES = ((1,), (2,), (5,), (7, 3, 7), (3, 8, 1), (4, 11), (9, 9), (6, 1, 13))


@dataclass(frozen=True)
class Network:
    """A network with numbers for it.

    Attributes:
        model: with drawn parameters and statistics.
        row: the shape of a row.
        batches: the numbers of rows, in turn.
        input_grad: whether the gradient of the input is wanted.
        seed: of the numbers.
    """

    model: nn.Sequential
    row: Shape
    batches: Shape
    input_grad: bool
    seed: int

    def numbers(self, rows: int, draw: int = 0) -> Any:
        """Return an input."""
        rng = np.random.default_rng((self.seed, rows, draw))
        return rng.standard_normal((rows, *self.row)).astype(np.float32)

    def cotangent(self, out: Any) -> Any:
        """Return a gradient of a result."""
        rng = np.random.default_rng((self.seed, len(out)))
        return rng.standard_normal(out.shape).astype(np.float32)

    def tensors(self) -> list[Any]:
        """Return the parameters and the running statistics."""
        buffers = [tensor for _, tensor in self.model.named_buffers()]
        return [*self.model.parameters(), *buffers]

    def __str__(self) -> str:
        """Return what to build for a repetition."""
        frozen = [place for place, layer in enumerate(self.model) if _frozen(layer)]
        modes = [layer.training for layer in self.model]
        return (
            f"seed {self.seed}: {self.model!r}\non rows {self.row}, batches {self.batches}, "
            f"frozen {frozen}, training {modes}, gradient of the input: {self.input_grad}"
        )


def _frozen(layer: Any) -> bool:
    parameters = layer.parameters()
    return bool(parameters) and not any(one.requires_grad for one in parameters)


class Drawer:
    """Draws layers one after the other, each for what the one before it returns.

    Args:
        seed: of all draws.
    """

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.training = self.likely(0.75)
        self.images = self.likely(0.88)
        if self.images:
            height, width = self.rng.integers(4, 15, 2)
            self.row: Shape = (self.pick(CHANNELS[:8]), int(height), int(width))
        else:
            self.row = (self.pick(WIDTHS),)
        self.shape: Shape = self.row
        self.layers: list[nn.Layer] = []
        # The fewest places of a channel that batch norm in training gathers in a row.
        self.places = 99

    def pick(self, choices: Any) -> Any:
        """Return one of the choices."""
        return choices[self.rng.integers(len(choices))]

    def likely(self, probability: float) -> bool:
        """Return True so often."""
        return bool(self.rng.random() < probability)

    def shape_behind(self, layer: nn.Layer, shape: Shape) -> Shape | None:
        """Return the shape behind a layer; None where it does not fit or there are too many."""
        try:
            layer.initialize(shape, rng=int(self.rng.integers(1000)))
            found = np.shape(layer.predict(np.zeros((1, *shape), np.float32)))[1:]
        except nn.NeuralNetworkError:
            return None
        return found if 0 < np.prod(found) <= MOST else None

    def add(self, *layers: nn.Layer) -> bool:
        """Add layers, if they fit."""
        shape: Shape | None = self.shape
        for layer in layers:
            if shape is None or (shape := self.shape_behind(layer, shape)) is None:
                return False
            if any(isinstance(one, nn.BatchNorm) for one in layer.all_layers()):
                self.places = min(self.places, int(np.prod(shape[1:])))
        if shape is not None:
            self.layers += layers
            self.shape = shape
        return True

    def size(self, largest: int) -> Any:
        """Return one number or two."""
        pair = self.rng.integers(1, largest + 1, 2)
        return int(pair[0]) if self.likely(0.6) else (int(pair[0]), int(pair[1]))

    def padding(self) -> Any:
        """Return a padding of one of the forms that convolutions take."""
        return self.pick(
            (0, 0, 1, 1, 1, "same", "same", 2, (1, 0), ((0, 1), (2, 1)), ((1, 0), (0, 0)))
        )

    def convolution(self, **fixed: Any) -> nn.Layer:
        """Draw a convolution, some of which no stage computes."""
        options = {
            "kernel_size": self.size(5) if self.likely(0.5) else 3,
            "stride": self.size(3) if self.likely(0.35) else 1,
            "padding": self.padding(),
            "activation": self.pick(ACTIVATIONS),
            "bias": self.likely(0.7),
        }  # fmt: skip
        if self.likely(0.06):
            options["dilation"] = 2
        if self.likely(0.06):
            options["groups"] = self.shape[0]
        return nn.Conv2D(**{"filters": self.pick(CHANNELS), **options, **fixed})

    def depthwise(self) -> nn.Layer:
        """Draw a depthwise convolution."""
        return nn.DepthwiseConv2D(
            self.size(5) if self.likely(0.4) else 3, self.pick((1, 1, 1, 1, 2)),
            stride=self.size(3) if self.likely(0.4) else 1, padding=self.padding(),
            dilation=self.size(2) if self.likely(0.2) else 1,
            activation=self.pick(ACTIVATIONS), bias=self.likely(0.7),
        )  # fmt: skip

    def transposed(self) -> nn.Layer:
        """Draw a transposed convolution."""
        stride, padding = self.size(3), self.pick((0, 0, 1, (0, 1), (1, 0)))
        least = min(stride) if isinstance(stride, tuple) else stride
        return nn.ConvTranspose2D(
            self.pick(CHANNELS[:10]), self.size(4), stride=stride, padding=padding,
            output_padding=int(self.rng.integers(least)), activation=self.pick(ACTIVATIONS),
            bias=self.likely(0.7),
        )  # fmt: skip

    def norm(self) -> list[nn.Layer]:
        """Draw batch norm and what often follows it."""
        found: list[nn.Layer] = [nn.BatchNorm(self.pick((0.9, 0.6)), self.pick((1e-5, 1e-2)))]
        if self.likely(0.6):
            found.append(nn.Activation("relu"))
        return found

    def pooling(self) -> nn.Layer:
        """Draw means or maxima of windows."""
        size = self.size(3)
        draw = self.rng.integers(4)
        if draw == 0:
            return nn.AvgPool2D(size, self.size(2), padding=self.pick((0, ((1, 0), (0, 1)))))
        if draw == 1:
            return nn.MaxPool2D(3, self.size(3), self.pick((0, 1)))
        return nn.AvgPool2D(size) if self.likely(0.3) else nn.MaxPool2D(size)

    def residual(self) -> list[nn.Layer]:
        """Draw a residual block, which keeps the shape or has a convolution beside it."""
        stride = self.pick((1, 1, 2))
        filters = self.shape[0] if stride == 1 and self.likely(0.7) else self.pick(CHANNELS)
        body: list[nn.Layer] = []
        if self.likely(0.25):
            body += [nn.BatchNorm(), nn.Activation("relu")]
        kernel = self.pick((1, 3, 3, 5))
        body.append(nn.Conv2D(
            filters, kernel, stride=stride, padding=kernel // 2, bias=self.likely(0.5),
            activation=self.pick((None, "relu", "tanh")),
        ))  # fmt: skip
        if self.likely(0.5):
            body += self.norm()
        if self.likely(0.3):
            body.append(
                nn.Residual(nn.Conv2D(filters, 1, activation="relu"), nn.Conv2D(filters, 1))
            )
        if self.likely(0.3):
            body.append(nn.DepthwiseConv2D(3, padding=1))
        if self.likely(0.5):
            body.append(nn.Conv2D(filters, 3, padding="same"))
        if self.likely(0.3):
            body.append(nn.BatchNorm())
        shortcut: nn.Layer | None = None
        if stride > 1 or filters != self.shape[0] or self.likely(0.1):
            shortcut = nn.Conv2D(filters, 1, stride=stride)
            if self.likely(0.5):
                shortcut = nn.Sequential(shortcut, nn.BatchNorm())
        block: list[nn.Layer] = [nn.Residual(*body, shortcut=shortcut)]
        return [*block, nn.Activation("relu")] if self.likely(0.7) else block

    def without_stage(self) -> nn.Layer:
        """Draw a layer that no stage computes."""
        groups = [n for n in (1, 2, 3) if self.shape[0] % n == 0]
        match self.rng.integers(4):
            case 0:
                return nn.Activation("softplus")
            case 1:
                return nn.GroupNorm(self.pick(groups))
            case 2:
                return self.convolution(dilation=2, padding=2)
        return nn.MaxPool2D(2, 1)

    def dense(self) -> list[nn.Layer]:
        """Draw a dense layer and what may follow it."""
        found: list[nn.Layer] = [
            nn.Dense(self.pick(WIDTHS), self.pick(ACTIVATIONS), bias=self.likely(0.8))
        ]
        if self.likely(0.15):
            found += [nn.BatchNorm(), nn.Activation(self.pick(("relu", "silu")))]
        return found

    def network(self) -> list[nn.Layer]:
        """Draw all layers."""
        if not self.images:
            for _ in range(self.rng.integers(1, 5)):
                self.add(*self.dense())
            return self.layers
        kinds: list[Callable[[], Any]] = [
            self.convolution, self.convolution, self.depthwise, self.transposed, self.norm,
            self.pooling, self.residual, self.without_stage,
        ]  # fmt: skip
        likely = [0.25, 0.1, 0.11, 0.11, 0.13, 0.1, 0.15, 0.05]
        if self.likely(0.7):
            self.add(self.convolution())
        wanted = len(self.layers) + self.rng.integers(1, 5)
        while len(self.layers) < wanted:
            drawn = kinds[self.rng.choice(len(kinds), p=likely)]()
            self.add(*(drawn if isinstance(drawn, list) else [drawn]))
        end = self.rng.integers(5)
        if end < 3:
            self.add(nn.GlobalAvgPool2D() if end == 0 else nn.Flatten())
            for _ in range(self.rng.integers(3)):
                self.add(*self.dense())
        return self.layers


def draw(seed: int) -> Network:
    """Return the network of a seed, with drawn parameters."""
    with nn.use_kernels("numpy"), warnings.catch_warnings():
        warnings.simplefilter("ignore", nn.TrainingHint)  # of shapes that look like channels last
        return _drawn(seed)


def _drawn(seed: int) -> Network:
    drawer = Drawer(seed)
    rng, layers = drawer.rng, drawer.network()
    model = nn.Sequential(*layers).initialize(drawer.row, rng=seed)
    for parameter in model.parameters():
        shape = parameter.shape
        if len(shape) == 1:
            parameter.data[...] = 0.7 * rng.standard_normal(shape)
    for layer in model.all_layers():
        if isinstance(layer, nn.BatchNorm):
            layer.gamma.data[...] += np.sign(layer.gamma.data)
            layer.running_mean.data = rng.standard_normal(layer.gamma.shape)
            layer.running_variance.data = rng.uniform(0.5, 2, layer.gamma.shape)
    model.train() if drawer.training else model.eval()
    for layer in model:
        if drawer.likely(0.12):
            layer.freeze()
        if isinstance(layer, nn.BatchNorm) and drawer.likely(0.15):
            layer.training = not layer.training
    # Batch norm of two or three numbers a channel has almost no gradient but rounding errors.
    fewest = -(-6 // drawer.places)
    batches = tuple(max(rows, fewest) for rows in drawer.pick(BATCHES))
    return Network(model, drawer.row, batches, drawer.likely(0.6), seed)


Results = list[tuple[str, Any]]


def computed(
    network: Network, draw: int = 0, change: Callable[[Any], Any] = lambda X: X
) -> Results:
    """Return all that a network computes: for each batch its result and gradients, then the rest.

    The rest: running statistics behind all batches, and the predictions with them. Afterwards the
    statistics are what they were before.

    Args:
        network: of ``draw``.
        draw: of the numbers.
        change: of the input.
    """
    model, found = network.model, list[tuple[str, Any]]()
    buffers = [buffer for _, buffer in model.named_buffers()]
    before = [buffer.data.copy() for buffer in buffers]
    for turn, rows in enumerate(network.batches):
        model.zero_grad()
        x = nn.Tensor(change(network.numbers(rows, draw)), requires_grad=network.input_grad)
        out = model(x)
        found.append((f"result of {rows} rows", np.array(out.data)))
        if not out.requires_grad:
            continue
        g = network.cotangent(out.data)
        out.backward(g, retain_graph=turn == 0)
        if turn == 0:  # once more: the gradients are added
            out.backward(2 * g)
        if network.input_grad:
            found.append((f"gradient of the input of {rows} rows", x.grad))
        found += [
            (f"gradient of {name} by {rows} rows", parameter.grad)
            for name, parameter in model.named_parameters()
            if parameter.requires_grad
        ]
        assert all((p.grad is not None) == p.requires_grad for p in model.parameters())
    found += [(name, buffer.data.copy()) for name, buffer in model.named_buffers()]
    found.append(("predictions", model.predict(change(network.numbers(network.batches[-1], draw)))))
    for buffer, data in zip(buffers, before, strict=True):
        buffer.data = data
    return found


def differences(found: Results, expected: Results, tolerance: float = 5e-4) -> list[str]:
    """Return what differs by more than rounding errors.

    Each array is compared in units of its largest number, or of a share of the largest of all
    gradients: the gradient of a bias in front of batch norm is 0 but for rounding errors.
    """
    assert [name for name, _ in found] == [name for name, _ in expected]
    gradients = [array for name, array in expected if name.startswith("gradient")]
    least = 0.1 * max((np.abs(array).max(initial=0) for array in gradients), default=0)
    wrong = []
    for (name, one), (_, other) in zip(found, expected, strict=True):
        if one.shape != other.shape:
            wrong.append(f"{name}: shape {one.shape}, not {other.shape}")
            continue
        scale = max(np.abs(other).max(initial=0), least if name.startswith("gradient") else 0.01)
        error = np.abs(one - other).max(initial=0) / (scale or 1)
        if not error <= tolerance:
            wrong.append(f"{name}: off by {error:.2g} of its largest number")
    return wrong


def disagreement(
    network: Network, ours: Callable[..., Results], reference: Callable[..., Results]
) -> str:
    """Return how two ways of computing a network disagree, "" where they do not.

    A number at the edge of a function (relu at 0, two equal maxima) or a batch norm of equal
    numbers turns rounding errors into differences. Then the reference itself differs as much where
    its input is moved by a few rounding errors, and other numbers are drawn.
    """
    for draw in range(4):
        expected = reference(network, draw)
        wrong = differences(ours(network, draw), expected)
        if not wrong:
            return ""
        moved = (reference(network, draw, _moved(turn)) for turn in range(8))
        if not any(differences(one, expected, 1e-4) for one in moved):
            break
    return "\n".join([str(network), *wrong])


def _moved(turn: int) -> Callable[[Any], Any]:
    def move(X: Any) -> Any:
        noise = np.random.default_rng(turn).standard_normal(X.shape)
        return (X + 1e-6 * noise).astype(np.float32)

    return move
