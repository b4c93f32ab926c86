"""The lists of parameters say where some do not exist yet."""

from __future__ import annotations

import pytest

from neural_network import Dense, DTypeError, Flatten, Sequential, TrainingHint


def test_parameters_that_do_not_exist_yet_are_no_silent_nothing() -> None:
    """``for p in model.parameters(): p.requires_grad = False`` would freeze nothing."""
    model = Sequential(Dense(5), Flatten(), Dense(3))
    with pytest.warns(TrainingHint, match=r"^parameters: model\[0\] has no sizes.*initialize"):
        assert model.parameters() == []
    assert model.named_parameters() == []
    model.initialize((4,))
    model[-1] = Dense(2)
    with pytest.warns(TrainingHint, match=r"^parameters: model\[2\] has no sizes"):
        assert len(model.parameters()) == 2
    assert len(model.initialize((4,)).parameters()) == 4
    assert Flatten().parameters() == []


def test_children_are_pairs_which_a_sequential_says() -> None:
    model = Sequential(Dense(5), Flatten())
    assert [type(layer) for _, layer in model.children()] == [Dense, Flatten]
    with pytest.raises(DTypeError, match=r"layer 0: .*; \[layer for _, layer in model.children"):
        Sequential(*model.children())  # type: ignore[arg-type]  # the mistake
