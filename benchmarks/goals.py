"""What each row is to reach: the ratio aimed at, and the one below which it has failed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """One row of the page; the ratio is the peer's figure over ours."""

    work: str
    peer: str
    aim: float
    floor: float


def _layer(work: str, floor: float = 0.8) -> Goal:
    return Goal(f"{work}, forward and backward", "PyTorch", aim=1.2, floor=floor)


def _convolution(work: str) -> Goal:
    return _layer(f"convolution {work}", floor=0.95)


GOALS = {
    "A": Goal("training step, example CNN, batch 128", "PyTorch", 2.2, 1.5),
    "A share": Goal("the same, beside the rate of a matrix product", "2048³ `A @ B`", 1.0, 0.7),
    "A without Numba": Goal("the same, kernels off: NumPy alone", "PyTorch", 0.7, 0.5),
    "A memory": Goal("the same, peak memory", "PyTorch", 1.0, 0.8),
    "B": Goal("inference, example CNN, batch 128", "ONNX Runtime or OpenVINO", 1.2, 1.0),
    "C": Goal("inference, example CNN, batch 1", "ONNX Runtime or OpenVINO", 1.2, 0.9),
    "C PyTorch": Goal("inference, example CNN, batch 1", "PyTorch", 2.0, 1.0),
    "D": Goal("training step, small CNN, batch 64", "PyTorch", 2.0, 1.4),
    "E PyTorch": Goal("epoch of 20,000 rows, MLP, batch 64", "PyTorch", 1.8, 1.2),
    "E scikit-learn": Goal("epoch of 20,000 rows, MLP, batch 64", "scikit-learn", 2.5, 1.6),
    "F float32": Goal("3×3 over 1000 digits, float32", "the article's listing", 25, 12),
    "F float64": Goal("3×3 over 1000 digits, float64", "the article's listing", 25, 12),
    "G 3×3": Goal("3×3 over 4096², float32", "OpenCV", 1.0, 0.7),
    "G 7×7": Goal("7×7 over 4096², float32", "OpenCV", 1.0, 0.7),
    "G 31×31": Goal("31×31 over 4096², float32", "OpenCV or `oaconvolve`", 2.0, 1.3),
    "mnist_cnn": Goal("epoch of 60,000 digits, `mnist_cnn`, batch 128", "PyTorch", 2.0, 1.3),
    "conv 3×3 64": _convolution("3×3, 64→64, 14²"),
    "conv 3×3 128": _convolution("3×3, 128→128, 14²"),
    "conv 5×5": _convolution("5×5, 16→32, 14²"),
    "conv 1×1": _convolution("1×1, 256→256, 14²"),
    "depthwise 3×3": _layer("depthwise 3×3, 64, 28²"),
    "conv stride 2": _convolution("3×3, 64→64, 28², stride 2"),
    "batch norm": _layer("batch norm, 64, 28²"),
    "max pool": _layer("max pool 2, 64, 28²"),
    "average pool": _layer("average pool 2, 64, 28²"),
    "T scalar": Goal("`grad` of 20 operations on a number", "HIPS autograd", 0.9, 0.6),
    "T vector": Goal("`grad` of 20 operations on 100 numbers", "HIPS autograd", 0.9, 0.6),
}


@dataclass(frozen=True)
class Figure:
    """A figure over many measurements; ``smaller`` is better or larger."""

    title: str
    aim: float
    floor: float
    unit: str = ""
    smaller: bool = False


FITS = "whole fits of the five small MLPs, geometric mean beside"
SLOWER = "beside a process that computes: our slowdown over PyTorch's"
FIRST = "first training step, empty kernel cache"
FIGURES = {
    "mean": Figure("geometric mean over all cells of the field", 1.5, 1.2),
    "normed": Figure("worst training cell with batch norm, stride or residual", 1.0, 0.9),
    "worst": Figure("worst cell of all", 0.9, 0.7),
    "one row": Figure("one `predict` of one row, MLP 30-100-2", 15, 30, "µs", smaller=True),
    "fits PyTorch": Figure(f"{FITS} PyTorch's plain loop", 1.5, 1.0),
    "fits scikit-learn": Figure(f"{FITS} `MLPClassifier`", 1.5, 1.0),
    "fixed": Figure("`fit` of a built model, one step", 1, 2, "ms", smaller=True),
    "busy A": Figure(f"{SLOWER}, work A", 1.0, 1.3, smaller=True),
    "busy by hand": Figure(f"{SLOWER}, two layers by hand", 1.0, 1.3, smaller=True),
    "first A": Figure(f"{FIRST}, work A", 15, 30, "s", smaller=True),
    "first resnet": Figure(f"{FIRST}, `small_resnet`", 15, 30, "s", smaller=True),
}
# Importing the library in a fresh process may take so many times what importing NumPy takes.
IMPORT_LIMIT = 1.3


def verdict(ratio: float, goal: Goal | Figure) -> str:
    """Say where a ratio, or a figure, lies."""
    if isinstance(goal, Figure) and goal.smaller:
        if ratio <= goal.aim:
            return "aim reached"
        return "above floor" if ratio <= goal.floor else "below floor"
    if ratio >= goal.aim:
        return "aim reached"
    return "above floor" if ratio >= goal.floor else "below floor"
