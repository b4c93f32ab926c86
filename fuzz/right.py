"""Right arguments: what a call begins with, before some of its arguments are exchanged."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any

import numpy as np

import neural_network as nn
from neural_network.functional.op import all_samples

SMALL = 3


def normal(rng: random.Random, *shape: int, dtype: Any = np.float64) -> Any:
    """Return an array of normal numbers."""
    return np.random.default_rng(rng.getrandbits(32)).standard_normal(shape).astype(dtype)


def labels(rng: random.Random, rows: int = 4) -> Any:
    """Return class numbers from 0 to 2."""
    return np.array([rng.randrange(3) for _ in range(rows)])


def probabilities(rng: random.Random) -> Any:
    """Return rows that add up to 1."""
    return nn.softmax(normal(rng, 4, 3))


def model(rng: random.Random) -> nn.Layer:
    """Return a small model for three inputs."""
    layers = [nn.Dense(4, "relu"), nn.Dense(3)]
    if rng.random() < 0.4:
        extra = [nn.BatchNorm(), nn.Dropout(0.5), nn.LayerNorm(), nn.Activation("tanh")]
        layers.insert(1, rng.choice(extra))
    found = nn.Sequential(*layers)
    return found.initialize((3,), rng=0) if rng.random() < 0.7 else found


def path(rng: random.Random) -> str:
    """Return a name in the folder of this process."""
    return f"{rng.choice(['one', 'two'])}.{rng.choice(['safetensors', 'csv', 'npz', 'gz'])}"


def square(x: Any) -> Any:
    """Return a sum of squares, which can be differentiated."""
    return (x * x).sum()


# Name of an argument → a right value, where the function needs no other.
BY_NAME: dict[str, Callable[[random.Random], Any]] = {
    **dict.fromkeys(["X", "Z", "A", "a", "b", "image", "data", "y_pred", "value", "W", "logits",
                     "scores", "X_test", "A2"], lambda rng: normal(rng, 4, 3)),
    **dict.fromkeys(["query", "key"], lambda rng: normal(rng, 1, 4, 3)),
    **dict.fromkeys(["y", "labels", "y_true"], labels),
    **dict.fromkeys(["p", "rate", "momentum", "decay", "alpha", "mu", "label_smoothing", "fill"],
                    lambda rng: rng.choice([0.25, 0.5, 0.9])),
    **dict.fromkeys(["learning_rate", "lr", "start", "peak", "after", "h"],
                    lambda rng: rng.choice([0.01, 0.1])),
    **dict.fromkeys(["epsilon", "threshold", "minimum", "weight_decay", "l1", "l2", "tolerance"],
                    lambda rng: rng.choice([1e-3, 1e-5])),
    **dict.fromkeys(["units", "filters", "multiplier", "size", "kernel_size", "steps", "groups",
                     "classes", "num_classes", "patience", "batch_size", "vocabulary", "every",
                     "output_size", "sections", "count", "n", "width", "epochs", "num_epochs",
                     "accumulate", "rows", "duration", "pixels", "degrees", "sigma"],
                    lambda rng: rng.choice([1, 2])),
    **dict.fromkeys(["stride", "dilation"], lambda rng: rng.choice([1, 2, (1, 1)])),
    **dict.fromkeys(["padding", "output_padding", "axis", "argnums", "seed", "epoch", "place",
                     "index"], lambda _: 0),
    "padding": lambda rng: rng.choice([0, 1, "same", "valid"]),
    **dict.fromkeys(["function", "f", "forward", "activation_fn"],
                    lambda rng: rng.choice([square, nn.relu, np.tanh])),
    **dict.fromkeys(["activation"], lambda rng: rng.choice(["relu", "tanh", nn.gelu, None])),
    **dict.fromkeys(["loss_fn"], lambda _: nn.mse_loss),
    "forward_fn": lambda _: lambda X, params: X @ params["W"],
    "params": lambda rng: {"W": normal(rng, 3, 2)},
    **dict.fromkeys(["parameters"], lambda rng: {"weight": normal(rng, 3, 2)}),
    "betas": lambda _: (0.9, 0.99),
    **dict.fromkeys(["path", "resume"], path),
    "rng": lambda rng: rng.choice([None, 0, np.random.default_rng(0)]),
    **dict.fromkeys(["model", "layer"], model),
    "layers": lambda rng: [nn.Dense(2, "relu"), nn.Dense(3)],
    "shortcut": lambda _: nn.Dense(3),
    "optimizer": lambda rng: rng.choice(["adam", "sgd", nn.AdamW(0.01), nn.SGD(0.1, 0.9)]),
    "loss": lambda rng: rng.choice(["softmax_cross_entropy", "hinge"]),
    "metrics": lambda rng: rng.choice([None, ["accuracy"]]),
    "callbacks": lambda rng: rng.choice([[], [nn.EarlyStopping("loss")]]),
    "class_weights": lambda rng: rng.choice([None, [1.0, 2.0, 1.0]]),
    "reduction": lambda rng: rng.choice(["mean", "sum", "none"]),
    "mode": lambda rng: rng.choice(["min", "max"]),
    "measure": lambda _: "loss",
    "name": lambda rng: rng.choice(["weight", "edges", "X"]),
    "arrays": lambda rng: {"a": normal(rng, 2, 3), "b": labels(rng)},
    "weights": lambda rng: [normal(rng, 3, 2)],
    "notes": lambda _: {"accuracy": 0.5},
    "validation": lambda rng: (normal(rng, 4, 3), labels(rng)),
    "inputs": lambda rng: [normal(rng, 2)],
    **dict.fromkeys(["primals", "tangents"], lambda rng: (normal(rng, 3),)),
    "shape": lambda rng: rng.choice([(3,), (1, 8, 8), (4, 3)]),
    "input_shape": lambda rng: rng.choice([(1, 28, 28), (3, 32, 32)]),
    "sizes": lambda _: [3, 4, 2],
    "hidden": lambda _: (4,),
    "dtype": lambda rng: rng.choice([np.float32, np.float64]),
    "subscripts": lambda _: "ij,jk->ik",
    "initializer": lambda rng: rng.choice(sorted(nn.INITIALIZERS)),
    "approximate": lambda _: "tanh",
    "split": lambda rng: rng.choice(["train", "test"]),
    "subset": lambda _: "sample",
    "picture": lambda rng: np.abs(normal(rng, 28, 28)),
    "settings": lambda _: {"shift": 2},
    "history": lambda _: {"loss": [1.0, 0.5]},
    "values": lambda _: {"loss": [1.0, 0.5]},
    "counts": lambda _: np.eye(3, dtype=int),
    "maps": lambda rng: {"edges": normal(rng, 5, 5)},
    "pictures": lambda rng: [normal(rng, 5, 5)],
    "seen": lambda _: [1],
    "indices": labels,
    "weight": lambda rng: normal(rng, 5, 3),
    "gradients": lambda rng: normal(rng, 6),
    "gradient": lambda rng: normal(rng, 4, 3),
    "velocity": lambda rng: normal(rng, 4, 3),
    "scale": lambda _: 2.0,
    "condition": lambda rng: normal(rng, 4, 3) > 0,
    "pad_width": lambda _: [(1, 1), (0, 2)],
    "log_probabilities": lambda rng: nn.log_softmax(normal(rng, 4, 3)),
    "log_q": lambda rng: nn.log_softmax(normal(rng, 4, 3)),
    "watcher": lambda _: lambda layer, X, out: None,
    "factor": lambda _: 0.5,
    "augment": lambda rng: rng.choice([None, nn.Augment(nn.Flip())]),
    "slope": lambda _: 0.1,
}  # fmt: skip
FLAGS = (
    "training", "nesterov", "centered", "bias", "flip", "causal", "progress", "shuffle", "grey",
    "requires_grad", "keepdims", "restore_best", "ceil_mode", "subpixel", "align_corners",
    "verbose",
)  # fmt: skip
BY_NAME |= dict.fromkeys(FLAGS, lambda rng: rng.random() < 0.5)
BY_NAME["verbose"] = BY_NAME["progress"] = lambda _: False


def tiny_model() -> nn.Sequential:
    """Return a model of pictures (1, 6, 6) and three classes."""
    layers = nn.Conv2D(2, 3, activation="relu"), nn.Flatten(), nn.Dense(3)
    return nn.Sequential(*layers).initialize((1, 6, 6), rng=0)


def mlp(rng: random.Random, layers: int) -> dict[str, Any]:
    """Return the arguments that the functions of the article take."""
    sizes = (3, 5, 4, 2)[: layers + 1]
    found: dict[str, Any] = {"X": normal(rng, 4, 3), "y": np.eye(sizes[-1])[[0, 1, 1, 0]]}
    for place, (n, m) in enumerate(itertools.pairwise(sizes), 1):
        found |= {f"W{place}": normal(rng, n, m), f"b{place}": normal(rng, 1, m)}
        found |= {f"Z{place}": normal(rng, 4, m), f"A{place}": np.abs(normal(rng, 4, m))}
    return found


# Functions whose arguments have to fit each other, and that have no samples.
TOGETHER: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    **{name: (lambda rng: mlp(rng, 2)) for name in ("forward_mlp", "backward_mlp")},
    **{name: (lambda rng: mlp(rng, 3)) for name in ("forward_mlp_3layer", "backward_mlp_3layer")},
    "forward_perceptron": lambda rng: {
        "X": normal(rng, 4, 3), "W": normal(rng, 3, 1), "b": normal(rng, 1)
    },
    "gradient_descent": lambda rng: {
        "X": normal(rng, 4, 3), "y": normal(rng, 4, 1), "W": normal(rng, 3, 1),
        "b": normal(rng, 1), "lr": 0.01, "num_epochs": 2, "batch_size": 2,
        "loss_fn": nn.mse_loss, "verbose": False,
    },
    "finite_differences": lambda rng: {"f": np.sum, "x": normal(rng, 3)},
    "numerical_gradient": lambda rng: {
        "X": normal(rng, 4, 3), "y": normal(rng, 4, 2), "params": {"W": normal(rng, 3, 2)},
        "loss_fn": nn.mse_loss, "forward_fn": lambda X, params: X @ params["W"],
    },
    "train_mlp": lambda rng: {
        "X": normal(rng, 4, 3), "y": labels(rng), "hidden": (4,), "num_epochs": 1, "batch_size": 2
    },
    "batches": lambda rng: {"X": normal(rng, 4, 3), "y": labels(rng), "batch_size": 2, "rng": 0},
    "functional_call": lambda rng: {
        "model": nn.Dense(2).initialize((3,), rng=0),
        "parameters": {"weight": normal(rng, 3, 2, dtype=np.float32)},
        "inputs": (normal(rng, 4, 3),),
    },
    "show_predictions": lambda rng: {
        "pictures": normal(rng, 2, 5, 5), "seen": [0, 1], "probabilities": np.eye(3)[:2]
    },
    "draw_feature_maps": lambda rng: {
        "image": normal(rng, 5, 5), "filters": {"one": normal(rng, 3, 3)},
        "maps": {"one": normal(rng, 3, 3)},
    },
    **{
        name: (lambda rng: {"model": tiny_model(), "image": normal(rng, 1, 6, 6)})
        for name in (
            "show_activations", "show_saliency", "show_grad_cam", "show_occlusion", "saliency",
            "grad_cam", "occlusion", "explain",
        )
    },
    "show_filters": lambda _: {"layer": tiny_model()},
    "show_histograms": lambda _: {"model": tiny_model()},
    "show_graph": lambda _: {"model": tiny_model()},
    "show_mistakes": lambda rng: {
        "model": tiny_model(), "images": normal(rng, 4, 1, 6, 6), "labels": labels(rng)
    },
    "slides": lambda rng: {
        "model": tiny_model(), "images": normal(rng, 4, 1, 6, 6), "labels": labels(rng),
        "path": f"slides{rng.random()}",
    },
    "show_decision_surface": lambda rng: {
        "model": nn.Dense(3).initialize((2,), rng=0), "X": normal(rng, 4, 2),
        "labels": labels(rng), "steps": 9,
    },
    "show_flip": lambda rng: {"image": normal(rng, 6, 6), "filter": "emboss"},
    "animate_convolution": lambda rng: {"image": normal(rng, 6, 6), "frames": 2},
    "animate_training": lambda _: {"history": {"loss": [1.0, 0.5]}},
    "explain_conv2d": lambda rng: {"image": normal(rng, 6, 6), "filter": "edges", "i": 1, "j": 2},
    "explain_gradient": lambda rng: {"f": square, "x": normal(rng, 3)},
    "show_feature_maps": lambda rng: {"image": normal(rng, 8, 8), "filters": "edges"},
    "class_report": lambda rng: {"y_pred": normal(rng, 4, 3), "y_true": labels(rng)},
    "check_gradients": lambda rng: {"f": square, "inputs": [normal(rng, 3)]},
    "gradient_error": lambda rng: {"f": square, "inputs": [normal(rng, 3)]},
    "vjp": lambda rng: {"f": np.tanh, "primals": (normal(rng, 3),)},
    "jvp": lambda rng: {"f": np.tanh, "primals": (normal(rng, 3),), "tangents": (normal(rng, 3),)},
    "hvp": lambda rng: {"f": square, "primals": normal(rng, 3), "tangents": normal(rng, 3)},
    "ExponentialAverage": lambda _: {"decay": 0.9},
    "fit": lambda rng: {
        "X": normal(rng, 6, 3, dtype=np.float32), "y": labels(rng, 6), "epochs": 1, "batch_size": 2
    },
    "evaluate": lambda rng: {"X": normal(rng, 6, 3, dtype=np.float32), "y": labels(rng, 6)},
    "scaled_dot_product_attention": lambda rng: {
        name: normal(rng, 2, 4, 3) for name in ("query", "key", "value")
    },
    "Summary": lambda _: {"rows": (), "parameters": 0, "learned": 0, "multiply_adds": 0},
    "ClassReport": lambda _: {n: np.ones(2) for n in ("precision", "recall", "f1", "count")},
}  # fmt: skip


class Arguments:
    """Of one call: a name for each, which is a number for those that have none.

    Attributes:
        places: of the arguments without names.
        names: of the others.
    """

    def __init__(self, places: list[Any], names: dict[str, Any]) -> None:
        self.places, self.names = places, names


def arguments(function: Callable[..., Any], name: str, rng: random.Random) -> Arguments:
    """Return arguments that the function takes."""
    samples = all_samples().get(function)
    if samples is not None and rng.random() < 0.8:
        calls = list(samples(np.random.default_rng(rng.getrandbits(32))))
        chosen = rng.choice(calls)
        return Arguments(list(chosen.args), dict(chosen.kwargs))
    try:
        parameters = [*signature(function).parameters.values()]
    except (TypeError, ValueError):
        return Arguments([], {})
    together = TOGETHER[name](rng) if name in TOGETHER else {}
    found = Arguments([], {})
    for parameter in parameters:
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is Parameter.VAR_POSITIONAL:
            many = together.get(parameter.name, BY_NAME.get(parameter.name, lambda _: ())(rng))
            found.places += list(many) if isinstance(many, list | tuple) else []
        elif parameter.kind is Parameter.VAR_KEYWORD:
            continue
        elif parameter.name in together:
            found.names[parameter.name] = together[parameter.name]
        elif parameter.default is Parameter.empty or (not together and rng.random() < 0.3):
            made = BY_NAME.get(parameter.name, lambda _: 1)(rng)
            if parameter.kind is Parameter.POSITIONAL_ONLY:
                found.places.append(made)
            else:
                found.names[parameter.name] = made
    if any(p.kind is Parameter.VAR_POSITIONAL for p in parameters) and found.places:
        first = []
        for parameter in parameters:  # those before *args are given by their place
            if parameter.kind is not Parameter.POSITIONAL_OR_KEYWORD:
                break
            first.append(found.names.pop(parameter.name, None))
        found.places = first + found.places
    return found
