"""Signals during `ozon run`, whichever handler is set meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from include.ozon.pipeline.interruption import Interruption
from include.ozon_local.home import ROOT

SECONDS = 10

# With another handler, like Airflow's after its first task; the process reports when it is ready for a signal.
PROGRAM = """
import signal, sys, threading, time
from include.ozon.pipeline.interruption import Interruption

with Interruption() as interruption:
    {handler}
    print("ready", flush=True)
    interruption.happened.wait()
    print(interruption.name, interruption.exit_code, flush=True)
    {then}
"""


def start(handler: str, then: str) -> subprocess.Popen[str]:
    program = PROGRAM.format(handler=handler, then=then)
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_noted_and_the_handlers_are_restored(number: signal.Signals, exit_code: int) -> None:
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    acted = threading.Event()
    with Interruption() as interruption:
        assert (interruption.exit_code, interruption.name) == (0, "")
        interruption.on_first_signal(acted.set)
        os.kill(os.getpid(), number)
        assert interruption.happened.wait(SECONDS)
        assert acted.wait(SECONDS)
    assert (interruption.exit_code, interruption.name) == (exit_code, number.name)
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_signal_is_noted_despite_another_handler() -> None:
    process = start("signal.signal(signal.SIGTERM, lambda number, frame: None)", "")
    process.send_signal(signal.SIGTERM)
    assert line_of(process) == "SIGTERM 143"
    assert process.wait(SECONDS) == 0


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_the_process_at_once(second: signal.Signals) -> None:
    process = start("pass", "time.sleep(60)")
    process.send_signal(signal.SIGTERM)
    assert line_of(process) == "SIGTERM 143"
    process.send_signal(second)
    assert process.wait(SECONDS) == 128 + second


def test_a_handler_set_just_after_the_signal_still_receives_it() -> None:
    late = "received = threading.Event(); signal.signal(signal.SIGTERM, lambda number, frame: received.set()); "
    process = start("pass", f"{late}received.wait({SECONDS}); print(received.is_set(), flush=True)")
    process.send_signal(signal.SIGTERM)
    assert line_of(process) == "SIGTERM 143"
    assert line_of(process) == "True"
    assert process.wait(SECONDS) == 0, "its own repetition must not count as a second signal"
