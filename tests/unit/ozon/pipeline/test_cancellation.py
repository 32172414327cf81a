"""Signals while a component is running."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from include.ozon.errors import CancelledError
from include.ozon.pipeline import cancellation


@pytest.fixture(autouse=True)
def handlers_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(cancellation, "_process_was_cancelled", threading.Event())
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def work_until(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    time.sleep(30)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_cancels_and_the_second_ends_the_process(number: signal.Signals) -> None:
    handlers_of_a_second = []

    def work() -> None:
        try:
            work_until(number)
        finally:
            handlers_of_a_second.extend(map(signal.getsignal, (signal.SIGTERM, signal.SIGINT)))

    with pytest.raises(CancelledError, match=number.name), cancellation.cancellable():
        work()
    assert handlers_of_a_second == [signal.SIG_DFL, signal.SIG_DFL]


def test_a_component_restores_airflows_handlers() -> None:
    airflows = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with cancellation.cancellable():
        assert signal.getsignal(signal.SIGTERM) != airflows[0]
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == airflows


def test_a_cancelled_process_starts_no_other_account() -> None:
    with pytest.raises(CancelledError), cancellation.cancellable():
        work_until(signal.SIGTERM)

    with pytest.raises(CancelledError, match="before this task began"), cancellation.cancellable():
        pytest.fail("the next component was begun")
