"""What trainers, callbacks, models, histories and reports look like."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn


def made() -> list[Any]:
    model = nn.Sequential(nn.Dense(2), nn.Dense(3)).initialize((4,), rng=0)
    stopping, saved = nn.EarlyStopping("loss", 2), nn.Checkpoint("<b>.checkpoint")
    trainer = nn.Trainer(model, "adam", callbacks=[stopping, saved], rng=0, clip_norm=1.0)
    history = nn.History({"loss": [2.0, 1.0], "<i>": [0.5]})
    report = nn.class_report([0, 1, 1], [0, 1, 0])
    return [trainer, stopping, saved, model, model.summary(), history, report, nn.Adam(0.1)]


@pytest.mark.parametrize("place", range(8))
def test_all_have_html_in_which_everything_is_escaped(place: int) -> None:
    thing = made()[place]
    html = thing._repr_html_()
    assert html.startswith(("<table>", "<pre>"))
    assert "<b>" not in html
    assert "<i>" not in html
    assert "object at 0x" not in repr(thing) + html


def test_they_are_shown_by_what_made_them() -> None:
    trainer, stopping, saved, _, _, history, report, _ = made()
    assert repr(saved) == "Checkpoint(path='<b>.checkpoint', steps=None, seconds=None)"
    assert repr(stopping).startswith("EarlyStopping(measure='loss', patience=2, mode='min'")
    text = repr(trainer)
    assert text.startswith("Trainer(model=Sequential(\n    Dense(units=2)")
    for part in ("optimizer=Adam(", "loss='softmax_cross_entropy'", "clip_norm=1.0", "rng=0"):
        assert part in text
    assert "accumulate" not in text
    assert repr(history) == "History(2 epochs: loss 2 -> 1, <i> 0.5 -> 0.5)"
    assert str(history) == f"{history}" == repr(history)
    assert dict(history) == {"loss": [2.0, 1.0], "<i>": [0.5]}
    assert "<td>2</td><td>1</td><td>0.5</td>" in history._repr_html_()
    assert repr(nn.History()) == "History()"
    assert repr(report).splitlines()[0] == "class  precision  recall      f1  count"
    assert repr(report).splitlines()[2] == "0         1.0000  0.5000  0.6667      2"


def test_a_long_history_leaves_the_middle_out() -> None:
    history = nn.History({"loss": np.arange(100.0).tolist()})
    html = history._repr_html_()
    assert html.count("<tr>") == 22
    assert "<td>…</td>" in html
