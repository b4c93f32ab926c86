"""What people type who know Keras, PyTorch, scikit-learn, fastai, JAX or NumPy, and the answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import neural_network as nn
from tests.elsewhere.things import OF_ESTIMATORS, things
from tests.needs import need_module


def tries(file: str, kind: type[Exception]) -> list[Any]:
    """Return the lines of a file, and what the answers show, for the class that Python raises."""
    text = Path(__file__).with_name(file).read_text(encoding="utf-8")
    lines = [line.rsplit(" | ", 1) for line in text.splitlines()]
    return [pytest.param(line, kind, answer, id=line) for line, answer in lines]


WITH_SKLEARN = [*tries("estimators.txt", TypeError), *tries("fitted.txt", AttributeError)]
TRIES = [
    *tries("names.txt", AttributeError), *tries("calls.txt", TypeError),
    *tries("values.txt", ValueError), *tries("keys.txt", KeyError),
    *tries("assigned.txt", AttributeError), *tries("classes.txt", AttributeError),
]  # fmt: skip


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return things(tmp_path_factory.mktemp("tries"))


def test_there_are_many() -> None:
    assert len(TRIES) >= 400


@pytest.mark.parametrize(("line", "kind", "answer"), [*TRIES, *WITH_SKLEARN])
def test_the_answer_shows_the_line_to_type(
    line: str, kind: type[Exception], answer: str, known: dict[str, Any]
) -> None:
    if any(word in line for word in OF_ESTIMATORS):
        need_module("sklearn")
    with pytest.raises(kind) as caught:
        exec(line, dict(known))
    text = str(caught.value)
    assert answer in text
    assert len(text) <= 500
    assert isinstance(caught.value, nn.NeuralNetworkError)
