"""Learning rates over time: numbers made by hand, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from math import cos, pi, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import neural_network as nn

ALL = [
    nn.StepDecay(0.5, every=3),
    nn.Cosine(0.5, final=0.01),
    nn.OneCycle(0.5),
    nn.WarmUp(0.5, duration=2),
    nn.WarmUp(nn.Cosine(0.5), duration=2),
    nn.ReduceOnPlateau(0.5),
]


def rates(schedule: nn.Schedule, times: Any, total: float) -> Any:
    return pytest.approx([schedule(time, total) for time in times], rel=1e-12, abs=1e-15)


def test_steps() -> None:
    decay = nn.StepDecay(0.8, every=2, factor=0.5)
    assert rates(decay, [0, 1.99, 2, 3.5, 4, 5], 5) == [0.8, 0.8, 0.4, 0.4, 0.2, 0.2]
    # 0.1 + 0.1 + 0.1 > 0.3, but 0.8 − 0.1 − … < 0.3 could be as well
    assert nn.StepDecay(1.0, every=0.1)(0.3 - 1e-15, 1) == pytest.approx(1e-3)
    assert nn.StepDecay(1.0, every=1, factor=0)(1, 2) == 0
    assert nn.StepDecay(0.5, every=1).factor == 0.1


def test_cosine() -> None:
    wave = nn.Cosine(0.9, final=0.1)
    assert rates(wave, [0, 2, 4, 8, 12], 12) == [0.9, 0.5 + 0.4 * sqrt(3) / 2, 0.7, 0.3, 0.1]
    assert nn.Cosine(0.9)(12, 12) == 0


def test_one_cycle() -> None:
    cycle = nn.OneCycle(1.0)
    low, end = 1 / 25, 1 / 250_000
    assert rates(cycle, [0, 1.5, 3, 6.5, 10], 10) == [low, (1 + low) / 2, 1, (1 + end) / 2, end]
    quarter = low + (1 - low) * (1 - cos(pi / 4)) / 2
    assert cycle(0.75, 10) == pytest.approx(quarter)
    assert rates(nn.OneCycle(1.0, 0, 2, 4), [0, 5, 10], 10) == [1, 0.5625, 0.125]
    assert rates(nn.OneCycle(1.0, 1, 2, 4), [0, 5, 10], 10) == [0.5, 0.75, 1]


def test_warm_up() -> None:
    assert rates(nn.WarmUp(0.5, 4), [0, 1, 2, 4, 9], 9) == [0, 0.125, 0.25, 0.5, 0.5]
    waved = nn.WarmUp(nn.Cosine(0.5), 4)
    assert rates(waved, [0, 1, 4, 6, 8], 8) == [0, 0.125, 0.5, 0.25, 0]
    assert nn.WarmUp(0.5, 4)(2, 2) == 0.25
    with pytest.raises(nn.ArgumentError, match="WarmUp: total: expected more than the 4 of the"):
        waved(2, 4)


def test_plateau() -> None:
    plateau = nn.ReduceOnPlateau(0.8, factor=0.5, patience=1, threshold=0.1, minimum=0.3)
    seen = []
    # 9.5 is no tenth better than 10; 8.9 is. Two that are not better are one too many.
    for loss in [10, 9.5, 8.9, 8.9, 9, 9, 9, 9, 9]:
        plateau.observe(loss)
        seen.append(plateau(0, 1))
    assert seen == [0.8, 0.8, 0.8, 0.8, 0.4, 0.4, 0.3, 0.3, 0.3]


def test_plateau_with_default_patience() -> None:
    plateau = nn.ReduceOnPlateau(1.0)
    for _ in range(11):
        plateau.observe(2.0)
    assert plateau(0, 1) == 1.0
    plateau.observe(2.0)
    assert plateau(0, 1) == 0.1


def test_plateau_of_scores_and_of_negative_losses() -> None:
    score = nn.ReduceOnPlateau(1.0, factor=0.5, patience=0, threshold=0.1, mode="max")
    for value in [0.5, 0.6, 0.7]:
        score.observe(value)
    assert score(0, 1) == 1
    score.observe(0.75)
    assert score(0, 1) == 0.5
    loss = nn.ReduceOnPlateau(1.0, factor=0.5, patience=0, threshold=0.1)
    loss.observe(-1.0)
    loss.observe(-1.05)  # lower, but by less than a tenth
    assert loss(0, 1) == 0.5
    loss.observe(-1.2)
    assert loss(0, 1) == 0.5


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: nn.WarmUp(s, 0.5)])
def test_a_plateau_continues_from_a_file(
    wrap: Callable[[Any], nn.Schedule], tmp_path: Path
) -> None:
    first, second = (wrap(nn.ReduceOnPlateau(1.0, 0.5, patience=2)) for _ in range(2))
    for value in [3.0, 4.0, 4.0, 4.0, 4.0]:
        first.observe(value)
    nn.save_arrays(tmp_path / "state.safetensors", first.state())
    second.load_state(nn.load_arrays(tmp_path / "state.safetensors"))
    assert second(1, 1) == first(1, 1) == 0.5
    for value in [2.9, 4.0, 4.0, 4.0]:
        first.observe(value)
        second.observe(value)
        assert second(1, 1) == first(1, 1)
        assert second.state() == first.state()
    assert second(1, 1) == 0.25


def test_schedules_without_state() -> None:
    for schedule in (nn.Cosine(0.5), nn.WarmUp(0.5, 1)):
        schedule.observe(3.0)
        assert schedule.state() == {}
        schedule.load_state({})
        with pytest.raises(nn.ArgumentError, match="expected the names nothing, received best"):
            schedule.load_state({"best": np.array(1.0)})


@pytest.mark.parametrize("schedule", ALL, ids=repr)
@given(share=st.floats(0, 1), total=st.floats(3, 1e6))
def test_rates_lie_between_zero_and_the_highest(
    schedule: nn.Schedule, share: float, total: float
) -> None:
    rate = schedule(share * total, total)
    assert type(rate) is float
    assert 0 <= rate <= 0.5 + 1e-12


@pytest.mark.parametrize("schedule", ALL, ids=repr)
def test_time(schedule: nn.Schedule) -> None:
    name = type(schedule).__name__
    assert schedule(3 + 1e-12, 3) == schedule(3, 3)
    assert schedule(-1e-12, 3) == schedule(0, 3)
    for time in (3.001, -0.001):
        with pytest.raises(nn.ArgumentError, match=f"{name}: time: expected a time from 0 to 3"):
            schedule(time, 3)
    with pytest.raises(nn.ArgumentError, match=f"{name}: time: expected a finite number"):
        schedule(np.nan, 3)
    with pytest.raises(nn.ArgumentError, match=f"{name}: total: expected a finite number above 0"):
        schedule(0, 0)
    with pytest.raises(nn.DTypeError, match=f"{name}: total: expected a finite number above 0"):
        schedule(0, None)  # type: ignore[arg-type]
    assert json.loads(json.dumps(schedule.settings()))["class"] == name


def test_a_schedule_of_ones_own_is_watched() -> None:
    class Below(nn.Schedule):
        def at(self, time: float, total: float) -> float:
            return total - 2 * time

    assert Below()(1, 3) == 1
    assert repr(Below()) == "Below()"
    with pytest.raises(nn.ArgumentError, match="Below: rate: expected a finite number from 0 up"):
        Below()(2, 3)


CONSTRUCTORS = [
    (lambda: nn.StepDecay(0, 1), "StepDecay: start: expected a finite number above 0"),
    (lambda: nn.StepDecay(1, 0), "StepDecay: every: expected a finite number above 0"),
    (lambda: nn.StepDecay(1, 1, 1), "StepDecay: factor: expected a number below 1, received 1.0"),
    (lambda: nn.StepDecay(1, 1, -1), "StepDecay: factor: expected a finite number from 0 to 1"),
    (lambda: nn.Cosine(-1), "Cosine: start: expected a finite number above 0, received -1.0"),
    (lambda: nn.Cosine(1, -1), "Cosine: final: expected a finite number from 0 up, received -1.0"),
    (lambda: nn.OneCycle("1"), "OneCycle: peak: expected a finite number above 0, received '1'"),
    (lambda: nn.OneCycle(1, 1.1), "OneCycle: warm_up: expected a finite number from 0 to 1"),
    (lambda: nn.OneCycle(1, 0.5, 0), "OneCycle: start_divisor: expected a finite number above 0"),
    (lambda: nn.OneCycle(1, 0.5, 2, 0), "OneCycle: final_divisor: expected a finite number above"),
    (lambda: nn.WarmUp(0, 1), "WarmUp: after: expected a finite number above 0, received 0.0"),
    (lambda: nn.WarmUp(nn.Cosine, 1), "WarmUp: after: expected a finite number above 0, received"),
    (lambda: nn.WarmUp(1, 0), "WarmUp: duration: expected a finite number above 0"),
    (lambda: nn.ReduceOnPlateau(0), "ReduceOnPlateau: start: expected a finite number above 0"),
    (lambda: nn.ReduceOnPlateau(1, 1), "ReduceOnPlateau: factor: expected a number below 1"),
    (lambda: nn.ReduceOnPlateau(1, patience=1.5), "ReduceOnPlateau: patience: expected a whole"),
    (lambda: nn.ReduceOnPlateau(1, threshold=-1), "ReduceOnPlateau: threshold: expected a finite"),
    (lambda: nn.ReduceOnPlateau(1, minimum=2), "ReduceOnPlateau: minimum: expected a finite number from 0 to 1"),
    (lambda: nn.ReduceOnPlateau(1, mode="low"), "ReduceOnPlateau: mode: expected one of 'min', 'max'"),
    (lambda: nn.ReduceOnPlateau(1).observe(np.nan), "ReduceOnPlateau.observe: value: expected a finite"),
    (lambda: nn.ReduceOnPlateau(1).observe([1]), "ReduceOnPlateau.observe: value: expected a finite"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), CONSTRUCTORS)
def test_mistakes(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(nn.ArgumentError, match=re.escape(message)):
        make()


STATES = [
    ({"current": np.array(0.0)}, "state['current']: expected a finite number from 0.1 to 1"),
    ({"best": np.array(np.nan)}, "state['best']: expected finite numbers"),
    ({"waited": np.array(-1)}, "state['waited']: expected a count of at least 0, received -1"),
    ({"observed": np.array(1.0)}, "state['observed']: expected the dtype int64"),
    ({"other": np.array(1.0)}, "state: expected the names best current observed waited, received"),
]


@pytest.mark.parametrize(("change", "message"), STATES)
def test_states_of_a_plateau(change: dict[str, Any], message: str) -> None:
    plateau = nn.ReduceOnPlateau(1.0, minimum=0.1)
    other = {"current": np.array(0.5), "waited": np.array(1), "observed": np.array(1)}
    with pytest.raises(nn.ArgumentError, match=re.escape(message)):
        plateau.load_state({**plateau.state(), **other, **change})
    assert plateau.state() == nn.ReduceOnPlateau(1.0, minimum=0.1).state()
