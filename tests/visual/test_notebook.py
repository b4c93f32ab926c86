"""What a notebook shows of models, trainings and tables: HTML in which everything is escaped."""

from __future__ import annotations

import html
import re
from xml.etree import ElementTree as ET

import numpy as np

import neural_network as nn


def cells(thing: object) -> list[list[str]]:
    """The rows of the table of an object, which is well-formed."""
    page = ET.fromstring(thing._repr_html_())  # type: ignore[attr-defined]
    return [["".join(cell.itertext()) for cell in row] for row in page.iter("tr")]


class Own(nn.Layer):
    """A layer that computes until it is told to fail."""

    fails = False

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name, self.inner = name, nn.Dense(2)

    def forward(self, X: nn.Tensor) -> nn.Tensor:
        if self.fails:
            raise RuntimeError("<no forward>")
        return self.inner(X)


def test_a_model_is_a_table_of_its_layers() -> None:
    block = nn.Residual(nn.Sequential(nn.Dense(4, "relu"), nn.Dense(3)))
    model = nn.Sequential(block, nn.Dense(2))
    assert [row[1] for row in cells(model)][1:3] == ["Residual", "Sequential"]
    assert "not built" in model._repr_html_()
    model.initialize((3,), rng=0)
    table = cells(model)
    assert table[0] == ["", "layer", "output", "parameters", "multiply-adds"]
    names = [name for name, _ in model.named_layers()][1:]
    assert [row[0] for row in table[1:-1]] == names
    assert table[-1] == ["", "all", "", "39", "30"]
    assert [row[3] for row in table if row[1].startswith("Dense(")] == ["16", "15", "8"]
    model[1].freeze()
    assert "8 parameters are frozen" in model._repr_html_()


def test_a_model_that_does_not_run_and_a_single_layer() -> None:
    own = Own("<b>a & b</b>")
    assert "<b>" not in nn.Sequential(own)._repr_html_()
    assert cells(own)[1][0] == "inner"
    own.initialize((3,), rng=0)
    own.fails = True
    assert [row[0] for row in cells(own)] == ["", "inner"]
    assert ["units", "3"] in cells(nn.Dense(3))


def test_no_word_of_a_trainer_is_cut() -> None:
    model = nn.Sequential(nn.Dense(300, "relu"), nn.Dropout(0.25), nn.Dense(200), nn.Dense(10))
    trainer = nn.Trainer(
        model, nn.Adam(nn.Cosine(0.01)), callbacks=[nn.EarlyStopping("loss", patience=3)], rng=0
    )
    table = dict(row for row in cells(trainer) if len(row) == 2)
    assert table["model"] == repr(model)
    assert f'<pre style="text-align: left">{model!r}</pre>' in html.unescape(
        trainer._repr_html_()
    )  # with its lines
    assert table["optimizer"] == repr(trainer.optimizer)
    assert "…" not in trainer._repr_html_()


def test_a_summary_is_a_table() -> None:
    summary = nn.Sequential(nn.Flatten(), nn.Dense(10)).summary((28, 28))
    assert cells(summary)[2] == ["1", "Dense", "10", "7,850", "7,840"]
    assert cells(nn.History({"<loss>": [0.5, 0.25]}))[0] == ["epoch", "<loss>"]


def test_all_that_shows_itself_escapes() -> None:
    from neural_network import visual

    assert callable(visual.explain)
    tape = nn.explain_gradient(lambda w: np.sum(np.where(w > 1, w, 2 * w)), np.ones(2))
    assert not re.search(r"<(?!/?(pre|img)\b)", tape._repr_html_().split("<img")[0])
