"""Writes ``docs/coming_from.md``: what the words of other libraries are here."""

from __future__ import annotations

import runpy
from pathlib import Path

TABLES = "src/neural_network/elsewhere"
PAGE = """<!-- Written by `make api` from `{tables}/`, not by hand. -->

# Coming from Keras, PyTorch, scikit-learn, fastai or JAX

A name or argument of another library raises an error of the class that Python raises anyway, with
the line to type:

```
>>> import neural_network as nn
>>> nn.Linear(3, 2)
NeuralNetworkError: module 'neural_network' has no attribute 'Linear'; here: \
Linear → Dense(outputs), as in nn.Dense(10)
```

It is an `AttributeError` as well, so `hasattr(nn, "Linear")` is False, as it should be. The
sentences come from the tables below, and a test runs each of their lines. In them `model` is a
model, `X` and `y` are data, `t` is a tensor, `e` what `explain_gradient` returns, `trainer` a
`Trainer`, and `classifier` an estimator that was fitted. `RowEstimator` stands for all estimators,
`Network` for the classifiers and regressors, `ConvNetwork` and `TrainerNetwork` for those of these
names.

What differs without an error:

- `cross_entropy` takes probabilities; `softmax_cross_entropy` takes scores.
- `reduction="sum"` and `"none"` of `mse_loss`, `l1`, `huber`, `binary_cross_entropy` and
  `binary_cross_entropy_with_logits` take the mean over the elements of a row, so that `"none"` has
  the shape (n,). PyTorch's `F.binary_cross_entropy(A, X, reduction="sum") / n + kl` of an
  autoencoder of 784 pixels is `784 * binary_cross_entropy(A, X) + kl` here.
- Predictions come first: `accuracy(y_pred, y_true)`, `confusion_matrix(y_pred, y_true)`,
  `class_report(y_pred, y_true)` and all losses. scikit-learn's metrics have the labels first.
- `trainer.evaluate` returns a dict: `measures["loss"]`, and not `loss, accuracy = …`, which would
  give two names.
- `fit(X, y, epochs, batch_size)` has Keras's third and fourth argument the other way round.
- `momentum` of `BatchNorm` is the share of the old statistics that stays, 1 minus PyTorch's.
- `p` of the function `dropout` is the share that is **kept**, and nothing is rescaled, as in the
  article: PyTorch's `F.dropout(x, p=0.1, training=self.training)` would drop 90 %. `rate` of the
  layers `Dropout` and `Dropout2D` and of `dropout2d` is the share that is dropped, and they
  rescale: `self.drop = nn.Dropout(0.1)` in `__init__`, `self.drop(x)` in `forward`.
- `load` returns a model in evaluation mode, so that `Dropout` does nothing in a loop of your own
  before `model.train()`; a `Trainer` sets the mode itself. Its `augment` changes X, never y.
- `forward` is not passed `training`: a layer of your own reads `self.training`, which `fit`,
  `train()`, `eval()` and `predict` set.
- `t.transpose(0, 1)` has the new order of all axes, as NumPy's, and leaves a matrix as it is:
  `t.T`, or `t.swapaxes(0, 1)`, for PyTorch's. `t.max(1)` returns the numbers alone.
- `parameters()` has what exists: before `initialize(shape)` or a first call there is nothing to
  freeze or to count, and a hint says so. `children()` has pairs, as PyTorch's `named_children()`:
  `[layer for _, layer in model.children()]`.
- `grad` is an array of NumPy's: `w.grad = None`, or `model.zero_grad()`, for PyTorch's
  `w.grad.zero_()`.
- `load_image_folder` and `load_picture` are grey where `grey=False` is not said.
- Images are (N, C, H, W). Of a tensor, `size` and `shape` are no methods.

## Names of the package

{module}

## Names of the packages inside

{inside}

## Attributes and methods

{attributes}

## Attributes that are set

Nothing would happen. `layer.trainable = False` and the like are errors, but for the attributes of
classes of your own.

{assigned}

## Keys of a history

{keys}

## Arguments

{arguments}

## Arguments by their places

{places}

## Words

{words}
"""


def page(root: Path) -> str:
    """Return the page's text."""
    names, inside, attributes, assigned, arguments, functions, estimators = (
        runpy.run_path(str(root / TABLES / f"{file}.py"))
        for file in (
            "names",
            "inside",
            "attributes",
            "assigned",
            "arguments",
            "functions",
            "estimators",
        )
    )
    of_arguments = [
        *arguments["ARGUMENTS"], *arguments["TRAINING"], *functions["FUNCTIONS"],
        *estimators["ESTIMATORS"],
    ]  # fmt: skip
    of_classes = attributes["ATTRIBUTES"] | {"RowEstimator": estimators["ROW_ESTIMATOR"]}
    return PAGE.format(
        tables=TABLES,
        module=_table(names["MODULE"]),
        inside=_of_classes(inside["INSIDE"]),
        attributes=_of_classes(of_classes),
        assigned=_of_classes(assigned["ASSIGNED"]),
        keys=_table(attributes["KEYS"]),
        arguments=_rows(
            "of | theirs | here | example",
            [[_code(where.replace("*", "any")), _code(theirs), ours, f"`{line}`"]
             for where, theirs, ours, line in of_arguments],
        ),
        places=_rows(
            "of | given by place | here",
            [[_code(where), kinds.replace(" ", ", "), _place(where, ours)]
             for where, kinds, ours, _ in functions["PLACES"]],
        ),
        words=_rows(
            "theirs | here", [[_code(theirs), _code(ours)] for theirs, ours in functions["WORDS"]]
        ),
    )  # fmt: skip


def _of_classes(tables: dict[str, list[tuple[str, str, str]]]) -> str:
    """Return a table for each class; one for those that share it."""
    shared: dict[int, list[str]] = {}
    for cls, rows in tables.items():
        shared.setdefault(id(rows), []).append(cls)
    return "\n\n".join(
        f"### {', '.join(classes)}\n\n{_table(tables[classes[0]])}" for classes in shared.values()
    )


def _table(rows: list[tuple[str, str, str]]) -> str:
    return _rows(
        "theirs | here | example", [[_code(names), ours, f"`{line}`"] for names, ours, line in rows]
    )


def _rows(head: str, rows: list[list[str]]) -> str:
    """Return a table of Markdown."""
    lines = [head, " | ".join("---" for _ in head.split(" | "))]
    lines += [" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _code(names: str) -> str:
    return ", ".join(f"`{name}`" for name in names.split())


def _place(where: str, ours: str) -> str:
    """Return a call with letters for the arguments that were given."""
    letters = [f"<{letter}>" for letter in "abcde"]
    return f"`nn.{ours.format(*letters, name=where.split(maxsplit=1)[0])}`"
