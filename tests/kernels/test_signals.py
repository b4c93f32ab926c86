"""Signals that come while Numba is imported or compiles."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from typing import Any

import pytest

from neural_network.kernels.runtime import announcements
from neural_network.kernels.runtime.announcements import announcing
from neural_network.kernels.runtime.signals import held_signals
from tests.processes import HANGS, output_of

pytestmark = pytest.mark.usefixtures("ctrl_c")


def press(number: int = signal.SIGINT) -> None:
    signal.raise_signal(number)


@pytest.fixture
def heard() -> Any:
    """Signals whose handler, in Python, was called; that of SIGTERM raises."""
    numbers: list[int] = []

    def hear(number: int, frame: Any) -> None:
        assert frame is not None
        numbers.append(number)
        if number == signal.SIGTERM:
            raise TimeoutError

    before = [(number, signal.signal(number, hear)) for number in (signal.SIGINT, signal.SIGTERM)]
    yield numbers
    for number, handler in before:
        signal.signal(number, handler)


def test_ctrl_c_comes_at_the_end_of_the_block() -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt), held_signals() as signals:
        press()
        press()
        steps.append(signals.seconds_since(signal.SIGINT) > 0)
    assert steps == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with held_signals() as signals:  # it came once
        assert signals.seconds_since(signal.SIGINT) <= 0


def test_it_comes_after_an_error_in_the_block_too() -> None:
    with pytest.raises(KeyboardInterrupt) as caught, held_signals():
        press()
        raise ValueError
    assert isinstance(caught.value.__context__, ValueError)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_every_handler_runs_once_in_their_order(heard: list[int]) -> None:
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(TimeoutError), held_signals():
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGINT):
            press(number)
        assert heard == []
    assert heard == [signal.SIGTERM, signal.SIGINT]
    assert handlers == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))


def test_a_place_to_deliver_inside_the_block(heard: list[int]) -> None:
    with held_signals() as signals:
        press()
        signals.deliver()
        assert heard == [signal.SIGINT]
        press()
    assert heard == [signal.SIGINT] * 2


def test_a_block_inside_leaves_it_to_the_outer_one(heard: list[int]) -> None:
    with held_signals():
        with held_signals() as inner:
            press()
            inner.deliver()
        assert heard == []
    assert heard == [signal.SIGINT]


def test_what_listens_to_the_wakeup_descriptor_hears_of_it_once(heard: list[int]) -> None:
    """Asyncio does; its handler in Python does nothing."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        before = signal.set_wakeup_fd(theirs.fileno())
        try:
            with held_signals():
                press()
        finally:
            signal.set_wakeup_fd(before)
        assert ours.recv(100) == bytes([signal.SIGINT])
    assert heard == [signal.SIGINT]


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL])
def test_what_is_no_handler_in_python_stays(handler: Any) -> None:
    signal.signal(signal.SIGINT, handler)
    with held_signals():
        assert signal.getsignal(signal.SIGINT) is handler
        if handler is signal.SIG_IGN:
            press()


def test_another_thread_changes_nothing() -> None:
    found = []

    def run() -> None:
        with held_signals() as signals:
            found.append(signal.getsignal(signal.SIGINT))
            signals.deliver()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]


def test_a_signal_between_two_handlers_leaves_the_others_their_own(
    monkeypatch: pytest.MonkeyPatch, heard: list[int]
) -> None:
    """Of another signal, while the block begins, and while it ends."""
    set_handler = signal.signal

    def interrupted(number: int, handler: Any) -> Any:
        before = set_handler(number, handler)
        if number == signal.SIGINT:
            press(signal.SIGTERM)
        return before

    monkeypatch.setattr(signal, "signal", interrupted)
    with pytest.raises(TimeoutError), held_signals():
        pytest.fail("begun")  # SIGTERM is held after SIGINT
    monkeypatch.undo()
    press()
    assert heard == [signal.SIGTERM, signal.SIGTERM, signal.SIGINT]  # SIGINT was restored, too
    block = held_signals()
    block.__enter__()
    monkeypatch.setattr(signal, "signal", lambda *_: press(signal.SIGTERM))  # restores nothing
    with pytest.raises(TimeoutError):
        block.__exit__(None, None, None)
    monkeypatch.undo()
    press()
    assert heard[-1] == signal.SIGINT
    with held_signals():
        press()
        assert len([number for number in heard if number == signal.SIGINT]) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
def test_a_child_that_another_thread_forks_holds_nothing() -> None:
    code = """
import os, signal, threading
from neural_network.kernels.runtime.signals import held_signals
def fork():
    if (child := os.fork()) == 0:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            os._exit(7)
        os._exit(8)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
with held_signals():
    thread = threading.Thread(target=fork)
    thread.start()
    thread.join()
"""
    assert output_of(code) == "7\n"


@pytest.mark.parametrize("seconds", [0.0, 0.05])
def test_it_is_said_that_ctrl_c_waits(
    seconds: float, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(announcements, "SILENT", 0.04 if seconds else HANGS)
    monkeypatch.setattr(announcements, "POLL", 0.001)
    said = ""
    with (
        pytest.raises(KeyboardInterrupt),
        held_signals() as signals,
        announcing(lambda: False, signals),
    ):
        press()
        end = time.monotonic() + (HANGS if seconds else 0)
        while not said and time.monotonic() < end:
            time.sleep(0.001)
            said = capsys.readouterr().err
    assert said == ("neural_network: finishing the compilation first\n" if seconds else "")


# Ctrl-C at every thousandth call of a Python function, in the next attempt at every two-thousandth,
# and so on, until one attempt comes through. Whatever one breaks off, the next has to work.
OFTEN = """
import signal, sys
import numpy as np
import neural_network as nn
from neural_network.kernels.runtime.gate import kernel_wanted
X = np.ones(10, np.float32)
nn.use_kernels("numba")
signal.signal(signal.SIGINT, signal.default_int_handler)
calls = pressed = attempts = 0
def count(frame, event, argument):
    global calls, pressed
    if event == "call":
        calls += 1
        if calls % (1000 * attempts) == 0:
            pressed += 1
            signal.raise_signal(signal.SIGINT)
found = []
while not found:
    attempts += 1
    calls = 0
    try:
        sys.setprofile(count)
        kernel_wanted("finite check", 1e9, X)
        from neural_network.kernels.finite import all_finite
        found.append(all_finite(X))
        sys.setprofile(None)
    except KeyboardInterrupt:
        sys.setprofile(None)
assert pressed > 50 and attempts > 1, (pressed, attempts)
X[3] = np.nan
print(found, all_finite(X))
"""


@pytest.mark.slow
@pytest.mark.usefixtures("fast")
def test_ctrl_c_at_any_instant_leaves_kernels_that_compute(tmp_path: Any) -> None:
    for _ in range(2):  # compiled, then loaded
        assert output_of(OFTEN, NUMBA_CACHE_DIR=str(tmp_path)) == "[True] False\n"
