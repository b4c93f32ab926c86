"""The fuzzer: some of its cases, and that it finds what it is there for."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fuzz import kills
from fuzz.calls import unregistered
from fuzz.judging import UserError, judged, unexpected
from fuzz.odd import raising
from fuzz.pool import Limits, run_cases
from fuzz.report import Report
from fuzz.run import PARTS

import neural_network as nn
from neural_network.files import open_file
from neural_network.functional.op import all_samples
from neural_network.lifting import mapped
from tests.processes import ROOT

# Half a minute on an idle machine, all together; `make fuzz` draws others for an hour.
CASES = {"calls": 500, "mutations": 200, "command": 12}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "seed"), [("calls", 1), ("calls", 2), ("calls", 3), ("mutations", 1), ("command", 1)]
)
def test_no_fault_is_found(part: str, seed: int) -> None:
    report = run_cases(part, seed, 0, most=CASES[part])
    assert report.faults == []
    assert report.cases == CASES[part]


def test_every_part_has_a_share() -> None:
    assert all(share > 0 for share in PARTS.values())
    assert {f"{part}.py" for part in PARTS} <= {path.name for path in (ROOT / "fuzz").iterdir()}


def called(call: Any) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011  # of any class
        call()
    return caught.value


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        (lambda: nn.relu("text"), None),  # a sentence of the library's
        (nn.relu, None),  # Python's own, about the signature
        (lambda: nn.relu(1, wrong=2), None),
        (lambda: nn.load_arrays("/nowhere/file"), None),
        (lambda: nn.grad(raising)(1.0), None),  # of the caller's function
        (lambda: np.ones(2) @ np.ones(3), None),  # nothing of the library runs
        (lambda: nn.errors.refusal("f", {}, 3), "TypeError by accident"),
        (lambda: nn.errors.sentence("f", "x", "y"), None),
    ],
)
def test_what_is_a_fault(call: Any, fault: str | None) -> None:
    found = judged(called(call), "relu")
    assert (found or "").startswith(fault or "")
    assert (found is None) == (fault is None)


def no_argument() -> None:
    """Take no argument."""


def file_of_too_long_a_name() -> None:
    mapped(os.stat, ["x" * 300])  # as the library may have opened a file


@pytest.mark.parametrize(
    ("call", "given", "fault"),
    [
        (lambda: mapped(len, [1]), [], True),
        (lambda: mapped(len, [1]), [len], False),  # of a function written in C, which was passed
        (lambda: mapped(no_argument, [1]), [], True),
        (lambda: mapped(no_argument, [1]), [no_argument], False),
        (lambda: mapped(len, 3), [len], True),  # "object is not iterable" is no sentence of ours
        (lambda: mapped(nn.StepDecay(0.1, 1), [1]), [nn.StepDecay(0.1, 1)], False),
        # NumPy's own check of an argument, below the function that was handed in.
        (lambda: nn.grad(np.linalg.cholesky)(np.ones((2, 3))), [], False),
        (
            lambda: nn.numerical_gradient(1, 1, {"W": np.ones(2)}, nn.mse_loss, np.sum),
            [np.sum],
            False,
        ),
        (lambda: nn.numerical_gradient(1, 1, {"W": np.ones(2)}, nn.mse_loss, np.sum), [], True),
        (lambda: open_file("load", "x" * 300, "a file").seek(), [], False),
        (file_of_too_long_a_name, [], True),
    ],
)
def test_only_functions_that_were_passed_raise_as_they_like(
    call: Any, given: Any, fault: bool
) -> None:
    assert (judged(called(call), given=given) is not None) == fault


def test_warnings_of_numpy_pass_from_functions_of_numpy_only() -> None:
    with warnings.catch_warnings(record=True) as found, np.errstate(all="warn"):
        warnings.simplefilter("always")
        nn.functional.exp(1e300)
        mapped(np.exp, [1e300])
    assert [len(unexpected(found[:1], as_numpy=flag)) for flag in (False, True)] == [1, 0]
    assert [len(unexpected(found[1:], as_numpy=flag)) for flag in (False, True)] == [1, 1]


def test_long_and_empty_messages_are_faults() -> None:
    class Long(nn.NeuralNetworkError):
        __str__ = Exception.__str__

    assert "with 501 letters" in str(judged(Long("x" * 501)))
    assert "without a message" in str(judged(nn.ArgumentError("")))
    assert judged(UserError()) is None
    assert judged(nn.ArgumentError("x" * 9999)) is None
    assert len(str(nn.ArgumentError("x" * 9999))) == 500


PLANTED = """
import os, sys, time, warnings
from fuzz.worker import Outcome, note
def case(seed, number):
    note(f"case {number}")
    if number == 1: os.abort()
    if number == 2: print("stray")
    if number == 3: warnings.warn("odd", RuntimeWarning)
    if number == 4: time.sleep(99)
    if number == 5: return Outcome("fault", [("memory", taken())])
    return Outcome("returned", [])
def taken():
    try:
        bytearray(1 << 40)
    except MemoryError:
        return "no memory"
"""


def test_a_crash_a_hang_stray_output_and_warnings_are_reported(
    tmp_path: Path, monkeypatch: Any
) -> None:
    (tmp_path / "planted.py").write_text(PLANTED)
    monkeypatch.setattr("fuzz.__path__", [*sys.modules["fuzz"].__path__, str(tmp_path)])
    monkeypatch.setenv("FUZZ_PATH", str(tmp_path))
    report = run_cases("planted", 0, 0, most=7, limits=Limits(hangs=3))
    found = " | ".join(fault.text for fault in report.faults)
    for text in ("SIGABRT", "stray", "RuntimeWarning: odd", "over the time limit", "no memory"):
        assert text in found
    assert report.cases == 7
    assert len(report.faults) == 5
    assert report.faults[0].repeat.startswith("python -m fuzz.run planted --seed 0 --case ")


def test_a_lost_bit_is_noticed(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("unbroken", "broken")]
    for folder in folders:
        folder.mkdir()
        (folder / "log.csv").write_text("epoch,loss")
        (folder / "result.json").write_text("[1]")
    assert kills.compare(*folders) == []
    (folders[1] / "result.json").write_text("[2]")
    (folders[1] / ".half").write_text("")
    differs = kills.compare(*folders)
    assert differs[0] == "result.json differs"
    assert differs[1].startswith("left behind: .half")


def test_a_few_kills_lose_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fuzz.kills", "--kills", "3", "--seed", "1"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 trainings lost something" in done.stdout


def test_counts_are_kept_and_a_place_is_shown_once(capsys: Any) -> None:
    from fuzz.report import Fault

    report = Report(cases=3)
    for _ in range(2):
        report.add("place", Fault("text", "repeat"))
    assert report.places["place"] == 2
    assert capsys.readouterr().out.count("text") == 1
    assert report.summary() == "3 cases, 1 faults"


def test_what_a_case_registers_is_forgotten() -> None:
    with unregistered():
        nn.samples(nn.relu)(lambda _: 1.0)  # type: ignore[arg-type,return-value]  # an odd one
        nn.samples(len)(lambda _: [])
        nn.gradient(nn.relu, "Z")(lambda g: g)
        nn.op(lambda x: x)
        assert nn.grad(nn.relu)(-1.0) == 1
    assert nn.grad(nn.relu)(-1.0) == 0
    assert len not in all_samples()
    assert [*all_samples()[nn.relu](np.random.default_rng(0))]  # type: ignore[misc]  # it has some
