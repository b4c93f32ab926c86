"""Names of classes that are shortened stay different."""

from __future__ import annotations

import numpy as np
import pytest

from neural_network.visual import show_confusion_matrix
from neural_network.visual.inputs import short_names

NAMES = {
    "ends": ["a photograph of a street by day", "a photograph of a street by night"],
    "middles": [f"a photograph of a very {word} street in the town" for word in ("wide", "long")],
    "one is the beginning": ["pictures of birds and", "pictures of birds and trees"],
    "short ones": ["ant", "bee"],
}


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("letters", [7, 12, 24])
def test_different_names_stay_different(names: list[str], letters: int) -> None:
    short = short_names(names, letters)
    assert len(set(short)) == len(names)
    assert max(map(len, short)) <= letters
    for name, shown in zip(names, short, strict=True):
        assert shown == name or "…" in shown


def test_names_that_differ_far_apart_are_cut_at_the_end() -> None:
    names = [f"{'x' * 30}{a}{'y' * 30}{b}{'z' * 30}" for a in "ab" for b in "ab"]
    assert short_names(names, 10) == [f"{'x' * 9}…"] * 4
    assert short_names(["the same long name"] * 2, 9) == ["the same…"] * 2


def test_a_confusion_matrix_shows_what_differs() -> None:
    figure = show_confusion_matrix(np.eye(2, dtype=int), class_names=NAMES["ends"])
    shown = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert shown[0] != shown[1]
    assert "day" in shown[0]
