"""What users of PyTorch and Keras write from habit around a training."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn

X = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
Y = np.arange(40) % 3
PICTURES = np.random.default_rng(0).random((20, 3, 8, 8)).astype(np.float32)
SEVERAL = (np.random.default_rng(1).random((40, 4)) > 0.5).astype(np.float32)


class Keras(nn.Layer):
    """A layer whose mode is an argument."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Dense(3)

    def forward(self, x: Any, training: bool = False) -> Any:
        return self.dense(nn.dropout(x, 0.8, training))


class Flax(Keras):
    def forward(self, x: Any, *, deterministic: bool = True) -> Any:
        return self.dense(nn.dropout(x, 0.8, not deterministic))


class Passing(nn.Layer):
    """A layer that passes the mode on."""

    def __init__(self, inner: nn.Layer) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Any) -> Any:
        return self.inner(x, training=self.training)


class Reading(Keras):
    """A layer that takes its own mode where none is passed."""

    def forward(self, x: Any, training: bool | None = None) -> Any:
        return super().forward(x, self.training if training is None else training)


class PassingTrainer(nn.Trainer):
    def train_step(self, batch: nn.Batch) -> float:
        self.model(batch.X, training=True)
        return super().train_step(batch)


def hints(model: nn.Layer, kind: type[nn.Trainer] = nn.Trainer) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        kind(model, "adam", rng=0, progress=False).fit(X, Y, epochs=1)
    return [str(one.message) for one in caught if "does not pass" in str(one.message)]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Keras(), "Keras.forward takes training=False, which fit does not pass"),
        (Flax(), "Flax.forward takes deterministic=True, which fit does not pass"),
        (nn.Sequential(nn.Dense(4), nn.Sequential(Keras())), "read self.training in forward"),
        (nn.Residual(Keras(), shortcut=nn.Dense(3)), "it is always False"),
    ],
)
def test_a_mode_that_nobody_passes_gets_a_hint(model: nn.Layer, said: str) -> None:
    (hint,) = hints(model)
    assert said in hint


def test_a_mode_that_somebody_passes_gets_none() -> None:
    assert hints(Passing(Keras())) == hints(nn.Sequential(Passing(Keras()))) == []
    assert hints(Reading()) == hints(Keras(), PassingTrainer) == []


AUGMENTS: list[tuple[Callable[[], Any], str]] = [
    (lambda: nn.Trainer([nn.Dense(2)], augment=[nn.Flip()]), "augment=nn.Augment(*augmentations)"),
    (lambda: nn.Trainer([nn.Dense(2)], augment=(nn.Flip(), nn.Shift(2))), "nn.Augment(nn.Flip(), nn.Shift(2))"),
    (lambda: nn.Trainer([nn.Dense(2)], augment=nn.Flip), "with parentheses: nn.Flip(…)"),
    (lambda: nn.Augment([nn.Flip(), nn.Shift(2)]), "without brackets: Augment(Flip(), Shift("),
    (lambda: nn.Augment(nn.Flip), "with parentheses: Flip(…)"),
    (lambda: nn.Augment(nn.Flip(), lambda X, _: X), "augment=lambda X, rng: function(Augment("),
]  # fmt: skip


@pytest.mark.parametrize(("call", "said"), AUGMENTS)
def test_augmentations_in_another_form_are_answered(call: Callable[[], Any], said: str) -> None:
    with pytest.raises(nn.DTypeError, match=re.escape(said)):
        call()


@pytest.mark.parametrize(
    "name",
    ["RandomFlip", "RandomHorizontalFlip", "RandomTranslation", "RandomRotation", "RandomZoom",
     "RandomErasing", "ColorJitter", "GaussianNoise", "RandomBrightness", "ElasticTransform",
     "Brightness", "Blur"],
)  # fmt: skip
def test_the_lines_for_augmentations_change_pictures(name: str) -> None:
    with pytest.raises(AttributeError, match="as in") as caught:
        getattr(nn, name)
    line = str(caught.value).partition(", as in nn.Trainer")[2]
    trainer = eval(f"nn.Trainer{line}", {"nn": nn, "model": nn.Sequential(nn.Dense(2))})
    changed = trainer.augment(PICTURES, np.random.default_rng(0))
    assert changed.shape == PICTURES.shape
    assert not np.array_equal(changed, PICTURES)


MEASURES: list[Callable[..., Any]] = [nn.accuracy, nn.f1, nn.class_report, nn.confusion_matrix]


@pytest.mark.parametrize("measure", MEASURES)
def test_measures_of_one_class_name_those_of_several_labels(measure: Callable[..., Any]) -> None:
    with pytest.raises(nn.ArgumentError, match="several labels at once: binary_accuracy, auc"):
        measure(X, SEVERAL)


def test_those_of_several_labels_take_them_and_weights_have_a_place() -> None:
    loss = "binary_cross_entropy_with_logits"
    options: dict[str, Any] = {"rng": 0, "progress": False}
    trainer = nn.Trainer([nn.Dense(4)], "adam", loss, ["binary_accuracy", "auc"], **options)
    assert {"binary_accuracy", "auc"} < {*trainer.fit(X, SEVERAL)}
    with pytest.raises(nn.ArgumentError, match=r"positive_weight=9\.0.*one for each of three"):
        nn.Trainer([nn.Dense(4)], "adam", loss, class_weights="balanced")


def test_layers_are_joined_by_a_line() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Dense(2))
    for join in (lambda: model[:-1] + [nn.Dense(2)], lambda: [nn.Flatten()] + model[1:]):  # noqa: RUF005  # the habit
        with pytest.raises(nn.DTypeError, match=r"Sequential\(\*model\[:-1\], Dense\(2\)\)"):
            join()
